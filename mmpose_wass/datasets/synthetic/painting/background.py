"""What stands behind a face: a cluttered, mostly out-of-focus backdrop."""
from __future__ import annotations

import cv2
import numpy as np

from .drawing import ellipse_points, fill


def paint_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a backdrop.

    Args:
        rng: Source of its brightness, colours, shapes and blur.
        size: Image side in pixels.

    Returns:
        np.ndarray: ``[size, size, 3]`` uint8.
    """
    half = max(size // 2, 8)  # drawn at half the size
    base = np.clip(rng.uniform(20, 230) + rng.normal(0, 22, 3), 5, 250)
    cells = int(rng.integers(2, 6))
    noise = rng.normal(0, 1, (cells, cells, 1)).astype(np.float32)
    noise = cv2.resize(noise, (half, half), interpolation=cv2.INTER_CUBIC)[..., None]
    image = base + noise * rng.uniform(5, 45) * rng.uniform(0.7, 1.3, 3)
    image = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 14))):
        _clutter(image, base, rng)
    focus = rng.choice([0.0, 0.8, 2.0, 4.0]) * half / 128
    if focus > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), focus)
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)


def _clutter(image: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> None:
    """One ellipse, rectangle, polygon or line, of a colour near ``base`` [3]."""
    half = len(image)
    color = np.clip(base + rng.normal(0, 50) + rng.normal(0, 32, 3), 0, 255)
    color = tuple(float(channel) for channel in color)
    kind = rng.integers(4)
    center = rng.uniform(0, half, 2)
    extent = rng.uniform(0.03, 0.35, 2) * half
    angle = rng.uniform(0, np.pi)
    if kind == 0:
        fill(image, ellipse_points(center, extent, angle), color)
    elif kind == 1:
        box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * extent
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        fill(image, box @ turn.T + center, color)
    elif kind == 2:
        fill(image, center + rng.normal(0, 0.25 * half, (int(rng.integers(3, 6)), 2)), color)
    else:
        start, end = (tuple(int(v) for v in point) for point in (center, rng.uniform(0, half, 2)))
        width = int(rng.integers(1, max(half // 16, 2)))
        cv2.line(image, start, end, color, width, cv2.LINE_AA)
