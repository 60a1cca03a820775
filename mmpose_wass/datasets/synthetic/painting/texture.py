"""Paints the unrolled skin of a face: everything that lies on the surface itself."""
from __future__ import annotations

import cv2
import numpy as np

from ..geometry import FaceShape, dense
from .canvas import SkinCanvas
from .facial_features import paint_brow, paint_eye, paint_mouth, paint_nose
from .hair import paint_beard, paint_hair

_TINT_SIZE = 112  # broad variation of the skin is drawn small and enlarged


def paint_texture(shape: FaceShape, rng: np.random.Generator, size: int) -> np.ndarray:
    """Paint the unrolled skin.

    Args:
        shape: The geometry.
        rng: Source of the meaningless randomness (mottling, strands).
        size: Side of the picture in texels.

    Returns:
        np.ndarray: ``[size, size, 3]`` uint8, BGR; see :class:`.SkinCanvas` for what lies where.
    """
    face = shape.parameters
    canvas = SkinCanvas(shape, rng, size)
    tinted = np.clip(_soft_tint(canvas) * np.array(face.skin, np.float32), 0, 255).astype(np.uint8)
    image = cv2.resize(tinted, (size, size), interpolation=cv2.INTER_LINEAR)
    if face.beard > 0 or face.mustache > 0:
        paint_beard(canvas, image)
    paint_nose(canvas, image)
    for side in ('left', 'right'):
        paint_eye(canvas, image, side)
        paint_brow(canvas, image, side)
    paint_mouth(canvas, image)
    paint_hair(canvas, image)
    return image


def _soft_tint(canvas: SkinCanvas) -> np.ndarray:
    """Shadows, flush and mottling as factors of the skin's colour: ``[112, 112, 3]`` float32."""
    low, rng = _TINT_SIZE, canvas.rng
    dark, red = np.zeros((low, low), np.uint8), np.zeros((low, low), np.uint8)
    _draw_shadows(canvas, dark)
    _draw_flush(canvas, red)
    dark = cv2.GaussianBlur(dark, (0, 0), 1.5).astype(np.float32) * (0.42 / 255)
    red = cv2.GaussianBlur(red, (0, 0), 3.5).astype(np.float32) * (0.28 / 255)
    mottle = rng.normal(0, 0.03, (14, 14)).astype(np.float32)
    mottle = cv2.resize(mottle, (low, low), interpolation=cv2.INTER_CUBIC)
    mottle += rng.normal(0, 0.012, (low, low)).astype(np.float32)
    base = (1 - dark) * (1 + mottle)
    return np.stack(
        [base * (1 - 0.95 * red) * (1 - 0.1 * dark), base * (1 - 0.75 * red), base], axis=-1)


def _draw_shadows(canvas: SkinCanvas, dark: np.ndarray) -> None:
    face, features = canvas.parameters, canvas.features
    curves, wide = features.curves, face.identity['nose_width']
    cx, cy = features.eye_center
    fold = np.array([
        [0.19 * wide, features.tip_y + 0.02],
        [0.27, features.base_y + 0.06],
        [features.mouth_half + 0.075, features.mouth_y + 0.01]])
    fold_shade = int(60 + 90 * face.age + 60 * max(face.smile, 0))
    for side, sign in (('left', -1), ('right', 1)):
        canvas.ellipse(dark, sign * (cx - 0.09), cy - 0.035, 0.11, 0.065, 105)  # eye socket
        canvas.ellipse(dark, sign * cx, cy + 0.085, 0.12, 0.03, int(30 + 70 * face.age))
        # Side of the nose.
        canvas.ellipse(dark, sign * 0.115 * wide, features.tip_y * 0.55, 0.03, 0.15, 60)
        canvas.line(dark, dense(fold * [sign, 1], 4), fold_shade, 0.035)
        if face.makeup > 0:
            lid = curves[f'lid_upper_{side}']
            shadow = np.concatenate([lid, (lid - [0, 0.085])[::-1]])
            canvas.fill(dark, shadow, int(90 + 140 * face.makeup))
    canvas.ellipse(dark, 0, features.lip_bottom_y + 0.045, 0.13, 0.025, 130)
    canvas.line(dark, curves['nose_base'] + [0, 0.012], 150, 0.03)
    canvas.ellipse(dark, 0, features.base_y + 0.07, 0.022, 0.05, 45)


def _draw_flush(canvas: SkinCanvas, red: np.ndarray) -> None:
    for sign in (-1, 1):
        canvas.ellipse(red, sign * 0.46, 0.34, 0.17, 0.13, int(90 + 120 * canvas.parameters.makeup))
    canvas.ellipse(red, 0, canvas.features.tip_y, 0.10, 0.07, 90)
