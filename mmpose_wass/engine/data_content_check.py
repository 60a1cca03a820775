"""Look into the annotation and image files that a config reads, before anything long starts."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mmengine.config import Config
from mmpose.registry import DATASETS

from ..turning_on.config_walk import type_name
from .data_check import annotation_path, find_datasets, is_remote, join_path

_SHOWN = 3  # examples of each kind in a message
_THREADS = 8  # files on a network drive are waited for, not computed on
_FACES = 'mmpose.datasets.datasets.face'
#: Its annotations lie in other fields.
_NOT_CHECKED = 'CocoWholeBodyFaceDataset'
#: Fields of an annotation that MMPose's classes read, and otherwise end in a KeyError over.
_SQUARE = ('id', 'image_id', 'keypoints', 'num_keypoints', 'iscrowd', 'center', 'scale')
_FIELDS = dict(
    Face300WDataset=_SQUARE, Face300VWDataset=_SQUARE, WFLWDataset=_SQUARE, AFLWDataset=_SQUARE,
    BaseCocoStyleDataset=('id', 'image_id', 'keypoints', 'category_id', 'bbox'))
_OFF = '--no-data-check reads them as they are.'


def check_data_content(cfg: Config, splits: Sequence[str],
                       look_at_images: bool = True) -> List[str]:
    """Check the records of face data sets' annotation files, and both ends of their images.

    MMPose reads most faults without a word: of two annotations with one id it drops the first, a
    landmark that is not a number gets no target, an image in another orientation than its
    annotation is trained on. What it does stop at comes in the middle of an epoch.
    ``tools/prepare_data.py check`` looks closer, at every pixel.

    Args:
        cfg: The config.
        splits: Some of ``'train'``, ``'val'``, ``'test'``.
        look_at_images: Whether to open the images.

    Returns:
        list[str]: What was checked, and what is unusual but can be used, a line for each.

    Raises:
        ValueError: Naming files, fields and remedies, if something cannot be used.
    """
    errors: List[str] = []
    lines: List[str] = []
    seen = set()
    for split in splits:
        for path, dataset in find_datasets(cfg, split):
            if is_remote(dataset):
                continue
            folder = join_path(dataset.get('data_root', None),
                               (dataset.get('data_prefix', None) or {}).get('img', '') or '')
            key = (os.path.abspath(annotation_path(dataset)), os.path.abspath(folder or '.'),
                   type_name(dataset))
            if key in seen:
                continue
            seen.add(key)
            found = _check_dataset(path, dataset, folder, look_at_images)
            errors += found[0]
            lines += found[1]
    if errors:
        raise ValueError('\n'.join([
            'data that cannot be used:', *(f'  {line}' for line in errors),
            'Mend or leave out what is named; tools/prepare_data.py check FOLDER looks closer. '
            + _OFF]))
    return lines


def _check_dataset(path: str, dataset: dict, folder: str,
                   look_at_images: bool) -> Tuple[List[str], List[str]]:
    """Errors and further lines of one data set."""
    from ..datasets.preparation.check_annotations import ERROR, Findings, check_annotations
    name = annotation_path(dataset)
    content, problem = _read(name)
    if problem:
        return [f'{name} ({path}.ann_file): {problem}'], []
    kind = DATASETS.get(dataset['type']) if isinstance(dataset['type'], str) else dataset['type']
    if not _reads_faces(kind) or dataset.get('bbox_file'):
        return [], [f'{name}: its records are not checked ({type_name(dataset)})']
    findings = Findings()
    faces = check_annotations(name, content, findings)
    _check_fields(name, content, kind, findings)
    expected = _number_of_landmarks(kind, dataset)
    for count in sorted({len(face['points']) for face in faces}):
        if expected is not None and count != expected:
            wrong = [face for face in faces if len(face['points']) == count]
            for face in wrong:
                findings.add(ERROR, f'{count} landmarks in keypoints, but {path}.type '
                             f'{type_name(dataset)} has {expected}', name,
                             f'{face["file_name"]} (annotation {face["id"]})')
    files = [record['file_name'] for record in content['images']
             if isinstance(record.get('file_name'), str)]
    if look_at_images:
        sizes = {record['file_name']: (record.get('width'), record.get('height'))
                 for record in content['images'] if isinstance(record.get('file_name'), str)}
        _look_at_images(name, folder, sizes, findings)
    told = [f'{name}: {finding.kind}: {finding.count}, such as '
            f'{"; ".join(finding.examples[:_SHOWN])}' for finding in findings.list()]
    severe = [finding.severity == ERROR for finding in findings.list()]
    errors = [line for line, is_error in zip(told, severe) if is_error]
    lines = [f'warning: {line}' for line, is_error in zip(told, severe) if not is_error]
    looked = 'opened' if look_at_images else 'not opened'
    lines.append(f'{name}: {len(content["annotations"])} faces in {len(files)} images ({looked}) '
                 'checked')
    return errors, lines


def _read(name: str) -> Tuple[dict, Optional[str]]:
    """Content of an annotation file, or what is wrong with it."""
    if not os.path.getsize(name):
        return {}, 'the file is empty (0 bytes); write or copy it again'
    try:
        with open(name, encoding='utf-8') as file:
            content = json.load(file)
    except UnicodeDecodeError as error:
        return {}, f'is not encoded in UTF-8 ({error.reason} at byte {error.start}); convert it, ' \
                   'for example with iconv'
    except (json.JSONDecodeError, RecursionError) as error:
        return {}, f'is no JSON, it may be cut off ({error}); write or copy it again'
    for field in ('images', 'annotations'):
        if not isinstance(content, dict) or not isinstance(content.get(field), list) \
                or not all(isinstance(record, dict) for record in content[field]):
            return {}, f'has no list of records {field!r}; expected COCO\'s layout, as ' \
                       'tools/prepare_data.py writes it'
        if not content[field]:
            return {}, f'lists no {field}: the data set is empty'
    return content, None


def _reads_faces(kind: Any) -> bool:
    """Whether a data set's class reads annotations in the layout of MMPose's face data sets."""
    names = [(base.__module__, base.__name__) for base in getattr(kind, '__mro__', ())]
    return any(module.startswith(_FACES) for module, _ in names) and \
        _NOT_CHECKED not in [name for _, name in names]


def _check_fields(name: str, content: dict, kind: Any, findings: Any) -> None:
    """Note fields that are missing, and faces that MMPose leaves out."""
    from ..datasets.preparation.check_annotations import ERROR, WARNING
    fields = next(_FIELDS[base.__name__] for base in kind.__mro__ if base.__name__ in _FIELDS)
    for place, record in enumerate(content['annotations']):
        where = f'annotation {record.get("id", f"number {place + 1}")}'
        for field in fields:
            if field not in record:
                findings.add(ERROR, f'field {field!r} missing, which {kind.__name__} reads', name,
                             where)
        if record.get('iscrowd', 0) or not record.get('num_keypoints', 1):
            findings.add(WARNING, 'face that MMPose leaves out (iscrowd is set, or num_keypoints '
                         'is 0)', name, where)


def _number_of_landmarks(kind: Any, dataset: dict) -> Optional[int]:
    """K of a stock class; the plugin's own classes compare it with their scheme by themselves."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    if 'scheme' in dataset:
        return None
    metainfo = dataset.get('metainfo') or getattr(kind, 'METAINFO', None)
    return parse_pose_metainfo(dict(metainfo))['num_keypoints'] if metainfo else None


def _look_at_images(name: str, folder: str, sizes: Dict[str, tuple], findings: Any) -> None:
    """Note images that are missing, damaged, rotated, or of another size than listed."""
    from ..datasets.preparation.check_annotations import ERROR, WARNING
    from ..datasets.preparation.check_images import look_at_ends
    paths = {file: os.path.join(folder, file) if folder else file for file in sizes}
    with ThreadPoolExecutor(_THREADS) as pool:
        results = list(pool.map(look_at_ends, paths.values()))
    for file, result in zip(paths, results):
        if result.problem:
            findings.add(ERROR, f'image {result.problem}', name, f'{paths[file]} ({result.detail})')
        elif None not in sizes[file] and sizes[file] not in (
                result.size, result.size[::-1] if result.rotated else result.size):
            # Landmarks count pixels: a file of another size is a copy that was scaled.
            findings.add(ERROR, 'image of another size than its width and height say', name,
                         f'{paths[file]}: {result.size}, said: {sizes[file]}')
        if result.rotated:
            findings.add(WARNING, 'image with an EXIF rotation, which MMPose applies and '
                         'annotations seldom know', name, paths[file])
