"""Occlusion: a filled ellipse of random size, place and angle on the face box (Section 4)."""
from __future__ import annotations

import math
from typing import List, NamedTuple, Sequence, Tuple, Union

import numpy as np

#: Numbers that one ellipse is made of: centre x and y, two axes, angle.
UNIFORMS_PER_ELLIPSE = 5


class Ellipse(NamedTuple):
    """An ellipse in image pixels, whole numbers being pixel centres.

    Attributes:
        x, y: Centre.
        width, height: Full axes.
        angle: From the x axis towards the y axis (downwards) to the first axis, in radians.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float


def draw_ellipses(boxes: np.ndarray, sizes: Tuple[float, float],
                  uniforms: np.ndarray) -> List[Ellipse]:
    """Make one ellipse per face box.

    The centre is uniform in the box, both full axes are uniform in ``sizes`` times the box's
    longer side, the angle is uniform. Place and angle do not depend on ``sizes``, so that over
    severities an ellipse grows where it is.

    Args:
        boxes: ``[n, 4]`` (left, top, right, bottom) in pixels.
        sizes: Smallest and largest full axis, as fractions of the box's longer side.
        uniforms: ``[n, 5]`` numbers in [0, 1).

    Returns:
        list[Ellipse]: n ellipses.
    """
    ellipses = []
    low, high = sizes
    for (left, top, right, bottom), (x, y, first, second, turn) in zip(
            np.asarray(boxes, dtype=np.float64), uniforms):
        width, height = right - left, bottom - top
        side = max(width, height)
        ellipses.append(Ellipse(
            x=float(left + x * width), y=float(top + y * height),
            width=float(side * (low + first * (high - low))),
            height=float(side * (low + second * (high - low))),
            angle=float(math.pi * turn)))
    return ellipses


def hidden_points(points: np.ndarray, ellipse: Ellipse) -> np.ndarray:
    """Which points lie in an ellipse, its border included.

    Args:
        points: ``[..., 2]`` (x, y) in pixels.
        ellipse: The ellipse.

    Returns:
        np.ndarray: ``[...]`` bool; False for points that are not finite.

    Example:
        >>> hidden_points(np.array([[4.0, 5.0], [5.0, 4.0]]), Ellipse(5, 5, 4, 1, 0.0))
        array([ True, False])
    """
    points = np.asarray(points, dtype=np.float64)
    return _inside(points[..., 0], points[..., 1], ellipse)


def fill_ellipse(image: np.ndarray, ellipse: Ellipse,
                 color: Union[float, Sequence[float]] = 0) -> None:
    """Paint the pixels whose centres lie in an ellipse, in place.

    Args:
        image: ``[H, W]`` or ``[H, W, C]``.
        ellipse: The ellipse; any part of it may lie outside.
        color: One value, or one per channel.
    """
    reach_x, reach_y = _half_extents(ellipse)
    height, width = image.shape[:2]
    top = max(math.ceil(ellipse.y - reach_y), 0)
    bottom = min(math.floor(ellipse.y + reach_y) + 1, height)
    left = max(math.ceil(ellipse.x - reach_x), 0)
    right = min(math.floor(ellipse.x + reach_x) + 1, width)
    if top >= bottom or left >= right:
        return
    rows = np.arange(top, bottom, dtype=np.float64)[:, None]
    columns = np.arange(left, right, dtype=np.float64)
    image[top:bottom, left:right][_inside(columns, rows, ellipse)] = color


def _inside(x: np.ndarray, y: np.ndarray, ellipse: Ellipse) -> np.ndarray:
    if min(ellipse.width, ellipse.height) <= 0:
        return np.zeros(np.broadcast(x, y).shape, dtype=bool)
    cosine, sine = math.cos(ellipse.angle), math.sin(ellipse.angle)
    x, y = x - ellipse.x, y - ellipse.y
    along = (cosine * x + sine * y) * (2 / ellipse.width)
    across = (cosine * y - sine * x) * (2 / ellipse.height)
    return along * along + across * across <= 1


def _half_extents(ellipse: Ellipse) -> Tuple[float, float]:
    cosine, sine = math.cos(ellipse.angle), math.sin(ellipse.angle)
    return (math.hypot(ellipse.width * cosine, ellipse.height * sine) / 2,
            math.hypot(ellipse.width * sine, ellipse.height * cosine) / 2)
