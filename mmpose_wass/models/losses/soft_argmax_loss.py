"""Coordinate losses on the barycentre of a heatmap (Sec. 6.5, Table 10)."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor

from mmpose_wass.ot import barycenter, softmax_map

from .softmax_heatmap_loss import SoftmaxHeatmapLoss

NORMS = ('l1', 'l2', 'smooth')


@MODELS.register_module()
class SoftArgmaxLoss(SoftmaxHeatmapLoss):
    r"""Distance of the barycentres of softmax(output / T) and of the target, in heatmap pixels.

    The barycentre of a softmax is the soft arg max of integral regression (Sun et al., 2018,
    arXiv 1711.08229). The loss leaves the map's shape open. The target's barycentre is the
    landmark wherever the target's Gaussian lies inside the map.

    The Wasserstein distance is never less than the ``'l2'`` distance of the barycentres, with
    equality where one map is the other one moved.

    Args:
        norm: Of the difference (dx, dy): ``'l1'`` is |dx| + |dy|, ``'l2'`` the Euclidean
            distance, ``'smooth'`` the sum of both axes' smooth L1.
        beta: Where ``'smooth'`` turns from quadratic to linear, in heatmap pixels.
        **kwargs: Arguments of :class:`SoftmaxHeatmapLoss`.

    Raises:
        ValueError: On an unknown norm or a beta that is not positive.

    Example:
        >>> logits, target = torch.full((2, 1, 1, 16, 16), -50.)
        >>> logits[..., 3, 4], target[..., 6, 8] = 50, 50
        >>> [round(SoftArgmaxLoss(norm)(logits, target.exp()).item(), 2) for norm in NORMS]
        [7.0, 5.0, 6.0]
    """

    def __init__(self, norm: str = 'l1', beta: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        if norm not in NORMS:
            raise ValueError(f'norm must be one of {NORMS}, got {norm!r}')
        if not beta > 0:
            raise ValueError(f'beta must be positive (heatmap pixels), got {beta}')
        self.norm = norm
        self.beta = beta

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        predicted, wanted = barycenter(softmax_map(logits)), barycenter(target)
        if self.norm == 'l1':
            return (predicted - wanted).abs().sum(dim=-1)
        if self.norm == 'l2':
            return torch.linalg.vector_norm(predicted - wanted, dim=-1)
        return F.smooth_l1_loss(predicted, wanted, reduction='none', beta=self.beta).sum(dim=-1)

    def extra_repr(self) -> str:
        return f'norm={self.norm!r}, beta={self.beta}, ' + super().extra_repr()
