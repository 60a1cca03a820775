"""What surrounds the face: background, clothes, things in front, and the camera's imperfections."""

from __future__ import annotations

import cv2
import numpy as np

from .parameters import FaceParameters

SHIFT = 4


def fixed(points: np.ndarray) -> np.ndarray:
    """Pixels [N, 2] to OpenCV's fixed-point integers."""
    return np.round(np.asarray(points) * (1 << SHIFT)).astype(np.int32)


def fill(image: np.ndarray, points: np.ndarray, color) -> None:
    """Fill a polygon [N, 2] of pixels with smooth edges."""
    cv2.fillPoly(image, [fixed(points)], color, cv2.LINE_AA, SHIFT)


def ellipse_points(center, axes, angle: float = 0.0, count: int = 40) -> np.ndarray:
    """Points of an ellipse, ``angle`` in radians: [count, 2]."""
    t = np.linspace(0, 2 * np.pi, count + 1)[:-1]
    x, y = axes[0] * np.cos(t), axes[1] * np.sin(t)
    return np.stack(
        [
            center[0] + x * np.cos(angle) - y * np.sin(angle),
            center[1] + x * np.sin(angle) + y * np.cos(angle),
        ],
        axis=-1,
    )


def smooth_noise(rng: np.random.Generator, size: int, cells: int, channels: int = 3) -> np.ndarray:
    """[size, size, channels] float32, roughly standard normal, features of size / cells pixels."""
    small = rng.normal(0, 1, (cells, cells, channels)).astype(np.float32)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)


def paint_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A cluttered, mostly out-of-focus backdrop: [size, size, 3] uint8."""
    half = max(size // 2, 8)
    base = np.clip(rng.uniform(20, 230) + rng.normal(0, 22, 3), 5, 250)
    noise = smooth_noise(rng, half, int(rng.integers(2, 6)), 1)[..., None] * rng.uniform(5, 45)
    image = base + noise * rng.uniform(0.7, 1.3, 3)
    image = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 14))):
        color = tuple(
            float(v) for v in np.clip(base + rng.normal(0, 50) + rng.normal(0, 32, 3), 0, 255)
        )
        kind = rng.integers(4)
        center = rng.uniform(0, half, 2)
        extent = rng.uniform(0.03, 0.35, 2) * half
        angle = rng.uniform(0, np.pi)
        if kind == 0:
            fill(image, ellipse_points(center, extent, angle), color)
        elif kind == 1:
            box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * extent
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            fill(image, box @ turn.T + center, color)
        elif kind == 2:
            fill(image, center + rng.normal(0, 0.25 * half, (int(rng.integers(3, 6)), 2)), color)
        else:
            end = rng.uniform(0, half, 2)
            cv2.line(
                image,
                tuple(int(v) for v in center),
                tuple(int(v) for v in end),
                color,
                int(rng.integers(1, max(half // 16, 2))),
                cv2.LINE_AA,
            )
    focus = rng.choice([0.0, 0.8, 2.0, 4.0]) * half / 128
    if focus > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), focus)
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)


def draw_occluder(
    image: np.ndarray,
    mask: np.ndarray,
    face: np.ndarray,
    parameters: FaceParameters,
    rng: np.random.Generator,
) -> None:
    """Put something in front of the face.

    Args:
        image: [S, S, 3] uint8, drawn on.
        mask: [S, S] uint8, set to 255 where something now covers the face.
        face: [100, 2] canonical landmarks in pixels.
        parameters: The face; its ``occluder`` says what to draw.
        rng: Source of the thing's place, size and colour.
    """
    if parameters.occluder == 'none':
        return
    low, high = face.min(axis=0), face.max(axis=0)
    side = float((high - low).max())
    spot = low + rng.uniform(0.1, 0.9, 2) * (high - low)
    color = np.clip(rng.uniform(10, 245, 3), 0, 255)
    skin = np.array(parameters.skin) * rng.uniform(0.85, 1.0)

    def put(points, paint):
        fill(image, points, tuple(float(v) for v in np.clip(paint, 0, 255)))
        fill(mask, points, 255)

    kind = parameters.occluder
    if kind == 'hand':
        # Four fingers and a palm that comes in from below or a side.
        spot = low + rng.uniform([0.05, 0.35], [0.95, 0.95]) * (high - low)
        away = spot - (low + high) / 2 + [0, 0.45 * side]
        away = away / max(np.linalg.norm(away), 1e-6)
        across = np.array([-away[1], away[0]])
        angle = np.arctan2(away[1], away[0])
        width = rng.uniform(0.07, 0.10) * side
        put(
            ellipse_points(spot + away * side * 0.42, (0.30 * side, 0.21 * side), angle),
            skin * 0.93,
        )
        put(ellipse_points(spot + away * side * 0.9, (0.45 * side, 0.15 * side), angle), skin * 0.9)
        for k, reach in zip((-1.5, -0.5, 0.5, 1.5), (0.02, 0.10, 0.09, -0.02)):
            tip = spot - away * reach * side + across * k * width * 1.05
            middle = tip + away * side * 0.20
            put(ellipse_points(middle, (0.22 * side, width * 0.56), angle + 0.06 * k), skin * 0.62)
            put(ellipse_points(middle, (0.215 * side, width * 0.48), angle + 0.06 * k), skin)
    elif kind == 'bar':
        angle = rng.uniform(0, np.pi)
        along = np.array([np.cos(angle), np.sin(angle)]) * side * 2
        thick = np.array([-np.sin(angle), np.cos(angle)]) * side * rng.uniform(0.03, 0.09)
        put(
            np.array(
                [
                    spot - along - thick,
                    spot + along - thick,
                    spot + along + thick,
                    spot - along + thick,
                ]
            ),
            color,
        )
        put(
            np.array([spot - along - thick, spot + along - thick, spot + along, spot - along]),
            color * 0.8,
        )
    elif kind == 'scarf':
        axis = face[16] - face[51]
        axis = axis / max(np.linalg.norm(axis), 1e-6)
        across = np.array([-axis[1], axis[0]])
        start = face[57] + axis * side * rng.uniform(0.0, 0.3)
        waves = np.linspace(-1.2, 1.2, 9)
        top = (
            start
            + across * waves[:, None] * side * 0.75
            + axis * side * (0.05 * np.sin(5 * waves))[:, None]
        )
        put(np.concatenate([top, top[::-1] + axis * side * 1.5]), color)
        for k in range(1, 4):
            line = fixed(top + axis * side * 0.13 * k)
            cv2.polylines(
                image,
                [line],
                False,
                tuple(color * 0.8),
                max(int(side * 0.015), 1),
                cv2.LINE_AA,
                SHIFT,
            )
    elif kind == 'microphone':
        spot = face[85] + rng.normal(0, 0.06, 2) * side
        gray = rng.uniform(25, 90)
        foot = spot + np.array([rng.normal(0, 0.5), 1.0]) * side
        across = np.array([foot[1] - spot[1], spot[0] - foot[0]])
        across = across / np.linalg.norm(across) * side * 0.05
        put(
            np.array([spot - across, spot + across, foot + across * 1.2, foot - across * 1.2]),
            [gray] * 3,
        )
        put(ellipse_points(spot, (0.115 * side, 0.125 * side)), [gray * 1.3] * 3)
        put(ellipse_points(spot - 0.03 * side, (0.05 * side, 0.05 * side)), [gray * 1.8] * 3)
    elif kind == 'patch':
        axes = rng.uniform(0.10, 0.26, 2) * side
        put(ellipse_points(spot, axes, rng.uniform(0, np.pi)), color)
        put(ellipse_points(spot - 0.02 * side, axes * 0.7, rng.uniform(0, np.pi)), color * 1.1)
    else:
        raise ValueError(
            f"unknown occluder {kind!r}: 'none', 'hand', 'bar', 'scarf', 'microphone' or 'patch'"
        )


def degrade(image: np.ndarray, parameters: FaceParameters, rng: np.random.Generator) -> np.ndarray:
    """Exposure, blur, sensor noise and compression, in the order of a real camera. Landmarks do not
    move.
    """
    p, size = parameters, image.shape[0]
    if p.blur * size > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), p.blur * size)
    length = int(round(p.motion_blur * size)) // 2 * 2 + 1
    if length >= 3:
        angle = rng.uniform(0, np.pi)
        kernel = np.zeros((length, length), np.float32)
        middle = (length - 1) / 2
        offset = np.array([np.cos(angle), np.sin(angle)]) * middle
        cv2.line(
            kernel,
            tuple(int(round(v)) for v in middle - offset),
            tuple(int(round(v)) for v in middle + offset),
            1.0,
        )
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    # An automatic exposure keeps bright skin from burning out.
    gain = np.array(p.light_color) * min(p.exposure, 262.0 / max(max(p.skin), 1.0))
    if p.noise > 0.5:
        # One sheet of normal noise, rolled per channel: drawing three would cost more than the
        # face.
        sheet = np.empty((size, size), np.float32)
        rng.standard_normal(out=sheet, dtype=np.float32)
        noise = cv2.merge([sheet, np.roll(sheet, 37, axis=0), np.roll(sheet, 91, axis=1)])
        noise *= p.noise
        noise += image * gain.astype(np.float32)
        image = np.clip(noise, 0, 255).astype(np.uint8)
    else:
        image = np.clip(image * gain.astype(np.float32), 0, 255).astype(np.uint8)
    if p.monochrome:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return image
