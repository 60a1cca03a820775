"""What all solvers share: the problem, the shape of its answer, and its gradient."""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Callable, List, NamedTuple, Optional, TypeVar

import torch
from torch import Tensor

from .arithmetic import full_precision
from .certificate import certified_lower_bound, certified_upper_bound

Result = TypeVar('Result')

# The potential is only defined where mass travels: at p = q any 1-Lipschitz function is one,
# and its gradient would jitter at full size. Mass m that travels scales it by m / (m + CALM).
CALM = 1e-3


def calm_factor(moved: Tensor) -> Tensor:
    """Factor of the gradient for maps of which the mass ``moved`` travels, see :class:`Dual`."""
    return moved / (moved + CALM)


def refuse_second_derivatives() -> None:
    """To be called in a backward pass, whose gradient is a constant to PyTorch.

    Raises:
        RuntimeError: Under ``create_graph=True``, where that would be taken for a derivative 0.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(
            'the Wasserstein distance has no second derivative here: its gradient is a potential '
            'that was not differentiated any further. Call backward or torch.autograd.grad '
            "without create_graph=True, or leave this loss out of the gradient's penalty")


class TransportResult(NamedTuple):
    """What a solver found for maps ``[..., H, W]``.

    Attributes:
        value: W1 in heatmap pixels, ``[...]``, differentiable.
        potential: Kantorovich potential f in heatmap pixels, ``[..., H, W]``: what the value's
            derivative with respect to p is, up to a constant and up to :attr:`Dual.calm`.
        lower_bound: Never more than the exact W1, ``[...]`` float64, where asked for.
        upper_bound: Never less than it, the same.
    """

    value: Tensor
    potential: Tensor
    lower_bound: Optional[Tensor] = None
    upper_bound: Optional[Tensor] = None


class Dual(NamedTuple):
    """A solver's answer for a batch of M maps, in heatmap pixels.

    Attributes:
        value: ``[M]``.
        potential: Derivative of the value with respect to p, ``[M, H, W]``.
        target_potential: Derivative with respect to q, ``[M, H, W]``, or None for -potential.
        calm: Factor ``[M]`` of both derivatives in the gradient, or None for 1.
    """

    value: Tensor
    potential: Tensor
    target_potential: Optional[Tensor] = None
    calm: Optional[Tensor] = None


class Solver(ABC):
    r"""A way to the first Wasserstein distance with Euclidean ground cost, Eq. 4 of the paper.

    .. math::
        W_1(p, q) = \min_{\pi \in \Gamma(p, q)} \sum_{x, y} |x - y|_2 \, \pi(x, y)
                  = \max_{f\ \text{1-Lipschitz}} \langle p - q, f \rangle

    A subclass implements :meth:`solve`. The gradient is the potential (envelope theorem), so
    nothing is propagated back through a solver's iterations, and there is no second derivative:
    a backward pass with ``create_graph=True`` raises a RuntimeError.
    """

    @abstractmethod
    def solve(self, p: Tensor, q: Tensor) -> Dual:
        """Solve for M pairs of maps.

        Args:
            p: ``[M, H, W]``, float32 or float64, M > 0, sum 1.
            q: The same.

        Returns:
            The :class:`Dual`, without a graph.
        """

    def map_parts(self, work: Callable[[slice], Result], maps: Tensor) -> List[Result]:
        """Call ``work`` with slices that together cover maps ``[M, H, W]``: here, one for all.

        A solver that is faster, or needs less memory, with fewer maps at once overrides this.

        Returns:
            The results, in the order of the slices.
        """
        return [work(slice(None))]

    @torch.compiler.disable
    def __call__(self, p: Tensor, q: Tensor, certify: bool = False) -> TransportResult:
        """Distance of maps ``[..., H, W]``, see :func:`~mmpose_wass.ot.wasserstein1`.

        Args:
            p: Predicted maps.
            q: Target maps.
            certify: Compute both bounds too, in float64, see
                :func:`~mmpose_wass.ot.certificate.certified_lower_bound` and
                :func:`~mmpose_wass.ot.certificate.certified_upper_bound`.

        Raises:
            ValueError: On unequal shapes or fewer than two dimensions.
        """
        if p.dim() < 2 or p.shape != q.shape:
            raise ValueError('p and q must have one shape [..., H, W], got '
                             f'{tuple(p.shape)} and {tuple(q.shape)}')
        leading, shape = p.shape[:-2], p.shape[-2:]
        dtype = torch.float64 if p.dtype == torch.float64 else torch.float32
        p, q = p.to(dtype), q.to(dtype)
        if not p.numel():
            return TransportResult((p - q).sum(dim=(-2, -1)), torch.zeros_like(p))
        with full_precision(p.device):
            value, potential = _Transport.apply(p.reshape(-1, *shape), q.reshape(-1, *shape), self)
        potential = potential.reshape(p.shape)
        bounds = [bound(p.double(), q.double(), potential)
                  for bound in (certified_lower_bound, certified_upper_bound)] if certify else []
        return TransportResult(value.reshape(leading), potential, *bounds)


class _Transport(torch.autograd.Function):
    """Hands a solver's potentials on as gradients."""

    @staticmethod
    def forward(ctx, p: Tensor, q: Tensor, solver: Solver):
        duals = solver.map_parts(lambda part: solver.solve(p[part], q[part]), p)
        dual = duals[0] if len(duals) == 1 else Dual(
            *(None if field[0] is None else torch.cat(field) for field in zip(*duals)))
        target = dual.target_potential if ctx.needs_input_grad[1] else None
        ctx.save_for_backward(dual.potential, target, dual.calm)
        ctx.mark_non_differentiable(dual.potential)
        return dual.value, dual.potential

    @staticmethod
    def backward(ctx, grad_value: Tensor, _):
        refuse_second_derivatives()
        potential, target, calm = ctx.saved_tensors
        factor = (grad_value if calm is None else grad_value * calm)[:, None, None]
        grad_p = factor * potential
        grad_q = None
        if ctx.needs_input_grad[1]:
            grad_q = -grad_p if target is None else factor * target
        return grad_p, grad_q, None
