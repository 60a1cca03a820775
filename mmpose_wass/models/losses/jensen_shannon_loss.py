"""Jensen-Shannon divergence between heatmaps (Sec. 6.5, Table 10)."""
from __future__ import annotations

import math

import torch
from mmpose.registry import MODELS
from torch import Tensor

from mmpose_wass.ot import log_softmax_map

from .softmax_heatmap_loss import SoftmaxHeatmapLoss


@MODELS.register_module()
class JSHeatmapLoss(SoftmaxHeatmapLoss):
    r"""Jensen-Shannon divergence
    :math:`\tfrac12 \mathrm{KL}(p \| m) + \tfrac12 \mathrm{KL}(q \| m), m = (p + q) / 2`, in nats.

    It lies between 0 and log 2, which it reaches where the maps do not overlap. Arguments as
    :class:`SoftmaxHeatmapLoss`. MMPose's ``JSDiscretLoss`` wants maps that are normalised
    already; this one takes logits, as the other losses here.

    Example:
        >>> loss = JSHeatmapLoss()
        >>> target = torch.eye(4).view(1, 1, 4, 4)
        >>> round(loss(target.log(), target).item(), 4)
        0.0
        >>> round(loss(-1e4 * target, target).item(), 4)  # no overlap: log 2
        0.6931
    """

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        # Outside the mask log p is -inf, for which no gradient is defined. NaN stays in: it must
        # reach the value, or a step would spoil the weights under a loss that looks sound.
        log_p = log_softmax_map(logits)
        inside = ~torch.isneginf(log_p)
        log_p = torch.where(inside, log_p, 0.0)
        p = torch.where(inside, log_p.exp(), 0.0)
        has_mass = target > 0
        log_q = torch.where(has_mass, target, 1.0).log()
        # log (p + q); where q = 0 it is log p, where p = 0 it is log q.
        log_sum = torch.where(has_mass & inside, torch.logaddexp(log_p, log_q),
                              torch.where(has_mass, log_q, log_p))
        divergence = p * (log_p - log_sum) + target * (log_q - log_sum)
        mass = p.sum(dim=(1, 2)) + target.sum(dim=(1, 2))
        return .5 * (divergence.sum(dim=(1, 2)) + mass * math.log(2))
