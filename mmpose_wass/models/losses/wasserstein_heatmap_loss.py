"""The paper's loss, as an MMPose module."""
from __future__ import annotations

from typing import Dict, Optional, Union

import torch
from mmpose.registry import MODELS
from torch import Tensor

from mmpose_wass.ot import (
    LOGIT_GRADIENTS,
    SOLVERS,
    LogitGradient,
    Solver,
    disc_radius,
    find_radius,
    softmax_wasserstein1,
)

from .softmax_heatmap_loss import MapPairs, SoftmaxHeatmapLoss


@MODELS.register_module()
class WassersteinHeatmapLoss(SoftmaxHeatmapLoss):
    r"""2D Wasserstein loss :math:`W_1(\mathrm{softmax}(\text{output} / T), q)`, Eq. 4.

    The value is in heatmap pixels: how far, on average, the predicted mass has to travel.
    ``dict(type='WassersteinHeatmapLoss')`` takes the place of ``KeypointMSELoss`` in any
    heatmap head, whatever the codec's scale of targets.

    Its gradient at a pixel is proportional to the mass there, so that training from random weights
    can stay on a plateau: a :class:`KLHeatmapLoss` beside it, through
    :class:`WeightedSumHeatmapLoss`, helps it off.

    The default solver, ``'graded'``, wants targets with one compact mode. It is told their sigma,
    or finds it from the first batch that has a valid landmark, and keeps on the device how wide
    they come; every ``check_interval`` calls this is looked at, and targets that are too wide or
    have several modes are refused.

    Args:
        method: ``'graded'``, ``'sinkhorn'`` (the paper's, for any target), ``'sliced'`` or
            ``'exact'``, see :mod:`mmpose_wass.ot`.
        sigma: Largest standard deviation of the targets in heatmap pixels; of ``'graded'`` alone.
        accuracy: ``'fast'`` or ``'accurate'``; of ``'graded'`` alone.
        epsilon: Entropic strength in heatmap pixels; of ``'sinkhorn'`` alone.
        check_interval: After the first call, every so many calls the targets' widths are looked at
            (0: never). The other calls do not wait for the device; on a CPU each call looks.
        debug: Raise on logits that are NaN or infinite, at the price of waiting for the device.
            Without it they make the loss NaN, which mixed precision's scaler answers by
            skipping the step.
        compile: Few kernels instead of many operators, through :mod:`torch.compile`; on a GPU a
            CUDA graph. The first step compiles; of ``'graded'`` alone.
        logit_gradient: ``'exact'``, the derivative of the value; ``'mixture'``, which also draws
            mass to where the target is and so leaves the plateau; or options of
            :class:`~mmpose_wass.ot.LogitGradient`.
        temperature: T of the softmax; the codec must use the same.
        use_target_weight: Whether ``target_weights`` are used.
        reduction: ``'mean'`` for :math:`\sum w W_1 / \sum w`; ``'none'`` for W1 ``[B, K]``
            in heatmap pixels times ``loss_weight``, 0 where the weight is 0.
        loss_weight: Factor of the result.

    Raises:
        ValueError: On an unknown method or option value, or an option of another method.

    Example:
        >>> logits, target = torch.full((2, 1, 1, 16, 16), -50.)
        >>> logits[..., 3, 4], target[..., 6, 8] = 50, 50
        >>> loss = WassersteinHeatmapLoss()
        >>> round(loss(logits, target.exp()).item(), 1)
        5.0
    """

    def __init__(self,
                 method: str = 'graded',
                 sigma: Optional[float] = None,
                 accuracy: Optional[str] = None,
                 epsilon: Optional[float] = None,
                 check_interval: int = 100,
                 debug: bool = False,
                 compile: bool = False,
                 logit_gradient: Union[str, Dict[str, float]] = 'exact',
                 temperature: float = 1.0,
                 use_target_weight: bool = True,
                 reduction: str = 'mean',
                 loss_weight: float = 1.0) -> None:
        super().__init__(temperature, use_target_weight, reduction, loss_weight)
        if method not in SOLVERS:
            raise ValueError(f'method must be one of {tuple(SOLVERS)}, got {method!r}')
        if sigma is not None and not sigma > 0:
            raise ValueError(f'sigma must be positive (heatmap pixels), got {sigma}')
        options = dict(sigma=sigma, accuracy=accuracy, epsilon=epsilon, compile=compile or None)
        known = dict(graded=('sigma', 'accuracy', 'compile'), sinkhorn=('epsilon', ))
        known = known.get(method, ())
        for name, value in options.items():
            if value is not None and name not in known:
                raise ValueError(f'{name} is no option of method={method!r}')
        self.method = method
        self.options = {name: options[name] for name in known if options[name] is not None}
        self.check_interval = check_interval
        self.debug = debug
        self.logit_gradient = _read_logit_gradient(logit_gradient)
        sigma = self.options.pop('sigma', None)
        if method != 'graded':
            self._solver: Optional[Solver] = SOLVERS[method](**self.options)
        else:
            self._solver = None if sigma is None else self._graded(disc_radius(sigma))
            SOLVERS[method](**self.options)  # refuses unknown values now, not in training

    def distances(self, pairs: MapPairs) -> Tensor:
        valid = pairs.weights > 0
        if self.debug:
            self._check_logits(pairs, valid)
        if pairs.keep is not None:
            return self.distance(*self.clean(pairs))
        return softmax_wasserstein1(
            pairs.logits, pairs.target, self._solver_for(pairs.target, valid), self.temperature,
            valid, self.logit_gradient)

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        solver = self._solver_for(target, target.flatten(1).any(dim=1))
        return softmax_wasserstein1(logits, target, solver,
                                    logit_gradient=self.logit_gradient)

    def _solver_for(self, target: Tensor, valid: Tensor) -> Solver:
        if self._solver is not None:
            return self._solver
        target = torch.where(valid[:, None, None], target, 0.0)
        target = target / target.sum(dim=(1, 2), keepdim=True).clamp_min(1e-30)
        solver = self._graded(find_radius(target)) if len(target) else SOLVERS[self.method]()
        if bool(valid.any()):  # once: the first batch with a landmark settles it
            self._solver = solver
        return solver

    def _graded(self, radius: float) -> Solver:
        return SOLVERS['graded'](
            radius=radius, check_interval=self.check_interval, **self.options)

    def _check_logits(self, pairs: MapPairs, valid: Tensor) -> None:
        bad = (~torch.isfinite(pairs.logits)).flatten(1).any(dim=1) & valid
        if bool(bad.any()):
            raise ValueError(f'logits of {int(bad.sum())} of {len(bad)} landmarks are NaN or '
                             f'infinite, the first at index {int(bad.nonzero()[0])} of B * K')

    def extra_repr(self) -> str:
        return f'method={self.method!r}, {self.options}, ' + super().extra_repr()


def _read_logit_gradient(value: Union[str, Dict[str, float]]) -> LogitGradient:
    if isinstance(value, str):
        if value not in LOGIT_GRADIENTS:
            raise ValueError(f'logit_gradient must be one of {tuple(LOGIT_GRADIENTS)} or a dict of '
                             f'target_share and power, got {value!r}')
        return LOGIT_GRADIENTS[value]
    unknown = set(value) - {'target_share', 'power'}
    if unknown:
        raise ValueError(f'logit_gradient has no option {sorted(unknown)[0]!r}; there are '
                         'target_share and power')
    return LogitGradient(**value)
