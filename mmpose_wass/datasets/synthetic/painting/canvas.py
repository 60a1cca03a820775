"""The unrolled skin as something to draw on."""
from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from ..geometry import JAW_END, SIDE, FaceShape
from .drawing import SHIFT, ellipse_points, fixed


class SkinCanvas:
    """Draws on pictures of the unrolled skin.

    These are indexed by surface coordinates: column by u from -SIDE to SIDE, row by v from the
    vertex to the chin. What is drawn is given in the frontal plane, so outlines are the very curves
    that the landmarks lie on.

    Args:
        shape: The geometry.
        rng: Source of the meaningless randomness (mottling, strands).
        size: Side of the finished picture in texels; the methods take pictures of any size.
    """

    def __init__(self, shape: FaceShape, rng: np.random.Generator, size: int) -> None:
        self.shape, self.features, self.parameters = shape, shape.features, shape.parameters
        self.rng, self.size = rng, size

    def _fixed(self, points: np.ndarray, size: int, surface: bool = False) -> np.ndarray:
        uv = np.asarray(points if surface else self.shape.to_uv(points))
        columns = (uv[..., 0] + SIDE) * ((size - 1) / (2 * SIDE))
        return fixed(np.stack([columns, uv[..., 1] * ((size - 1) / JAW_END)], axis=-1))

    def fill(self, image: np.ndarray, points: np.ndarray, color, surface: bool = False) -> None:
        """Fill the polygon ``points`` ``[N, 2]`` of the frontal plane (or of the surface)."""
        polygon = self._fixed(points, len(image), surface)
        cv2.fillPoly(image, [polygon], color, cv2.LINE_AA, SHIFT)

    def ellipse(self, image: np.ndarray, x: float, y: float, half_width: float, half_height: float,
                color) -> None:
        """Fill an ellipse of the frontal plane."""
        self.fill(image, ellipse_points((x, y), (half_width, half_height), count=24), color)

    def line(self, image: np.ndarray, points: np.ndarray, color, width: float) -> None:
        """Draw the open polyline ``points`` ``[N, 2]``; ``width`` is in face units."""
        self.stroke(image, points, color, max(int(round(width * len(image) / 2.6)), 1))

    def stroke(self, image: np.ndarray, points: np.ndarray, color, texels: int,
               surface: bool = False) -> None:
        """Draw an open polyline of the frontal plane (or of the surface), ``texels`` wide."""
        polyline = self._fixed(points, len(image), surface)
        cv2.polylines(image, [polyline], False, color, texels, cv2.LINE_AA, SHIFT)

    def mask(self, points: np.ndarray, surface: bool = False) -> np.ndarray:
        """A picture of a filled polygon: ``[size, size]`` uint8, 255 inside."""
        mask = np.zeros((self.size, self.size), np.uint8)
        self.fill(mask, points, 255, surface)
        return mask

    def box(self, points: np.ndarray) -> Tuple[slice, slice]:
        """Rows and columns of the finished picture around a polygon of the frontal plane."""
        texels = self._fixed(points, self.size)
        x0, y0 = np.maximum(texels.min(axis=0) // (1 << SHIFT) - 3, 0)
        x1, y1 = texels.max(axis=0) // (1 << SHIFT) + 4
        return np.s_[y0:y1, x0:x1]

    def darker(self, factor: float) -> Tuple[float, float, float]:
        """The skin's colour in shadow: darker and redder, BGR."""
        blue, green, red = self.parameters.skin
        return blue * factor * 0.85, green * factor * 0.9, red * factor


def blend(image: np.ndarray, mask: np.ndarray, color: np.ndarray, strength: float = 1.0) -> None:
    """Mix a colour or a picture into another where a mask is set.

    Args:
        image: ``[S, S, 3]`` uint8, drawn on.
        mask: ``[S, S]`` uint8.
        color: ``[3]`` or ``[S, S, 3]``.
        strength: Share of ``color`` where the mask is 255.
    """
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return
    box = np.s_[y:y + height, x:x + width]
    weight = mask[box].astype(np.float32)[..., None] * (strength / 255)
    color = color[box] if color.ndim == 3 else color.astype(np.float32)
    part = image[box].astype(np.float32)
    image[box] = (part + (color - part) * weight + 0.5).astype(np.uint8)
