"""Polygons and lines with smooth edges, at fractions of a pixel."""
from __future__ import annotations

from functools import cache
from typing import Sequence, Tuple

import cv2
import numpy as np

SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates


def fixed(points: np.ndarray) -> np.ndarray:
    """Pixels ``[N, 2]`` as OpenCV's fixed-point integers."""
    return np.round(np.asarray(points) * (1 << SHIFT)).astype(np.int32)


def fill(image: np.ndarray, points: np.ndarray, color) -> None:
    """Fill a polygon ``[N, 2]``, in pixels."""
    cv2.fillPoly(image, [fixed(points)], color, cv2.LINE_AA, SHIFT)


def stroke(image: np.ndarray, points: np.ndarray, color, width: int, closed: bool = False) -> None:
    """Draw a polyline ``[N, 2]``, in pixels, ``width`` pixels wide."""
    cv2.polylines(image, [fixed(points)], closed, color, width, cv2.LINE_AA, SHIFT)


@cache
def _circle(count: int) -> Tuple[np.ndarray, np.ndarray]:
    """Cosines and sines ``[count]`` around the circle."""
    angle = np.linspace(0, 2 * np.pi, count + 1)[:-1]
    return np.cos(angle), np.sin(angle)


def ellipse_points(center: Sequence[float], axes: Sequence[float], angle: float = 0.0,
                   count: int = 40) -> np.ndarray:
    """Points ``[count, 2]`` of an ellipse with half axes ``axes``, turned by ``angle`` radians."""
    cosine, sine = _circle(count)
    x, y = axes[0] * cosine, axes[1] * sine
    if angle == 0.0:
        return np.stack([center[0] + x, center[1] + y], axis=-1)
    return np.stack([center[0] + x * np.cos(angle) - y * np.sin(angle),
                     center[1] + x * np.sin(angle) + y * np.cos(angle)], axis=-1)


def scaled(color, factor: float = 1.0) -> Tuple[float, float, float]:
    """A colour times a brightness, within 0 to 255."""
    # Python's own min and max: NumPy's overhead on single numbers would show.
    return tuple(min(max(float(channel * factor), 0.0), 255.0) for channel in color)


def lay(image: np.ndarray, mask: np.ndarray, color: np.ndarray) -> None:
    """Put a picture over another where a mask is set.

    Args:
        image: ``[S, S, 3]`` uint8, drawn on.
        mask: ``[S, S]`` uint8, 255 where ``color`` covers all.
        color: ``[S, S, 3]`` float32, within 0 to 255.
    """
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return
    box = np.s_[y:y + height, x:x + width]
    weight = mask[box].astype(np.float32)[..., None] * np.float32(1 / 255)
    part = image[box].astype(np.float32)
    part += (color[box] - part) * weight
    image[box] = part.astype(np.uint8)


def lay_shaded(image: np.ndarray, outline: np.ndarray, shade: np.ndarray, color) -> None:
    """Fill a polygon with a colour times a coarse picture of brightness.

    Args:
        image: ``[S, S, 3]`` uint8, drawn on.
        outline: Polygon ``[N, 2]`` in pixels.
        shade: Brightness ``[L, L]`` of the whole image.
        color: BGR.
    """
    size = len(image)
    mask = np.zeros((size, size), np.uint8)
    fill(mask, outline, 255)
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return
    box = np.s_[y:y + height, x:x + width]
    shade = cv2.resize(shade.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    shaded = np.minimum(shade[box][..., None] * np.array(color, np.float32), 255)
    lay(image[box], mask[box], shaded)
