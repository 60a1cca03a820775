"""The paper's loss, as an MMPose module."""
from __future__ import annotations

import inspect
from typing import Any, Dict, Optional, Union

import torch
from mmpose.registry import MODELS
from torch import Tensor

from mmpose_wass.ot import (
    LOGIT_GRADIENTS,
    SOLVERS,
    LogitGradient,
    NotCompactError,
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

    The default solver, ``'graded'``, wants targets with one compact mode, held by a disc. It is
    told their sigma, or finds the disc from the first batch that has a valid landmark and takes a
    larger one when a later batch needs it. On the device it keeps how wide targets come and how
    much of them lies outside the disc; every ``check_interval`` calls this is looked at. Targets
    wider than was said, and ones that no disc holds (a second mode, stray mass, a haze), are
    refused, not cut.

    Args:
        method: ``'graded'``, ``'sinkhorn'`` (the paper's, for any target), ``'sliced'`` or
            ``'exact'``, see :mod:`mmpose_wass.ot`.
        sigma: Largest standard deviation of the targets in heatmap pixels, by default found; of
            ``'graded'`` alone.
        accuracy: ``'fast'`` or ``'accurate'``; of ``'graded'`` alone.
        epsilon: Entropic strength in heatmap pixels; of ``'sinkhorn'`` alone.
        check_interval: After the first call, every so many calls what was kept of the targets is
            looked at (0: never). The other calls do not wait for the device, and what is refused
            may have been any of theirs; on a CPU each call looks. Of ``'graded'`` alone.
        debug: Raise on logits that are NaN or infinite, at the price of waiting for the device.
            Without it they make the loss NaN, which mixed precision's scaler answers by
            skipping the step.
        compile: Few kernels instead of many operators, through :mod:`torch.compile`; on a GPU a
            CUDA graph. The first step compiles; of ``'graded'`` alone.
        solver_options: Further options of the method's solver, by name: ``bfloat16_tables`` of
            ``'graded'``, ``iterations``, ``debiased``, ``value`` and ``memory`` of ``'sinkhorn'``,
            ``directions`` of ``'sliced'``, ``iterations`` of ``'exact'``.
        logit_gradient: ``'exact'``, the derivative of the value; ``'mixture'``, which also draws
            mass to where the target is and so leaves the plateau; or options of
            :class:`~mmpose_wass.ot.LogitGradient`.
        temperature: T of the softmax; the codec must use the same.
        use_target_weight: Whether ``target_weights`` are used.
        reduction: ``'mean'`` for :math:`\sum w W_1 / \sum w`; ``'none'`` for W1 ``[B, K]``
            in heatmap pixels times ``loss_weight``, 0 where the weight is 0.
        loss_weight: Factor of the result.

    There is no second derivative: a backward pass with ``create_graph=True`` raises a RuntimeError.

    Raises:
        ValueError: On an unknown method or option value, or an option of another method.

    Example:
        >>> logits, target = torch.full((2, 1, 1, 16, 16), -50.)
        >>> logits[..., 3, 4], target[..., 6, 8] = 50, 50
        >>> loss = WassersteinHeatmapLoss()
        >>> round(loss(logits, target.exp()).item(), 1)
        5.0
        >>> divergence = WassersteinHeatmapLoss(
        ...     method='sinkhorn', epsilon=.5, solver_options=dict(iterations=50, debiased=True))
        >>> round(divergence(logits, target.exp()).item(), 1)
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
                 solver_options: Optional[Dict[str, Any]] = None,
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
        self.options.update(_read_solver_options(method, solver_options))
        self.check_interval = check_interval
        self.debug = debug
        self.logit_gradient = _read_logit_gradient(logit_gradient)
        self.sigma = self.options.pop('sigma', None)
        if method != 'graded':
            self._solver: Optional[Solver] = _build_solver(method, self.options)
        else:
            self._solver = \
                None if sigma is None else self._graded(disc_radius(sigma))
            _build_solver(method, self.options)  # refuses bad values now, not in training

    def distances(self, pairs: MapPairs) -> Tensor:
        valid = pairs.weights > 0
        if self.debug:
            self._check_logits(pairs, valid)
        if pairs.keep is not None:
            return self.distance(*self.clean(pairs))
        return self._solve(pairs.logits, pairs.target, valid, self.temperature)

    def distance(self, logits: Tensor, target: Tensor) -> Tensor:
        return self._solve(logits, target, target.flatten(1).any(dim=1))

    def _solve(self, logits: Tensor, target: Tensor, valid: Tensor,
               temperature: float = 1.0) -> Tensor:
        while True:
            solver = self._solver_for(target, valid)
            try:
                return softmax_wasserstein1(logits, target, solver, temperature, valid,
                                            self.logit_gradient)
            except NotCompactError as error:
                # What was found on earlier batches may be too small for a later one: for this
                # one, or one since the targets were last looked at.
                if self.sigma is not None or error.radius is None:
                    raise
                self._solver = self._graded(max(error.radius, _find_radius(target, valid)))

    def _solver_for(self, target: Tensor, valid: Tensor) -> Solver:
        if self._solver is not None:
            return self._solver
        solver = self._graded(_find_radius(target, valid)) if len(target) else \
            SOLVERS[self.method]()
        if bool(valid.any()):  # the first batch with a landmark settles it, until one is wider
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


def _find_radius(target: Tensor, valid: Tensor) -> float:
    """Radius in pixels of the disc that holds those of the targets that count."""
    target = torch.where(valid[:, None, None], target, 0.0)
    return find_radius(target / target.sum(dim=(1, 2), keepdim=True).clamp_min(1e-30))


def _read_solver_options(method: str, options: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """The options, checked for names that the method's solver does not have or the loss has."""
    own = inspect.signature(WassersteinHeatmapLoss).parameters
    known = [name for name in inspect.signature(SOLVERS[method]).parameters
             if name not in own and name != 'radius']
    for name in options or {}:
        if name in own or name == 'radius':
            raise ValueError(f'solver_options: give {"sigma" if name == "radius" else name} as the '
                             "loss's own argument")
        if name not in known:
            raise ValueError(f'solver_options: method={method!r} has no option {name!r}; there '
                             f'is {", ".join(known)}')
    return dict(options or {})


def _build_solver(method: str, options: Dict[str, Any]) -> Solver:
    try:
        return SOLVERS[method](**options)
    except (TypeError, ValueError) as error:
        raise ValueError(f'method={method!r} with {options}: {error}') from error


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
