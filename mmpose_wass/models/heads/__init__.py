"""Heads that treat heatmaps as distributions."""

from .probability_heads import ProbabilityCPMHead, ProbabilityHeatmapHead

__all__ = ['ProbabilityCPMHead', 'ProbabilityHeatmapHead']
