"""A weighted sum of heatmap losses, usable inside a heatmap head."""
from __future__ import annotations

from typing import Dict, Optional

from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class WeightedSumHeatmapLoss(nn.Module):
    """Sum of heatmap losses that see the same output, target, weights and mask.

    Each term carries its own ``loss_weight``. The plugin's heads log every term under its
    name; a stock head logs their sum as ``loss_kpt``.

    Args:
        losses: Configs of the terms by name, such as ``dict(wasserstein=dict(type=
            'WassersteinHeatmapLoss'), kl=dict(type='KLHeatmapLoss', loss_weight=0.5))``.

    Raises:
        ValueError: If there is no term.

    Example:
        >>> import torch
        >>> loss = WeightedSumHeatmapLoss(dict(
        ...     kl=dict(type='KLHeatmapLoss'), mse=dict(type='SoftmaxMSEHeatmapLoss')))
        >>> maps = torch.rand(2, 3, 8, 8)
        >>> sorted(loss.terms(maps, maps))
        ['kl', 'mse']
    """

    def __init__(self, losses: Dict[str, dict]) -> None:
        super().__init__()
        if not losses:
            raise ValueError('WeightedSumHeatmapLoss needs at least one term in `losses`')
        self.losses = nn.ModuleDict({name: MODELS.build(loss) for name, loss in losses.items()})

    def terms(self,
              output: Tensor,
              target: Tensor,
              target_weights: Optional[Tensor] = None,
              mask: Optional[Tensor] = None) -> Dict[str, Tensor]:
        """Each term by name, times its ``loss_weight``; arguments as :meth:`forward`."""
        arguments = (output, target, target_weights) + (() if mask is None else (mask, ))
        return {name: loss(*arguments) for name, loss in self.losses.items()}

    def forward(self,
                output: Tensor,
                target: Tensor,
                target_weights: Optional[Tensor] = None,
                mask: Optional[Tensor] = None) -> Tensor:
        """Sum of the terms.

        Args:
            output: ``[B, K, H, W]``.
            target: ``[B, K, H, W]``.
            target_weights: ``[B, K]`` or what each term takes.
            mask: Given to each term where set.
        """
        return sum(self.terms(output, target, target_weights, mask).values())
