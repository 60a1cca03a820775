"""Paints the unrolled skin of a face: everything that is drawn on the surface itself.

The picture is indexed by surface coordinates: column by u from -SIDE to SIDE, row by v from the
vertex to the chin.
Outlines are the very curves that the landmarks lie on.
"""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .curves import catmull_rom, dense
from .parameters import FaceParameters
from .shape import JAW_END, SIDE, FaceShape

SHIFT = 4


def cloth_color(parameters: FaceParameters) -> np.ndarray:
    """Colour of a cap: [3], BGR."""
    return np.random.default_rng([parameters.appearance_seed, 9]).uniform(20, 220, 3)


class FaceTexture:
    """Painter of one face.

    Args:
        shape: The geometry.
        rng: Source of the meaningless randomness (mottling, strands).
        size: Side of the picture in texels.
    """

    def __init__(self, shape: FaceShape, rng: np.random.Generator, size: int = 448) -> None:
        self.shape, self.rng, self.size = shape, rng, size
        self.parameters = shape.parameters

    # ------------------------------------------------------------------ coordinates
    def texel(self, uv: np.ndarray, size: int = None) -> np.ndarray:
        """Surface coordinates [..., 2] to texels (column, row)."""
        size = size or self.size
        return np.stack(
            [(uv[..., 0] + SIDE) * ((size - 1) / (2 * SIDE)), uv[..., 1] * ((size - 1) / JAW_END)],
            -1,
        )

    def _fixed(self, xy: np.ndarray, size: int = None, surface: bool = False) -> np.ndarray:
        uv = xy if surface else self.shape.to_uv(xy)
        return np.round(self.texel(np.asarray(uv), size) * (1 << SHIFT)).astype(np.int32)

    def fill(self, image: np.ndarray, xy: np.ndarray, color, surface: bool = False) -> None:
        """Fill the polygon ``xy`` [N, 2] of the frontal plane (or of the surface)."""
        cv2.fillPoly(image, [self._fixed(xy, image.shape[0], surface)], color, cv2.LINE_AA, SHIFT)

    def line(self, image: np.ndarray, xy: np.ndarray, color, width: float) -> None:
        """Draw the open polyline ``xy`` with ``width`` in face units."""
        thick = max(int(round(width * image.shape[0] / 2.6)), 1)
        cv2.polylines(
            image, [self._fixed(xy, image.shape[0])], False, color, thick, cv2.LINE_AA, SHIFT
        )

    def _mask(self, *polygons: np.ndarray) -> np.ndarray:
        mask = np.zeros((self.size, self.size), np.uint8)
        for polygon in polygons:
            self.fill(mask, polygon, 255)
        return mask

    def _ellipse(self, cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
        angle = np.linspace(0, 2 * np.pi, 25)[:-1]
        return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], axis=-1)

    # ------------------------------------------------------------------ painting
    def paint(self) -> np.ndarray:
        """The finished texture: [size, size, 3] uint8, BGR."""
        p = self.parameters
        skin = np.array(p.skin)
        tinted = np.clip(self._soft_tint() * skin.astype(np.float32), 0, 255).astype(np.uint8)
        image = cv2.resize(tinted, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        if p.beard > 0 or p.mustache > 0:
            self._beard(image)
        self._nose(image)
        for side in ('left', 'right'):
            self._eye(image, side)
            self._brow(image, side)
        self._mouth(image)
        self._hair(image)
        return image

    def _soft_tint(self) -> np.ndarray:
        """Broad, blurred variation of the skin: [112, 112, 3] float32 factors."""
        p, s = self.parameters, self.shape
        low = 112
        dark = np.zeros((low, low), np.uint8)
        red = np.zeros((low, low), np.uint8)
        wide = p.identity['nose_width']
        mouth = s.curves
        for sign in (-1, 1):
            cx, cy = s.eye_center
            self.fill(dark, self._ellipse(sign * (cx - 0.09), cy - 0.035, 0.11, 0.065), 105)
            self.fill(dark, self._ellipse(sign * cx, cy + 0.085, 0.12, 0.03), int(30 + 70 * p.age))
            self.fill(dark, self._ellipse(sign * 0.115 * wide, s.tip_y * 0.55, 0.03, 0.15), 60)
            fold = np.array(
                [
                    [0.19 * wide, s.tip_y + 0.02],
                    [0.27, s.base_y + 0.06],
                    [s.mouth_half + 0.075, s.mouth_y + 0.01],
                ]
            ) * [sign, 1]
            self.line(dark, dense(fold, 4), int(60 + 90 * p.age + 60 * max(p.smile, 0)), 0.035)
            self.fill(red, self._ellipse(sign * 0.46, 0.34, 0.17, 0.13), int(90 + 120 * p.makeup))
            if p.makeup > 0:
                lid = mouth['lid_upper_left' if sign < 0 else 'lid_upper_right']
                brow = lid - [0, 0.085]
                self.fill(dark, np.concatenate([lid, brow[::-1]]), int(90 + 140 * p.makeup))
        low_y = mouth['lip_outer_lower'][3, 1]
        self.fill(dark, self._ellipse(0, low_y + 0.045, 0.13, 0.025), 130)
        self.line(dark, mouth['nose_base'] + [0, 0.012], 150, 0.03)
        self.fill(dark, self._ellipse(0, s.base_y + 0.07, 0.022, 0.05), 45)
        self.fill(red, self._ellipse(0, s.tip_y, 0.10, 0.07), 90)
        dark = cv2.GaussianBlur(dark, (0, 0), 1.5).astype(np.float32) * (0.42 / 255)
        red = cv2.GaussianBlur(red, (0, 0), 3.5).astype(np.float32) * (0.28 / 255)
        mottle = cv2.resize(
            self.rng.normal(0, 0.03, (14, 14)).astype(np.float32),
            (low, low),
            interpolation=cv2.INTER_CUBIC,
        )
        mottle += self.rng.normal(0, 0.012, (low, low)).astype(np.float32)
        base = (1 - dark) * (1 + mottle)
        tint = np.stack(
            [base * (1 - 0.95 * red) * (1 - 0.1 * dark), base * (1 - 0.75 * red), base], axis=-1
        )
        return tint

    def _blend(self, image: np.ndarray, mask: np.ndarray, color, strength: float = 1.0) -> None:
        """Mix ``color`` (one colour or an image) into ``image`` where ``mask`` is set, inside the
        mask's own box.
        """
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return
        box = np.s_[y : y + h, x : x + w]
        weight = mask[box].astype(np.float32)[..., None] * (strength / 255)
        color = (
            color[box]
            if isinstance(color, np.ndarray) and color.ndim == 3
            else np.asarray(color, np.float32)
        )
        part = image[box].astype(np.float32)
        image[box] = (part + (color - part) * weight + 0.5).astype(np.uint8)

    def _darker(self, factor: float) -> Tuple[float, float, float]:
        b, g, r = self.parameters.skin
        return (b * factor * 0.85, g * factor * 0.9, r * factor)

    def _nose(self, image: np.ndarray) -> None:
        s, wide = self.shape, self.parameters.identity['nose_width']
        base = s.curves['nose_base']
        for sign in (-1, 1):
            wing = np.array(
                [
                    [0.150 * wide, s.tip_y - 0.015],
                    [0.178 * wide, s.tip_y + 0.045],
                    [abs(base[0, 0]), base[0, 1]],
                    [0.125 * wide, base[0, 1] + 0.012],
                ]
            ) * [sign, 1]
            self.line(image, dense(wing, 6), self._darker(0.62), 0.008)
            # The nostril's lower rim passes through the second and fourth point of the nose base.
            cx, cy = base[1] * [-sign, 1]
            self.fill(
                image, self._ellipse(cx * 0.93, cy - 0.022, 0.042 * wide, 0.021), self._darker(0.22)
            )
        self.line(image, dense(base[1:4], 6), self._darker(0.55), 0.009)

    def _eye(self, image: np.ndarray, side: str) -> None:
        p, s = self.parameters, self.shape
        upper, lower = s.curves[f'lid_upper_{side}'], s.curves[f'lid_lower_{side}']
        blink = p.blink[0 if side == 'left' else 1]
        polygon = s.polygon(f'eye_{side}')
        mask = self._mask(polygon)
        eye = np.empty_like(image)
        x0, y0 = self._fixed(polygon).min(axis=0) // (1 << SHIFT) - 3
        x1, y1 = self._fixed(polygon).max(axis=0) // (1 << SHIFT) + 4
        eye[y0:y1, x0:x1] = (222, 226, 232)
        self.fill(eye, np.concatenate([upper, upper[::-1] + [0, 0.018]]), (165, 170, 182))
        inner = upper[-1]
        self.fill(eye, self._ellipse(inner[0], inner[1], 0.024, 0.02), (130, 140, 200))
        pupil = s.curves[f'pupil_{side}'][0]
        r = s.iris_radius
        iris = np.array(p.iris_color)
        self.fill(eye, self._ellipse(*pupil, r * 1.06, r * 1.06), tuple(iris * 0.45))
        self.fill(eye, self._ellipse(*pupil, r * 0.93, r * 0.93), tuple(iris))
        self.fill(
            eye,
            self._ellipse(pupil[0], pupil[1] + 0.012, r * 0.75, r * 0.62),
            tuple(np.clip(iris * 1.35, 0, 255)),
        )
        self.fill(eye, self._ellipse(*pupil, r * 0.42, r * 0.42), (12, 12, 14))
        self.fill(
            eye,
            self._ellipse(
                pupil[0] + 0.025 * np.sign(p.light[0] + 1e-9), pupil[1] - 0.024, 0.011, 0.011
            ),
            (245, 245, 245),
        )
        self._blend(image, mask, eye)
        lash = (18, 20, 26) if p.makeup > 0.2 else self._darker(0.22)
        thick = 0.014 + 0.014 * p.makeup
        self.line(image, dense(lower, 6), self._darker(0.55 - 0.25 * p.makeup), 0.008)
        self.line(image, dense(upper, 6), lash, thick)
        crease = upper - np.array([0, 1]) * np.array([0.006, 0.034, 0.040, 0.036, 0.012])[
            :, None
        ] * (1 - 0.55 * blink)
        self.line(image, dense(crease, 6), self._darker(0.6), 0.009)

    def _brow(self, image: np.ndarray, side: str) -> None:
        p, s = self.parameters, self.shape
        mask = self._mask(s.polygon(f'brow_{side}'))
        gray = self.rng.uniform(0.75, 1.0)
        color = np.clip(np.array(p.hair_color) * 0.7 * gray, 0, 200)
        ink = np.empty_like(image)
        x, y, w, h = cv2.boundingRect(mask)
        box = np.s_[y : y + h, x : x + w]
        strands = self.rng.normal(1.0, 0.25, (h, w)).astype(np.float32)
        ink[box] = np.clip(color * cv2.blur(strands, (5, 1))[..., None], 0, 255).astype(np.uint8)
        self._blend(image, mask, ink, 0.62 + 0.3 * min(p.identity['brow_thickness'], 1.2) - 0.05)

    def _mouth(self, image: np.ndarray) -> None:
        p, s = self.parameters, self.shape
        skin = np.array(p.skin)
        natural = skin * [0.66, 0.60, 0.86]
        paint = np.array([55, 40, 175]) if p.lip_red > 0.4 else np.array([85, 60, 150])
        strength = max(0.0, p.makeup) * 0.85
        lips = (
            natural * (1.06 - 0.35 * p.lip_red) * [1, 1, 1.12] * (1 - strength) + paint * strength
        )
        lips = np.clip(lips, 0, 250)
        self.fill(image, s.polygon('lips'), tuple(lips))
        # Upper lip darker, a shine on the lower one.
        c = s.curves
        upper = np.concatenate(
            [dense(c['lip_outer_upper'], 8), dense(c['lip_inner_upper'], 8)[::-1]]
        )
        self._blend(image, self._mask(upper), lips * 0.82, 0.8)
        shine = c['lip_outer_lower'][3]
        self.fill(
            image,
            self._ellipse(shine[0], (shine[1] + c['lip_inner_lower'][2, 1]) / 2, 0.07, 0.011),
            tuple(np.clip(lips * 1.16 + 6, 0, 255)),
        )
        gap = s.mouth_gap
        mouth = s.polygon('mouth')
        if gap > 0.012:
            mask = self._mask(mouth)
            hole = np.empty_like(image)
            x0, y0 = np.maximum(self._fixed(mouth).min(axis=0) // (1 << SHIFT) - 3, 0)
            x1, y1 = self._fixed(mouth).max(axis=0) // (1 << SHIFT) + 4
            hole[y0:y1, x0:x1] = (28, 22, 48)
            cx = shine[0]
            if gap > 0.10:
                self.fill(
                    hole,
                    self._ellipse(
                        cx, c['lip_inner_lower'][2, 1] - 0.01, 0.14, min(gap * 0.38, 0.08)
                    ),
                    (85, 80, 165),
                )
            teeth = c['lip_inner_upper'] + [0, 0]
            height = min(0.062, 0.012 + gap * 0.75)
            low = teeth[::-1] + [0, height]
            self.fill(
                hole, np.concatenate([dense(teeth, 4) - [0, 0.03], dense(low, 4)]), (205, 218, 226)
            )
            for x in np.linspace(-0.16, 0.16, 7):
                self.line(
                    hole,
                    np.array([[cx + x, s.mouth_y - 0.02], [cx + x, s.mouth_y + height]]),
                    (165, 178, 188),
                    0.004,
                )
            self._blend(image, mask, hole)
        self.line(image, dense(c['lip_inner_upper'], 6), tuple(lips * 0.42), 0.012)
        self.line(image, dense(c['lip_inner_lower'], 6), tuple(lips * 0.62), 0.007)
        for corner in (c['lip_outer_upper'][0], c['lip_outer_upper'][-1]):
            self.fill(image, self._ellipse(corner[0], corner[1], 0.012, 0.009), self._darker(0.42))

    def _strands(self, color, contrast: float, along: Tuple[int, int] = (1, 31)) -> np.ndarray:
        """Hair: [size, size, 3] uint8, streaks that run down the texture."""
        rows, columns = self.size // 8, self.size // 2
        noise = (
            cv2.blur(
                self.rng.standard_normal((rows, columns), dtype=np.float32),
                (1, max(along[1] // 2, 3)),
            )
            * 2.5
        )
        noise += cv2.resize(
            self.rng.normal(0, 0.6, (8, 20)).astype(np.float32),
            (columns, rows),
            interpolation=cv2.INTER_CUBIC,
        )
        factor = np.clip(1 + contrast * noise, 0.3, 1.9)
        ink = np.clip(factor[..., None] * np.asarray(color, np.float32), 0, 255).astype(np.uint8)
        return cv2.resize(ink, (self.size, self.size), interpolation=cv2.INTER_LINEAR)

    def _beard(self, image: np.ndarray) -> None:
        p, s = self.parameters, self.shape
        low = 112
        mask = np.zeros((low, low), np.uint8)
        c = s.curves
        half = s.mouth_half + 0.10
        low_y = c['lip_outer_lower'][3, 1]
        if p.beard > 0:
            u = np.linspace(-1.02, 1.02, 41)
            top = np.interp(
                np.abs(u),
                [0, 0.18, 0.42, 0.7, 0.9, 1.05],
                [low_y + 0.08, low_y + 0.04, s.mouth_y + 0.06, 0.62, 0.35, 0.12],
            )
            rows = s.row_of(top)
            area = np.concatenate(
                [np.stack([u, rows], -1), np.array([[1.02, JAW_END], [-1.02, JAW_END]])]
            )
            self.fill(mask, area, int(255 * p.beard), surface=True)
        if p.mustache > 0:
            top = c['lip_outer_upper']
            band = np.array(
                [
                    [-half, s.mouth_y + 0.06],
                    [-0.17, s.base_y + 0.055],
                    [0, s.base_y + 0.03],
                    [0.17, s.base_y + 0.055],
                    [half, s.mouth_y + 0.06],
                ]
            )
            area = np.concatenate([dense(band, 5), dense(top, 5)[::-1]])
            self.fill(mask, area, int(255 * p.mustache))
            if p.beard > 0.3:
                for sign in (-1, 1):
                    self.fill(
                        mask,
                        np.array(
                            [
                                [sign * half, s.mouth_y],
                                [sign * (s.mouth_half - 0.02), s.mouth_y + 0.03],
                                [sign * 0.2, low_y + 0.12],
                                [sign * (half + 0.05), low_y + 0.1],
                            ]
                        ),
                        int(255 * p.beard),
                    )
        mask = cv2.GaussianBlur(mask, (0, 0), 1.6)
        grain = np.clip(self.rng.normal(1.0, 0.22, (low * 2, low * 2)), 0.3, 1.5).astype(np.float32)
        mask = cv2.resize(mask.astype(np.float32), (low * 2, low * 2)) * grain
        mask = cv2.resize(np.clip(mask, 0, 255), (self.size, self.size)).astype(np.uint8)
        self._blend(image, mask, np.clip(np.array(p.hair_color) * 0.8, 0, 190), 0.88)

    def _hair(self, image: np.ndarray) -> None:
        p, s = self.parameters, self.shape
        u = np.linspace(-SIDE, SIDE, 120)
        a = np.abs(u)
        style = p.hair_style
        top = p.hairline
        if style == 'bald':
            line = np.interp(
                a, [0, 0.80, 0.95, 1.02, 1.12, SIDE], [-1.5, -1.4, -0.5, -0.1, -0.05, 0.5]
            )
            rough = 0.012
        elif style == 'beanie':
            line = np.interp(a, [0, 0.6, 1.0, SIDE], [-0.50, -0.47, -0.30, -0.05])
            rough = 0.0
        elif style == 'fringe':
            line = np.interp(
                a,
                [0, 0.35, 0.55, 0.72, 0.9, 1.0, 1.06, 1.12, SIDE],
                [-0.42, -0.38, -0.32, -0.25, 0.02, 0.3, 0.45, 0.55, 0.7],
            )
            rough = 0.05
        elif style == 'long':
            part = 0.10 * np.sin(3 * u)
            line = np.interp(
                a,
                [0, 0.3, 0.55, 0.75, 0.90, 1.0, 1.08, SIDE],
                [top - 0.06, top, -0.52, -0.36, -0.02, 0.42, 0.62, 1.0],
            ) + part * (a < 0.6)
            rough = 0.02
        else:
            line = np.interp(
                a,
                [0, 0.3, 0.52, 0.66, 0.8, 0.93, 1.0, 1.06, 1.13, SIDE],
                [top + 0.02, top, -0.60, -0.44, -0.38, -0.1, 0.12, 0.05, -0.02, 0.5],
            )
            rough = 0.018
        jitter = self.rng.normal(0, rough, len(u)) if rough else np.zeros(len(u))
        coarse = catmull_rom(self.rng.normal(0, 1.2 * rough, (16, 1)), np.linspace(0, 15, len(u)))[
            :, 0
        ]
        line = line + jitter + coarse
        area = np.concatenate([np.stack([u, s.row_of(line)], -1), [[SIDE, -0.2], [-SIDE, -0.2]]])
        mask = np.zeros((self.size, self.size), np.uint8)
        self.fill(mask, area, 255, surface=True)
        if style == 'beanie':
            color = cloth_color(p)
            ink = self._strands(color, 0.12, (1, 9))
            band = area[:120].copy()
            self._blend(image, mask, ink)
            thick = max(self.size // 60, 2)
            cv2.polylines(
                image,
                [self._fixed(band, surface=True)],
                False,
                tuple(color * 0.6),
                thick,
                cv2.LINE_AA,
                SHIFT,
            )
            return
        if style != 'short' or rough:
            mask = cv2.blur(mask, (3, 5))
        self._blend(image, mask, self._strands(p.hair_color, 0.22))
