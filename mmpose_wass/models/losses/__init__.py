"""Heatmap losses on softmaxed maps."""

from .divergences import KLHeatmapLoss, SoftmaxMSEHeatmapLoss
from .softmax_heatmap_loss import SoftmaxHeatmapLoss
from .wasserstein_heatmap_loss import WassersteinHeatmapLoss
from .weighted_sum_heatmap_loss import WeightedSumHeatmapLoss

__all__ = [
    'KLHeatmapLoss', 'SoftmaxHeatmapLoss', 'SoftmaxMSEHeatmapLoss', 'WassersteinHeatmapLoss',
    'WeightedSumHeatmapLoss'
]
