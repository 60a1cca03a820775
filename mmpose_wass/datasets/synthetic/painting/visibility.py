"""Which point of the face's surface every pixel shows.

The surface is a dense grid of samples. Each is projected, nearer samples overwrite farther ones,
and every covered pixel then knows which sample it shows; the local Jacobian turns that into exact
surface coordinates.
"""
from __future__ import annotations

from typing import Iterator, Tuple

import cv2
import numpy as np

from ..geometry import JAW_END, SIDE, Camera, FaceShape

GRID = 96  # coarse cells along u and v
MARGIN = 2  # extra coarse cells at every border, so that interpolation never meets one
SIDE_ENDS = 0.46  # height of the ear lobe, below which the head does not go on behind the jaw edge
_NOWHERE = -9.0  # depth of what shows no surface


def coarse_grid(shape: FaceShape) -> Tuple[np.ndarray, np.ndarray]:
    """Surface points ``[100, 100, 3]`` in face space, and the u ``[100]`` of their columns."""
    steps = (np.arange(GRID + 2 * MARGIN) + 0.5 - MARGIN) / GRID
    u, v = (2 * steps - 1) * SIDE, steps * JAW_END
    return shape.surface(u[None, :], v[:, None]), u


def to_coarse(fraction: np.ndarray) -> np.ndarray:
    """Fractions of the range of u or v to columns or rows of the coarse grid."""
    return fraction * GRID + (MARGIN - 0.5)


class VisibleSurface:
    """The surface as the camera sees it.

    Args:
        points: Coarse grid ``[100, 100, 3]`` in face space.
        u: Surface coordinates ``[100]`` of its columns.
        camera: The camera.
        size: Image side in pixels.

    Attributes:
        u, v: Surface coordinates ``[S, S]`` as fractions (0 to 1) of their ranges; -1 where no
            surface is near.
        depth: ``[S, S]`` in units of face space, larger is nearer.
        covered: ``[S, S]`` bool, where samples fell. ``u``, ``v`` and ``depth`` go on three pixels
            beyond, under the outline's smooth edge.
    """

    def __init__(self, points: np.ndarray, u: np.ndarray, camera: Camera, size: int) -> None:
        projected = camera.project(points)
        # Below the ear nothing goes on behind the jaw edge: all samples there fall on the edge.
        present = (np.abs(u) <= 1.0)[None, :] | (points[..., 1] < SIDE_ENDS)
        front = np.where(present, _facing(projected), -1.0)
        x, y, z, front = _refined(projected, front, camera.scale)
        side = len(front)
        x, y, z, front = (plane.ravel() for plane in (x, y, z, front))
        inside = (x > -0.5) & (y > -0.5) & (x < size - 0.5) & (y < size - 0.5)
        seen = np.flatnonzero((front > 0) & inside)
        winner = _nearest_sample(seen, x, y, z, size)
        self.covered = winner >= 0
        # Close pinholes and step over the outline, whose smooth edge is drawn as a polygon.
        for _ in range(3):
            winner = np.where(winner < 0, cv2.dilate(winner, np.ones((3, 3), np.uint8)), winner)
        pixel = np.flatnonzero(winner.ravel() >= 0).astype(np.int32)
        sample = winner.ravel()[pixel].astype(np.int32)
        column, row = _between_samples(pixel, sample, x, y, side, size)
        self.u = np.full((size, size), -1, np.float32)
        self.v = np.full((size, size), -1, np.float32)
        self.depth = np.full((size, size), _NOWHERE, np.float32)
        self.u.ravel()[pixel] = (column + 0.5) * np.float32(1 / side)
        self.v.ravel()[pixel] = (row + 0.5) * np.float32(1 / side)
        self.depth.ravel()[pixel] = z[sample]
        self._mend()

    def _mend(self) -> None:
        """Fill single pixels that something farther shines through.

        Where the surface is steep its samples lie too far apart to cover what is behind.
        """
        size = len(self.depth)
        middle = cv2.medianBlur(self.depth, 3)
        holes = (self.depth < middle - 0.04) & (self.depth > _NOWHERE)
        holes[[0, -1]] = holes[:, [0, -1]] = False
        hole = np.flatnonzero(holes)
        steps = np.array([-size - 1, -size, -size + 1, -1, 1, size - 1, size, size + 1])
        around = hole[:, None] + steps
        distance = np.abs(self.depth.ravel()[around] - middle.ravel()[hole][:, None])
        source = around[np.arange(len(hole)), np.argmin(distance, axis=1)]
        for plane in (self.u, self.v, self.depth):
            plane.ravel()[hole] = plane.ravel()[source]


def _facing(projected: np.ndarray) -> np.ndarray:
    """Twice the signed area of the cells around each sample; positive faces the viewer."""
    points = projected[..., :2].astype(np.float32)
    across, down = np.empty_like(points), np.empty_like(points)
    across[:, 1:-1] = points[:, 2:] - points[:, :-2]
    across[:, [0, -1]] = across[:, [1, -2]]
    down[1:-1] = points[2:] - points[:-2]
    down[[0, -1]] = down[[1, -2]]
    return across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]


def _refined(projected: np.ndarray, front: np.ndarray,
             scale: float) -> Iterator[np.ndarray]:
    """Interpolate x, y, z and ``front`` so that samples lie closer than pixels: ``[n, n]`` each."""
    # The factor goes in half steps, and the margin must stay whole.
    ratio = np.clip(np.ceil(2 * scale * 3.5 / GRID) / 2, 1.5, 24.0)
    if (MARGIN * ratio) % 1:
        ratio += 0.5
    count = int(round((GRID + 2 * MARGIN) * ratio))
    cut = int(round(MARGIN * ratio))
    inner = np.s_[cut:count - cut, cut:count - cut]
    for plane in np.moveaxis(projected, -1, 0):
        plane = np.ascontiguousarray(plane, np.float32)
        yield cv2.resize(plane, (count, count), interpolation=cv2.INTER_CUBIC)[inner]
    front = front.astype(np.float32)
    yield cv2.resize(front, (count, count), interpolation=cv2.INTER_LINEAR)[inner]


def _nearest_sample(seen: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray,
                    size: int) -> np.ndarray:
    """Index of the nearest sample that falls on each pixel, or -1: ``[S, S]`` float32."""
    x, y, z = x[seen], y[seen], z[seen]
    level = ((z - z.min()) * (60000.0 / max(float(np.ptp(z)), 1e-6))).astype(np.uint16)
    order = np.argsort(level, kind='stable')
    pixel = ((y + 0.5).astype(np.int32) * size + (x + 0.5).astype(np.int32))[order]
    winner = np.full(size * size, -1, np.int32)
    winner[pixel] = seen[order]
    return winner.reshape(size, size).astype(np.float32)


def _between_samples(pixel: np.ndarray, sample: np.ndarray, x: np.ndarray, y: np.ndarray,
                     side: int, size: int) -> Tuple[np.ndarray, np.ndarray]:
    """Exact column and row of the sample grid that pixels show.

    Args:
        pixel: Flat indices ``[P]`` of the pixels.
        sample: Flat indices ``[P]`` of the samples they show.
        x: Where all samples lie ``[side * side]``, in pixels.
        y: As x.
        side: Side of the sample grid.
        size: Image side in pixels.
    """
    row = sample // side
    column = sample - row * side
    right = np.where(column < side - 1, 1, -1).astype(np.int32)
    below = np.where(row < side - 1, side, -side).astype(np.int32)
    down = np.sign(below)
    sample_x, sample_y = x[sample], y[sample]
    # The Jacobian from the neighbours to the right and below.
    ax, ay = (x[sample + right] - sample_x) * right, (y[sample + right] - sample_y) * right
    bx, by = (x[sample + below] - sample_x) * down, (y[sample + below] - sample_y) * down
    area = ax * by - ay * bx
    area = np.where(np.abs(area) < 1e-3, np.float32(np.inf), area)
    line = pixel // size
    dx = (pixel - line * size).astype(np.float32) - sample_x
    dy = line.astype(np.float32) - sample_y
    return (column + np.clip((dx * by - dy * bx) / area, -3, 3),
            row + np.clip((dy * ax - dx * ay) / area, -3, 3))
