"""Draws a face: the surface is splatted with a depth test, the rest is painted in layers around it.

The skin is a dense grid of surface samples. Each is projected, nearer samples overwrite farther
ones, and every
covered pixel then knows which sample it shows; the local Jacobian turns that into exact surface
coordinates, at which
the painted texture and the light are looked up. The outline is filled as a polygon with smooth
edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np

from .curves import catmull_rom
from .parameters import FaceParameters
from .scene import (
    degrade,
    draw_occluder,
    ellipse_points,
    fill,
    fixed,
    paint_background,
)
from .shape import JAW_END, JAW_START, SIDE, Camera, FaceShape, visible_edges
from .texture import FaceTexture, cloth_color

GRID = 96  # coarse cells along u and v
MARGIN = 2  # extra coarse cells at every border, so that interpolation never meets one
SHIFT = 4
SIDE_ENDS = 0.46  # height of the ear lobe, below which the head does not go on behind the jaw edge


@dataclass
class RenderedFace:
    """A picture and all that is known about it.

    Attributes:
        image: [S, S, 3] uint8, BGR.
        landmarks: [100, 2] canonical points in pixels (whole numbers are pixel centres): WFLW's 98,
            then the middle of
            the lower edges of the left and right brow.
        occluded: [100] bool, hidden by the head itself, by dark glasses or by something in front.
        face_mask: [S, S] uint8, 255 where the face proper (inside the jaw edge) would be seen
            without occluders.
        parameters: What was drawn.
    """

    image: np.ndarray
    landmarks: np.ndarray
    occluded: np.ndarray
    face_mask: np.ndarray
    parameters: FaceParameters


def _coarse_grid(shape: FaceShape) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    steps = (np.arange(GRID + 2 * MARGIN) + 0.5 - MARGIN) / GRID
    u, v = (2 * steps - 1) * SIDE, steps * JAW_END
    return shape.surface(u[None, :], v[:, None]), u, v


def _normals(points: np.ndarray) -> np.ndarray:
    across = np.empty_like(points)
    down = np.empty_like(points)
    across[:, 1:-1], across[:, 0], across[:, -1] = (
        points[:, 2:] - points[:, :-2],
        points[:, 1] - points[:, 0],
        points[:, -1] - points[:, -2],
    )
    down[1:-1], down[0], down[-1] = (
        points[2:] - points[:-2],
        points[1] - points[0],
        points[-1] - points[-2],
    )
    a, b = across, down
    normal = np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )
    return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)


def _facing(projected: np.ndarray) -> np.ndarray:
    """Twice the signed area of the cells around each sample; positive faces the viewer."""
    p = projected[..., :2].astype(np.float32)
    a, b = np.empty_like(p), np.empty_like(p)
    a[:, 1:-1] = p[:, 2:] - p[:, :-2]
    a[:, [0, -1]] = a[:, [1, -2]]
    b[1:-1] = p[2:] - p[:-2]
    b[[0, -1]] = b[[1, -2]]
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


class _Surface:
    """Which point of the surface every pixel shows."""

    def __init__(self, projected: np.ndarray, present: np.ndarray, size: int, scale: float) -> None:
        # More than one sample a pixel along either axis, in half steps of the coarse grid.
        ratio = np.clip(np.ceil(2 * scale * 3.5 / GRID) / 2, 1.5, 24.0)
        if (MARGIN * ratio) % 1:
            ratio += 0.5
        count = int(round((GRID + 2 * MARGIN) * ratio))
        cut = int(round(MARGIN * ratio))
        front = np.where(present, _facing(projected), -1.0)
        front = cv2.resize(front.astype(np.float32), (count, count), interpolation=cv2.INTER_LINEAR)
        inner = np.s_[cut : count - cut, cut : count - cut]
        x, y, z = (
            cv2.resize(
                np.ascontiguousarray(projected[..., k], np.float32),
                (count, count),
                interpolation=cv2.INTER_CUBIC,
            )[inner].ravel()
            for k in range(3)
        )
        n = count - 2 * cut
        seen = np.flatnonzero(
            (front[inner].ravel() > 0)
            & (x > -0.5)
            & (y > -0.5)
            & (x < size - 0.5)
            & (y < size - 0.5)
        )
        self.samples = n
        sx, sy, sz = x[seen], y[seen], z[seen]
        level = ((sz - sz.min()) * (60000.0 / max(float(np.ptp(sz)), 1e-6))).astype(np.uint16)
        order = np.argsort(level, kind='stable')
        pixel = ((sy + 0.5).astype(np.int32) * size + (sx + 0.5).astype(np.int32))[order]
        winner = np.full(size * size, -1, np.int32)
        winner[pixel] = seen[order]
        grown = winner.reshape(size, size).astype(np.float32)
        self.covered = grown >= 0
        for _ in range(
            3
        ):  # close pinholes and step over the outline, whose smooth edge is drawn as a polygon
            wider = cv2.dilate(grown, np.ones((3, 3), np.uint8))
            grown = np.where(grown < 0, wider, grown)
        where = np.flatnonzero(grown.ravel() >= 0).astype(np.int32)
        index = grown.ravel()[where].astype(np.int32)
        row = index // n
        column = index - row * n
        right = np.where(column < n - 1, 1, -1).astype(np.int32)
        below = np.where(row < n - 1, n, -n).astype(np.int32)
        down = np.sign(below)
        px, py = x[index], y[index]
        beside, under = index + right, index + below
        ax, ay = (x[beside] - px) * right, (y[beside] - py) * right
        bx, by = (x[under] - px) * down, (y[under] - py) * down
        area = ax * by - ay * bx
        area = np.where(np.abs(area) < 1e-3, np.float32(np.inf), area)
        line = where // size
        dx, dy = (where - line * size).astype(np.float32) - px, line.astype(np.float32) - py
        du = np.clip((dx * by - dy * bx) / area, -3, 3)
        dv = np.clip((dy * ax - dx * ay) / area, -3, 3)
        # Surface coordinates as fractions of the whole range: 0 .. 1
        self.u = np.full((size, size), -1, np.float32)
        self.v = np.full((size, size), -1, np.float32)
        self.u.ravel()[where] = (column + du + 0.5) * np.float32(1 / n)
        self.v.ravel()[where] = (row + dv + 0.5) * np.float32(1 / n)
        self.depth = np.full((size, size), -9.0, np.float32)
        self.depth.ravel()[where] = z[index]
        # Where the surface is steep its samples lie too far apart to cover what is behind: single
        # pixels shine through.
        middle = cv2.medianBlur(self.depth, 3)
        holes = (self.depth < middle - 0.04) & (self.depth > -9.0)
        holes[[0, -1]] = holes[:, [0, -1]] = False
        hole = np.flatnonzero(holes)
        around = hole[:, None] + np.array(
            [-size - 1, -size, -size + 1, -1, 1, size - 1, size, size + 1]
        )
        match = np.argmin(
            np.abs(self.depth.ravel()[around] - middle.ravel()[hole][:, None]), axis=1
        )
        source = around[np.arange(len(hole)), match]
        for plane in (self.u, self.v, self.depth):
            plane.ravel()[hole] = plane.ravel()[source]


def project_landmarks(parameters: FaceParameters, size: int) -> np.ndarray:
    """Canonical landmarks of a face without drawing it: [100, 2] pixels.

    Example:
        >>> project_landmarks(FaceParameters(), 256).shape
        (100, 2)
    """
    shape, camera = FaceShape(parameters), Camera(parameters, size)
    return _landmarks(shape, camera, visible_edges(shape, camera)[1])[:, :2]


def _landmarks(shape: FaceShape, camera: Camera, jaw: np.ndarray) -> np.ndarray:
    uv = shape.landmarks_uv[33:]
    return np.concatenate([jaw, camera.project(shape.surface(uv[:, :1], uv[:, 1:])[:, 0])])


class _Painter:
    """The layers around the skin. All of them are painted in the order of their distance."""

    def __init__(
        self,
        parameters: FaceParameters,
        shape: FaceShape,
        camera: Camera,
        size: int,
        rng: np.random.Generator,
    ) -> None:
        self.p, self.shape, self.camera, self.size, self.rng = parameters, shape, camera, size, rng
        light = np.array(parameters.light)
        self.light = light / np.linalg.norm(light)

    def color(self, base, factor: float = 1.0) -> Tuple[float, float, float]:
        return tuple(float(np.clip(c * factor, 0, 255)) for c in base)

    def at(self, *xyz) -> np.ndarray:
        return self.camera.project(np.asarray(xyz, dtype=np.float64))[..., :2]

    def ball(self, center, radii) -> Tuple[np.ndarray, Tuple[np.ndarray, np.ndarray, float]]:
        """Outline of an ellipsoid in the picture."""
        turn = self.camera.rotation
        spread = (turn * np.square(radii)) @ turn.T
        values, vectors = np.linalg.eigh(spread[:2, :2])
        axes = np.sqrt(values) * self.camera.scale
        angle = float(np.arctan2(vectors[1, 0], vectors[0, 0]))
        middle = self.at(*center)
        return ellipse_points(middle, axes, angle, 60), (middle, axes, angle)

    def shade_ball(
        self, image: np.ndarray, outline: np.ndarray, frame, color, texture: float
    ) -> None:
        size, low = self.size, 64
        middle, axes, angle = frame
        grid = (np.arange(low, dtype=np.float32) + 0.5) * (size / low) - 0.5
        dx, dy = grid[None, :] - middle[0], grid[:, None] - middle[1]
        a = (dx * np.cos(angle) + dy * np.sin(angle)) / axes[0]
        b = (-dx * np.sin(angle) + dy * np.cos(angle)) / axes[1]
        nx, ny = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)
        nz = np.sqrt(np.clip(1 - a * a - b * b, 0, 1))
        lit = np.clip(nx * self.light[0] + ny * self.light[1] + nz * self.light[2], 0, 1)
        shade = (self.p.ambient + (1 - self.p.ambient) * lit).astype(np.float32)
        if texture:
            shade = shade * (
                1
                + texture
                * cv2.blur(self.rng.standard_normal((low, low), dtype=np.float32), (1, 5))
                * 2
            )
        self.lay_shaded(image, outline, shade, color)

    def lay_shaded(self, image: np.ndarray, outline: np.ndarray, shade: np.ndarray, color) -> None:
        """Fill ``outline`` with ``color`` times a coarse picture of brightness."""
        size = self.size
        mask = np.zeros((size, size), np.uint8)
        fill(mask, outline, 255)
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return
        box = np.s_[y : y + h, x : x + w]
        shade = cv2.resize(shade.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)[
            box
        ]
        self.lay(
            image[box], mask[box], np.minimum(shade[..., None] * np.array(color, np.float32), 255)
        )

    def lay(self, image: np.ndarray, mask: np.ndarray, color: np.ndarray) -> None:
        """Put ``color`` over ``image`` where ``mask`` is set, within the mask's bounding box."""
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return
        box = np.s_[y : y + h, x : x + w]
        weight = mask[box].astype(np.float32)[..., None] * np.float32(1 / 255)
        part = image[box].astype(np.float32)
        part += (color[box] - part) * weight
        image[box] = part.astype(np.uint8)

    # ------------------------------------------------------------------ behind the face
    def body(self, image: np.ndarray) -> None:
        p, scale = self.p, self.camera.scale
        cloth = self.rng.uniform(10, 240, 3)
        throat = self.at(0.0, 0.60, -0.05)
        lean = np.deg2rad(p.roll * 0.4)
        down = np.array([-np.sin(lean), np.cos(lean)])
        across = np.array([down[1], -down[0]])
        base = throat + down * 1.40 * scale
        width = self.rng.uniform(0.40, 0.50) * scale
        half = self.rng.uniform(1.6, 2.1) * scale
        shoulder = np.array(
            [
                [-1.0, 0.55],
                [-0.85, 0.22],
                [-0.45, 0.04],
                [-0.24, -0.12],
                [0.24, -0.12],
                [0.45, 0.04],
                [0.85, 0.22],
                [1.0, 0.55],
                [1.0, 4],
                [-1.0, 4],
            ]
        ) * [half, scale]
        body = base + shoulder[:, :1] * across + shoulder[:, 1:] * down
        fill(image, body, self.color(cloth, p.ambient + 0.3))
        neck = np.array(
            [
                throat - across * width,
                throat + across * width,
                base + across * width * 1.2 + down * scale,
                base - across * width * 1.2 + down * scale,
            ]
        )
        low = 64
        grid = (np.arange(low) + 0.5) * (self.size / low) - 0.5
        dx, dy = grid[None, :] - throat[0], grid[:, None] - throat[1]
        along = (dx * down[0] + dy * down[1]) / scale
        side = np.clip((dx * across[0] + dy * across[1]) / (width * (1 + 0.08 * along)), -1, 1)
        front = np.sqrt(1 - side**2)
        lit = np.clip(side * (across @ self.light[:2]) + front * self.light[2], 0, 1)
        shade = p.ambient * (0.7 + 0.3 * front) + (1 - p.ambient) * lit
        shade *= 0.92 - 0.42 * np.exp(-np.square(np.maximum(along - 0.55, 0) / 0.35))
        self.lay_shaded(image, neck, shade, p.skin)
        collar = np.array(
            [[-0.30, -0.2], [0, 0.35], [0.30, -0.2], [0.42, 0.0], [0, 0.62], [-0.42, 0.0]]
        ) * [half, scale]
        fill(
            image,
            base + collar[:, :1] * across + collar[:, 1:] * down,
            self.color(cloth, p.ambient + 0.12),
        )
        lower = base + np.array([[-0.42, 0.0], [0, 0.62], [0.42, 0.0], [0.6, 4], [-0.6, 4]]) * [
            half,
            scale,
        ] @ np.array([across, down])
        fill(image, lower, self.color(cloth, p.ambient + 0.3))
        # The underside of the jaw, in its own shadow.
        rows = np.linspace(JAW_START + 2.5, JAW_END, 14)
        edge = self.shape.edge(rows)
        both = np.concatenate([edge, edge[::-1] * [-1, 1, 1]])
        ring = np.array([[s * 0.34, 1.02, z] for s in (-1, 1) for z in (0.0, 0.3)])
        hull = cv2.convexHull(
            self.camera.project(np.concatenate([both, ring]))[:, :2].astype(np.float32)
        )[:, 0]
        fill(image, hull, self.color(p.skin, (p.ambient + 0.3) * 0.62))

    def back_of_head(self, image: np.ndarray) -> None:
        p = self.p
        if p.hair_style == 'long':
            outline, frame = self.ball((0, 0.85, -0.35), (0.92 + p.hair_volume, 1.35, 0.55))
            self.shade_ball(image, outline, frame, np.array(p.hair_color) * 0.95, 0.14)

    def skull(self, image: np.ndarray) -> None:
        p = self.p
        wide = p.identity['face_width']
        bald = p.hair_style == 'bald'
        volume = 0.0 if bald else max(p.hair_volume, 0.04)
        if p.hair_style == 'beanie':
            volume = 0.08
        color = np.array(p.skin) if bald else np.array(p.hair_color) * 0.95
        if p.hair_style == 'beanie':
            color = cloth_color(p)
        radii = (0.77 * wide + 0.7 * volume, 0.93 + volume, 0.98 + volume)
        outline, frame = self.ball((0, -0.28, -0.08), radii)
        self.shade_ball(image, outline, frame, color, 0.0 if bald else 0.12)

    def ear(self, image: np.ndarray, sign: float, near: bool) -> None:
        """An ear stands off the head just behind the jaw edge."""
        p = self.p
        if p.hair_style in ('long', 'fringe') and p.appearance_seed % 3:
            return
        x = float(self.shape.edge(np.array(JAW_START + 0.7))[0])
        outline = np.array(
            [
                [0, 0.40],
                [0.02, 0.10],
                [0.10, -0.06],
                [0.28, -0.09],
                [0.38, 0.02],
                [0.36, 0.18],
                [0.24, 0.36],
                [0.14, 0.50],
                [0.04, 0.52],
            ]
        )

        outline = catmull_rom(outline, np.linspace(0, 8, 25))

        def place(shape2d):
            back, y = shape2d[:, 0], shape2d[:, 1] + 0.02
            return self.camera.project(
                np.stack([sign * (x - 0.03 + 0.42 * back), y, 0.0 - 0.85 * back], -1)
            )[:, :2]

        lit = float(
            np.clip(self.light @ (self.camera.rotation @ np.array([sign * 0.8, 0, 0.4])), 0, 1)
        )
        shade = p.ambient + (1 - p.ambient) * lit * (0.95 if near else 0.8)
        fill(image, place(outline), self.color(np.array(p.skin) * [0.93, 0.94, 1.0], shade * 0.96))
        middle = np.array([0.19, 0.19])
        fill(
            image,
            place(middle + (outline - middle) * [0.72, 0.72]),
            self.color(np.array(p.skin) * [0.88, 0.88, 0.97], shade * 0.76),
        )
        fill(
            image,
            place(middle + [0.03, 0] + (outline - middle) * 0.42),
            self.color(p.skin, shade * 0.9),
        )

    # ------------------------------------------------------------------ in front of the face
    def _rim(self, sign: float) -> np.ndarray:
        angle = np.linspace(0, 2 * np.pi, 33)[:-1]
        square = 0.75
        x = sign * (0.365 + 0.235 * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** square)
        y = 0.025 + 0.165 * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** square
        z = 1.10 * self.p.identity['profile_depth'] + 0.03 - 0.35 * x**2
        return np.stack([x, y, z], axis=-1)

    def glasses(self, image: np.ndarray, mask: np.ndarray, sign: float, before: bool) -> None:
        """One lens with its arm; the far one is drawn before the face, the near one after it."""
        p = self.p
        rim = self._rim(sign)
        outline = self.camera.project(rim)[:, :2]
        frame = self.color(
            (30, 30, 34) if p.appearance_seed % 2 else (70, 95, 130), p.ambient + 0.3
        )
        width = max(int(round(self.camera.scale * 0.032)), 1)
        if p.glasses == 'dark':
            fill(image, outline, (22, 22, 26))
            if not before:
                fill(mask, outline, 255)
        elif not before:
            glint = image.copy()
            fill(glint, self.camera.project(rim[18:26])[:, :2], (235, 235, 230))
            cv2.addWeighted(glint, 0.18, image, 0.82, 0, dst=image)
        cv2.polylines(image, [fixed(outline)], True, frame, width, cv2.LINE_AA, SHIFT)
        if before:
            return
        middle = np.array([[sign * 0.135, -0.035, rim[16, 2]], [0, -0.06, rim[16, 2] + 0.03]])
        cv2.polylines(
            image,
            [fixed(self.camera.project(middle)[:, :2])],
            False,
            frame,
            width,
            cv2.LINE_AA,
            SHIFT,
        )
        if (self.camera.rotation @ np.array([sign, 0, 0.15]))[2] > 0.05:
            arm = np.array(
                [
                    [sign * 0.60, -0.03, rim[0, 2]],
                    [sign * 0.76, -0.04, 0.75],
                    [sign * 0.82, -0.05, 0.0],
                ]
            )
            cv2.polylines(
                image,
                [fixed(self.camera.project(arm)[:, :2])],
                False,
                frame,
                width,
                cv2.LINE_AA,
                SHIFT,
            )


def render_face(parameters: FaceParameters, size: int = 256, degraded: bool = True) -> RenderedFace:
    """Draw one face.

    Args:
        parameters: The face; the picture depends on nothing else.
        size: Image side in pixels, at least 32.
        degraded: Whether blur, noise and exposure are applied.

    Returns:
        RenderedFace: Picture, landmarks, occlusion and mask.

    Example:
        >>> face = render_face(FaceParameters(yaw=30.0), size=128)
        >>> face.image.shape, face.landmarks.shape
        ((128, 128, 3), (100, 2))
    """
    if size < 32:
        raise ValueError(f'the image side must be at least 32 pixels, got {size}')
    p = parameters
    streams = [
        np.random.default_rng([p.appearance_seed, k, p.frame if k == 4 else 0]) for k in range(5)
    ]
    shape, camera = FaceShape(p), Camera(p, size)
    model, u, _ = _coarse_grid(shape)
    projected = camera.project(model)
    # Below the ear nothing goes on behind the jaw edge: all samples there fall on the edge itself.
    present = (np.abs(u) <= 1.0)[None, :] | (model[..., 1] < SIDE_ENDS)
    surface = _Surface(projected, present, size, camera.scale)
    outline, jaw = visible_edges(shape, camera)
    image = paint_background(streams[0], size)
    painter = _Painter(p, shape, camera, size, streams[1])
    occluders = np.zeros((size, size), np.uint8)

    near = [bool((camera.rotation @ np.array([s, 0.0, -0.1]))[2] > 0.0) for s in (-1.0, 1.0)]
    painter.back_of_head(image)
    painter.skull(image)
    painter.body(image)
    for sign, is_near in zip((-1.0, 1.0), near):
        if not is_near and abs(p.yaw) < 40:
            painter.ear(image, sign, False)
    far_lens = [s for s, other in zip((-1.0, 1.0), near[::-1]) if other and abs(p.yaw) > 35]
    if p.glasses != 'none':
        for sign in far_lens:
            painter.glasses(image, occluders, sign, True)

    mask = np.zeros((size, size), np.uint8)
    fill(mask, outline, 255)
    mask = np.maximum(
        mask, cv2.erode(surface.covered.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
    )
    mask[surface.u < 0] = 0
    skin = _lit_skin(shape, camera, surface, model, mask, streams[2])
    painter.lay(image, mask, skin)

    for sign, is_near in zip((-1.0, 1.0), near):
        if is_near:
            painter.ear(image, sign, True)
    if p.glasses != 'none':
        for sign in (-1.0, 1.0):
            if sign not in far_lens:
                painter.glasses(image, occluders, sign, False)

    landmarks = _landmarks(shape, camera, jaw)
    draw_occluder(image, occluders, landmarks[:, :2], p, streams[3])
    hidden = _hidden(landmarks, surface, occluders)
    inside = np.abs(surface.u - 0.5) * (2 * SIDE) <= 1.0
    face_mask = np.where(inside & (surface.v * JAW_END > JAW_START - 2), mask, 0).astype(np.uint8)
    if degraded:
        image = degrade(image, p, streams[4])
    return RenderedFace(image, landmarks[:, :2], hidden, face_mask, p)


def _lit_skin(
    shape: FaceShape,
    camera: Camera,
    surface: _Surface,
    model: np.ndarray,
    mask: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    p, size = shape.parameters, len(mask)
    texels = int(np.clip(4.4 * camera.scale, 160, 1024)) // 16 * 16
    texture = FaceTexture(shape, rng, texels).paint()
    normal = _normals(model) @ camera.rotation.T
    light = np.array(p.light) / np.linalg.norm(p.light)
    wrapped = np.clip((normal @ light + 0.25) / 1.25, 0, 1)
    fill_light = np.clip(normal[..., 2], 0, 1)
    shade = np.minimum(p.ambient * (0.62 + 0.38 * fill_light) + (1.06 - p.ambient) * wrapped, 1.04)
    half = light + [0, 0, 1.0]
    gloss = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 22 * 26.0 * (1.06 - p.ambient)
    maps = cv2.merge([shade.astype(np.float32), gloss.astype(np.float32)])
    x, y, w, h = cv2.boundingRect(mask)
    out = np.zeros((size, size, 3), np.float32)
    if w == 0:
        return out
    box = np.s_[y : y + h, x : x + w]
    u, v = surface.u[box], surface.v[box]
    # Where nothing goes on behind the jaw edge, look up colour and light just inside it.
    reach = np.where(
        v > shape.row_of(SIDE_ENDS) / JAW_END, np.float32(0.48 / SIDE), np.float32(0.5)
    )
    u = np.clip(u, 0.5 - reach, 0.5 + reach)
    color = cv2.remap(
        texture,
        u * (texels - 1),
        v * (texels - 1),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    lit = cv2.remap(
        maps,
        u * GRID + (MARGIN - 0.5),
        v * GRID + (MARGIN - 0.5),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    result = color * lit[..., :1] + lit[..., 1:]
    out[box] = np.clip(result, 0, 255)
    return out


def _hidden(landmarks: np.ndarray, surface: _Surface, occluders: np.ndarray) -> np.ndarray:
    size = len(occluders)
    column = np.clip(np.round(landmarks[:, 0]).astype(int), 0, size - 1)
    row = np.clip(np.round(landmarks[:, 1]).astype(int), 0, size - 1)
    hidden = surface.depth[row, column] > landmarks[:, 2] + 0.09
    hidden[:33] = False  # the jaw line is placed on what is visible
    return hidden | (occluders[row, column] > 127)
