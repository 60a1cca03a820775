"""Heatmap losses on softmaxed maps."""

from .divergences import KLHeatmapLoss, SoftmaxMSEHeatmapLoss
from .hard_landmark_loss import HardLandmarkLoss
from .jensen_shannon_loss import JSHeatmapLoss
from .soft_argmax_loss import SoftArgmaxLoss
from .softmax_heatmap_loss import SoftmaxHeatmapLoss
from .star_loss import STARHeatmapLoss
from .wasserstein_heatmap_loss import WassersteinHeatmapLoss
from .weighted_sum_heatmap_loss import WeightedSumHeatmapLoss

__all__ = [
    'HardLandmarkLoss', 'JSHeatmapLoss', 'KLHeatmapLoss', 'STARHeatmapLoss', 'SoftArgmaxLoss',
    'SoftmaxHeatmapLoss', 'SoftmaxMSEHeatmapLoss', 'WassersteinHeatmapLoss',
    'WeightedSumHeatmapLoss'
]
