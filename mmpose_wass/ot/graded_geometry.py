"""Where a compact target's transport problem lives: a disc of sinks, graded sources."""
from __future__ import annotations

import functools
import math
from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from .grid import graded_axis, hat_weights

# Above this radius over epsilon the scaling vectors leave the floating-point range.
LARGEST_RADIUS_OVER_EPSILON = {torch.float32: 44.0, torch.float64: 300.0}


class Grading(NamedTuple):
    """How finely the problem is discretised; equal settings share their tables.

    Attributes:
        epsilons: Entropic strengths in pixels, descending, one kernel table each. They are
            stretched where R / epsilon would leave the floating-point range.
        spacing: Distance of the first outer nodes in pixels.
        growth: Factor from each outer spacing to the next.
    """

    epsilons: Tuple[float, ...]
    spacing: float
    growth: float


class Placement(NamedTuple):
    """The geometry laid onto each map at its own centre."""

    pixels: Tensor  # [M, S]: flat pixel index of each disc point, the centre's where outside
    within: Tensor  # [M, S]: whether the disc point lies in the map
    across: Tensor  # [M, W, n]: hat weights of the columns on the coarse axis
    down: Tensor  # [M, H, n]: hat weights of the rows
    columns: Tensor  # [M, W]: squared offsets of the columns, plus R^2
    rows: Tensor  # [M, H]: squared offsets of the rows


class GradedGeometry:
    r"""Sinks in a disc, sources in the same disc and on a grid graded outwards from it.

    Sinks are the pixels with :math:`|y| \le R` about the target's centre: all the mass
    of a compact target. Sources are these pixels, one by one, and outside them the nodes of
    a tensor grid that widens outwards: mass there is splatted with hat functions.

    The kernel is centred, :math:`K(X, y) = \exp(-(|X - y| - |X|) / \epsilon)`: its exponent
    is bounded by :math:`R / \epsilon` whatever the size of the map, so the iterations run
    in plain float32, and a single table serves all maps.

    With nodes from 2 px on, each spacing 1.7 times the last, a map of 64 x 64 has
    293 / 397 / 753 sources for sigma 1 / 1.5 / 3, and their number grows with the logarithm of
    the map's size.

    Args:
        shape: Height and width of the maps.
        radius: Radius R of the disc in heatmap pixels, see
            :func:`~mmpose_wass.ot.targets.disc_radius`.
        grading: How finely.
        device: Where tables live.
        dtype: ``torch.float32`` or ``torch.float64``.
        table_dtype: Of the kernels; ``torch.bfloat16`` has float32's range.
    """

    def __init__(self, shape: Tuple[int, int], radius: float, grading: Grading,
                 device: torch.device, dtype: torch.dtype,
                 table_dtype: Optional[torch.dtype] = None) -> None:
        self.shape = shape
        self.dtype = dtype
        self.radius = radius
        # Larger discs need a larger epsilon to stay within the floating-point range.
        limit = LARGEST_RADIUS_OVER_EPSILON[dtype]
        stretch = max(1.0, radius / (limit * grading.epsilons[-1]))
        self.epsilons = tuple(epsilon * stretch for epsilon in grading.epsilons)
        self.span = max(shape) - 1

        reach = int(math.floor(radius + .5))
        steps = np.arange(-reach, reach + 1)
        x, y = (axis.ravel() for axis in np.meshgrid(steps, steps))
        inside = np.hypot(x, y) <= radius + .5
        disc = np.stack([x[inside], y[inside]], axis=1)

        axis = graded_axis(grading.spacing, radius, self.span, grading.growth)
        self.axis_size = len(axis)
        x, y = (coordinate.ravel() for coordinate in np.meshgrid(axis, axis))
        # Nodes well inside the disc never receive mass: their cells lie within it.
        outer = np.flatnonzero(np.hypot(x, y) >= radius - 1.5 * grading.spacing)
        sources = np.concatenate([disc, np.stack([x[outer], y[outer]], axis=1)])
        distance = np.hypot(*(sources[:, None] - disc[None]).transpose(2, 0, 1))
        source_radius = np.hypot(*sources.T)

        def table(array: np.ndarray, kind: torch.dtype = dtype) -> Tensor:
            return torch.as_tensor(np.ascontiguousarray(array), dtype=kind, device=device)

        self.disc = table(disc, torch.long)
        self.outer = table(outer, torch.long)
        self.centre_index = int(np.flatnonzero((disc == 0).all(axis=1))[0])
        self.axis_weights = table(hat_weights(np.arange(-self.span, self.span + 1), axis))
        self.source_radius = table(source_radius)
        self.node_far_field = table(np.sqrt(source_radius[len(disc):]**2 + radius**2))
        self.kernels = tuple(
            table(np.exp(-(distance - source_radius[:, None]) / epsilon), table_dtype or dtype)
            for epsilon in self.epsilons)

    def place(self, centre: Tensor) -> Placement:
        """Lay the geometry onto maps with the given disc centres ``[M, 2]``."""
        height, width = self.shape
        columns = torch.arange(width, device=centre.device) - centre[:, :1]
        rows = torch.arange(height, device=centre.device) - centre[:, 1:]
        x = centre[:, :1] + self.disc[:, 0]
        y = centre[:, 1:] + self.disc[:, 1]
        within = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        kind = self.axis_weights.dtype
        return Placement(
            pixels=torch.where(within, y * width + x, centre[:, 1:] * width + centre[:, :1]),
            within=within,
            across=self.axis_weights[columns + self.span],
            down=self.axis_weights[rows + self.span],
            columns=columns.to(kind).square_().add_(self.radius**2),
            rows=rows.to(kind).square_())

    def moment_outside(self, q: Tensor, placement: Placement, mass: Tensor,
                       inertia: Tensor) -> Tensor:
        r"""Bound of the first moment of targets outside the disc.

        What a distance can change by for want of that mass: by Cauchy and Schwarz

        .. math::
            \sum_{|y| > R} q(y) \, |y|
            \le \Bigl(\sum_{|y| > R} q(y) \sum_{|y| > R} q(y) \, |y|^2\Bigr)^{1/2},

        with next to equality both for a stray mode and for a Gaussian's tails, whose mass is
        all about equally far. Both sums are the map's less the disc's, so that nothing but
        the disc's pixels is read.

        Args:
            q: Normalised targets ``[M, H, W]``; one that is all 0 has 0.
            placement: From :meth:`place`.
            mass: The maps' sums, see :class:`~mmpose_wass.ot.targets.Discs`.
            inertia: Their second moments, the same.

        Returns:
            Tensor ``[M]`` in pixels.
        """
        near = q.flatten(1).gather(1, placement.pixels) * placement.within
        squares = self.source_radius[:len(self.disc)].square().to(q.dtype)
        mass = (mass - near.sum(dim=1)).clamp_min(0)
        return (mass * (inertia - near @ squares).clamp_min(0)).sqrt()

    def gather(self, difference: Tensor, placement: Placement) -> Tuple[Tensor, Tensor]:
        """Mass of r = p - q at the disc's pixels and, splatted, at the outer nodes.

        Args:
            difference: ``[M, H, W]``.
            placement: From :meth:`place`.

        Returns:
            ``[M, S]`` and ``[M, C]``, both signed.
        """
        count = len(difference)
        flat = difference.reshape(count, -1)
        near = flat.gather(1, placement.pixels) * placement.within
        far = flat.scatter(1, placement.pixels, 0.0).view_as(difference)
        nodes = placement.down.transpose(1, 2) @ (far @ placement.across)
        return near, nodes.view(count, -1)[:, self.outer]

    def spread(self, potential: Tensor, placement: Placement) -> Tensor:
        """Bring a potential on the sources ``[M, S + C]`` back to all pixels ``[M, H, W]``.

        Outside the disc the smooth remainder over sqrt(|x|^2 + R^2) is interpolated, which
        the coarse nodes carry far better than the potential itself.
        """
        count, size = len(potential), self.axis_size
        near, far = potential.split([len(self.disc), len(self.outer)], dim=1)
        nodes = potential.new_zeros(count, size * size)
        nodes[:, self.outer] = far - self.node_far_field
        pixels = placement.down @ (nodes.view(count, size, size) @ placement.across.transpose(1, 2))
        far_field = placement.columns[:, None, :] + placement.rows[:, :, None]
        pixels += far_field.sqrt_()
        # Disc points outside the map repeat what the centre's own entry writes.
        near = torch.where(placement.within, near, near[:, self.centre_index, None])
        pixels.view(count, -1).scatter_(1, placement.pixels, near)
        return pixels


@functools.lru_cache(maxsize=8)
def graded_geometry(shape: Tuple[int, int], radius: float, grading: Grading, device: torch.device,
                    dtype: torch.dtype, table_dtype: torch.dtype) -> GradedGeometry:
    """The geometry for these settings, built once and kept while among the last eight in use.

    Its tables grow with R^4: 3 MB for R = 10 (sigma 3), 170 MB and half a second for R = 32.
    """
    return GradedGeometry(shape, radius, grading, device, dtype, table_dtype)
