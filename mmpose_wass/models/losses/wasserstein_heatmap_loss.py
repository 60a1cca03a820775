"""The paper's loss, as an MMPose module."""
from __future__ import annotations

from typing import Optional

from mmpose.registry import MODELS
from torch import Tensor

from mmpose_wass.ot import (
    SOLVERS,
    check_targets,
    disc_radius,
    find_radius,
    softmax_map,
    wasserstein1,
)
from mmpose_wass.ot.targets import LARGEST_RADIUS

from .softmax_heatmap_loss import SoftmaxHeatmapLoss


@MODELS.register_module()
class WassersteinHeatmapLoss(SoftmaxHeatmapLoss):
    r"""2D Wasserstein loss :math:`W_1(\mathrm{softmax}(\text{output} / T), q)`, Eq. 4.

    The value is in heatmap pixels: how far, on average, the predicted mass has to travel.
    ``dict(type='WassersteinHeatmapLoss')`` takes the place of ``KeypointMSELoss`` in any
    heatmap head, whatever the codec's scale of targets.

    Started from random weights it learns slowly, since the gradient at a pixel is proportional
    to the mass there: add a :class:`KLHeatmapLoss` through :class:`WeightedSumHeatmapLoss`.

    Args:
        method: Solver, see :func:`mmpose_wass.ot.wasserstein1`.
        sigma: Largest standard deviation of the targets in heatmap pixels. By default found
            from the first batch that has a valid landmark.
        check_interval: At the first and then every so many calls the targets are checked to lie
            within the solver's disc (0: never). The other calls do not wait for the device.
        temperature: T of the softmax; the codec must use the same.
        use_target_weight: Whether ``target_weights`` are used.
        reduction: ``'mean'`` for :math:`\sum w W_1 / \sum w`; ``'none'`` for W1 ``[B, K]``
            in heatmap pixels times ``loss_weight``, 0 where the weight is 0.
        loss_weight: Factor of the result.

    Example:
        >>> import torch
        >>> logits, target = torch.full((2, 1, 1, 16, 16), -50.)
        >>> logits[..., 3, 4], target[..., 6, 8] = 50, 50
        >>> loss = WassersteinHeatmapLoss()
        >>> round(loss(logits, target.exp()).item(), 1)
        5.0
    """

    def __init__(self,
                 method: str = 'graded',
                 sigma: Optional[float] = None,
                 check_interval: int = 100,
                 temperature: float = 1.0,
                 use_target_weight: bool = True,
                 reduction: str = 'mean',
                 loss_weight: float = 1.0) -> None:
        super().__init__(temperature, use_target_weight, reduction, loss_weight)
        if method not in SOLVERS:
            raise ValueError(f'method must be one of {tuple(SOLVERS)}, got {method!r}')
        if sigma is not None and not (sigma > 0 and disc_radius(sigma) <= LARGEST_RADIUS):
            raise ValueError('sigma must be positive (heatmap pixels) and its disc within '
                             f'{LARGEST_RADIUS:g} px, got {sigma}')
        self.method = method
        self.sigma = sigma
        self.check_interval = check_interval
        self._radius = None if sigma is None else disc_radius(sigma)
        self._calls = 0

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        radius = self._radius
        if radius is None:
            radius = find_radius(target) if len(target) else disc_radius(1.0)
            if bool((target > 0).any()):  # once: the first batch with a landmark settles it
                self._radius = radius
        if self.check_interval and self._calls % self.check_interval == 0:
            check_targets(target, radius)
        self._calls += 1
        return wasserstein1(softmax_map(logits), target, method=self.method, radius=radius)

    def extra_repr(self) -> str:
        return f'method={self.method!r}, sigma={self.sigma}, ' + super().extra_repr()
