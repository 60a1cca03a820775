"""The entry: one function for every method."""
from __future__ import annotations

from functools import lru_cache

from torch import Tensor

from .exact import ExactSolver
from .graded import GradedSolver
from .sinkhorn import SinkhornSolver
from .sliced import SlicedSolver
from .solver import Solver

SOLVERS = {
    'graded': GradedSolver,
    'sinkhorn': SinkhornSolver,
    'sliced': SlicedSolver,
    'exact': ExactSolver,
}


@lru_cache(maxsize=16)
def solver_of(method: str, **options) -> Solver:
    """The solver for these settings, one for all calls: it may look at targets at times only."""
    return SOLVERS[method](**options)


def wasserstein1(p: Tensor, q: Tensor, *, method: str = 'graded', return_result: bool = False,
                 **options):
    r"""First Wasserstein distance with Euclidean ground cost, Eq. 4 of the paper.

    .. math::
        W_1(p, q) = \min_{\pi \in \Gamma(p, q)} \sum_{x, y} |x - y|_2 \, \pi(x, y)

    Args:
        p: Predicted maps ``[..., H, W]``, non-negative with sum 1.
        q: Target maps of the same shape, non-negative with sum 1.
        method: ``'graded'`` (:class:`~mmpose_wass.ot.graded.GradedSolver`), the fast one for
            compact targets; ``'sinkhorn'`` (:class:`~mmpose_wass.ot.sinkhorn.SinkhornSolver`),
            entropic, for any targets; ``'sliced'``
            (:class:`~mmpose_wass.ot.sliced.SlicedSolver`), a cheap approximation for any targets;
            ``'exact'`` (:class:`~mmpose_wass.ot.exact.ExactSolver`), one map at a time on the CPU.
        return_result: Return the whole :class:`~mmpose_wass.ot.solver.TransportResult`.
        **options: Of the solver, such as ``radius`` of the graded one; it should be given where
            calls repeat, since finding it waits for the device. Calls with equal options share a
            solver, and so what ``check_interval`` counts.

    Returns:
        Tensor ``[...]`` in heatmap pixels, once differentiable in p and q, float64 for float64
        maps and float32 for all others.

    Raises:
        ValueError: On unequal shapes, fewer than two dimensions, an unknown method or option
            value, or a target that the method cannot hold.

    Example:
        >>> import torch
        >>> p, q = torch.zeros(2, 16, 16)
        >>> p[3, 4], q[6, 8] = 1, 1
        >>> round(wasserstein1(p, q).item(), 1)
        5.0
    """
    if method not in SOLVERS:
        raise ValueError(f'method must be one of {tuple(SOLVERS)}, got {method!r}')
    result = solver_of(method, **options)(p, q)
    return result if return_result else result.value
