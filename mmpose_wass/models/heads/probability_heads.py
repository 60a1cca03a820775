"""MMPose's heatmap heads with :class:`ProbabilityHeadMixin`."""
from __future__ import annotations

from mmpose.models.heads import CPMHead, HeatmapHead
from mmpose.registry import MODELS

from .probability_mixin import ProbabilityHeadMixin


@MODELS.register_module()
class ProbabilityHeatmapHead(ProbabilityHeadMixin, HeatmapHead):
    """``HeatmapHead`` for maps that are distributions; the arguments are its own."""


@MODELS.register_module()
class ProbabilityCPMHead(ProbabilityHeadMixin, CPMHead):
    """``CPMHead`` (several stages) for maps that are distributions; the arguments are its own.

    ``loss`` is one loss for all stages or a list with one a stage.
    """
