"""Compact targets: the disc that holds one, and what lies outside it."""
from __future__ import annotations

import math
from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor

# A compact target's disc: the reach in standard deviations, and the margin in pixels.
REACH = 3.0
MARGIN = 1.0
SMALLEST_RADIUS = 2.0
# Discs beyond this would need tables of hundreds of megabytes.
LARGEST_RADIUS = 32.0
# What lies outside the disc may have this first moment, as a share of the radius R and of R^2 in
# pixels, whichever is more. The tails of Gaussians cut by a corner, the heaviest, have 0.0028 R,
# 0.0040 R and 0.0057 R at sigma 3, 4 and 6: the margin counts for less in a larger disc.
TOLERATED_MOMENT = 0.003
TOLERATED_MOMENT_PER_PIXEL = 0.00033
# A border cuts a Gaussian to one of less variance but of longer tails: beside what its variance
# says, its disc has to be up to so many times as large.
LARGEST_GROWTH = 1.8


def disc_radius(sigma: float) -> float:
    """Radius in pixels of the disc that holds a Gaussian of standard deviation ``sigma``.

    Example:
        >>> disc_radius(1.5)
        5.5
    """
    return max(SMALLEST_RADIUS, REACH * sigma + MARGIN)


class Discs(NamedTuple):
    """Where targets lie and how wide they are.

    Attributes:
        centre: The pixel nearest to each barycentre, ``[M, 2]`` of (x, y), integer, always inside
            the map.
        radius: Radius in pixels of the disc that each needs, ``[M]``: that of
            :func:`disc_radius` for a Gaussian inside the map.
        mass: The targets' sums ``[M]``.
        inertia: Second moment about the centre, ``[M]`` in squared pixels.
    """

    centre: Tensor
    radius: Tensor
    mass: Tensor
    inertia: Tensor


class NotCompactError(ValueError):
    """A target of which the disc does not hold enough.

    Attributes:
        radius: Of a disc in pixels that may hold it, None where none does.
    """

    def __init__(self, message: str, radius: Optional[float] = None) -> None:
        super().__init__(message)
        self.radius = radius


def find_discs(q: Tensor) -> Discs:
    """The disc of each target, from its first and second moments.

    Two passes over the maps, and nothing waits for the device.

    Args:
        q: Normalised targets ``[M, H, W]``; an all-zero map has the smallest disc at (0, 0).

    Returns:
        The :class:`Discs`.
    """
    height, width = q.shape[-2:]
    centres, variance, inertia = [], 0.0, 0.0
    for mass, length in ((q.sum(dim=1), width), (q.sum(dim=2), height)):
        # About the map's middle, where squares lose the fewest digits.
        middle = (length - 1) / 2
        place = torch.arange(length, device=q.device, dtype=q.dtype) - middle
        total, mean, square = mass.sum(dim=1), mass @ place, mass @ place.square()
        # Bounds that are Python's numbers: a tensor of them would have to travel to the device.
        centre = torch.nan_to_num(mean + middle * total).round().clamp(0, length - 1)
        shift = centre - middle
        centres.append(centre.long())
        variance = variance + square - mean.square()
        inertia = inertia + square - shift * (2 * mean - shift * total)
    deviation = (variance.clamp_min(0) / 2).sqrt()
    return Discs(torch.stack(centres, dim=1),
                 (REACH * deviation + MARGIN).clamp_min(SMALLEST_RADIUS), total, inertia)


def moment_outside(q: Tensor, centre: Tensor, radius: float) -> Tensor:
    r"""First moment of the target mass that lies outside the disc, where the solver has no sinks.

    .. math:: \sum_{|x - c| > R} q(x) \, |x - c|

    What this mass can add to W1 is about that much at most.

    Args:
        q: Normalised targets ``[M, H, W]``.
        centre: Disc centres ``[M, 2]``.
        radius: Radius in pixels.

    Returns:
        Tensor ``[M]`` in pixels.
    """
    horizontal, vertical = squared_offsets(q.shape[-2:], centre, q.dtype)
    distance = (horizontal[:, None, :] + vertical[:, :, None]).sqrt_()
    return (q * distance * (distance > radius + .5)).sum(dim=(1, 2))


def tolerated_moment(radius: float) -> float:
    """Largest first moment in pixels of what may lie outside a disc of this radius."""
    return radius * max(TOLERATED_MOMENT, TOLERATED_MOMENT_PER_PIXEL * radius)


def grown_radius(radius: float, needed: float) -> Optional[float]:
    """The next larger disc to try for a target that this one does not hold.

    Args:
        radius: That was too small, in pixels.
        needed: What the target's variance says, see :class:`Discs`.

    Returns:
        The radius, in half pixels, so that equal settings share their tables; None where larger
        ones would be no help, since the target is not compact.
    """
    # A Gaussian's variance on the grid differs from sigma^2 in the third digit.
    least = math.ceil(2 * (needed - .1)) / 2 if math.isfinite(needed) else needed
    radius = max(least, math.floor(2 * radius + 1) / 2)
    return radius if radius <= min(LARGEST_RADIUS, max(least, LARGEST_GROWTH * needed)) else None


@torch.no_grad()
def find_radius(q: Tensor) -> float:
    """Radius in pixels of the disc that holds each of the targets ``[M, H, W]``.

    Reads some numbers back from the device.

    Raises:
        NotCompactError: If a target is too wide for the graded solver, or has mass that no disc
            of such a variance holds.
    """
    discs = find_discs(q)
    needed = float(discs.radius.max())
    radius = grown_radius(0.0, needed)
    if radius is None:
        raise NotCompactError(
            f'a target needs a disc of radius {needed:.1f} px, more than the {LARGEST_RADIUS:g} '
            'px that the graded solver holds: targets must be compact, such as Gaussians')
    while True:
        moment = float(moment_outside(q, discs.centre, radius).max())
        # In proportion to the target, not to the disc, which would allow more the more it grows.
        if not moment > tolerated_moment(needed):
            return radius
        larger = grown_radius(radius, needed)
        if larger is None:
            raise NotCompactError(describe_outside(moment, radius))
        radius = larger


@torch.no_grad()
def check_targets(q: Tensor, radius: float) -> None:
    """Check that the graded solver sees all that matters of the targets ``[M, H, W]``.

    Reads one number back from the device.

    Args:
        q: Normalised targets.
        radius: The disc's radius in pixels.

    Raises:
        NotCompactError: If mass outside the disc could change a distance by more than
            :func:`tolerated_moment`.
    """
    if not q.numel():
        return
    moment = float(moment_outside(q, find_discs(q).centre, radius).max())
    if moment > tolerated_moment(radius):
        raise NotCompactError(describe_outside(moment, radius))


def describe_outside(moment: float, radius: float) -> str:
    """The message for targets of which too much lies outside the disc."""
    return (f'a target has mass more than {radius:g} px from its barycentre, where the graded '
            f'solver does not look; it could change a distance by {moment:.2g} px. Targets must '
            'be compact, with one mode, and sigma (or radius) that of the widest; for others '
            "take method='sinkhorn' or 'sliced'")


def squared_offsets(shape: Tuple[int, int], centre: Tensor,
                    dtype: torch.dtype) -> Tuple[Tensor, Tensor]:
    """Squared offsets of columns ``[M, W]`` and rows ``[M, H]`` from the centres ``[M, 2]``."""
    height, width = shape
    columns = torch.arange(width, device=centre.device) - centre[:, :1]
    rows = torch.arange(height, device=centre.device) - centre[:, 1:]
    return (columns * columns).to(dtype), (rows * rows).to(dtype)
