"""The distance of softmaxed logits to targets, with the gradient in the same pass."""
from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from .arithmetic import full_precision
from .logit_gradient import EXACT, LogitGradient
from .maps import softmax_map
from .solver import Solver, refuse_second_derivatives


@torch.compiler.disable
def softmax_wasserstein1(logits: Tensor, target: Tensor, solver: Solver, temperature: float = 1.0,
                         valid: Optional[Tensor] = None,
                         logit_gradient: LogitGradient = EXACT) -> Tensor:
    r"""W1 from :math:`p = \mathrm{softmax}(\text{logits} / T)` to targets, for training.

    Equal to ``solver(softmax_map(logits / T), target / target.sum()).value``, in fewer passes over
    the maps and with less memory: the gradient with respect to the logits,

    .. math:: \frac{1}{T}\, p \circ (f - \langle p, f \rangle),

    is computed while p and the potential f are at hand, and nothing but it is kept. On a CPU a
    solver may take maps a few at a time, on several threads. There is no second derivative.

    Args:
        logits: ``[M, H, W]``, any floating dtype; the work is done in float32 at least.
        target: ``[M, H, W]``, non-negative, of any positive sum; no gradient goes to it.
        solver: Any :class:`Solver`.
        temperature: T.
        valid: Maps that count, ``[M]``. The gradient of the others is exactly 0 whatever they
            hold, NaN too, and their value is 0.
        logit_gradient: Another gradient of the same value, see :class:`LogitGradient`.

    Returns:
        Tensor ``[M]``: distances in heatmap pixels.

    Raises:
        ValueError: On unequal shapes, or what the solver refuses.
        RuntimeError: From a backward pass with ``create_graph=True``.

    Example:
        >>> from mmpose_wass.ot import GradedSolver
        >>> logits, target = torch.full((2, 1, 16, 16), -50.)
        >>> logits[:, 3, 4], target[:, 6, 8] = 50, 50
        >>> round(softmax_wasserstein1(logits, target.exp(), GradedSolver(radius=4)).item(), 1)
        5.0
    """
    if logits.dim() != 3 or logits.shape != target.shape:
        raise ValueError('logits and target must have one shape [M, H, W], got '
                         f'{tuple(logits.shape)} and {tuple(target.shape)}')
    if not len(logits):
        return logits.sum(dim=(1, 2))
    with full_precision(logits.device):
        return _SoftmaxTransport.apply(logits, target.detach(), solver, temperature, valid,
                                      logit_gradient)


class _SoftmaxTransport(torch.autograd.Function):
    """Value and gradient of all maps, part by part."""

    @staticmethod
    def forward(ctx, logits: Tensor, target: Tensor, solver: Solver, temperature: float,
                valid: Optional[Tensor], logit_gradient: LogitGradient) -> Tensor:
        dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
        values = logits.new_empty(len(logits), dtype=dtype)
        gradient = None
        if ctx.needs_input_grad[0]:
            gradient = torch.empty_like(logits, dtype=dtype)

        def solve(part: slice) -> None:
            p = softmax_map(logits[part].to(dtype) / temperature)
            q = target[part].to(dtype)
            if valid is not None:
                q = torch.where(valid[part, None, None], q, 0.0)
            q = q / q.sum(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(dtype).tiny)
            dual = solver.solve(p, q)
            values[part] = dual.value
            if gradient is not None:
                weights = logit_gradient.weights(p, q)
                mean = weights.flatten(1)[:, None] @ dual.potential.flatten(1)[:, :, None]
                slope = torch.sub(dual.potential, mean, out=gradient[part])
                slope *= weights
                slope /= temperature
                if dual.calm is not None:
                    slope *= dual.calm[:, None, None]
                if valid is not None:
                    slope.masked_fill_(~valid[part, None, None], 0)

        solver.map_parts(solve, logits)
        if valid is not None:
            values.masked_fill_(~valid, 0)
        ctx.save_for_backward(gradient)
        ctx.dtype = logits.dtype
        return values

    @staticmethod
    def backward(ctx, grad_value: Tensor):
        refuse_second_derivatives()
        gradient, = ctx.saved_tensors
        # A map that does not count has weight 0 or is masked downstream, but 0 * NaN is NaN.
        product = gradient * grad_value[:, None, None]
        return product.to(ctx.dtype), None, None, None, None, None
