"""What all losses between a softmaxed heatmap and a target distribution share."""
from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

from mmpose_wass.ot.arithmetic import full_precision

REDUCTIONS = ('mean', 'none')


class MapPairs(NamedTuple):
    """What was predicted for every landmark of a batch, and its target.

    Attributes:
        logits: ``[M, H, W]`` as the model gave them.
        target: ``[M, H, W]``, of any sum, 0 outside the mask.
        mass: The targets' sums ``[M]``.
        weights: ``[M]``, 0 where invalid.
        keep: Pixels that count, ``[M, H, W]``, or None for all.
    """

    logits: Tensor
    target: Tensor
    mass: Tensor
    weights: Tensor
    keep: Optional[Tensor]


class SoftmaxHeatmapLoss(nn.Module):
    r"""Base of losses between :math:`p = \mathrm{softmax}(\text{output} / T)` and q.

    The softmax runs over the H x W pixels of each landmark's map (Sec. 5.1); the target is
    divided by its sum. A subclass implements :meth:`distance` for clean ``[M, H, W]`` pairs.

    Landmarks with weight 0, an empty target or an empty mask contribute exactly nothing,
    whatever their logits hold, and their gradient is exactly 0. A batch without a valid
    landmark gives 0, with a graph.

    Args:
        temperature: T of the softmax; the codec must use the same.
        use_target_weight: Whether ``target_weights`` are used.
        reduction: ``'mean'`` for :math:`\sum_k w_k D_k / \sum_k w_k`; ``'none'`` for the
            unweighted distances ``[B, K]``, 0 where the weight is 0.
        loss_weight: Factor of the result.
    """

    def __init__(self,
                 temperature: float = 1.0,
                 use_target_weight: bool = True,
                 reduction: str = 'mean',
                 loss_weight: float = 1.0) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f'reduction must be one of {REDUCTIONS}, got {reduction!r}')
        if not temperature > 0:
            raise ValueError(f'temperature must be positive, got {temperature}')
        self.temperature = temperature
        self.use_target_weight = use_target_weight
        self.reduction = reduction
        self.loss_weight = loss_weight

    @abstractmethod
    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        """Distance of each pair ``[M]``.

        Args:
            logits: ``[M, H, W]``, divided by the temperature, -inf outside the mask, 0 where
                invalid.
            target: ``[M, H, W]`` with sum 1, or all 0 where invalid.
        """

    def distances(self, pairs: MapPairs) -> Tensor:
        """Distance of each pair ``[M]``, whatever for those of weight 0."""
        return self.distance(*self.clean(pairs))

    def forward(self,
                output: Tensor,
                target: Tensor,
                target_weights: Optional[Tensor] = None,
                mask: Optional[Tensor] = None) -> Tensor:
        """Compute the loss.

        Args:
            output: Predicted logits ``[B, K, H, W]``.
            target: Heatmaps ``[B, K, H, W]`` as any MMPose codec makes them, non-negative,
                of any positive scale.
            target_weights: Weights ``[B, K]`` or ``[B, K, 1]``; None counts each landmark
                with weight 1.
            mask: Pixels that count (> 0), of a shape that expands to ``[B, K, H, W]``. The
                others leave the softmax and the target, and both are normalised again.

        Returns:
            A scalar for ``reduction='mean'``, else ``[B, K]``.

        Raises:
            ValueError: On shapes that do not fit; the message names the shape expected.
        """
        batch, landmarks = _check_shapes(output, target, target_weights, mask)
        if not self.use_target_weight:
            target_weights = None
        with full_precision(output.device):
            pairs = self._pair(output, target, target_weights, mask)
            # Keeps NaN of an ignored landmark out of the sum.
            values = torch.where(pairs.weights > 0, self.distances(pairs), 0.0)
            if self.reduction == 'none':
                return self.loss_weight * values.view(batch, landmarks)
            total = pairs.weights.sum()
            mean = (pairs.weights * values).sum() / total.clamp_min(torch.finfo(total.dtype).tiny)
            return self.loss_weight * mean

    def _pair(self, output: Tensor, target: Tensor, target_weights: Optional[Tensor],
              mask: Optional[Tensor]) -> MapPairs:
        shape = output.shape[-2:]
        logits = output.reshape(-1, *shape)
        target = target.detach().reshape(-1, *shape)
        keep = None
        if mask is not None:
            keep = (mask > 0).expand(output.shape).reshape(-1, *shape)
            target = target * keep
        dtype = torch.float64 if output.dtype == torch.float64 else torch.float32
        mass = target.sum(dim=(1, 2), dtype=dtype)
        weights = (mass > 0).to(dtype)
        if target_weights is not None:
            weights = weights * target_weights.to(dtype).reshape(-1)
        # Also where a weight is NaN or negative.
        weights = torch.where((mass > 0) & (weights > 0), weights, 0.0)
        return MapPairs(logits, target, mass, weights, keep)

    def clean(self, pairs: MapPairs) -> Tuple[Tensor, Tensor]:
        """Logits and target as :meth:`distance` takes them, in float32 or float64."""
        valid = (pairs.weights > 0)[:, None, None]
        # An ignored landmark may hold anything, NaN too: it is replaced, not multiplied by 0.
        logits = torch.where(valid, pairs.logits.to(pairs.mass.dtype) / self.temperature, 0.0)
        if pairs.keep is not None:
            logits = logits.masked_fill(~pairs.keep & valid, -torch.inf)
        target = torch.where(valid, pairs.target / pairs.mass[:, None, None], 0.0)
        return logits, target

    def extra_repr(self) -> str:
        return (f'temperature={self.temperature}, use_target_weight={self.use_target_weight}, '
                f'reduction={self.reduction!r}, loss_weight={self.loss_weight}')


def _check_shapes(output: Tensor, target: Tensor, target_weights: Optional[Tensor],
                  mask: Optional[Tensor]):
    if output.dim() != 4 or output.shape != target.shape:
        raise ValueError('output and target must have one shape [B, K, H, W], got '
                         f'{tuple(output.shape)} and {tuple(target.shape)}')
    batch, landmarks = output.shape[:2]
    if target_weights is not None and tuple(
            target_weights.shape) not in {(batch, landmarks), (batch, landmarks, 1)}:
        raise ValueError(f'target_weights must have shape [B, K] = [{batch}, {landmarks}] or '
                         f'[{batch}, {landmarks}, 1], got {tuple(target_weights.shape)}')
    if mask is not None:
        try:
            mask.expand(output.shape)
        except RuntimeError as error:
            raise ValueError(f'mask must expand to [B, K, H, W] = {tuple(output.shape)}, got '
                             f'{tuple(mask.shape)}') from error
    return batch, landmarks
