"""STAR: a coordinate loss that forgives errors along a map's ambiguous direction."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor

from mmpose_wass.ot import barycenter, map_covariance, softmax_map

from .softmax_heatmap_loss import SoftmaxHeatmapLoss

NORMS = ('l1', 'smooth')


@MODELS.register_module()
class STARHeatmapLoss(SoftmaxHeatmapLoss):
    r"""Self-adaptive ambiguity reduction (Zhou et al., CVPR 2023, arXiv 2306.02763).

    The error of the barycentre is split along the principal axes :math:`v_i` of the predicted
    distribution, and each part is divided by that axis' standard deviation, so that errors along
    a direction in which the landmark is ill defined (along the jaw) count less. The variances
    themselves are kept down:

    .. math:: \sum_i \frac{d(v_i^T e)}{\sqrt{\lambda_i}} + w \sum_i \lambda_i

    Coordinates are fractions of the map's sides, so the value is no number of pixels. The axes
    are taken as constants; :math:`\lambda_i = v_i^T \Sigma v_i` then has its exact derivative,
    also where both variances are equal and the axes are not defined. The edge and point heatmaps
    that STAR's network learns besides are no part of this loss.

    Args:
        norm: d: ``'l1'`` or ``'smooth'`` (smooth L1).
        beta: Where ``'smooth'`` turns from quadratic to linear, a fraction of the map's side.
        restriction_weight: w, 1 in STAR.
        **kwargs: Arguments of :class:`SoftmaxHeatmapLoss`.

    Raises:
        ValueError: On an unknown norm, a beta that is not positive or a negative weight.

    Example:
        >>> target = torch.zeros(1, 1, 16, 16)
        >>> target[..., 6, 8] = 1
        >>> flat, sharp = torch.zeros(1, 1, 16, 16), 50 * target
        >>> loss = STARHeatmapLoss()
        >>> bool(loss(sharp, target) < loss(flat, target))
        True
    """

    def __init__(self,
                 norm: str = 'smooth',
                 beta: float = 0.01,
                 restriction_weight: float = 1.0,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        if norm not in NORMS:
            raise ValueError(f'norm must be one of {NORMS}, got {norm!r}')
        if not beta > 0:
            raise ValueError(f"beta must be positive (fraction of the map's side), got {beta}")
        if not restriction_weight >= 0:
            raise ValueError(f'restriction_weight must not be negative, got {restriction_weight}')
        self.norm = norm
        self.beta = beta
        self.restriction_weight = restriction_weight

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        p = softmax_map(logits)
        width, height = (max(side - 1, 1) for side in (p.shape[-1], p.shape[-2]))
        x, y = (barycenter(target) - barycenter(p)).unbind(dim=-1)
        x, y = x / width, y / height
        (xx, xy), (_, yy) = (row.unbind(dim=-1) for row in map_covariance(p).unbind(dim=-2))
        xx, xy, yy = xx / width**2, xy / (width * height), yy / height**2
        # The first principal axis' angle; a library's eigenvectors would wait for the device.
        angle = .5 * torch.atan2(2 * xy, xx - yy).detach()
        cosine, sine = angle.cos(), angle.sin()
        # A map of a single pixel has no spread: a hundredth of a pixel then stands for it.
        smallest = (0.01 / max(width, height))**2
        total = torch.zeros_like(x)
        for u, v in ((cosine, sine), (-sine, cosine)):
            variance = u * u * xx + 2 * u * v * xy + v * v * yy
            along = u * x + v * y
            size = along.abs() if self.norm == 'l1' else F.smooth_l1_loss(
                along, torch.zeros_like(along), reduction='none', beta=self.beta)
            scaled = size / variance.clamp_min(smallest).sqrt()
            total = total + scaled + self.restriction_weight * variance
        return total

    def extra_repr(self) -> str:
        return (f'norm={self.norm!r}, beta={self.beta}, '
                f'restriction_weight={self.restriction_weight}, ' + super().extra_repr())
