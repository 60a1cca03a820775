"""The outline of a turned head, and the jaw line as one sees it."""
from __future__ import annotations

from typing import Tuple

import numpy as np

from .camera import Camera
from .outline import JAW_END, JAW_START
from .shape import SIDE, FaceShape

_FREE_FROM = 1  # samples of a row nearer to its end than this are not refined
_BEHIND = np.linspace(SIDE, 1.0, 7)[:-1]
_ROW_U = np.concatenate([_BEHIND, np.linspace(1.0, -1.0, 101), -_BEHIND[::-1]])
_ROWS = np.linspace(0, JAW_END, 4 * JAW_END + 1)
_INWARD = len(_BEHIND) + 80  # rows are searched from their own side to u = -0.6 on the other


def visible_edges(shape: FaceShape, camera: Camera) -> Tuple[np.ndarray, np.ndarray]:
    """The outline of the head and the visible jaw line.

    On the near side the jaw line is the jaw edge itself. On the far side that edge is hidden, and
    every jaw point slides along its row to where the surface turns away from the viewer, the
    visible silhouette; that is how the contour is annotated on photographs. The search takes in
    part of the other half, because past some 60 degrees of yaw nose, lips and chin are the
    silhouette.

    Args:
        shape: The face.
        camera: Its camera.

    Returns:
        tuple: Outline of the head, a closed polygon ``[106, 2]`` in pixels, and the 33 jaw points
        ``[33, 3]`` (pixels and depth), from the image-left ear over the chin to the image-right
        ear.
    """
    grid = camera.project(shape.surface(_ROW_U[None, :], _ROWS[:, None]))
    down = camera.rotation[:2, 1]
    across = np.array([down[1], -down[0]]) / np.linalg.norm(down)
    # Two rows above the first jaw point, so that its normal is known from both sides.
    rows = np.s_[4 * JAW_START - 4::2]
    outline, jaw = [], []
    for sign in (-1.0, 1.0):
        side = grid[:, ::-1] if sign < 0 else grid
        outline.append(_touching(side[:, :_INWARD], _ROWS, across * sign, sign)[:, :2])
        face = side[rows, len(_BEHIND):_INWARD]
        jaw.append(_touching(face, _ROWS[rows], across * sign, sign)[2:])
    return (np.concatenate([outline[0], outline[1][::-1]]),
            np.concatenate([jaw[0], jaw[1][-2::-1]]))


def _outward(points: np.ndarray, sign: float) -> np.ndarray:
    """Unit normals ``[N, 2]`` of a polyline ``[N, 2]`` that runs down one side of the face."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    return np.stack([tangent[:, 1], -tangent[:, 0]], axis=-1) * sign


def _tempered(normals: np.ndarray, straight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Smooth normals, and keep them near ``straight`` on the steep part of a side.

    There the nose breaks the outline's slope.
    """
    for _ in range(2):
        padded = np.concatenate([normals[:1], normals, normals[-1:]])
        normals = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    across = np.array([-straight[1], straight[0]])
    angle = np.arctan2(normals @ across, normals @ straight)
    limit = np.deg2rad(np.interp(rows, [JAW_START + 3, JAW_START + 6], [50.0, 88.0]))
    angle = np.clip(angle, -limit, limit)[:, None]
    return np.cos(angle) * straight + np.sin(angle) * across


def _touching(grid: np.ndarray, rows: np.ndarray, straight: np.ndarray, sign: float) -> np.ndarray:
    """Where projected rows touch the outline.

    The touching point is the row's extreme along the outline's normal. Outline and normals are
    found together, in three rounds; between samples the row is a parabola.

    Args:
        grid: Projected rows ``[N, n, 3]``, listed from their own side inwards.
        rows: Their row coordinates ``[N]``.
        straight: Direction ``[2]`` to the side, where all rounds start from.
        sign: -1 for the image's left side, 1 for its right side.

    Returns:
        np.ndarray: Points ``[N, 3]``: pixels and depth.
    """
    index = np.arange(len(rows))
    normal = np.tile(straight, (len(rows), 1))
    last = grid.shape[1] - 2
    for _ in range(3):
        reach = grid[..., 0] * normal[:, :1] + grid[..., 1] * normal[:, 1:]
        best = np.argmax(reach, axis=1)
        k = np.clip(best, 1, last)
        a, b, c = reach[index, k - 1], reach[index, k], reach[index, k + 1]
        bend = a - 2 * b + c
        # Not beside the row's end, where the head goes on behind or the surface stops.
        free = (best == k) & (k > _FREE_FROM) & (bend < -1e-9)
        shift = np.where(free, np.clip(0.5 * (a - c) / np.where(free, bend, 1.0), -0.5, 0.5), 0.0)
        shift = shift[:, None]
        p0, p1, p2 = grid[index, k - 1], grid[index, k], grid[index, k + 1]
        between = p1 + shift * 0.5 * (p2 - p0) + shift**2 * 0.5 * (p0 - 2 * p1 + p2)
        points = np.where((best == k)[:, None], between, grid[index, best])
        normal = _tempered(_outward(points[:, :2], sign), straight, rows)
    return points
