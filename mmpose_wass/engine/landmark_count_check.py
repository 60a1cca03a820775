"""Compare the number of landmarks of a config's model with that of its data."""

from __future__ import annotations

from typing import Any, Iterator, Optional, Sequence, Tuple

from mmengine.config import Config
from mmpose.registry import DATASETS

from ..turning_on.config_walk import find_typed, type_name

#: Transforms after which a sample has the model's landmarks, whatever its annotation has.
_CONVERTING = ('KeypointConverter', 'ModelLandmarkLayout')
_WRAPPING = ('RepeatDataset', 'ConcatDataset', 'ClassBalancedDataset')


def check_landmark_counts(cfg: Config, splits: Sequence[str]) -> None:
    """Check that the model predicts as many landmarks as its data have.

    Otherwise training ends in an error about tensors' shapes, and a flip test in one about
    indices. Data sets that are converted in their pipeline, and models whose head says nothing of
    a number, are not judged.

    Args:
        cfg: The config.
        splits: Some of ``'train'``, ``'val'``, ``'test'``.

    Raises:
        ValueError: Naming both numbers, their fields, and what to set.
        KeyError: If a landmark scheme is not known.
    """
    head = cfg.model.get('head', None)
    outputs = (head or {}).get('out_channels', None) if isinstance(head, dict) else None
    if not isinstance(outputs, int):
        return
    for split in splits:
        loader = cfg.get(f'{split}_dataloader', None)
        if loader is None or _two_schemes(cfg.get(f'{split}_evaluator', None)):
            continue
        for path, kind, count in _counts(loader['dataset'], f'{split}_dataloader.dataset'):
            if count != outputs:
                raise ValueError(
                    f'model.head.out_channels = {outputs}, but {path} ({kind}) has {count} '
                    f'landmarks. If the data are right, set it: --cfg-options '
                    f'model.head.out_channels={count}. For a data set of another scheme than the '
                    "model's, train with ReducedFaceDataset or MMPose's KeypointConverter, and "
                    'test as in docs/cross_dataset.md')


def _counts(dataset: Any, path: str) -> Iterator[Tuple[str, str, int]]:
    """Place, class and number of landmarks of the data sets below a config, as the model gets
    them."""
    kind = type_name(dataset)
    if any(type_name(step) in _CONVERTING for _, step in find_typed(dataset)):
        return
    if kind in _WRAPPING:
        inner = dataset.get('datasets', None) or [dataset.get('dataset')]
        for place, one in enumerate(inner):
            name = f'datasets.{place}' if 'datasets' in dataset else 'dataset'
            yield from _counts(one, f'{path}.{name}')
        return
    count = _count(dataset)
    if count is not None:
        yield path, kind, count


def _count(dataset: dict) -> Optional[int]:
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    from ..landmarks import get_scheme, load_scheme_file
    if dataset.get('scheme'):
        if dataset.get('scheme_file'):
            load_scheme_file(dataset['scheme_file'])
        return get_scheme(dataset['scheme']).num_landmarks
    kind = DATASETS.get(dataset['type']) if isinstance(dataset['type'], str) else dataset['type']
    metainfo = dataset.get('metainfo') or getattr(kind, 'METAINFO', None)
    if not metainfo:
        return None
    return parse_pose_metainfo(dict(metainfo)).get('num_keypoints', None)


def _two_schemes(evaluator: Any) -> bool:
    return any(metric.get('common_landmarks', None) for _, metric in find_typed(evaluator))
