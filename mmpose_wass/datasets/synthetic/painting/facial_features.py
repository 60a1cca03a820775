"""Paints nose, eyes, brows and mouth on the unrolled skin."""
from __future__ import annotations

import cv2
import numpy as np

from ..geometry import dense
from .canvas import SkinCanvas, blend


def paint_nose(canvas: SkinCanvas, image: np.ndarray) -> None:
    """Paint wings, nostrils and the base's rim."""
    features, wide = canvas.features, canvas.parameters.identity['nose_width']
    base = features.curves['nose_base']
    wing = np.array([
        [0.150 * wide, features.tip_y - 0.015],
        [0.178 * wide, features.tip_y + 0.045],
        [abs(base[0, 0]), base[0, 1]],
        [0.125 * wide, base[0, 1] + 0.012]])
    for sign in (-1, 1):
        canvas.line(image, dense(wing * [sign, 1], 6), canvas.darker(0.62), 0.008)
        # The nostril's lower rim passes through the second and fourth point of the nose base.
        cx, cy = base[1] * [-sign, 1]
        canvas.ellipse(image, cx * 0.93, cy - 0.022, 0.042 * wide, 0.021, canvas.darker(0.22))
    canvas.line(image, dense(base[1:4], 6), canvas.darker(0.55), 0.009)


def paint_eye(canvas: SkinCanvas, image: np.ndarray, side: str) -> None:
    """Paint an eye: the eyeball, cut out by the lids, then lashes and the lid's crease."""
    face, features = canvas.parameters, canvas.features
    upper, lower = (features.curves[f'lid_{edge}_{side}'] for edge in ('upper', 'lower'))
    polygon = features.polygon(f'eye_{side}')
    eyeball = np.empty_like(image)  # only the eye's box is ever used
    eyeball[canvas.box(polygon)] = (222, 226, 232)
    canvas.fill(eyeball, np.concatenate([upper, upper[::-1] + [0, 0.018]]), (165, 170, 182))
    canvas.ellipse(eyeball, *upper[-1], 0.024, 0.02, (130, 140, 200))  # inner corner
    _paint_iris(canvas, eyeball, *features.curves[f'pupil_{side}'][0])
    blend(image, canvas.mask(polygon), eyeball)
    lash = (18, 20, 26) if face.makeup > 0.2 else canvas.darker(0.22)
    canvas.line(image, dense(lower, 6), canvas.darker(0.55 - 0.25 * face.makeup), 0.008)
    canvas.line(image, dense(upper, 6), lash, 0.014 + 0.014 * face.makeup)
    blink = face.blink[0 if side == 'left' else 1]
    above = np.array([0.006, 0.034, 0.040, 0.036, 0.012])
    crease = upper - np.array([0, 1]) * above[:, None] * (1 - 0.55 * blink)
    canvas.line(image, dense(crease, 6), canvas.darker(0.6), 0.009)


def _paint_iris(canvas: SkinCanvas, eyeball: np.ndarray, x: float, y: float) -> None:
    face, radius = canvas.parameters, canvas.features.iris_radius
    iris = np.array(face.iris_color)
    canvas.ellipse(eyeball, x, y, radius * 1.06, radius * 1.06, tuple(iris * 0.45))
    canvas.ellipse(eyeball, x, y, radius * 0.93, radius * 0.93, tuple(iris))
    bright = tuple(np.clip(iris * 1.35, 0, 255))
    canvas.ellipse(eyeball, x, y + 0.012, radius * 0.75, radius * 0.62, bright)
    canvas.ellipse(eyeball, x, y, radius * 0.42, radius * 0.42, (12, 12, 14))
    glint = x + 0.025 * np.sign(face.light[0] + 1e-9)
    canvas.ellipse(eyeball, glint, y - 0.024, 0.011, 0.011, (245, 245, 245))


def paint_brow(canvas: SkinCanvas, image: np.ndarray, side: str) -> None:
    """Paint a brow: streaks across it, within its outline."""
    face, rng = canvas.parameters, canvas.rng
    mask = canvas.mask(canvas.features.polygon(f'brow_{side}'))
    gray = rng.uniform(0.75, 1.0)
    color = np.clip(np.array(face.hair_color) * 0.7 * gray, 0, 200)
    x, y, width, height = cv2.boundingRect(mask)
    strands = cv2.blur(rng.normal(1.0, 0.25, (height, width)).astype(np.float32), (5, 1))
    ink = np.empty_like(image)  # only the brow's box is ever used
    ink[y:y + height, x:x + width] = np.clip(color * strands[..., None], 0, 255).astype(np.uint8)
    blend(image, mask, ink, 0.62 + 0.3 * min(face.identity['brow_thickness'], 1.2) - 0.05)


def paint_mouth(canvas: SkinCanvas, image: np.ndarray) -> None:
    """Paint the lips and, between them, the teeth."""
    features = canvas.features
    curves = features.curves
    lips = _lip_color(canvas)
    canvas.fill(image, features.polygon('lips'), tuple(lips))
    # Upper lip darker, a shine on the lower one.
    upper = [dense(curves['lip_outer_upper'], 8), dense(curves['lip_inner_upper'], 8)[::-1]]
    blend(image, canvas.mask(np.concatenate(upper)), lips * 0.82, 0.8)
    shine_x, low_y = curves['lip_outer_lower'][3]
    shine_y = (low_y + curves['lip_inner_lower'][2, 1]) / 2
    canvas.ellipse(image, shine_x, shine_y, 0.07, 0.011, tuple(np.clip(lips * 1.16 + 6, 0, 255)))
    if features.mouth_gap > 0.012:
        _paint_open_mouth(canvas, image)
    canvas.line(image, dense(curves['lip_inner_upper'], 6), tuple(lips * 0.42), 0.012)
    canvas.line(image, dense(curves['lip_inner_lower'], 6), tuple(lips * 0.62), 0.007)
    for x, y in curves['lip_outer_upper'][[0, -1]]:
        canvas.ellipse(image, x, y, 0.012, 0.009, canvas.darker(0.42))


def _lip_color(canvas: SkinCanvas) -> np.ndarray:
    face = canvas.parameters
    natural = np.array(face.skin) * [0.66, 0.60, 0.86]
    paint = np.array([55, 40, 175]) if face.lip_red > 0.4 else np.array([85, 60, 150])
    strength = max(0.0, face.makeup) * 0.85
    lips = natural * (1.06 - 0.35 * face.lip_red) * [1, 1, 1.12] * (1 - strength) + paint * strength
    return np.clip(lips, 0, 250)


def _paint_open_mouth(canvas: SkinCanvas, image: np.ndarray) -> None:
    features, gap = canvas.features, canvas.features.mouth_gap
    upper, lower = (features.curves[f'lip_inner_{edge}'] for edge in ('upper', 'lower'))
    middle_x = upper[2, 0]
    polygon = features.polygon('mouth')
    hole = np.empty_like(image)  # only the mouth's box is ever used
    hole[canvas.box(polygon)] = (28, 22, 48)
    if gap > 0.10:
        tongue = min(gap * 0.38, 0.08)
        canvas.ellipse(hole, middle_x, lower[2, 1] - 0.01, 0.14, tongue, (85, 80, 165))
    height = min(0.062, 0.012 + gap * 0.75)
    teeth = [dense(upper, 4) - [0, 0.03], dense(upper[::-1] + [0, height], 4)]
    canvas.fill(hole, np.concatenate(teeth), (205, 218, 226))
    for x in middle_x + np.linspace(-0.16, 0.16, 7):
        between = np.array([[x, features.mouth_y - 0.02], [x, features.mouth_y + height]])
        canvas.line(hole, between, (165, 178, 188), 0.004)
    blend(image, canvas.mask(polygon), hole)
