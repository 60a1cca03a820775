"""The paper's solver: entropic transport on the full grid, in the log domain."""
from __future__ import annotations

import math
from functools import lru_cache
from typing import Tuple

import torch
from torch import Tensor
from torch.nn import functional

from .grid import ground_cost, pixel_coordinates
from .solver import Dual, Solver

# Largest |exponent| of a tile's kernel. The smallest normal number is e^-87 in float32 and e^-708
# in float64: a weight that underflows is less than e^(2 * 25 - 87) = e^-37 of its tile's sum.
LARGEST_EXPONENT = {torch.float32: 25.0, torch.float64: 300.0}
# Working arrays of the size of one reduction: the product, and two inside logsumexp.
WORKING_ARRAYS = 3
# Tables are filled in this many parts, each with up to four arrays of its size.
TABLE_PARTS = 32


class SoftMinimum:
    r"""The operator of Sinkhorn's iterations, for any epsilon without over- or underflow.

    .. math:: (T h)(x) = -\epsilon \log \sum_y \exp\left(h(y) - |x - y| / \epsilon\right)

    A log-sum-exp over all pairs costs one exponential a pair, map and iteration; a matrix product
    with :math:`e^{-|x - y| / \epsilon}` costs next to nothing but underflows for small epsilon.
    Here the pixels y are cut into tiles with centres c, small enough that the kernel relative to
    a tile's centre, :math:`e^{(|x - c| - |x - y|) / \epsilon}`, stays in range: a matrix product
    inside each tile, a log-sum-exp across tiles. A large epsilon has one tile and a tiny one has
    tiles of one pixel, which is the plain log-sum-exp. All of them are exact to rounding.

    2 N^2 FLOP a map for N = H W pixels, and N T exponentials for T tiles: 1, 4 and 256 tiles
    for epsilon 2, 1 and 0.1 px on 64 x 64 pixels in float32. The tables take N^2 + N T numbers.

    Args:
        shape: Height and width.
        epsilon: Entropic strength in pixels.
        device: Where the tables live.
        dtype: float32 or float64.
        memory: Bound in MiB on tables and working space together. Where all tables would not
            fit, they are computed anew, block by block of x, in each call.
    """

    def __init__(self, shape: Tuple[int, int], epsilon: float, device: torch.device,
                 dtype: torch.dtype, memory: float) -> None:
        self.epsilon = epsilon
        self.pixels = pixel_coordinates(shape, device, dtype)
        longest = 1 + int(math.sqrt(2) * LARGEST_EXPONENT[dtype] * epsilon)
        counts = [math.ceil(length / longest) for length in shape]
        sides = [math.ceil(length / count) for length, count in zip(shape, counts)]
        corners = pixel_coordinates(counts, device, dtype) * pixel_coordinates(
            sides, device, dtype).amax(dim=0).add(1)
        self.points = corners[:, None] + pixel_coordinates(sides, device, dtype)  # [T, S, 2]
        self.centres = self.points.mean(dim=1)
        index = (self.points[..., 1] * shape[1] + self.points[..., 0]).long()
        # The pixel after the last stands for all that tiles at the border have outside the map.
        beyond = (self.points[..., 0] >= shape[1]) | (self.points[..., 1] >= shape[0])
        self.index = index.masked_fill(beyond, len(self.pixels))

        tiles, size = self.index.shape
        numbers = memory * 2**20 / torch.finfo(dtype).bits * 8
        total = len(self.pixels)
        table = tiles * (size * (1 + 4 / TABLE_PARTS) + 1)  # numbers for each x
        self.rows = max(1, min(total, int(numbers / (table + tiles * WORKING_ARRAYS))))
        room = numbers - table * self.rows
        self.maps = max(1, int(room / (WORKING_ARRAYS * tiles * self.rows)))
        self.kept = self.tables(self.pixels) if self.rows == total else None

    def tables(self, pixels: Tensor) -> Tuple[Tensor, Tensor]:
        """Kernels ``[T, S, R]`` relative to the tiles' centres, and those' costs ``[T, R]``."""
        cost = ground_cost(self.centres, pixels)
        points = self.points.flatten(0, 1)
        tile = torch.arange(len(cost), device=cost.device).repeat_interleave(self.points.shape[1])
        kernels = cost.new_empty(len(points), len(pixels))
        part = math.ceil(len(points) / TABLE_PARTS)
        for kernel, own, some in zip(kernels.split(part), tile.split(part), points.split(part)):
            torch.sub(cost[own], ground_cost(some, pixels), out=kernel)
        kernels = kernels.view(*self.index.shape, len(pixels))
        return kernels.div_(self.epsilon).exp_(), cost.div_(self.epsilon)

    def __call__(self, exponents: Tensor) -> Tensor:
        """T h.

        Args:
            exponents: h, ``[M, N]``: log mass + potential / epsilon, -inf where there is no mass.

        Returns:
            Potential ``[M, N]`` in pixels, finite everywhere; 0 for a map without any mass.
        """
        exponents = functional.pad(exponents, (0, 1), value=-math.inf)[:, self.index]
        top = exponents.amax(dim=2)
        top = top.masked_fill_(top == -math.inf, 0)
        weights = exponents.sub_(top[..., None]).exp_().transpose(0, 1)  # [T, M, S]
        top = top.transpose(0, 1)[..., None]
        result = weights.new_empty(weights.shape[1], len(self.pixels))
        for row in range(0, result.shape[1], self.rows):
            rows = slice(row, row + self.rows)
            kernels, cost = self.kept or self.tables(self.pixels[rows])
            for first in range(0, len(result), self.maps):
                maps = slice(first, first + self.maps)
                sums = torch.bmm(weights[:, maps], kernels).log_()
                sums.add_(top[:, maps]).sub_(cost[:, None])
                result[maps, rows] = torch.logsumexp(sums, dim=0)
                del sums  # before the next are made
            del kernels, cost
        return result.mul_(-self.epsilon).masked_fill_(result == math.inf, 0)


soft_minimum = lru_cache(maxsize=2)(SoftMinimum)


class SinkhornSolver(Solver):
    r"""Entropic transport between arbitrary maps, the paper's way to Eq. 4.

    .. math::
        OT_\epsilon(p, q) = \min_{\pi \in \Gamma(p, q)} \langle \pi, c \rangle
            + \epsilon \, KL(\pi \,|\, p \otimes q)
        = \max_{f, g} \; \langle p, f \rangle + \langle q, g \rangle
            - \epsilon \langle p \otimes q, e^{(f \oplus g - c) / \epsilon} - 1 \rangle

    with :math:`c = |x - y|`. The value is the dual's after the last iteration, which is GeomLoss'
    convention (with ``p=1, blur=epsilon``); its gradient is the potential f. It is too large:
    :math:`OT_\epsilon(q, q) > 0`, and its minimum is sharper than q. Debiased it becomes the
    Sinkhorn divergence :math:`OT_\epsilon(p, q) - \frac12 OT_\epsilon(p, p)
    - \frac12 OT_\epsilon(q, q)`, which is 0 at p = q, with the gradient :math:`f - f_{pp}`.

    The number of iterations to converge grows with distance / epsilon, and is twice as large
    debiased. Before that, values without debiasing are too small. Two :class:`SoftMinimum` an
    iteration, debiased four: 6.7 GFLOP a map of 64 x 64 pixels for 100 iterations, and in float32
    4 ms a map and iteration on one CPU core at epsilon = 1 in batches, 50 ms at 0.1.

    Args:
        epsilon: Entropic strength in heatmap pixels. As it goes to 0 the value goes to W1.
        iterations: Number of iterations, each updating both potentials.
        debiased: Subtract the self-transport. All updates are then symmetric,
            :math:`f \leftarrow \frac12 (f + T g)`, so that p = q gives exactly 0.
        value: ``'dual'``, or ``'transport'`` for the plain :math:`\langle \pi, c \rangle` that
            POT's ``sinkhorn2`` returns; the gradient stays that of the dual. Not both debiased
            and ``'transport'``.
        memory: Bound in MiB on tables and working space, whatever the number of maps; beside it
            some arrays of the size of the maps. 64 x 64 pixels at epsilon = 1 in float32 need 67 MB
            of tables, and the two last used are kept between calls; 128 x 128 would need 1.1 GB,
            more than the default, and are computed in blocks, anew in each iteration.

    Raises:
        ValueError: On a value outside its range.

    Example:
        >>> p, q = torch.zeros(2, 16, 16)
        >>> p[3, 4], q[6, 8] = 1, 1
        >>> round(SinkhornSolver(epsilon=.5)(p, q).value.item(), 4)
        5.0
    """

    def __init__(self, epsilon: float = 1.0, iterations: int = 100, debiased: bool = False,
                 value: str = 'dual', memory: float = 512) -> None:
        if not 0 < epsilon < math.inf:
            raise ValueError(f'epsilon must be positive and finite, in pixels, got {epsilon}')
        if iterations < 1:
            raise ValueError(f'iterations must be at least 1, got {iterations}')
        if value not in ('dual', 'transport'):
            raise ValueError(f"value must be 'dual' or 'transport', got {value!r}")
        if debiased and value == 'transport':
            raise ValueError("debiased is defined for value='dual' only")
        if not memory > 0:
            raise ValueError(f'memory must be positive, in MiB, got {memory}')
        self.epsilon = float(epsilon)
        self.iterations = int(iterations)
        self.debiased = debiased
        self.value = value
        self.memory = float(memory)

    def solve(self, p: Tensor, q: Tensor) -> Dual:
        """See :meth:`Solver.solve`."""
        transform = soft_minimum(
            tuple(p.shape[-2:]), self.epsilon, p.device, p.dtype, self.memory)
        mass, target = p.flatten(1), q.flatten(1)
        if self.debiased:
            f, g = self.symmetric(transform, mass.log(), target.log())
        else:
            f, g = self.alternating(transform, mass.log(), target.log())
        if self.value == 'transport':
            value = self.transport(mass.log(), target.log(), f, g, transform.pixels)
        else:
            value = (mass * f).sum(dim=1) + (target * g).sum(dim=1)
        return Dual(value, f.view_as(p), g.view_as(q))

    def alternating(self, transform: SoftMinimum, log_p: Tensor,
                    log_q: Tensor) -> Tuple[Tensor, Tensor]:
        """Potentials ``[M, N]`` by Sinkhorn's iterations from f = 0."""
        f = torch.zeros_like(log_p)
        for _ in range(self.iterations):
            g = transform(log_p + f / self.epsilon)
            f = transform(log_q + g / self.epsilon)
        return f, g

    def symmetric(self, transform: SoftMinimum, log_p: Tensor,
                  log_q: Tensor) -> Tuple[Tensor, Tensor]:
        """Potentials less those of self-transport, all four updated at once."""
        source = torch.cat([log_q, log_p, log_p, log_q])
        count = len(log_p)

        def update(potentials: Tensor) -> Tensor:
            f, g, itself = potentials.split([count, count, 2 * count])
            return transform(source + torch.cat([g, f, itself]) / self.epsilon)

        potentials = torch.zeros_like(source)
        for _ in range(self.iterations - 1):
            potentials = torch.lerp(potentials, update(potentials), .5)
        f, g, f_itself, g_itself = update(potentials).chunk(4)
        return f - f_itself, g - g_itself

    def transport(self, log_p: Tensor, log_q: Tensor, f: Tensor, g: Tensor,
                  pixels: Tensor) -> Tensor:
        """Cost of the plan p q exp((f + g - c) / epsilon), ``[M]``, in blocks of its rows."""
        source, sink = log_p + f / self.epsilon, log_q + g / self.epsilon
        total = len(pixels)
        numbers = self.memory * 2**20 / torch.finfo(f.dtype).bits * 8
        rows = max(1, min(total, int(numbers / (2 * WORKING_ARRAYS * total))))
        maps = max(1, int(numbers / (WORKING_ARRAYS * rows * total)) - 1)
        value = torch.zeros_like(f[:, 0])
        for row in range(0, total, rows):
            cost = ground_cost(pixels[row:row + rows], pixels)
            for first in range(0, len(f), maps):
                block = slice(first, first + maps)
                plan = source[block, row:row + rows, None] + sink[block, None]
                plan.sub_(cost / self.epsilon).exp_()
                value[block] += plan.mul_(cost).sum(dim=(1, 2))
        return value
