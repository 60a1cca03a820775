"""Heads that treat heatmaps as distributions."""

from .cpn_head import CPNHead
from .probability_heads import ProbabilityCPMHead, ProbabilityHeatmapHead

__all__ = ['CPNHead', 'ProbabilityCPMHead', 'ProbabilityHeatmapHead']
