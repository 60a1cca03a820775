"""How a model is tested by a protocol: its own test pipeline and codec, and little beside."""
from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from mmengine.config import Config

from ..engine.cross_dataset import cross_dataset_settings, test_pipeline_of
from ..engine.results import plain
from ..engine.severity_curve import perturbed_dataloader
from ..turning_on.config_walk import find_typed
from .models import FaceModel
from .plan import Protocol


@dataclass(frozen=True)
class EvaluationSettings:
    """What MMEngine builds a test from.

    Attributes:
        dataloader (dict): Config of the data loader.
        metric (dict): Config of the ``FaceLandmarkMetric``; it writes no files yet.
        fp16 (bool): Whether the model runs in half precision.
    """
    dataloader: Dict[str, Any]
    metric: Dict[str, Any]
    fp16: bool


@dataclass(frozen=True)
class LoaderOptions:
    """How data are loaded; no result depends on it.

    Attributes:
        workers (int | None): Processes; None: as the config has it.
        batch_size (int | None): Faces in a batch; None: as the config has it.
    """
    workers: Optional[int] = None
    batch_size: Optional[int] = None


def make_evaluation_settings(model: FaceModel,
                             protocol: Protocol,
                             version: int = 1,
                             loading: Optional[LoaderOptions] = None) -> EvaluationSettings:
    """Put a protocol into a model's own test pipeline.

    Everything before the perturbation and after it stays as the model's config has it: crop, input
    size, codec, flip test. ``PackPoseInputs`` becomes ``PackFaceInputs``, which keeps what the
    metric needs; MMPose's own metrics are left out. Where the data are annotated in another
    landmark scheme, both meet at their common landmarks (:func:`cross_dataset_settings`).

    Args:
        model: The model.
        protocol: What to measure.
        version: Version of the perturbation protocol.
        loading: How to load.

    Returns:
        EvaluationSettings: The settings.

    Raises:
        KeyError: If the model's and the data's landmarks have nothing in common.
        ValueError: If the pipeline has no place for the perturbation, or does not fit.
    """
    cfg = model.cfg
    dataset = copy.deepcopy(protocol.test_set.config)
    if model.scheme is None and protocol.test_set.data != 'own':
        raise ValueError(f'the landmark scheme that {model.name} predicts is not known, so it is '
                         "tested on the own data alone. Describe it, see docs/cross_dataset.md: "
                         'the data set of train_dataloader tells it')
    if model.scheme is None or protocol.test_set.scheme == model.scheme:
        dataset.update(test_mode=True, pipeline=test_pipeline_of(cfg, 'auto'))
        metric = dict(protocol.test_set.metric, type='FaceLandmarkMetric')
        metric.pop('common_landmarks', None)
    else:
        metric = dict(protocol.test_set.metric)
        common = metric.pop('common_landmarks', None)
        settings = cross_dataset_settings(
            cfg, dataset, model_scheme=model.scheme, metric=metric, common_landmarks={
                name: value for name, value in (
                    common.items() if isinstance(common, Mapping) else ())
                if name in ('variant', 'subset')})
        dataset, metric = dict(settings.test_dataloader['dataset']), dict(settings.test_evaluator)
        for replaced in (dataset, metric):
            replaced.pop('_delete_', None)
    loader = _plain_loader(cfg, loading or LoaderOptions())
    loader['dataset'] = dataset
    if protocol.perturbation is not None:
        options = {}
        if protocol.perturbation == 'motion_blur':
            options['direction'] = protocol.direction
        loader = perturbed_dataloader(loader, protocol.perturbation, protocol.severity, version,
                                      **options)
    test_cfg = cfg.get('test_cfg', None) or {}
    return EvaluationSettings(loader, metric, bool(test_cfg.get('fp16', False)))


def _plain_loader(cfg: Config, loading: LoaderOptions) -> Dict[str, Any]:
    """The config's test loader without its data set."""
    source = cfg.get('test_dataloader', None) or cfg['val_dataloader']
    loader = {name: copy.deepcopy(value) for name, value in source.to_dict().items()
              if name != 'dataset'}
    loader['sampler'] = dict(type='DefaultSampler', shuffle=False, round_up=False)
    loader['drop_last'] = False
    if loading.batch_size is not None:
        loader['batch_size'] = loading.batch_size
    if loading.workers is not None:
        loader['num_workers'] = loading.workers
    if not loader.get('num_workers', 0):
        for name in ('persistent_workers', 'prefetch_factor'):
            loader.pop(name, None)
    return loader


def describe_settings(settings: EvaluationSettings) -> Dict[str, Any]:
    """What of the settings a result depends on, as JSON can hold it.

    Places of data are left out (their content counts), and so is how they are loaded.
    """
    dataset = plain(settings.dataloader['dataset'])
    for _, node in find_typed(dataset):
        node.pop('data_root', None)
    return dict(dataset=dataset, metric=plain(settings.metric), fp16=settings.fp16)
