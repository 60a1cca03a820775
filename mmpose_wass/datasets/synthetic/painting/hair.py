"""Paints what grows on the unrolled skin: beard, moustache and hair, or a cap over it."""
from __future__ import annotations

from typing import Dict, Tuple

import cv2
import numpy as np

from ..geometry import JAW_END, SIDE, catmull_rom, dense
from ..parameters import FaceParameters
from .canvas import SkinCanvas, blend

_BEARD_SIZE = 112  # beards are soft: drawn small and enlarged
# Hair begins above these heights: style -> (|u|, y, roughness). In y, None stands for the face's
# own hairline.
_HAIRLINES: Dict[str, Tuple[tuple, tuple, float]] = dict(
    bald=((0, 0.80, 0.95, 1.02, 1.12, SIDE), (-1.5, -1.4, -0.5, -0.1, -0.05, 0.5), 0.012),
    beanie=((0, 0.6, 1.0, SIDE), (-0.50, -0.47, -0.30, -0.05), 0.0),
    fringe=((0, 0.35, 0.55, 0.72, 0.9, 1.0, 1.06, 1.12, SIDE),
            (-0.42, -0.38, -0.32, -0.25, 0.02, 0.3, 0.45, 0.55, 0.7), 0.05),
    long=((0, 0.3, 0.55, 0.75, 0.90, 1.0, 1.08, SIDE),
          (None, None, -0.52, -0.36, -0.02, 0.42, 0.62, 1.0), 0.02),
    short=((0, 0.3, 0.52, 0.66, 0.8, 0.93, 1.0, 1.06, 1.13, SIDE),
           (None, None, -0.60, -0.44, -0.38, -0.1, 0.12, 0.05, -0.02, 0.5), 0.018))
# How much lower than at its side the hairline is in the middle.
_MIDDLE = dict(long=-0.06, short=0.02)


def cloth_color(parameters: FaceParameters) -> np.ndarray:
    """Colour ``[3]`` of a cap, BGR."""
    return np.random.default_rng([parameters.appearance_seed, 9]).uniform(20, 220, 3)


def paint_hair(canvas: SkinCanvas, image: np.ndarray) -> None:
    """Paint hair, or a cap, from the hairline up and to the sides."""
    face, size = canvas.parameters, canvas.size
    u, line, rough = _hairline(canvas)
    edge = np.stack([u, canvas.shape.row_of(line)], axis=-1)
    area = np.concatenate([edge, [[SIDE, -0.2], [-SIDE, -0.2]]])
    mask = canvas.mask(area, surface=True)
    if face.hair_style == 'beanie':
        color = cloth_color(face)
        blend(image, mask, _strands(canvas, color, 0.12, 4))
        canvas.stroke(image, edge, tuple(color * 0.6), max(size // 60, 2), surface=True)
        return
    if face.hair_style != 'short' or rough:
        mask = cv2.blur(mask, (3, 5))
    blend(image, mask, _strands(canvas, face.hair_color, 0.22, 15))


def _hairline(canvas: SkinCanvas) -> Tuple[np.ndarray, np.ndarray, float]:
    """Heights ``[120]`` where the hair begins at positions ``u`` ``[120]``, and the roughness."""
    face, rng = canvas.parameters, canvas.rng
    side, heights, rough = _HAIRLINES[face.hair_style]
    if heights[0] is None:
        heights = (face.hairline + _MIDDLE[face.hair_style], face.hairline, *heights[2:])
    u = np.linspace(-SIDE, SIDE, 120)
    line = np.interp(np.abs(u), side, heights)
    if face.hair_style == 'long':  # parted
        line = line + 0.10 * np.sin(3 * u) * (np.abs(u) < 0.6)
    jitter = rng.normal(0, rough, len(u)) if rough else np.zeros(len(u))
    coarse = catmull_rom(rng.normal(0, 1.2 * rough, (16, 1)), np.linspace(0, 15, len(u)))[:, 0]
    return u, line + jitter + coarse, rough


def _strands(canvas: SkinCanvas, color, contrast: float, length: int) -> np.ndarray:
    """Streaks that run down the texture: ``[size, size, 3]`` uint8."""
    size, rng = canvas.size, canvas.rng
    rows, columns = size // 8, size // 2
    noise = rng.standard_normal((rows, columns), dtype=np.float32)
    noise = cv2.blur(noise, (1, length)) * 2.5
    broad = rng.normal(0, 0.6, (8, 20)).astype(np.float32)
    noise += cv2.resize(broad, (columns, rows), interpolation=cv2.INTER_CUBIC)
    factor = np.clip(1 + contrast * noise, 0.3, 1.9)
    ink = np.clip(factor[..., None] * np.asarray(color, np.float32), 0, 255).astype(np.uint8)
    return cv2.resize(ink, (size, size), interpolation=cv2.INTER_LINEAR)


def paint_beard(canvas: SkinCanvas, image: np.ndarray) -> None:
    """Paint beard and moustache, as dense as the parameters say."""
    face, low = canvas.parameters, _BEARD_SIZE
    mask = np.zeros((low, low), np.uint8)
    if face.beard > 0:
        _draw_beard(canvas, mask)
    if face.mustache > 0:
        _draw_mustache(canvas, mask)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.6)
    fine = (low * 2, low * 2)
    grain = np.clip(canvas.rng.normal(1.0, 0.22, fine), 0.3, 1.5).astype(np.float32)
    mask = np.clip(cv2.resize(mask.astype(np.float32), fine) * grain, 0, 255)
    mask = cv2.resize(mask, (canvas.size, canvas.size)).astype(np.uint8)
    blend(image, mask, np.clip(np.array(face.hair_color) * 0.8, 0, 190), 0.88)


def _draw_beard(canvas: SkinCanvas, mask: np.ndarray) -> None:
    features = canvas.features
    low_y, mouth_y = features.lip_bottom_y, features.mouth_y
    u = np.linspace(-1.02, 1.02, 41)
    top = np.interp(np.abs(u), [0, 0.18, 0.42, 0.7, 0.9, 1.05],
                    [low_y + 0.08, low_y + 0.04, mouth_y + 0.06, 0.62, 0.35, 0.12])
    edge = np.stack([u, canvas.shape.row_of(top)], axis=-1)
    area = np.concatenate([edge, [[1.02, JAW_END], [-1.02, JAW_END]]])
    canvas.fill(mask, area, int(255 * canvas.parameters.beard), surface=True)


def _draw_mustache(canvas: SkinCanvas, mask: np.ndarray) -> None:
    face, features = canvas.parameters, canvas.features
    low_y, mouth_y, base_y = features.lip_bottom_y, features.mouth_y, features.base_y
    half = features.mouth_half + 0.10
    band = np.array([
        [-half, mouth_y + 0.06],
        [-0.17, base_y + 0.055],
        [0, base_y + 0.03],
        [0.17, base_y + 0.055],
        [half, mouth_y + 0.06]])
    lip = dense(features.curves['lip_outer_upper'], 5)
    canvas.fill(mask, np.concatenate([dense(band, 5), lip[::-1]]), int(255 * face.mustache))
    if face.beard > 0.3:  # grown together beside the mouth
        bridge = np.array([
            [half, mouth_y],
            [features.mouth_half - 0.02, mouth_y + 0.03],
            [0.2, low_y + 0.12],
            [half + 0.05, low_y + 0.1]])
        for sign in (-1, 1):
            canvas.fill(mask, bridge * [sign, 1], int(255 * face.beard))
