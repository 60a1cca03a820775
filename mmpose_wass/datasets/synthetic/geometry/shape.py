"""The parametric 3D face: one surface, on which every landmark scheme is sampled.

Face space: x to the image's right, y down, z towards the viewer, the origin midway between the
outer eye corners and level with the ears' depth; the unit is the mean distance between the outer
eye corners.

The surface is a sheet of horizontal rows. Row ``v`` runs from the jaw edge on one side (``u = -1``)
over the face's midline (``u = 0``) to the other jaw edge (``u = 1``); beyond, up to
``|u| = SIDE``, the side of the head continues behind the ears.
"""
from __future__ import annotations

import numpy as np

from ..parameters import FaceParameters
from .curves import catmull_rom, monotone_cubic
from .features import FrontalFeatures
from .outline import JAW_END, JAW_START, head_outline, midline_profile
from .relief import relief

SIDE = 1.35
_TABLE_STEP = 1.0 / 48  # of the tabulated outline, in rows


class FaceShape:
    """Geometry of one face.

    Args:
        parameters: The face. Its appearance is not used.

    Attributes:
        features: Brows, eyes, nose and mouth in the frontal plane.
        landmarks_uv: Surface coordinates ``[100, 2]`` of the canonical points: WFLW's 98, then the
            middle of the left and of the right brow's lower edge.
    """

    def __init__(self, parameters: FaceParameters) -> None:
        self.parameters = parameters
        self.features = FrontalFeatures(parameters)
        outline = head_outline(self.features)
        self._profile = midline_profile(self.features, outline[-1])
        self._tabulate(outline)
        self.landmarks_uv = self._landmarks()

    def _tabulate(self, outline: np.ndarray) -> None:
        """Tabulate the outline's spline, and on it the half width and height of the rows."""
        loop = np.concatenate([outline, outline[-2:0:-1] * [-1, 1, 1]])
        rows = np.arange(-1.0, JAW_END + 1.0 + 1e-9, _TABLE_STEP)
        self._edge_table = catmull_rom(loop, rows, closed=True)
        inside = (rows > -1e-9) & (rows < JAW_END + 1e-9)
        self._rows = rows[inside]
        self._halves = self._edge_table[inside, 0]
        self._heights = np.maximum.accumulate(self._edge_table[inside, 1])

    def row_of(self, y: np.ndarray) -> np.ndarray:
        """Row coordinates v of heights y."""
        return np.interp(y, self._heights, self._rows)

    def edge(self, v: np.ndarray) -> np.ndarray:
        """Right-hand edge of the rows ``v``, up to one row past the ends: ``[*v.shape, 3]``."""
        position = (np.asarray(v, dtype=np.float64) + 1.0) / _TABLE_STEP
        low = np.clip(position.astype(int), 0, len(self._edge_table) - 2)
        before, after = self._edge_table[low], self._edge_table[low + 1]
        return before + (after - before) * (position - low)[..., None]

    def to_uv(self, points: np.ndarray) -> np.ndarray:
        """Points ``[..., 2]`` of the frontal plane to surface coordinates ``[..., 2]``."""
        points = np.asarray(points, dtype=np.float64)
        uv = np.empty_like(points)
        uv[..., 1] = v = self.row_of(points[..., 1])
        half = np.maximum(np.interp(v, self._rows, self._halves), 1e-3)
        uv[..., 0] = np.arcsin(np.minimum(np.maximum(points[..., 0] / half, -1), 1)) * (2 / np.pi)
        return uv

    def surface(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Points of the surface.

        Args:
            u: Positions on the rows ``[..., n]``, in [-SIDE, SIDE].
            v: Rows ``[..., 1]``, from 0 (vertex) to 13 (chin) and up to one past either end.

        Returns:
            np.ndarray: Points ``[..., n, 3]`` in face space.
        """
        u, v = np.asarray(u, dtype=np.float64), np.asarray(v, dtype=np.float64)
        edge = self.edge(v)
        edge_x, y, edge_z = edge[..., 0], edge[..., 1], edge[..., 2]
        middle_z = monotone_cubic(self._profile[:, 0], self._profile[:, 1], y)
        angle = np.clip(u, -1, 1) * (np.pi / 2)
        cosine = np.maximum(np.cos(angle), 0.0)
        # Foreheads are flat and chins are pointed.
        power = np.interp(y, [-0.5, 0.2, 0.7], [0.78, 0.92, 1.22])
        beyond = np.maximum(np.abs(u) - 1, 0) / (SIDE - 1)
        behind = 0.55 * np.clip((0.50 - y) / 0.45, 0, 1)**0.6 * np.clip((y + 1.18) / 0.5, 0, 1)
        x = edge_x * np.sin(angle) * (1 + 0.02 * beyond - 0.06 * beyond**2)
        z = edge_z + (middle_z - edge_z) * cosine**power - behind * beyond
        z = z + relief(self.features, x, y + 0 * x, cosine)
        return np.stack(np.broadcast_arrays(x, y, z), axis=-1)

    def _landmarks(self) -> np.ndarray:
        jaw_rows = JAW_START + np.arange(17) * 0.5
        left = np.stack([-np.ones(17), jaw_rows], axis=-1)
        right = np.stack([np.ones(16), jaw_rows[-2::-1]], axis=-1)
        return np.concatenate([left, right, self.to_uv(self.features.points())])
