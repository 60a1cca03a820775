"""Add the face metrics beside MMPose's own in a config's evaluators."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.config import Config, ConfigDict

from .config_walk import find_typed, type_name

EVALUATORS = dict(val_evaluator='val_dataloader', test_evaluator='test_dataloader')
_FACE_PACKAGES = ('mmpose.datasets.datasets.face', 'mmpose_wass')


def attach_metrics(cfg: Config, metric: dict | None = None, save_best: bool = False) -> Config:
    """Add :class:`FaceLandmarkMetric` beside the metrics of a face config.

    Works on every kind of model (heatmap, SimCC, regression): metrics look only at landmarks.
    Evaluators may be a dictionary, a list, or a ``MultiDatasetEvaluator``. An evaluator that has
    a ``FaceLandmarkMetric`` already keeps it.

    Args:
        cfg: A config on face data. It is not changed.
        metric: Further arguments of ``FaceLandmarkMetric``.
        save_best: Whether the best checkpoint is chosen by ``face/NME`` from now on.

    Returns:
        Config: A new config.

    Raises:
        ValueError: If the config has no evaluator for face data.
    """
    after = copy.deepcopy(cfg)
    if not has_face_data(after):
        raise ValueError(
            'found no face data set in val_dataloader or test_dataloader: FaceLandmarkMetric is '
            'for face landmarks (data sets of mmpose.datasets.datasets.face or of mmpose_wass).')
    add_face_metric(after, metric)
    if save_best:
        save_best_by_face_metric(after)
    add_custom_import(after)
    return after


def add_custom_import(cfg: Config) -> None:
    """Have the config import ``mmpose_wass``, so that it works alone (in place)."""
    custom = dict(cfg.get('custom_imports', None) or dict(imports=[]))
    imports = custom.get('imports', [])
    imports = [imports] if isinstance(imports, str) else list(imports or [])
    if 'mmpose_wass' not in imports:
        imports.append('mmpose_wass')
    custom['imports'] = imports
    custom.setdefault('allow_failed_imports', False)
    cfg['custom_imports'] = custom


def has_face_data(cfg: Config) -> bool:
    """Tell whether the data that a config evaluates on are faces.

    True for the data sets of MMPose's face package and of this plugin, and for classes that come
    from neither MMPose nor this plugin where the config asks for ``NME``.
    """
    from mmpose.registry import DATASETS
    for loader in EVALUATORS.values():
        for _, node in find_typed(cfg.get(loader, None) or {}):
            name = type_name(node)
            found = DATASETS.get(name) if name.endswith('Dataset') else None
            if found is None:
                continue
            modules = [parent.__module__ for parent in found.__mro__]
            if any(module.startswith(_FACE_PACKAGES) for module in modules):
                return True
            if not found.__module__.startswith(('mmpose.', 'mmengine.')) and any(
                    type_name(one) == 'NME' for key in EVALUATORS
                    for _, one in find_typed(cfg.get(key, None) or {}, key)):
                return True
    return False


def add_face_metric(cfg: Config, metric: dict | None = None) -> None:
    """Append ``FaceLandmarkMetric`` to each evaluator of a config (in place)."""
    for key in EVALUATORS:
        evaluator = cfg.get(key, None)
        if evaluator is not None and any(True for _ in find_typed(evaluator)):
            cfg[key] = _with_face_metric(evaluator, metric or {})


def _face_metric(nme: dict | None, metric: dict) -> dict:
    """Return the metric's config; eye pair and prefix follow an ``NME`` that sets them."""
    config = ConfigDict(type='FaceLandmarkMetric')
    if nme is not None:
        # What MMPose's config sets by hand holds for this metric too; what it leaves to defaults
        # is left to FaceLandmarkMetric's table, which knows more data sets than NME's.
        if nme.get('keypoint_indices', None) is not None:
            config.update(
                norm_mode='keypoint_distance', keypoint_indices=list(nme['keypoint_indices']))
        if nme.get('prefix', None):
            config['prefix'] = f'{nme["prefix"]}/face'
        if nme.get('collect_device', None):
            config['collect_device'] = nme['collect_device']
    config.update(metric)
    return config


def _with_face_metric(evaluator: Any, metric: dict) -> Any:
    if any(type_name(node) == 'FaceLandmarkMetric' for _, node in find_typed(evaluator)):
        return evaluator
    if isinstance(evaluator, (list, tuple)):
        nme = next((one for one in evaluator if type_name(one) == 'NME'), None)
        return [*evaluator, _face_metric(nme, metric)]
    if 'metrics' not in evaluator:
        nme = evaluator if type_name(evaluator) == 'NME' else None
        return [evaluator, _face_metric(nme, metric)]
    metrics = evaluator['metrics']
    metrics = [metrics] if isinstance(metrics, dict) else list(metrics)
    if 'datasets' in evaluator:
        # MultiDatasetEvaluator keys its metrics by data set and keeps the last one of each: a
        # second metric for the same data would silently take the first one's place.
        raise ValueError(
            'MultiDatasetEvaluator holds one metric for each data set and drops any further one '
            'without a word, so FaceLandmarkMetric cannot stand beside NME in it. Put '
            "dict(type='FaceLandmarkMetric') in NME's place, test the data sets one by one, or "
            'leave the metrics as they are (metric=False; --no-metrics in the tools).')
    nme = next((one for one in metrics if type_name(one) == 'NME'), None)
    evaluator['metrics'] = [*metrics, _face_metric(nme, metric)]
    return evaluator


def save_best_by_face_metric(cfg: Config) -> str | None:
    """Choose the best checkpoint by the face metric's NME (in place).

    Returns:
        str | None: The name, ``'face/NME'`` unless the metric has another prefix; ``None`` where
        the config has no such metric for validation.
    """
    found = [node for _, node in find_typed(cfg.get('val_evaluator', None) or {})
             if type_name(node) == 'FaceLandmarkMetric']
    if not found:
        return None
    name = f'{found[0].get("prefix", None) or "face"}/NME'
    hooks = cfg.get('default_hooks', None)
    if hooks is None:
        cfg['default_hooks'] = dict()
        hooks = cfg['default_hooks']
    checkpoint = hooks.get('checkpoint', None)
    if checkpoint is None:
        hooks['checkpoint'] = dict(type='CheckpointHook', interval=1)
        checkpoint = hooks['checkpoint']
    checkpoint['save_best'] = name
    checkpoint['rule'] = 'less'
    return name
