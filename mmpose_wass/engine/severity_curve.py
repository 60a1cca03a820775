"""Measure a model against the severity of a perturbation."""
from __future__ import annotations

import copy
from typing import Any, Dict, Optional

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner, load_checkpoint
from mmengine.utils import track_iter_progress
from mmpose.registry import MODELS

from ..datasets.perturbations import insert_perturbation, perturbation_config
from ..turning_on.config_walk import find_typed, type_name
from .checkpoint import safe_loading

#: Data sets whose annotations VideoFaceDataset reads.
_VIDEO_TYPES = ('Face300WDataset', 'Face300VWDataset')


def perturbed_dataloader(dataloader: dict, perturbation: str, severity: float, version: int = 1,
                         **options: Any) -> dict:
    """Config of a data loader whose pipelines perturb each image before they crop it.

    For motion blur along the motion of the frames, data sets in 300W's and 300VW's layout become
    ``VideoFaceDataset``.

    Args:
        dataloader: Config of the loader; not changed.
        perturbation: See ``perturbation_config``.
        severity: Severity; 0 leaves the pipelines alone.
        version: Version of the protocol.
        **options: More arguments of the transform.

    Returns:
        dict: The config.

    Raises:
        ValueError: If no pipeline of the loader crops a face.
    """
    loader = copy.deepcopy(dict(dataloader))
    if severity == 0:
        return loader
    transform = perturbation_config(perturbation, severity, version, **options)
    found = 0
    for _, dataset in find_typed(loader['dataset']):
        steps = dataset.get('pipeline') or []
        if any(type_name(step) == 'TopdownAffine' for step in steps):
            dataset['pipeline'] = insert_perturbation(steps, transform)
            found += 1
        if (perturbation == 'motion_blur' and options.get('direction', 'motion') == 'motion'
                and type_name(dataset) in _VIDEO_TYPES):
            dataset['type'] = 'VideoFaceDataset'
    if not found:
        raise ValueError('no pipeline of the data loader holds TopdownAffine, before which '
                         f'{transform["type"]} belongs')
    return loader


def load_model(cfg: Config, checkpoint: str, device: str = 'cpu') -> torch.nn.Module:
    """Build a config's model with the weights of a checkpoint, ready to test."""
    model_cfg = copy.deepcopy(cfg.model)
    if model_cfg.get('backbone', {}).get('init_cfg'):
        model_cfg.backbone.init_cfg = None  # the checkpoint has all weights
    model = MODELS.build(model_cfg)
    with safe_loading():
        load_checkpoint(model, checkpoint, map_location='cpu')
    return model.to(device).eval()


def evaluate_model(model: torch.nn.Module, dataloader: dict,
                   metric: Optional[dict] = None, progress: bool = True) -> Dict[str, float]:
    """Test a model on a data loader.

    Args:
        model: From :func:`load_model`.
        dataloader: Config of the loader.
        metric: Config of the metric. Default: ``FaceLandmarkMetric``.
        progress: Whether to show a progress bar.

    Returns:
        dict[str, float]: The measures by name, such as ``face/NME`` in per cent.
    """
    loader = Runner.build_dataloader(dataloader, seed=0)
    evaluator = Evaluator([copy.deepcopy(metric) if metric else dict(type='FaceLandmarkMetric')])
    evaluator.dataset_meta = loader.dataset.metainfo
    batches = track_iter_progress((iter(loader), len(loader))) if progress else loader
    with torch.no_grad():
        for batch in batches:
            evaluator.process(data_samples=model.test_step(batch), data_batch=batch)
    if progress:
        print()
    return {name: float(value) for name, value in evaluator.evaluate(len(loader.dataset)).items()}
