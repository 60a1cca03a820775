"""Pixel-wise distances between distributions: they see values, not where these lie."""
from __future__ import annotations

import torch
from mmpose.registry import MODELS
from torch import Tensor

from mmpose_wass.ot import log_softmax_map, softmax_map

from .softmax_heatmap_loss import SoftmaxHeatmapLoss


@MODELS.register_module()
class KLHeatmapLoss(SoftmaxHeatmapLoss):
    r"""Kullback-Leibler divergence :math:`\sum_x q(x) \log (q(x) / p(x))` in nats.

    Its gradient with respect to the logits is p - q, which does not fade where p is tiny: from
    random weights it pulls where the Wasserstein loss hardly does. Arguments as
    :class:`SoftmaxHeatmapLoss`.

    Example:
        >>> loss = KLHeatmapLoss()
        >>> target = torch.eye(4).view(1, 1, 4, 4)
        >>> round(loss(torch.zeros(1, 1, 4, 4), target).item(), 4)  # log 16 - log 4
        1.3863
    """

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = log_softmax_map(logits)
        # Pixels without target mass add 0, also outside the mask, where log p is -inf.
        log_p = torch.where(target > 0, log_p, 0.0)
        return (torch.xlogy(target, target) - target * log_p).sum(dim=(1, 2))


@MODELS.register_module()
class SoftmaxMSEHeatmapLoss(SoftmaxHeatmapLoss):
    r"""Mean square difference :math:`\frac{1}{HW} \sum_x ((p(x) - q(x)) / \max q)^2`.

    Dividing by the target's peak gives it the scale that ``KeypointMSELoss`` has with targets
    of peak 1, for every sigma. Arguments as :class:`SoftmaxHeatmapLoss`.

    Example:
        >>> loss = SoftmaxMSEHeatmapLoss()
        >>> target = torch.zeros(1, 1, 4, 4)
        >>> target[..., 0] = 2.
        >>> loss(target.log(), target).item()
        0.0
    """

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        peak = target.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(target.dtype).tiny)
        return ((softmax_map(logits) - target) / peak).square().mean(dim=(1, 2))
