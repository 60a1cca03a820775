"""Brows, eyes, nose and mouth as curves in the frontal plane.

Coordinates are those of :mod:`.shape` without the depth: x to the image's right, y down, the unit
is the mean distance between the outer eye corners.
"""
from __future__ import annotations

from typing import Dict, Sequence

import numpy as np

from ..parameters import FaceParameters
from .curves import catmull_rom, dense

SIDES = (('left', -1.0), ('right', 1.0))  # image sides of a frontal face, and the sign of their x


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


class FrontalFeatures:
    """The features of one face, with its expression.

    Args:
        parameters: The face; its identity, expression and gaze are used.

    Attributes:
        curves: Knots ``[N, 2]`` of each curve; the knots are landmarks. ``brow_upper_left`` and
            ``lid_upper_left`` … run from the outer to the inner end, ``brow_lower_left`` … from the
            inner to the outer one (without the ends), ``lip_outer_upper``, ``lip_inner_lower`` …
            and ``nose_base`` from left to right, ``nose_bridge`` down. ``pupil_left`` and
            ``brow_middle_left`` … are single points.
        bridge_y, tip_y, base_y: Heights of the nose.
        lip_top_y, mouth_y, mouth_bottom_y, lip_bottom_y: Heights on the midline: the upper lip's
            upper edge, its lower edge, the lower lip's upper edge, its lower edge.
        mouth_half, mouth_gap: Half the mouth's width, and how far the lips are apart.
        jaw_drop: How far the chin is lowered by an open jaw.
        eye_center: Centre ``[2]`` of the right eye.
        iris_radius: Radius of the irises.
    """

    def __init__(self, parameters: FaceParameters) -> None:
        self.parameters = parameters
        self.curves: Dict[str, np.ndarray] = {}
        self._place_nose()
        self._place_mouth()
        identity = parameters.identity
        self.eye_center = np.array([0.358 + identity['eye_spacing'], 0.004])
        self.iris_radius = 0.060 * identity['eye_size']
        for index, (side, sign) in enumerate(SIDES):
            self._place_eye(side, sign, parameters.blink[index])
            self._place_brow(side, sign, parameters.brow_raise[index])

    def _place_nose(self) -> None:
        identity = self.parameters.identity
        length, wide = identity['nose_length'], identity['nose_width']
        self.tip_y, self.base_y = 0.40 * length, 0.535 * length
        self.bridge_y = -0.02 + identity['nose_bridge']
        down = np.array([0, 1 / 3, 2 / 3, 1])
        self.curves['nose_bridge'] = np.stack(
            [np.zeros(4), self.bridge_y + (self.tip_y - self.bridge_y) * down], axis=-1)
        flare = 1 + 0.06 * max(self.parameters.smile, 0)
        self.curves['nose_base'] = np.array([
            [-0.158 * wide * flare, 0.487 * length],
            [-0.084 * wide, 0.513 * length],
            [0, 0.535 * length],
            [0.084 * wide, 0.513 * length],
            [0.158 * wide * flare, 0.487 * length]])

    def _place_mouth(self) -> None:
        face, identity = self.parameters, self.parameters.identity
        smile = max(face.smile, 0.0)
        self.jaw_drop = 0.27 * face.jaw_open
        gap = self.jaw_drop * 0.93 + 0.055 * face.lips_part * (1 - 0.5 * face.pucker)
        upper, lower = 0.058 * identity['upper_lip'], 0.098 * identity['lower_lip']
        upper *= 1 + 0.35 * face.pucker - 0.2 * smile
        lower *= 1 + 0.25 * face.pucker - 0.15 * smile
        lift = 0.035 * smile
        top = self.base_y + 0.145 * identity['philtrum'] - lift * 0.6 - 0.03 * face.lips_part
        self.lip_top_y, self.mouth_y, self.mouth_gap = top, top + upper, gap
        self.mouth_bottom_y = self.mouth_y + gap
        self.lip_bottom_y = bottom = self.mouth_bottom_y + lower
        half = 0.285 * identity['mouth_width'] * (
            1 + 0.2 * face.smile - 0.3 * face.pucker - 0.12 * face.jaw_open)
        self.mouth_half = half
        shift = 0.05 * face.mouth_shift
        corner = self.mouth_y + 0.4 * gap + 0.022 - 0.075 * face.smile

        def lip(x: Sequence[float], y: Sequence[float]) -> np.ndarray:
            """A curve from its left half, which ends on the midline."""
            x = np.array([*x, *(-value for value in x[-2::-1])])
            return np.stack([x * half + shift, np.array([*y, *y[-2::-1]])], axis=-1)

        fold = 0.6 * gap / (gap + 0.05)  # an open mouth rounds its lips
        self.curves['lip_outer_upper'] = lip(
            [-1, -0.64, -0.26, 0], [corner, _between(corner, top, 0.62), top - 0.018, top])
        self.curves['lip_outer_lower'] = lip(
            [-1, -0.66, -0.30, 0],
            [corner, _between(corner, bottom, 0.66 + 0.12 * fold), _between(corner, bottom, 0.95),
             bottom])
        self.curves['lip_inner_upper'] = lip(
            [-0.86, -0.27, 0],
            [corner + 0.002, _between(corner, self.mouth_y, 0.92) - 0.004, self.mouth_y])
        inner = self.mouth_bottom_y + 0.004
        self.curves['lip_inner_lower'] = lip(
            [-0.86, -0.29, 0], [corner + 0.002, _between(corner, inner, 0.94), inner])

    def _place_eye(self, side: str, sign: float, blink: float) -> None:
        face, identity = self.parameters, self.parameters.identity
        size, opening, tilt = identity['eye_size'], identity['eye_opening'], identity['eye_tilt']
        cx, cy = self.eye_center
        half = 0.142 * size
        outer = np.array([cx + half, cy - 0.006 - tilt])
        inner = np.array([cx - half, cy + 0.014 + tilt])
        along = np.array([0.0, 0.31, 0.5, 0.69, 1.0])
        base = outer + along[:, None] * (inner - outer)
        upper, lower, closed = base.copy(), base.copy(), base.copy()
        upper[:, 1] -= opening * size * np.array([0, 0.058, 0.066, 0.060, 0])
        lower[:, 1] += opening * size * np.array([0, 0.032, 0.036, 0.029, 0])
        # The lids meet a little above where the lower lid rests.
        closed[:, 1] = base[:, 1] + opening * size * np.array([0, 0.026, 0.031, 0.024, 0]) + 0.004
        upper = upper + (closed - upper) * blink
        lower = lower + (closed - lower) * max(blink - 0.4, 0) / 0.6 * 0.6
        lower[1:4, 1] = np.maximum(lower[1:4, 1], upper[1:4, 1] + 0.003)
        self.curves[f'lid_upper_{side}'] = upper * [sign, 1]
        self.curves[f'lid_lower_{side}'] = lower * [sign, 1]
        pupil = np.array([sign * cx + 0.055 * face.gaze[0] * size,
                          cy - 0.012 * opening + 0.022 * face.gaze[1]])
        # A closing lid takes the pupil's visible place with it, so the point stays inside the eye.
        top, bottom = upper[2, 1], lower[2, 1]
        pupil[1] = np.clip(pupil[1], top * 0.8 + bottom * 0.2, top * 0.2 + bottom * 0.8)
        self.curves[f'pupil_{side}'] = pupil[None]

    def _place_brow(self, side: str, sign: float, lift: float) -> None:
        identity = self.parameters.identity
        rise = identity['brow_height'] - 0.075 * lift
        frown = max(-lift, 0.0)
        x = 0.40 + (np.array([0.655, 0.555, 0.418, 0.280, 0.145]) - 0.40) * identity['brow_length']
        x[3:] -= 0.02 * frown
        y = np.array([-0.128, -0.195, -0.215, -0.205, -0.178])
        y = y - identity['brow_arch'] * np.array([0.0, 0.018, 0.03, 0.016, 0.0])
        y = y + identity['brow_tilt'] * np.array([-1, -0.6, 0, 0.6, 1]) + rise
        y[4] += 0.03 * frown + 0.012 * lift
        y[3] += 0.015 * frown
        upper = np.stack([x, y], axis=-1)
        # The lower edge from the inner to the outer end, with WFLW's four points.
        low_x = x[4] + (x[0] - x[4]) * np.array([0.02, 0.27, 0.52, 0.78])
        thickness = identity['brow_thickness'] * np.array([0.062, 0.062, 0.056, 0.044])
        lower = np.stack([low_x, np.interp(low_x, x[::-1], y[::-1]) + thickness], axis=-1)
        self.curves[f'brow_upper_{side}'] = upper * [sign, 1]
        self.curves[f'brow_lower_{side}'] = lower * [sign, 1]
        self.curves[f'brow_middle_{side}'] = catmull_rom(lower, np.array([1.45])) * [sign, 1]

    def points(self) -> np.ndarray:
        """The canonical landmarks 33 to 99 in the frontal plane: ``[67, 2]``."""
        curves = self.curves
        return np.concatenate([
            curves['brow_upper_left'],
            curves['brow_lower_left'],
            curves['brow_upper_right'][::-1],
            curves['brow_lower_right'][::-1],
            curves['nose_bridge'],
            curves['nose_base'],
            curves['lid_upper_left'],
            curves['lid_lower_left'][3:0:-1],
            curves['lid_upper_right'][::-1],
            curves['lid_lower_right'][1:4],
            curves['lip_outer_upper'],
            curves['lip_outer_lower'][5:0:-1],
            curves['lip_inner_upper'],
            curves['lip_inner_lower'][3:0:-1],
            curves['pupil_left'],
            curves['pupil_right'],
            curves['brow_middle_left'],
            curves['brow_middle_right']])

    def polygon(self, name: str) -> np.ndarray:
        """Closed outline of a feature.

        Args:
            name: ``brow_left``, ``brow_right``, ``eye_left``, ``eye_right``, ``lips`` (their outer
                border) or ``mouth`` (their inner border).

        Returns:
            np.ndarray: Vertices ``[N, 2]`` in the frontal plane.

        Raises:
            KeyError: For another name.
        """
        if name in ('brow_left', 'brow_right'):
            upper = self.curves[name.replace('_', '_upper_')]
            lower = np.concatenate([self.curves[name.replace('_', '_lower_')], upper[:1]])
            return np.concatenate([dense(upper), dense(lower)])
        borders = dict(
            eye_left=('lid_upper_left', 'lid_lower_left'),
            eye_right=('lid_upper_right', 'lid_lower_right'),
            lips=('lip_outer_upper', 'lip_outer_lower'),
            mouth=('lip_inner_upper', 'lip_inner_lower'))
        if name not in borders:
            raise KeyError(f'unknown feature {name!r}: brow_left, brow_right, eye_left, eye_right, '
                           'lips or mouth')
        upper, lower = (self.curves[border] for border in borders[name])
        return np.concatenate([dense(upper, 8), dense(lower, 8)[::-1]])
