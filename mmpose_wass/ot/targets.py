"""Compact targets: the disc that holds one, and what lies outside it."""
from __future__ import annotations

from typing import NamedTuple, Tuple

import torch
from torch import Tensor

# A compact target's disc: the reach in standard deviations, and the margin in pixels.
REACH = 3.0
MARGIN = 1.0
SMALLEST_RADIUS = 2.0
# Discs beyond this would need tables of hundreds of megabytes.
LARGEST_RADIUS = 32.0
# Target mass outside the disc may have this first moment, as a share of the radius. Gaussians
# have 0.004 at most, next to a border some more.
TOLERATED_MOMENT = 0.02


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
    """

    centre: Tensor
    radius: Tensor


def find_discs(q: Tensor) -> Discs:
    """The disc of each target, from its first and second moments.

    Two passes over the maps, and nothing waits for the device.

    Args:
        q: Normalised targets ``[M, H, W]``; an all-zero map has the smallest disc at (0, 0).

    Returns:
        The :class:`Discs`.
    """
    height, width = q.shape[-2:]
    first, second = [], []
    for mass, length in ((q.sum(dim=1), width), (q.sum(dim=2), height)):
        # About the map's middle, where squares lose the fewest digits.
        middle = (length - 1) / 2
        place = torch.arange(length, device=q.device, dtype=q.dtype) - middle
        mean = mass @ place
        first.append(mean + middle * mass.sum(dim=1))
        second.append(mass @ place.square() - mean.square())
    variance = (second[0] + second[1]).clamp_min(0) / 2
    limit = torch.tensor([width - 1, height - 1], device=q.device)
    centre = torch.nan_to_num(torch.stack(first, dim=1)).round().long().clamp_min(0)
    return Discs(torch.minimum(centre, limit),
                 (REACH * variance.sqrt() + MARGIN).clamp_min(SMALLEST_RADIUS))


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


@torch.no_grad()
def find_radius(q: Tensor) -> float:
    """Radius in pixels of the disc that holds each of the targets ``[M, H, W]``.

    Rounded up to half a pixel, so that equal settings share their tables. Reads one number
    back from the device.

    Raises:
        ValueError: If a target is too wide for the graded solver.
    """
    radius = float(find_discs(q).radius.max())
    # A Gaussian's variance on the grid differs from sigma^2 in the third digit.
    radius = -(-(radius - .1) // .5) * .5
    if not radius <= LARGEST_RADIUS:
        raise ValueError(
            f'a target needs a disc of radius {radius:.1f} px, more than the {LARGEST_RADIUS:g} '
            'px that the graded solver holds: targets must be compact, such as Gaussians')
    return radius


@torch.no_grad()
def check_targets(q: Tensor, radius: float) -> None:
    """Check that the graded solver sees all that matters of the targets ``[M, H, W]``.

    Reads one number back from the device.

    Args:
        q: Normalised targets.
        radius: The disc's radius in pixels.

    Raises:
        ValueError: If mass outside the disc could change a distance by more than 2 % of R.
    """
    if not q.numel():
        return
    moment = float(moment_outside(q, find_discs(q).centre, radius).max())
    if moment > TOLERATED_MOMENT * radius:
        raise ValueError(
            f'a target has mass more than {radius:g} px from its barycentre, where the graded '
            f'solver does not look; it could change a distance by {moment:.2g} px. Targets must '
            'be compact, with one mode, and sigma (or radius) that of the widest')


def squared_offsets(shape: Tuple[int, int], centre: Tensor,
                    dtype: torch.dtype) -> Tuple[Tensor, Tensor]:
    """Squared offsets of columns ``[M, W]`` and rows ``[M, H]`` from the centres ``[M, 2]``."""
    height, width = shape
    columns = torch.arange(width, device=centre.device) - centre[:, :1]
    rows = torch.arange(height, device=centre.device) - centre[:, 1:]
    return (columns * columns).to(dtype), (rows * rows).to(dtype)
