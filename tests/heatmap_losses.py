"""Every heatmap loss that the package registers, for tests of what all of them promise."""
from __future__ import annotations

from typing import Dict

from mmpose.registry import MODELS

import mmpose_wass.models.losses

#: What those that cannot be built without arguments are given.
ARGUMENTS = dict(
    HardLandmarkLoss=dict(loss=dict(type='JSHeatmapLoss'), hard_landmarks=1),
    WeightedSumHeatmapLoss=dict(losses=dict(
        wasserstein=dict(type='WassersteinHeatmapLoss'), js=dict(type='JSHeatmapLoss'))))


def loss_configs() -> Dict[str, dict]:
    """Configs by name, from the registry: a new loss is in, or fails for want of arguments."""
    package = mmpose_wass.models.losses.__name__
    return {name: dict(type=name, **ARGUMENTS.get(name, {}))
            for name, kind in sorted(MODELS.module_dict.items())
            if kind.__module__.startswith(f'{package}.')}
