"""From distributions over a map to points and scores."""
from __future__ import annotations

import torch
from torch import Tensor

from mmpose_wass.ot import barycenter

# Offset towards the larger neighbour of an arg max, the usual quarter pixel.
_QUARTER_PIXEL = 0.25
# The window follows the mass: after so many steps it moves by less than a tenth of a pixel.
_WINDOW_STEPS = 3


def refined_maximum(maps: Tensor) -> Tensor:
    """Arg max with a quarter pixel towards the larger neighbour on each axis, Eq. 5.

    Args:
        maps: ``[..., H, W]``.

    Returns:
        Tensor ``[..., 2]`` of (x, y) in heatmap pixels; at a border there is no refinement
        along that axis.

    Example:
        >>> refined_maximum(torch.tensor([[0., 1., .5], [0., 0., 0.]])).tolist()
        [1.25, 0.0]
    """
    height, width = maps.shape[-2:]
    flat = maps.flatten(-2)
    index = flat.argmax(dim=-1, keepdim=True)
    position = torch.cat([index % width, torch.div(index, width, rounding_mode='floor')], dim=-1)
    refined = []
    for axis, (length, stride) in enumerate(((width, 1), (height, width))):
        place = position[..., axis:axis + 1]
        inner = (place > 0) & (place < length - 1)
        after = flat.gather(-1, torch.where(inner, index + stride, index))
        before = flat.gather(-1, torch.where(inner, index - stride, index))
        refined.append(place + _QUARTER_PIXEL * torch.sign(after - before))
    return torch.cat(refined, dim=-1).to(maps.dtype)


def mass_within(probability: Tensor, points: Tensor, radius: float) -> Tensor:
    """Mass of distributions within a radius of given points.

    Args:
        probability: ``[..., H, W]`` with sum 1.
        points: ``[..., 2]`` of (x, y) in heatmap pixels.
        radius: In heatmap pixels.

    Returns:
        Tensor ``[...]`` in [0, 1].

    Example:
        >>> halves = torch.zeros(8, 8)
        >>> halves[1, 1] = halves[6, 6] = .5
        >>> mass_within(halves, torch.tensor([1., 1.]), 2.).item()
        0.5
    """
    near = within(probability, points, radius)
    return (probability * near).sum(dim=(-2, -1)).clamp(0, 1)


def local_barycenter(probability: Tensor, radius: float) -> Tensor:
    """Barycentre of the mass within a radius of the mode.

    The window starts at the largest pixel and moves to the barycentre of what it holds, a few
    times. A second mode, or faint mass all over the map, then has no say, unlike in
    :func:`~mmpose_wass.ot.barycenter` (Eq. 6); one compact mode gives the same point.

    Args:
        probability: ``[..., H, W]`` with sum 1.
        radius: Of the window in heatmap pixels.

    Returns:
        Tensor ``[..., 2]`` of (x, y) in heatmap pixels.

    Example:
        >>> maps = torch.zeros(16, 16)
        >>> maps[3, 3], maps[3, 4], maps[12, 12] = .3, .3, .4
        >>> local_barycenter(maps, 3.).tolist()
        [12.0, 12.0]
        >>> maps[12, 12] = .2
        >>> local_barycenter(maps, 3.).tolist()
        [3.5, 3.0]
    """
    width = probability.shape[-1]
    index = probability.flatten(-2).argmax(dim=-1, keepdim=True)
    points = torch.cat([index % width, torch.div(index, width, rounding_mode='floor')], dim=-1)
    points = points.to(probability.dtype)
    for _ in range(_WINDOW_STEPS):
        near = probability * within(probability, points, radius)
        points = barycenter(near / near.sum(dim=(-2, -1), keepdim=True))
    return points


def within(probability: Tensor, points: Tensor, radius: float) -> Tensor:
    """Pixels ``[..., H, W]`` (bool) within a radius of points ``[..., 2]``."""
    height, width = probability.shape[-2:]
    columns = torch.arange(width, device=points.device, dtype=points.dtype) - points[..., :1]
    rows = torch.arange(height, device=points.device, dtype=points.dtype) - points[..., 1:]
    # Pixels on the edge are in, whichever way their distance is rounded.
    edge = radius**2 * (1 + 1e-5)
    return (columns**2)[..., None, :] + (rows**2)[..., :, None] <= edge
