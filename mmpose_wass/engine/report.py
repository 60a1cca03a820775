"""The metrics JSON of a test: numbers together with what they were measured on and with."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dist import get_world_size

from ..turning_on.config_walk import type_name
from .data_check import annotation_path, find_datasets
from .results import now, software_versions


def build_report(cfg: Config, metrics: dict[str, Any], records: list[dict], *, config: str,
                 checkpoint: str, checkpoint_says: dict, command: list[str]) -> dict:
    """Put together what ``tools/test.py --out`` writes.

    Args:
        cfg: The config as used.
        metrics: The evaluators' results, by name.
        records: The faces of :class:`PredictionsHook`.
        config: Name of the config file as given.
        checkpoint: Name of the checkpoint file as given.
        checkpoint_says: What the checkpoint says of itself (epoch, iteration, …).
        command: The command line.

    Returns:
        dict: ``metrics``, ``config``, ``checkpoint``, ``data``, ``versions``, ``date``,
        ``processes`` and ``command``.
    """
    local = os.path.abspath(checkpoint) if '://' not in checkpoint else checkpoint
    return dict(
        metrics=metrics,
        config=dict(
            file=config, head=type_name(cfg.model.get('head', None)),
            codec=(cfg.model.get('head', None) or {}).get('decoder', None),
            test_cfg=cfg.model.get('test_cfg', None), text=cfg.pretty_text),
        checkpoint=dict(file=local, **checkpoint_says),
        data=dict(
            sets=[dict(type=type_name(dataset), annotations=annotation_path(dataset))
                  for _, dataset in find_datasets(cfg, 'test')],
            **count_data(records)),
        processes=get_world_size(),
        versions=software_versions(),
        date=now(),
        command=' '.join(command))


def count_data(records: list[dict]) -> dict[str, int]:
    """Count what was tested on.

    Args:
        records: The faces of :class:`PredictionsHook`.

    Returns:
        dict[str, int]: ``images``, ``faces``, ``landmarks`` (all of them) and
        ``annotated_landmarks`` (those whose ground truth is marked visible).

    Examples:
        >>> count_data([dict(img_path='a.png', keypoints=np.zeros((3, 2)),
        ...                  ground_truth_visible=np.array([1, 0, 1]))])
        {'images': 1, 'faces': 1, 'landmarks': 3, 'annotated_landmarks': 2}
    """
    return dict(
        images=len({face['img_path'] for face in records}),
        faces=len(records),
        landmarks=sum(len(face['keypoints']) for face in records),
        annotated_landmarks=int(sum(
            np.count_nonzero(face.get('ground_truth_visible', ())) for face in records)))
