"""The parametric 3D face: one surface, and curves on it from which every landmark scheme is
sampled.

Coordinates: x to the image's right, y down, z towards the viewer, the origin midway between the
    outer eye corners
and level with the ears' depth; the unit is the mean distance between the outer eye corners. The
surface is a sheet
of horizontal rows: row ``v`` runs from the jaw edge on one side (``u = -1``) over the face's
midline (``u = 0``) to the
other jaw edge (``u = 1``); beyond, up to ``|u| = SIDE``, the side of the head continues behind the
ears.
"""

from __future__ import annotations

from typing import Dict, Tuple

import numpy as np

from .curves import catmull_rom, dense, monotone_cubic
from .parameters import FaceParameters

SIDE = 1.35
# Outline of the head (x, y, z) down one side: vertex, four points over the temple, then the nine
# jaw points 0-8 of
# the 68-point scheme. The jaw's x and y are rounded means of frontal 300W annotations; depths are
# anthropometric.
_OUTLINE = np.array(
    [
        [0.00, -1.18, 0.18],
        [0.40, -1.05, 0.10],
        [0.66, -0.82, 0.06],
        [0.77, -0.52, 0.04],
        [0.80, -0.22, 0.04],
        [0.795, 0.01, 0.05],
        [0.780, 0.220, 0.04],
        [0.755, 0.427, 0.03],
        [0.712, 0.631, 0.07],
        [0.638, 0.822, 0.18],
        [0.519, 0.988, 0.36],
        [0.367, 1.126, 0.59],
        [0.194, 1.232, 0.81],
        [0.0, 1.267, 0.93],
    ]
)
JAW_START, JAW_END = 5, 13
# How much of the jaw's opening each outline point follows.
_JAW_FOLLOWS = np.array([0, 0, 0, 0, 0, 0, 0, 0.06, 0.25, 0.5, 0.78, 0.95, 1.0, 1.0])


class FaceShape:
    """Geometry of one face.

    Args:
        parameters: The face. Appearance fields are not used.

    Attributes:
        curves: Design curves in the frontal plane, each [N, 2] (x, y): ``brow_upper_left`` … (outer
            to inner),
            ``lid_upper_left`` … (outer to inner corner), ``lip_outer_upper`` … (left to right),
            ``nose_bridge``,
            ``nose_base``; their knots are landmarks.
        landmarks_uv: [100, 2] surface coordinates of the canonical points: WFLW's 98, then the
            middle of the left
            and right lower brow edges.
    """

    def __init__(self, parameters: FaceParameters) -> None:
        self.parameters = parameters
        self._design()
        self._outline_table()
        self.landmarks_uv = self._landmarks()

    # ------------------------------------------------------------------ design in the frontal plane
    def _design(self) -> None:
        p, d = self.parameters, self.parameters.identity
        nose = d['nose_length']
        self.tip_y, self.base_y = 0.40 * nose, 0.535 * nose
        self.bridge_y = -0.02 + d['nose_bridge']
        drop = 0.27 * p.jaw_open
        gap = drop * 0.93 + 0.055 * p.lips_part * (1 - 0.5 * p.pucker)
        lift = 0.035 * max(p.smile, 0.0)
        upper, lower = 0.058 * d['upper_lip'], 0.098 * d['lower_lip']
        upper *= 1 + 0.35 * p.pucker - 0.2 * max(p.smile, 0)
        lower *= 1 + 0.25 * p.pucker - 0.15 * max(p.smile, 0)
        outer_y = self.base_y + 0.145 * d['philtrum'] - lift * 0.6 - 0.03 * p.lips_part
        self.mouth_y = outer_y + upper
        inner_low = self.mouth_y + gap
        half = 0.285 * d['mouth_width'] * (1 + 0.2 * p.smile - 0.3 * p.pucker - 0.12 * p.jaw_open)
        self.mouth_half = half
        shift = 0.05 * p.mouth_shift
        corner_y = self.mouth_y + 0.4 * gap + 0.022 - 0.075 * p.smile
        self.mouth_gap = gap

        def mouth(xs, ys):
            return np.stack([np.asarray(xs) * half + shift, np.asarray(ys)], axis=-1)

        fold = 0.6 * gap / (gap + 0.05)  # an open mouth rounds its lips
        up_mid, low_mid = outer_y, inner_low + lower
        self.curves: Dict[str, np.ndarray] = {}
        c = self.curves

        def between(a, b, t):
            return a + (b - a) * t

        c['lip_outer_upper'] = mouth(
            [-1, -0.64, -0.26, 0, 0.26, 0.64, 1],
            [
                corner_y,
                between(corner_y, up_mid, 0.62),
                up_mid - 0.018,
                up_mid,
                up_mid - 0.018,
                between(corner_y, up_mid, 0.62),
                corner_y,
            ],
        )
        c['lip_outer_lower'] = mouth(
            [-1, -0.66, -0.30, 0, 0.30, 0.66, 1],
            [
                corner_y,
                between(corner_y, low_mid, 0.66 + 0.12 * fold),
                between(corner_y, low_mid, 0.95),
                low_mid,
                between(corner_y, low_mid, 0.95),
                between(corner_y, low_mid, 0.66 + 0.12 * fold),
                corner_y,
            ],
        )
        inner = 0.86
        c['lip_inner_upper'] = mouth(
            [-inner, -0.27, 0, 0.27, inner],
            [
                corner_y + 0.002,
                between(corner_y, self.mouth_y, 0.92) - 0.004,
                self.mouth_y,
                between(corner_y, self.mouth_y, 0.92) - 0.004,
                corner_y + 0.002,
            ],
        )
        low_inner = inner_low + 0.004
        c['lip_inner_lower'] = mouth(
            [-inner, -0.29, 0, 0.29, inner],
            [
                corner_y + 0.002,
                between(corner_y, low_inner, 0.94),
                low_inner,
                between(corner_y, low_inner, 0.94),
                corner_y + 0.002,
            ],
        )

        wide = d['nose_width']
        flare = 1 + 0.06 * max(p.smile, 0)
        c['nose_bridge'] = np.stack(
            [
                np.zeros(4),
                self.bridge_y + (self.tip_y - self.bridge_y) * np.array([0, 1 / 3, 2 / 3, 1]),
            ],
            axis=-1,
        )
        c['nose_base'] = np.array(
            [
                [-0.158 * wide * flare, 0.487 * nose],
                [-0.084 * wide, 0.513 * nose],
                [0, 0.535 * nose],
                [0.084 * wide, 0.513 * nose],
                [0.158 * wide * flare, 0.487 * nose],
            ]
        )
        self.eye_center = np.array([0.358 + d['eye_spacing'], 0.004])
        self.iris_radius = 0.060 * d['eye_size']
        for index, side in enumerate(('left', 'right')):
            sign = -1.0 if index == 0 else 1.0
            self._eye(c, side, sign, p.blink[index])
            self._brow(c, side, sign, p.brow_raise[index])

        jaw = _OUTLINE.copy()
        jaw[:, 0] *= d['face_width']
        blend = np.clip((np.arange(len(jaw)) - 6) / 3.0, 0, 1)
        jaw[:, 0] *= 1 + (d['jaw_width'] - 1) * blend
        point = d['chin_point'] * np.array([0] * 10 + [0.03, 0.10, 0.14, 0.0])
        jaw[:, 0] *= 1 - point
        chin = low_mid - drop + 0.37 * d['chin_length'] - 1.267
        chin += 0.0 if p.pucker == 0 else 0.01 * p.pucker
        length = np.clip((jaw[:, 1] - 0.3) / 0.9, 0, 1)
        jaw[:, 1] += chin * length + drop * _JAW_FOLLOWS
        jaw[:, 2] *= d['profile_depth']
        jaw[:, 2] += (d['chin_forward'] - 0.10 * p.jaw_open) * length**2
        self._jaw = jaw

        chin_y = jaw[-1, 1]
        depth, forward = d['profile_depth'], d['chin_forward'] - 0.10 * p.jaw_open
        slope = d['forehead_slope']
        profile = np.array(
            [
                [-1.18, 0.18],
                [-1.05, 0.58 - 1.5 * slope],
                [-0.80, 0.87 - 1.4 * slope],
                [-0.48, 1.02 - slope],
                [-0.20, 1.06],
                [self.bridge_y + 0.03, 0.985],
                [0.30 * nose, 1.03],
                [self.base_y, 1.105],
                [outer_y, 1.13],
                [self.mouth_y, 1.12],
                [inner_low, 1.12 + 0.5 * forward],
                [low_mid + 0.02, 1.11 + 0.8 * forward],
                [between(low_mid, chin_y, 0.42), 1.07 + forward],
                [between(low_mid, chin_y, 0.72), 1.095 + forward],
                [between(low_mid, chin_y, 0.92), 1.04 + forward],
            ]
        )
        profile[:, 1] *= depth
        profile = np.concatenate([profile, [[chin_y, jaw[-1, 2]]]])
        keep = np.concatenate([[True], np.diff(profile[:, 0]) > 1e-3])
        self._profile = profile[keep]

    def _eye(self, curves: dict, side: str, sign: float, blink: float) -> None:
        d = self.parameters.identity
        size, opening = d['eye_size'], d['eye_opening']
        cx, cy = self.eye_center
        half = 0.142 * size
        tilt = d['eye_tilt']
        outer = np.array([cx + half, cy - 0.006 - tilt])
        inner = np.array([cx - half, cy + 0.014 + tilt])
        along = np.array([0.0, 0.31, 0.5, 0.69, 1.0])
        base = outer + along[:, None] * (inner - outer)
        upper, lower = base.copy(), base.copy()
        upper[:, 1] -= opening * size * np.array([0, 0.058, 0.066, 0.060, 0])
        lower[:, 1] += opening * size * np.array([0, 0.032, 0.036, 0.029, 0])
        closed = lower * [1, 1]
        closed[:, 1] = base[:, 1] + opening * size * np.array([0, 0.026, 0.031, 0.024, 0]) + 0.004
        upper = upper + (closed - upper) * blink
        lower = lower + (closed - lower) * max(blink - 0.4, 0) / 0.6 * 0.6
        lower[1:4, 1] = np.maximum(lower[1:4, 1], upper[1:4, 1] + 0.003)
        curves[f'lid_upper_{side}'] = upper * [sign, 1]
        curves[f'lid_lower_{side}'] = lower * [sign, 1]
        gaze = self.parameters.gaze
        pupil = np.array(
            [sign * cx + 0.055 * gaze[0] * size, cy - 0.012 * opening + 0.022 * gaze[1]]
        )
        # A closing lid takes the pupil's visible place with it, so that the point stays inside the
        # eye.
        pupil[1] = np.clip(
            pupil[1], upper[2, 1] * 0.8 + lower[2, 1] * 0.2, upper[2, 1] * 0.2 + lower[2, 1] * 0.8
        )
        curves[f'pupil_{side}'] = pupil[None]

    def _brow(self, curves: dict, side: str, sign: float, lift: float) -> None:
        d = self.parameters.identity
        rise = d['brow_height'] - 0.075 * lift
        frown = max(-lift, 0.0)
        length, arch, tilt, thick = (
            d['brow_length'],
            d['brow_arch'],
            d['brow_tilt'],
            d['brow_thickness'],
        )
        x = 0.40 + (np.array([0.655, 0.555, 0.418, 0.280, 0.145]) - 0.40) * length
        x[3:] -= 0.02 * frown
        y = np.array([-0.128, -0.195, -0.215, -0.205, -0.178]) - arch * np.array(
            [0.0, 0.018, 0.03, 0.016, 0.0]
        )
        y = y + tilt * np.array([-1, -0.6, 0, 0.6, 1]) + rise
        y[4] += 0.03 * frown + 0.012 * lift
        y[3] += 0.015 * frown
        upper = np.stack([x, y], axis=-1)
        # Lower edge from the inner to the outer end; five knots, the ends shared with WFLW's 38 and
        # 41.
        low_x = x[4] + (x[0] - x[4]) * np.array([0.02, 0.27, 0.52, 0.78])
        height = thick * np.array([0.062, 0.062, 0.056, 0.044])
        on_top = np.interp(low_x, x[::-1], y[::-1])
        lower = np.stack([low_x, on_top + height], axis=-1)
        curves[f'brow_upper_{side}'] = upper * [sign, 1]
        curves[f'brow_lower_{side}'] = lower * [sign, 1]
        middle = catmull_rom(lower, np.array([1.45]))
        curves[f'brow_middle_{side}'] = middle * [sign, 1]

    # ------------------------------------------------------------------ the surface
    _TABLE_STEP = 1.0 / 48

    def _outline_table(self) -> None:
        """Tabulate the outline spline: rows are counted in knots, row 13 is the chin's lowest
        point.
        """
        other = self._jaw[-2:0:-1] * [-1, 1, 1]
        loop = np.concatenate([self._jaw, other])
        rows = np.arange(-1.0, JAW_END + 1.0 + 1e-9, self._TABLE_STEP)
        self._edge_table = catmull_rom(loop, rows, closed=True)
        inside = (rows > -1e-9) & (rows < JAW_END + 1e-9)
        self._rows = rows[inside]
        self._halves = self._edge_table[inside, 0]
        self._heights = np.maximum.accumulate(self._edge_table[inside, 1])

    def row_of(self, y: np.ndarray) -> np.ndarray:
        """Row coordinate v of a height y."""
        return np.interp(y, self._heights, self._rows)

    def edge(self, v: np.ndarray) -> np.ndarray:
        """Right-hand edge of the rows ``v``, up to one knot past the ends: ``v.shape + (3,)``."""
        position = (np.asarray(v, dtype=np.float64) + 1.0) / self._TABLE_STEP
        low = np.clip(position.astype(int), 0, len(self._edge_table) - 2)
        before, after = self._edge_table[low], self._edge_table[low + 1]
        return before + (after - before) * (position - low)[..., None]

    def to_uv(self, points: np.ndarray) -> np.ndarray:
        """Frontal-plane points [..., 2] to surface coordinates [..., 2]."""
        points = np.asarray(points, dtype=np.float64)
        out = np.empty_like(points)
        out[..., 1] = v = self.row_of(points[..., 1])
        half = np.maximum(np.interp(v, self._rows, self._halves), 1e-3)
        out[..., 0] = np.arcsin(np.minimum(np.maximum(points[..., 0] / half, -1), 1)) * (2 / np.pi)
        return out

    def surface(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Points of the surface; ``u`` [..., n] and ``v`` broadcast, result [..., n, 3]."""
        u, v = np.asarray(u, dtype=np.float64), np.asarray(v, dtype=np.float64)
        edge = self.edge(v)
        xe, y, ze = edge[..., 0], edge[..., 1], edge[..., 2]
        zm = monotone_cubic(self._profile[:, 0], self._profile[:, 1], y)
        angle = np.clip(u, -1, 1) * (np.pi / 2)
        cosine = np.maximum(np.cos(angle), 0.0)
        power = np.interp(y, [-0.5, 0.2, 0.7], [0.78, 0.92, 1.22])
        beyond = np.maximum(np.abs(u) - 1, 0) / (SIDE - 1)
        behind = 0.55 * np.clip((0.50 - y) / 0.45, 0, 1) ** 0.6 * np.clip((y + 1.18) / 0.5, 0, 1)
        x = xe * np.sin(angle) * (1 + 0.02 * beyond - 0.06 * beyond**2)
        z = ze + (zm - ze) * cosine**power - behind * beyond
        z = z + self._relief(x, y + 0 * x, cosine)
        return np.stack(np.broadcast_arrays(x, y, z), axis=-1)

    def _relief(self, x: np.ndarray, y: np.ndarray, cosine: np.ndarray) -> np.ndarray:
        p, d = self.parameters, self.parameters.identity
        side = np.abs(x)
        nose, high, wide = d['nose_length'], d['nose_height'], d['nose_width']
        heights = [
            (-0.14, 0.0),
            (self.bridge_y, 0.05 * high),
            (0.15 * nose, 0.125 * high),
            (0.28 * nose, 0.215 * high),
            (0.365 * nose, 0.285 * high),
            (0.415 * nose, 0.302 * high),
            (0.462 * nose, 0.255 * high),
            (0.502 * nose, 0.13 * high),
            (0.545 * nose, 0.015),
            (0.60 * nose, 0.0),
        ]
        profile = np.array(heights)
        row_y = y[..., :1]
        rise = monotone_cubic(profile[:, 0], profile[:, 1], row_y)
        width = monotone_cubic(
            np.array([-0.14, 0.1, 0.25, 0.40, 0.50]) * nose,
            np.array([0.13, 0.095, 0.105, 0.13 * wide, 0.145 * wide]),
            row_y,
        )
        z = rise * np.exp(-((side / width) ** 2.4))

        def bump(height, cx, cy, sx, sy):
            return height * np.exp(-(((side - cx) / sx) ** 2)) * np.exp(-(((row_y - cy) / sy) ** 2))

        z = z + bump(0.065 * high, 0.125 * wide, 0.455 * nose, 0.05, 0.05)  # wings of the nose
        z = (
            z - bump(0.10, 0.27, -0.01, 0.11, 0.085) + bump(0.045, 0.37, 0.0, 0.10, 0.07)
        )  # sockets, eyeballs
        z = z + bump(0.035, 0.34, -0.17, 0.2, 0.06)  # brow ridge
        z = z + bump(
            0.045 * d['cheek'] + 0.035 * max(p.smile, 0), 0.47, 0.30, 0.14, 0.14
        )  # cheekbones
        z = z - bump(0.03 * d['cheek'], 0.52, 0.68, 0.12, 0.16) * cosine  # hollow below them
        upper = self.curves['lip_outer_upper'][3, 1]
        lower = self.curves['lip_outer_lower'][3, 1]
        spread = max(self.mouth_half * 0.8, 0.1)
        pout = 1 + 1.3 * p.pucker
        z = z + bump(0.05 * pout, 0.0, 0.5 * (upper + self.mouth_y), spread, 0.045)
        z = z + bump(0.05 * pout, 0.0, lower - 0.045, spread, 0.05)
        z = z - bump(0.03, self.mouth_half + 0.02, self.mouth_y + 0.4 * self.mouth_gap, 0.06, 0.06)
        return z * np.clip(cosine * 4, 0, 1)

    # ------------------------------------------------------------------ landmarks
    def _landmarks(self) -> np.ndarray:
        c = self.curves
        jaw_rows = JAW_START + np.arange(17) * 0.5
        left = np.stack([-np.ones(17), jaw_rows], axis=-1)
        right = np.stack([np.ones(16), jaw_rows[-2::-1]], axis=-1)
        left_lid, right_lid = (
            (c['lid_upper_left'], c['lid_lower_left']),
            (c['lid_upper_right'], c['lid_lower_right']),
        )
        inner = np.concatenate(
            [
                c['brow_upper_left'],
                c['brow_lower_left'],
                c['brow_upper_right'][::-1],
                c['brow_lower_right'][::-1],
                c['nose_bridge'],
                c['nose_base'],
                left_lid[0],
                left_lid[1][3:0:-1],
                right_lid[0][::-1],
                right_lid[1][1:4],
                c['lip_outer_upper'],
                c['lip_outer_lower'][5:0:-1],
                c['lip_inner_upper'],
                c['lip_inner_lower'][3:0:-1],
                c['pupil_left'],
                c['pupil_right'],
                c['brow_middle_left'],
                c['brow_middle_right'],
            ]
        )
        return np.concatenate([left, right, self.to_uv(inner)])

    def polygon(self, name: str) -> np.ndarray:
        """Closed outline of a feature in the frontal plane, [N, 2]: ``brow_left``, ``eye_right``,
        ``lips``, ``mouth``.
        """
        c = self.curves
        if name.startswith('brow'):
            side = name.split('_')[1]
            lower = np.concatenate([c[f'brow_lower_{side}'], c[f'brow_upper_{side}'][:1]])
            return np.concatenate([dense(c[f'brow_upper_{side}']), dense(lower)])
        if name.startswith('eye'):
            side = name.split('_')[1]
            return np.concatenate(
                [dense(c[f'lid_upper_{side}'], 8), dense(c[f'lid_lower_{side}'], 8)[::-1]]
            )
        pair = {
            'lips': ('lip_outer_upper', 'lip_outer_lower'),
            'mouth': ('lip_inner_upper', 'lip_inner_lower'),
        }
        if name not in pair:
            raise KeyError(
                f'unknown feature {name!r}: brow_left, brow_right, eye_left, eye_right, '
                'lips or mouth'
            )
        return np.concatenate([dense(c[pair[name][0]], 8), dense(c[pair[name][1]], 8)[::-1]])


class Camera:
    """Turns points of the face's own space into pixels.

    Args:
        parameters: The face; its pose, position and camera distance are used.
        size: Image side in pixels.
    """

    PIVOT = np.array([0.0, 0.50, 0.35])

    def __init__(self, parameters: FaceParameters, size: int) -> None:
        yaw, pitch, roll = np.deg2rad([parameters.yaw, parameters.pitch, parameters.roll])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        lean = np.array(
            [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
        )
        self.rotation = lean @ nod @ turn
        self.scale = parameters.scale * size
        self.distance = parameters.camera_distance
        # Pixel centres are at whole numbers, so the middle of the picture is (size - 1) / 2.
        self.center = np.array(parameters.center) * size - 0.5

    def project(self, points: np.ndarray) -> np.ndarray:
        """[..., 3] model points to [..., 3]: x and y in pixels, and depth (larger is nearer)."""
        local = (points - self.PIVOT) @ self.rotation.T
        zoom = self.scale * self.distance / (self.distance - local[..., 2])
        out = np.empty_like(local)
        out[..., 0] = local[..., 0] * zoom + self.center[0]
        out[..., 1] = local[..., 1] * zoom + self.center[1]
        out[..., 2] = local[..., 2]
        return out


def _outward(points: np.ndarray, sign: float) -> np.ndarray:
    """Unit normals of a polyline [N, 2] that runs down one side of the face."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    return np.stack([tangent[:, 1], -tangent[:, 0]], axis=-1) * sign


def _tempered(normals: np.ndarray, straight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Smooth normals and keep them near ``straight`` where a side is steep: the nose breaks the
    outline's slope.
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
    """Where each projected row [N, K, 3], listed from its own side inwards, touches the outline:
    [N, 3].

    The touching point is the row's extreme along the outline's normal. Outline and normals are
    found together in
    three rounds; between samples the row is a parabola.
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
        free = (best == k) & (k > FREE_FROM) & (bend < -1e-9)
        shift = np.where(free, np.clip(0.5 * (a - c) / np.where(free, bend, 1.0), -0.5, 0.5), 0.0)[
            :, None
        ]
        p0, p1, p2 = grid[index, k - 1], grid[index, k], grid[index, k + 1]
        between = p1 + shift * 0.5 * (p2 - p0) + shift**2 * 0.5 * (p0 - 2 * p1 + p2)
        points = np.where((best == k)[:, None], between, grid[index, best])
        normal = _tempered(_outward(points[:, :2], sign), straight, rows)
    return points


FREE_FROM = 1
_BEHIND = np.linspace(SIDE, 1.0, 7)[:-1]
_ROW_U = np.concatenate([_BEHIND, np.linspace(1.0, -1.0, 101), -_BEHIND[::-1]])
_ROWS = np.linspace(0, JAW_END, 4 * JAW_END + 1)
_INWARD = len(_BEHIND) + 80  # rows are searched from their own side to u = -0.6 on the other


def visible_edges(shape: FaceShape, camera: Camera) -> Tuple[np.ndarray, np.ndarray]:
    """The outline of the head and the visible jaw line.

    On the near side the jaw line is the jaw edge itself. On the far side that edge is hidden, and
    every jaw point slides
    along its row to where the surface turns away from the viewer, the visible silhouette; that is
    how the contour
    is annotated on photographs. The far half of the search takes in the midline, because past some
    60 degrees of
    yaw nose, lips and chin are the silhouette.

    Args:
        shape: The face.
        camera: Its camera.

    Returns:
        tuple: outline of the head [2 * 53, 2], a closed polygon in pixels, and the 33 jaw points
            [33, 3] (pixels and
        depth), from the image-left ear over the chin to the image-right ear.
    """
    grid = camera.project(shape.surface(_ROW_U[None, :], _ROWS[:, None]))
    down = camera.rotation[:2, 1]
    across = np.array([down[1], -down[0]]) / np.linalg.norm(down)
    outline, jaw = [], []
    start = 4 * JAW_START
    for sign in (-1.0, 1.0):
        side = grid[:, ::-1] if sign < 0 else grid
        outline.append(_touching(side[:, :_INWARD], _ROWS, across * sign, sign)[:, :2])
        # Two rows above the first point, so that its normal is known from both sides.
        jaw.append(
            _touching(
                side[start - 4 :: 2, len(_BEHIND) : _INWARD],
                _ROWS[start - 4 :: 2],
                across * sign,
                sign,
            )[2:]
        )
    return (
        np.concatenate([outline[0], outline[1][::-1]]),
        np.concatenate([jaw[0], jaw[1][-2::-1]]),
    )
