"""Log where the gradient with respect to the maps goes."""
from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch import Tensor

from ..models.heads.probability_mixin import stage_targets
from ..ot import barycenter


def gradient_size(gradient: Tensor, target: Tensor, weights: Tensor,
                  radius: float) -> Tuple[float, float]:
    r"""Size of the gradient at a map, :math:`\sum_x |\partial L / \partial z(x)|`.

    Args:
        gradient: With respect to the maps ``[B, K, H, W]``, of a loss that is a mean over maps.
        target: Targets ``[B, K, H, W]`` of any scale.
        weights: ``[B, K]``; maps of weight 0 are left out.
        radius: Heatmap pixels around the target's barycentre that count as near.

    Returns:
        tuple[float, float]: Means over maps of the size and of the part of it near the target,
        both for a loss of one map (multiplied by the number of maps). NaN without a map.

    Example:
        >>> target = torch.zeros(1, 1, 5, 9)
        >>> target[..., 2, 2] = 1.
        >>> gradient = torch.zeros_like(target)
        >>> gradient[..., 2, 1], gradient[..., 2, 8] = -1., .5
        >>> gradient_size(gradient, target, torch.ones(1, 1), radius=2)
        (1.5, 1.0)
    """
    valid = weights.reshape(target.shape[:2]) > 0
    if not valid.any():
        return float('nan'), float('nan')
    size = gradient.float().abs()[valid]
    shape = target[valid].float()
    center = barycenter(shape / shape.sum(dim=(-2, -1), keepdim=True))
    height, width = shape.shape[-2:]
    columns = torch.arange(width, device=size.device) - center[:, :1]
    rows = torch.arange(height, device=size.device) - center[:, 1:]
    near = (columns**2)[:, None, :] + (rows**2)[:, :, None] <= radius**2
    maps = valid.numel()
    return (float(size.sum(dim=(-2, -1)).mean()) * maps,
            float((size * near).sum(dim=(-2, -1)).mean()) * maps)


@HOOKS.register_module()
class GradientSizeHook(Hook):
    """Logs ``gradient_size`` and ``gradient_near_target`` of every training step.

    A loss that starves pixels without mass (see :class:`~mmpose_wass.models.losses.
    WassersteinHeatmapLoss`) shows it here: its gradient is there, and none of it is where the
    target is.

    Args:
        radius: Heatmap pixels around the target that count as near.

    Raises:
        ValueError: If the model's head has no ``final_layer`` that gives its maps.
    """
    #: Before the hook that writes the log.
    priority = 'NORMAL'

    def __init__(self, radius: float = 4.5) -> None:
        if not radius > 0:
            raise ValueError(f'radius must be positive, got {radius}')
        self.radius = radius
        self._maps: Optional[Tensor] = None

    def before_train(self, runner) -> None:
        """Watch the layer that gives the maps."""
        model = getattr(runner.model, 'module', runner.model)
        layer = getattr(model.head, 'final_layer', None)
        if not isinstance(layer, torch.nn.Module):
            raise ValueError(f'GradientSizeHook needs a head with a final_layer, '
                             f'{type(model.head).__name__} has none')
        self._handle = layer.register_forward_hook(self._watch)

    def after_train(self, runner) -> None:
        """Watch no longer."""
        self._handle.remove()

    def _watch(self, layer: torch.nn.Module, inputs: Any, output: Tensor) -> None:
        if output.requires_grad:
            output.retain_grad()
            self._maps = output

    def after_train_iter(self, runner, batch_idx: int, data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Put both sizes into the log."""
        gradient, self._maps = self._maps.grad, None
        size, near = gradient_size(gradient, *_targets(data_batch['data_samples']), self.radius)
        runner.message_hub.update_scalar('train/gradient_size', size)
        runner.message_hub.update_scalar('train/gradient_near_target', near)


def _targets(samples: Sequence[Any]) -> List[Tensor]:
    (target, weights), = stage_targets(samples, 1)
    return [target, weights]
