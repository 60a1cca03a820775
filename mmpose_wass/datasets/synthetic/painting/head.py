"""What surrounds the face: clothes, neck, skull, hair that falls behind, and ears."""
from __future__ import annotations

import cv2
import numpy as np

from ..geometry import JAW_END, JAW_START, Camera, FaceShape, catmull_rom
from .drawing import ellipse_points, fill, lay_shaded, scaled
from .hair import cloth_color

_COARSE = 64  # side of the pictures of brightness, in samples
_SHOULDERS = np.array([
    [-1.0, 0.55], [-0.85, 0.22], [-0.45, 0.04], [-0.24, -0.12], [0.24, -0.12], [0.45, 0.04],
    [0.85, 0.22], [1.0, 0.55], [1.0, 4], [-1.0, 4]])
_COLLAR = np.array([
    [-0.30, -0.2], [0, 0.35], [0.30, -0.2], [0.42, 0.0], [0, 0.62], [-0.42, 0.0]])
_SHIRT = np.array([[-0.42, 0.0], [0, 0.62], [0.42, 0.0], [0.6, 4], [-0.6, 4]])
# Outline of an ear as (backwards, down).
_EAR = catmull_rom(np.array([
    [0, 0.40], [0.02, 0.10], [0.10, -0.06], [0.28, -0.09], [0.38, 0.02], [0.36, 0.18],
    [0.24, 0.36], [0.14, 0.50], [0.04, 0.52]]), np.linspace(0, 8, 25))


class HeadPainter:
    """Draws the layers around the face; the caller draws them in the order of their distance.

    Args:
        shape: The face.
        camera: Its camera.
        size: Image side in pixels.
        rng: Source of clothes and of the hair's streaks.
    """

    def __init__(self, shape: FaceShape, camera: Camera, size: int,
                 rng: np.random.Generator) -> None:
        self.shape, self.camera, self.size, self.rng = shape, camera, size, rng
        self.parameters = shape.parameters
        light = np.array(self.parameters.light)
        self.light = light / np.linalg.norm(light)

    def _lit(self, amount: np.ndarray) -> np.ndarray:
        """Brightness of what receives a share of the directed light."""
        ambient = self.parameters.ambient
        return ambient + (1 - ambient) * amount

    def _pixels_from(self, point: np.ndarray):
        """Steps x ``[1, L]`` and y ``[L, 1]`` from a point to the coarse samples, in pixels."""
        grid = (np.arange(_COARSE, dtype=np.float32) + 0.5) * (self.size / _COARSE) - 0.5
        x, y = np.asarray(point, np.float32)
        return grid[None, :] - x, grid[:, None] - y

    # Skull and hair
    def draw_hair_behind(self, image: np.ndarray) -> None:
        """Long hair, behind head and shoulders."""
        face = self.parameters
        if face.hair_style == 'long':
            self._draw_ball(image, (0, 0.85, -0.35), (0.92 + face.hair_volume, 1.35, 0.55),
                            np.array(face.hair_color) * 0.95, 0.14)

    def draw_skull(self, image: np.ndarray) -> None:
        """The round of the head, with the hair or the cap on it."""
        face = self.parameters
        volume, streaks = max(face.hair_volume, 0.04), 0.12
        color = np.array(face.hair_color) * 0.95
        if face.hair_style == 'bald':
            volume, streaks, color = 0.0, 0.0, np.array(face.skin)
        elif face.hair_style == 'beanie':
            volume, color = 0.08, cloth_color(face)
        wide = 0.77 * face.identity['face_width']
        radii = (wide + 0.7 * volume, 0.93 + volume, 0.98 + volume)
        self._draw_ball(image, (0, -0.28, -0.08), radii, color, streaks)

    def _draw_ball(self, image: np.ndarray, center, radii, color, streaks: float) -> None:
        """A shaded ellipsoid of face space."""
        turn = self.camera.rotation
        spread = (turn * np.square(radii)) @ turn.T
        values, vectors = np.linalg.eigh(spread[:2, :2])
        axes = np.sqrt(values) * self.camera.scale
        angle = float(np.arctan2(vectors[1, 0], vectors[0, 0]))
        middle = self.camera.project(np.array(center, dtype=np.float64))[:2]
        cosine, sine = np.cos(angle), np.sin(angle)
        dx, dy = self._pixels_from(middle)
        along = (dx * cosine + dy * sine) / axes[0]
        across = (-dx * sine + dy * cosine) / axes[1]
        normal_x, normal_y = along * cosine - across * sine, along * sine + across * cosine
        normal_z = np.sqrt(np.clip(1 - along * along - across * across, 0, 1))
        light = self.light
        amount = normal_x * light[0] + normal_y * light[1] + normal_z * light[2]
        shade = self._lit(np.clip(amount, 0, 1)).astype(np.float32)
        if streaks:
            noise = self.rng.standard_normal((_COARSE, _COARSE), dtype=np.float32)
            shade = shade * (1 + streaks * cv2.blur(noise, (1, 5)) * 2)
        lay_shaded(image, ellipse_points(middle, axes, angle, 60), shade, color)

    # Body
    def draw_body(self, image: np.ndarray) -> None:
        """Shoulders, neck, collar, and the shadow below the jaw."""
        face, scale = self.parameters, self.camera.scale
        cloth = self.rng.uniform(10, 240, 3)
        throat = self.camera.project(np.array([0.0, 0.60, -0.05]))[:2]
        lean = np.deg2rad(face.roll * 0.4)
        down = np.array([-np.sin(lean), np.cos(lean)])
        across = np.array([down[1], -down[0]])
        base = throat + down * 1.40 * scale
        width = self.rng.uniform(0.40, 0.50) * scale
        extent = np.array([self.rng.uniform(1.6, 2.1) * scale, scale])

        def placed(outline):
            outline = outline * extent
            return base + outline[:, :1] * across + outline[:, 1:] * down

        fill(image, placed(_SHOULDERS), scaled(cloth, face.ambient + 0.3))
        neck = np.array([
            throat - across * width,
            throat + across * width,
            base + across * width * 1.2 + down * scale,
            base - across * width * 1.2 + down * scale])
        lay_shaded(image, neck, self._neck_shade(throat, down, across, width), face.skin)
        fill(image, placed(_COLLAR), scaled(cloth, face.ambient + 0.12))
        fill(image, placed(_SHIRT), scaled(cloth, face.ambient + 0.3))
        self._draw_below_jaw(image)

    def _neck_shade(self, throat: np.ndarray, down: np.ndarray, across: np.ndarray,
                    width: float) -> np.ndarray:
        """Brightness ``[L, L]`` of a cylinder that the head throws its shadow on."""
        ambient = self.parameters.ambient
        dx, dy = self._pixels_from(throat)
        along = (dx * down[0] + dy * down[1]) / self.camera.scale
        side = (dx * across[0] + dy * across[1]) / (width * (1 + 0.08 * along))
        side = np.clip(side, -1, 1)
        front = np.sqrt(1 - side**2)
        lit = np.clip(side * (across @ self.light[:2]) + front * self.light[2], 0, 1)
        shade = ambient * (0.7 + 0.3 * front) + (1 - ambient) * lit
        return shade * (0.92 - 0.42 * np.exp(-np.square(np.maximum(along - 0.55, 0) / 0.35)))

    def _draw_below_jaw(self, image: np.ndarray) -> None:
        """The underside of the jaw, in its own shadow."""
        face = self.parameters
        edge = self.shape.edge(np.linspace(JAW_START + 2.5, JAW_END, 14))
        ring = np.array([[sign * 0.34, 1.02, z] for sign in (-1, 1) for z in (0.0, 0.3)])
        around = np.concatenate([edge, edge[::-1] * [-1, 1, 1], ring])
        hull = cv2.convexHull(self.camera.project(around)[:, :2].astype(np.float32))[:, 0]
        fill(image, hull, scaled(face.skin, (face.ambient + 0.3) * 0.62))

    # Ears
    def draw_ear(self, image: np.ndarray, sign: float, near: bool) -> None:
        """An ear: it stands off the head just behind the jaw edge.

        Args:
            image: ``[S, S, 3]`` uint8, drawn on.
            sign: -1 for the ear at the image's left, 1 for the other.
            near: Whether it is on the side that is turned to the viewer.
        """
        face = self.parameters
        if face.hair_style in ('long', 'fringe') and face.appearance_seed % 3:
            return  # below the hair
        edge_x = float(self.shape.edge(np.array(JAW_START + 0.7))[0])
        lit = float(np.clip(self.light @ self.camera.turned([sign * 0.8, 0, 0.4]), 0, 1))
        shade = self._lit(lit * (0.95 if near else 0.8))
        middle = np.array([0.19, 0.19])
        skin = np.array(face.skin)

        def part(outline, color, factor):
            back, down = outline[:, 0], outline[:, 1] + 0.02
            points = np.stack([sign * (edge_x - 0.03 + 0.42 * back), down, -0.85 * back], -1)
            fill(image, self.camera.project(points)[:, :2], scaled(color, factor))

        part(_EAR, skin * [0.93, 0.94, 1.0], shade * 0.96)
        part(middle + (_EAR - middle) * 0.72, skin * [0.88, 0.88, 0.97], shade * 0.76)
        part(middle + [0.03, 0] + (_EAR - middle) * 0.42, skin, shade * 0.9)
