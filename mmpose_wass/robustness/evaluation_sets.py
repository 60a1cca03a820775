"""The test sets that a report can use, and whether their files are there."""
from __future__ import annotations

import copy
import json
import os
import os.path as osp
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from mmengine.config import Config

from ..engine.cross_dataset import scheme_of
from ..engine.data_check import annotation_path
from ..turning_on.config_walk import find_typed, type_name
from .hashing import file_hash

#: Data sets whose samples can know their neighbouring frames.
VIDEO_TYPES = ('VideoFaceDataset', 'Face300VWDataset')
#: Wrappers whose members are tested one by one.
_WRAPPERS = ('NamedTestSets', 'CombinedDataset', 'ConcatDataset')
#: Which set of a video data set is blurred, where it has it: the paper's (Table 9).
_BLURRED = 'scenario_3'


@dataclass(frozen=True)
class EvaluationSet:
    """One annotated set of faces.

    Attributes:
        data (str): The data set it is of, such as ``'300vw'``; ``'own'`` for what the first
            model's config tests on.
        name (str): Its name there, such as ``'scenario_3'``.
        config (dict): Of MMPose's data set class, without pipeline.
        metric (dict): Arguments of the ``FaceLandmarkMetric`` that all models are measured with.
    """
    data: str
    name: str
    config: Dict[str, Any]
    metric: Dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What to call it in a report."""
        return self.name if self.data == 'own' else f'{self.data}, {self.name}'

    @property
    def annotations(self) -> str:
        """Path of the annotation file."""
        return annotation_path(self.config)

    @property
    def image_folder(self) -> str:
        """Folder of the images."""
        prefix = (self.config.get('data_prefix') or {}).get('img', '')
        return osp.join(self.config.get('data_root') or '', prefix)

    @cached_property
    def scheme(self) -> str:
        """Landmark scheme that it is annotated in.

        Raises:
            ValueError: If its config does not tell.
        """
        return scheme_of(self.config)

    @property
    def is_video(self) -> bool:
        """Whether samples are frames that can know their neighbours."""
        return type_name(self.config) in VIDEO_TYPES

    def problem(self) -> Optional[str]:
        """Why it cannot be used, in words; None if it can."""
        if not osp.isfile(self.annotations):
            return f'its annotation file {self.annotations} is not there'
        try:
            names = list_images(self.annotations)
        except (ValueError, KeyError, TypeError) as error:
            return f'its annotation file {self.annotations} cannot be read ({error})'
        missing = [name for name in names if not osp.isfile(osp.join(self.image_folder, name))]
        if missing:
            return (f'{len(missing)} of its {len(names)} images are not there, the first is '
                    f'{osp.join(self.image_folder, missing[0])}')
        return None


@dataclass
class DataSet:
    """Test sets that belong together.

    Attributes:
        name (str): Its name.
        test_sets (dict[str, EvaluationSet]): By name.
        unions (dict[str, tuple[str, ...]]): Names under which several are reported together.
    """
    name: str
    test_sets: Dict[str, EvaluationSet]
    unions: Dict[str, Tuple[str, ...]] = field(default_factory=dict)


@lru_cache(maxsize=64)
def _read_images(path: str, _hash: str) -> Tuple[Tuple[str, ...], int]:
    with open(path, encoding='utf-8') as file:
        content = json.load(file)
    names = tuple(str(image['file_name']) for image in content['images'])
    return names, len(content['annotations'])


def list_images(annotations: str) -> Tuple[str, ...]:
    """Names of the images that an annotation file lists.

    Raises:
        ValueError: If it is no JSON.
        KeyError: If it is no COCO-style annotation file.
    """
    return _read_images(annotations, file_hash(annotations))[0]


def count_faces(annotations: str) -> int:
    """Number of annotations in a file."""
    return _read_images(annotations, file_hash(annotations))[1]


def images_fingerprint(test_set: EvaluationSet) -> List[Tuple[str, int]]:
    """Names and sizes in bytes of all images: cheap, and other files have other sizes."""
    folder = test_set.image_folder
    return [(name, os.stat(osp.join(folder, name)).st_size)
            for name in list_images(test_set.annotations)]


def own_data(cfg: Config) -> DataSet:
    """What a model's config tests on.

    Args:
        cfg: The config, with ``test_dataloader`` or ``val_dataloader``.

    Returns:
        DataSet: Named ``'own'``; test sets are called like their annotation files, or as
        ``NamedTestSets`` calls them.

    Raises:
        ValueError: If there is no data loader, its data set cannot be told apart, or it takes
            boxes from a ``bbox_file``.
    """
    key = next((key for key in ('test_dataloader', 'val_dataloader') if cfg.get(key)), None)
    if key is None:
        raise ValueError(f'config {cfg.filename}: has neither test_dataloader nor val_dataloader, '
                         'so there is nothing to test on')
    refuse_bbox_file(cfg)
    dataset = cfg[key]['dataset']
    if dataset.get('ann_file'):
        members = {_stem(dataset): dataset}
    elif type_name(dataset) in _WRAPPERS:
        listed = dataset['datasets']
        members = (dict(listed) if isinstance(listed, Mapping)
                   else {_stem(member): member for member in listed})
    else:
        raise ValueError(f'config {cfg.filename}: {key}.dataset is a {type_name(dataset)}; the '
                         'report needs a data set with ann_file, or one of '
                         f'{", ".join(_WRAPPERS)} of such')
    evaluator = cfg.get('test_evaluator', None)
    unions = evaluator.get('unions', None) if isinstance(evaluator, Mapping) else None
    metric = metric_arguments(cfg)
    return DataSet(
        'own', {name: EvaluationSet('own', name, _bare(config), metric)
                for name, config in members.items()},
        {name: tuple(names) for name, names in (unions or {}).items()})


def metric_arguments(cfg: Config) -> Dict[str, Any]:
    """Arguments of the config's own ``FaceLandmarkMetric``, if it has one; it writes no files."""
    for key in ('test_evaluator', 'val_evaluator'):
        for _, node in find_typed(cfg.get(key, None) or {}):
            if type_name(node) == 'FaceLandmarkMetric':
                found = node.to_dict() if hasattr(node, 'to_dict') else dict(node)
                return {name: copy.deepcopy(value) for name, value in found.items()
                        if name not in ('type', 'outfile_prefix', 'prefix')}
    return {}


def refuse_bbox_file(cfg: Config) -> None:
    """Refuse a config whose test data take their boxes from a ``bbox_file``.

    Raises:
        ValueError: Naming the field and what to do instead.
    """
    for key in ('test_dataloader', 'val_dataloader'):
        for path, node in find_typed(cfg.get(key, None) or {}, key):
            if node.get('bbox_file'):
                raise ValueError(
                    f'config {cfg.filename}: {path}.bbox_file={node["bbox_file"]!r} is refused. '
                    'With it MMPose replaces the annotated landmarks by zeros, so that no error '
                    'can be measured, and faces that the detector missed are left out silently. '
                    'Set it to None, and hand the detected boxes over with --boxes FILE.json: they '
                    'are matched to the annotated faces, and misses count as failures')


def read_data_files(files: Sequence[str], folder: Optional[str] = None) -> Dict[str, DataSet]:
    """Read data sets from config files like those in ``configs/face/_base_/datasets``.

    Args:
        files: Config files with entries ``data_NAME``, each
            ``dict(test_sets=dict(name=<data set>, ...), unions=dict(name=[names]))``. Of two
            entries of one name the later one counts.
        folder: Where the data lie: replaces the first part of each ``data_root`` (``data/300w/``
            becomes ``FOLDER/300w/``).

    Returns:
        dict[str, DataSet]: By name.

    Raises:
        ValueError: If a file has no such entry.
    """
    found: Dict[str, DataSet] = {}
    for file in files:
        content = Config.fromfile(file)
        entries = {key[len('data_'):]: value for key, value in content.items()
                   if key.startswith('data_') and isinstance(value, Mapping)
                   and value.get('test_sets')}
        if not entries:
            raise ValueError(f'{file}: has no entry data_NAME = dict(test_sets=dict(...)), see '
                             'configs/face/_base_/datasets')
        for name, entry in entries.items():
            test_sets = {}
            for set_name, config in entry['test_sets'].items():
                config = _bare(config)
                if folder and not osp.isabs(config.get('data_root') or ''):
                    parts = osp.normpath(config.get('data_root') or name).split(os.sep)
                    config['data_root'] = osp.join(folder, *(parts[1:] or parts))
                test_sets[set_name] = EvaluationSet(name, set_name, config)
            found[name] = DataSet(name, test_sets, {
                union: tuple(members) for union, members in (entry.get('unions') or {}).items()})
    return found


def choose_video(own: DataSet, others: Mapping[str, DataSet]) -> Optional[EvaluationSet]:
    """The test set to blur along the motion of its frames, if its files are there.

    The model's own test data if they are frames of videos, else the third scenario of the first
    video data set (Table 9 of the paper), or what it has instead.
    """
    for data in (own, *others.values()):
        frames = [one for one in data.test_sets.values()
                  if one.is_video and one.problem() is None]
        frames.sort(key=lambda one: one.name != _BLURRED)
        if frames:
            return frames[0]
    return None


def _stem(dataset: Mapping[str, Any]) -> str:
    return osp.splitext(osp.basename(str(dataset.get('ann_file', 'test'))))[0]


def _bare(config: Mapping[str, Any]) -> Dict[str, Any]:
    """The data set itself, without what belongs to a model or a run."""
    plain = config.to_dict() if hasattr(config, 'to_dict') else dict(config)
    return {key: copy.deepcopy(value) for key, value in plain.items()
            if key not in ('pipeline', 'indices', 'test_mode')}
