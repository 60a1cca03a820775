"""A feasible transport plan between two sets of pixels, and what it costs."""
from __future__ import annotations

from math import inf
from typing import Iterator, NamedTuple, Tuple

import torch
from torch import Tensor

# Pairs of a source and a sink held at a time for the upper bound: 64 MB in float64, and up to
# four such arrays at once.
PAIRS = 2**23


class Stage(NamedTuple):
    """Scaling iterations of the upper bound's plan at one epsilon.

    Attributes:
        epsilon: Entropic strength in pixels.
        iterations: Their number.
    """

    epsilon: float
    iterations: int


# These find the potentials of the plan, each from those of the last. A good potential needs only
# the last three; between two maps of noise the others take the gap from 3 to 12 % to 1 to 2 %.
DESCENT = (Stage(1.6, 10), Stage(.4, 20), Stage(.1, 20), Stage(.04, 20), Stage(.015, 40))
# Exponent of their updates. Above 1 mass mixes faster; from 1.8 on they may not settle.
RELAXATION = 1.6
# These place the mass: almost all of it the first, what is then in the way of the marginals the
# next, and the last, whose kernel is 1 for every pair, whatever is left.
PLACEMENT = (Stage(.015, 1), Stage(.05, 2), Stage(.1, 2), Stage(.2, 2), Stage(.4, 2),
             Stage(1.6, 2), Stage(inf, 0))
# Kernels and scalings stay within these, so that their products stay within float64's range.
LARGEST_EXPONENT = 200.0
LARGEST_SCALING = 1e100


class Distances:
    """|x - y| between sources ``[M, X, 2]`` and sinks ``[M, Y, 2]``, by blocks of sources.

    One block of all, which is kept, where that is at most PAIRS numbers; else each is made anew.
    """

    def __init__(self, sources: Tensor, sinks: Tensor) -> None:
        self.sources, self.sinks = sources, sinks
        self.rows = max(1, PAIRS // (len(sources) * sinks.shape[1]))
        self.kept = None
        if self.rows >= sources.shape[1]:
            self.kept = list(self.blocks())

    def blocks(self) -> Iterator[Tuple[slice, Tensor]]:
        """Which sources, R of them, and their distances ``[M, R, Y]``."""
        if self.kept is not None:
            yield from self.kept
            return
        for row in range(0, self.sources.shape[1], self.rows):
            rows = slice(row, row + self.rows)
            # The squares of whole numbers are exact, which leaves the rounding of the root.
            squares, other = (
                (self.sources[:, rows, None, axis] - self.sinks[:, None, :, axis]).square_()
                for axis in range(2))
            yield rows, squares.add_(other).sqrt_()


def conjugate(distances: Distances, a: Tensor, b: Tensor, g: Tensor) -> Tuple[Tensor, Tensor]:
    """Largest f, then g, with f(x) + g(y) <= |x - y| where there is mass to move.

    Args:
        distances: Between the sources and the sinks.
        a: Mass of the sources, ``[M, X]``; those with none do not count.
        b: Mass of the sinks, ``[M, Y]``; the same.
        g: Any potential of the sinks, ``[M, Y]``.

    Returns:
        f ``[M, X]`` and g ``[M, Y]`` in pixels.
    """
    g = g.masked_fill(b <= 0, -inf)[:, None]
    f = torch.cat([(distance - g).amin(dim=2) for _, distance in distances.blocks()], dim=1)
    true = f.masked_fill(a <= 0, -inf)[..., None]
    nearest = [(distance - true[:, rows]).amin(dim=1) for rows, distance in distances.blocks()]
    return f, torch.stack(nearest).amin(dim=0)


class GibbsKernel:
    r"""K(x, y) = exp((f(x) + g(y) - |x - y|) / epsilon), in the blocks of the distances.

    Args:
        distances: |x - y|, ``[M, X, Y]``.
        f: Potential of the sources ``[M, X]`` in pixels.
        g: Potential of the sinks ``[M, Y]`` in pixels.
        epsilon: In pixels, or inf for K = 1.
    """

    def __init__(self, distances: Distances, f: Tensor, g: Tensor, epsilon: float) -> None:
        self.distances, self.f, self.g, self.epsilon = distances, f, g, epsilon
        self.kept = None
        if distances.kept is not None:
            self.kept = list(self.blocks())

    def blocks(self) -> Iterator[Tuple[slice, Tensor, Tensor]]:
        """Which sources, R of them, their distances and their kernel, both ``[M, R, Y]``."""
        if self.kept is not None:
            yield from self.kept
            return
        for rows, distance in self.distances.blocks():
            kernel = self.g[:, None] - distance
            kernel.add_(self.f[:, rows, None]).div_(self.epsilon)
            # The bound does not mind another kernel where potentials are that far off.
            yield rows, distance, kernel.clamp_max_(LARGEST_EXPONENT).exp_()

    def times(self, w: Tensor) -> Tensor:
        """K w, ``[M, X]``, for w ``[M, Y]``."""
        return torch.cat([(kernel @ w[..., None])[..., 0] for _, _, kernel in self.blocks()], dim=1)

    def transposed_times(self, u: Tensor) -> Tensor:
        """K' u, ``[M, Y]``, for u ``[M, X]``."""
        return sum((u[:, None, rows] @ kernel)[:, 0] for rows, _, kernel in self.blocks())

    def cost(self, u: Tensor, w: Tensor) -> Tensor:
        """Cost of the plan u K w, ``[M]``."""
        return sum((u[:, rows] * ((kernel * distance) @ w[..., None])[..., 0]).sum(dim=1)
                   for rows, distance, kernel in self.blocks())


def scale_kernel(kernel: GibbsKernel, a: Tensor, b: Tensor, iterations: int,
                 relaxation: float = 1.0) -> Tuple[Tensor, Tensor]:
    """Scalings s, t from 1 on, with which (a s) K (b t) comes nearer to the marginals a and b.

    Args:
        kernel: K.
        a: Mass of the sources ``[M, X]``.
        b: Mass of the sinks ``[M, Y]``.
        iterations: Number of updates of both.
        relaxation: Exponent of the update's factor.

    Returns:
        s ``[M, X]`` and t ``[M, Y]``.
    """
    def update(scaling: Tensor, total: Tensor) -> Tensor:
        # The marginal is scaling * total now, relative to what it should be.
        excess = (scaling * total).clamp_min_(1 / LARGEST_SCALING)
        factor = excess.reciprocal_() if relaxation == 1 else excess.pow_(-relaxation)
        return factor.mul_(scaling).clamp_(1 / LARGEST_SCALING, LARGEST_SCALING)

    s, t = torch.ones_like(a), torch.ones_like(b)
    for _ in range(iterations):
        s = update(s, kernel.times(b * t))
        t = update(t, kernel.transposed_times(a * s))
    return s, t


def round_to_marginals(kernel: GibbsKernel, a: Tensor, b: Tensor,
                       t: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scalings u, w for which the plan u K w nowhere exceeds the marginals a and b.

    The sources' marginal is met first, then the sinks' is cut where it is exceeded.

    Args:
        kernel: K.
        a: Mass of the sources ``[M, X]``.
        b: Mass of the sinks ``[M, Y]``.
        t: Scaling of the sinks ``[M, Y]``, such as :func:`scale_kernel`'s.

    Returns:
        u ``[M, X]``, w ``[M, Y]``, and what the plan leaves of a and of b, not negative.
    """
    w = b * t
    u = a / kernel.times(w).clamp_min(1 / LARGEST_SCALING)
    excess = t * kernel.transposed_times(u)  # the plan's marginal relative to b
    w = w / excess.clamp_min(1)
    return u, w, (a - u * kernel.times(w)).clamp_min_(0), b * (1 - excess).clamp_min_(0)


def plan_parts(distances: Distances, a: Tensor, b: Tensor, f: Tensor,
               g: Tensor) -> Iterator[Tuple[GibbsKernel, Tensor, Tensor]]:
    """Parts u K w of a cheap plan whose sum has the marginals a and b.

    Args:
        distances: Between the sources and the sinks.
        a: Mass of the sources ``[M, X]``.
        b: Mass of the sinks ``[M, Y]``, of the same sum.
        f: Potential of the sources to start from, ``[M, X]`` in pixels.
        g: Potential of the sinks, ``[M, Y]``.

    Yields:
        K, u ``[M, X]`` and w ``[M, Y]`` for each of PLACEMENT.
    """
    for epsilon, iterations in DESCENT:
        kernel = GibbsKernel(distances, f, g, epsilon)
        s, t = scale_kernel(kernel, a, b, iterations, RELAXATION)
        f, g = f + epsilon * s.log(), g + epsilon * t.log()
    for epsilon, iterations in PLACEMENT:
        kernel = GibbsKernel(distances, f, g, epsilon)
        _, t = scale_kernel(kernel, a, b, iterations)
        u, w, a, b = round_to_marginals(kernel, a, b, t)
        yield kernel, u, w
