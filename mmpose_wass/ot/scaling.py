"""Scaling (Sinkhorn) iterations with a shared kernel, and extrapolation in epsilon."""
from __future__ import annotations

import math
from typing import List, NamedTuple, Optional, Sequence

import torch
from torch import Tensor

# Keeps logarithms and reciprocals finite where a source or sink holds no mass. Relative to
# a total mass of 1 it is far below float32's resolution of the result.
SMALLEST_MASS = 1e-12
# Largest exponents that scaling vectors may have, well within the floating-point range.
LARGEST_EXPONENT = {torch.float32: 80.0, torch.float64: 600.0}


class Scalings(NamedTuple):
    """Logarithms of the scaling vectors of one epsilon, times epsilon, in pixels."""

    sources: Tensor  # [M, N]
    sinks: Tensor  # [M, S]
    epsilon: float


def iterate_scalings(source_mass: Tensor, sink_mass: Tensor, kernels: Sequence[Tensor],
                     epsilons: Sequence[float], iterations: Sequence[int],
                     radius: float) -> List[Scalings]:
    r"""Solve M entropic problems that share a kernel, warm-started down a list of epsilons.

    For each epsilon the fixed point of

    .. math:: v = 1 / K^\top (a \circ u), \qquad u = 1 / K (b \circ v)

    gives the dual potentials :math:`\epsilon \log u`, :math:`\epsilon \log v` of entropic
    transport of a to b with reference measure a ⊗ b. Both products are matrix products with
    one table for all maps: ``4 N S`` floating-point operations a map and iteration.

    v is rescaled at each iteration so that its largest entry is exp(radius / 2 epsilon):
    the potentials differ by at most the disc's diameter, so everything then fits into
    float32's range for radius / epsilon up to about 48, into float64's up to some hundreds.

    Args:
        source_mass: a, ``[M, N]``, sum about 1.
        sink_mass: b, ``[M, S]``, sum 1.
        kernels: One ``[N, S]`` table an epsilon. With tables in bfloat16 both products are taken in
            bfloat16: a relative error of 2^-9, which moves potentials by epsilon / 500.
        epsilons: Regularisation strengths in pixels, descending.
        iterations: Number of iterations for each.
        radius: Radius of the sinks' disc in pixels, which bounds the kernel's exponent.

    Returns:
        The scalings of each epsilon, in the order given.
    """
    source_mass = source_mass + SMALLEST_MASS
    sink_mass = sink_mass + SMALLEST_MASS
    results: List[Scalings] = []
    potential: Optional[Tensor] = None
    limit = LARGEST_EXPONENT[source_mass.dtype]
    smallest = torch.finfo(source_mass.dtype).tiny
    for kernel, epsilon, count in zip(kernels, epsilons, iterations):
        largest = math.exp(min(0.5 * radius / epsilon, limit / 2))
        scaled = sink_mass * largest
        # Few operators, since each is a pass over memory and a launch: 1 / u and 1 / v are what
        # products yield, in the table's type, and masses are divided by them into that type.
        weighted = torch.empty_like(source_mass, dtype=kernel.dtype)
        reached = torch.empty_like(sink_mass, dtype=kernel.dtype)
        if potential is None:
            weighted.copy_(source_mass)
        else:
            u = torch.exp((potential / epsilon).clamp(-limit, limit))
            torch.mul(source_mass, u, out=weighted)
        for _ in range(count):
            inverse_v = (weighted @ kernel).clamp_(smallest, 1 / smallest)
            lowest = inverse_v.amin(dim=1, keepdim=True)
            torch.mul(scaled / inverse_v, lowest, out=reached)
            inverse_u = (reached @ kernel.T).clamp_(smallest, 1 / smallest)
            torch.div(source_mass, inverse_u, out=weighted)
        potential = -epsilon * torch.log(inverse_u.to(source_mass.dtype))
        v = lowest.to(source_mass.dtype) * largest / inverse_v
        results.append(Scalings(potential, epsilon * torch.log(v), epsilon))
    return results


def extrapolate_in_epsilon(coarse: Tensor, fine: Tensor, epsilon_coarse: float,
                           epsilon_fine: float, share: float = 1.0) -> Tensor:
    r"""Richardson extrapolation of a potential to :math:`\epsilon \to 0`.

    .. math:: F = F_f + s \, \frac{\epsilon_f}{\epsilon_c - \epsilon_f} (F_f - F_c)

    A full step (s = 1) is exact for an error linear in epsilon. The error of entropic transport
    between maps falls a little faster than that, so a full step overshoots.

    Args:
        coarse: Potential at the larger epsilon, any shape.
        fine: Potential at the smaller one.
        epsilon_coarse: The larger epsilon.
        epsilon_fine: The smaller one.
        share: s, in [0, 1].

    Returns:
        The extrapolated potential, of the same shape.

    Example:
        >>> line = lambda epsilon: torch.tensor([3.0]) + 2 * epsilon
        >>> extrapolate_in_epsilon(line(.5), line(.25), .5, .25).item()
        3.0
    """
    step = share * epsilon_fine / (epsilon_coarse - epsilon_fine)
    return torch.lerp(coarse, fine, 1 + step)
