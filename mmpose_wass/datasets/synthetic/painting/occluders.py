"""Things in front of a face: hand, bar, scarf, microphone, patch."""
from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from ..parameters import FaceParameters
from .drawing import ellipse_points, fill, scaled, stroke

# Canonical points that occluders are put at.
_CHIN, _BRIDGE, _NOSE_BASE, _LOWER_LIP = 16, 51, 57, 85


class _Scene:
    """What an occluder is drawn with.

    Attributes:
        image, mask: As in :func:`draw_occluder`.
        face: Canonical landmarks ``[100, 2]`` in pixels.
        low, high: Corners ``[2]`` of their box, ``side`` its longer side, in pixels.
        spot: A random place ``[2]`` in it.
        color: A random colour; ``skin`` the colour of a hand.
    """

    def __init__(self, image: np.ndarray, mask: np.ndarray, face: np.ndarray,
                 parameters: FaceParameters, rng: np.random.Generator) -> None:
        self.image, self.mask, self.face, self.rng = image, mask, face, rng
        self.low, self.high = face.min(axis=0), face.max(axis=0)
        self.side = float((self.high - self.low).max())
        self.spot = self.low + rng.uniform(0.1, 0.9, 2) * (self.high - self.low)
        self.color = np.clip(rng.uniform(10, 245, 3), 0, 255)
        self.skin = np.array(parameters.skin) * rng.uniform(0.85, 1.0)

    def put(self, points: np.ndarray, color) -> None:
        """Cover a polygon ``[N, 2]``, in pixels."""
        fill(self.image, points, scaled(color))
        fill(self.mask, points, 255)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(np.linalg.norm(vector), 1e-6)


def _left_of(vector: np.ndarray) -> np.ndarray:
    return np.array([-vector[1], vector[0]])


def _hand(scene: _Scene) -> None:
    """Four fingers, and a palm that comes in from below or from a side."""
    low, high, side, skin, put = scene.low, scene.high, scene.side, scene.skin, scene.put
    spot = low + scene.rng.uniform([0.05, 0.35], [0.95, 0.95]) * (high - low)
    away = _unit(spot - (low + high) / 2 + [0, 0.45 * side])
    across = _left_of(away)
    angle = np.arctan2(away[1], away[0])
    width = scene.rng.uniform(0.07, 0.10) * side
    palm, wrist = spot + away * side * 0.42, spot + away * side * 0.9
    put(ellipse_points(palm, (0.30 * side, 0.21 * side), angle), skin * 0.93)
    put(ellipse_points(wrist, (0.45 * side, 0.15 * side), angle), skin * 0.9)
    for k, reach in zip((-1.5, -0.5, 0.5, 1.5), (0.02, 0.10, 0.09, -0.02)):
        tip = spot - away * reach * side + across * k * width * 1.05
        middle, turn = tip + away * side * 0.20, angle + 0.06 * k
        put(ellipse_points(middle, (0.22 * side, width * 0.56), turn), skin * 0.62)
        put(ellipse_points(middle, (0.215 * side, width * 0.48), turn), skin)


def _bar(scene: _Scene) -> None:
    spot, side, rng = scene.spot, scene.side, scene.rng
    angle = rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)]) * side * 2
    thick = np.array([-np.sin(angle), np.cos(angle)]) * side * rng.uniform(0.03, 0.09)
    upper = [spot - along - thick, spot + along - thick]
    scene.put(np.array([*upper, spot + along + thick, spot - along + thick]), scene.color)
    scene.put(np.array([*upper, spot + along, spot - along]), scene.color * 0.8)


def _scarf(scene: _Scene) -> None:
    face, side = scene.face, scene.side
    down = _unit(face[_CHIN] - face[_BRIDGE])
    across = _left_of(down)
    start = face[_NOSE_BASE] + down * side * scene.rng.uniform(0.0, 0.3)
    waves = np.linspace(-1.2, 1.2, 9)
    top = start + across * waves[:, None] * side * 0.75
    top = top + down * side * (0.05 * np.sin(5 * waves))[:, None]
    scene.put(np.concatenate([top, top[::-1] + down * side * 1.5]), scene.color)
    for k in range(1, 4):
        fold = top + down * side * 0.13 * k
        stroke(scene.image, fold, tuple(scene.color * 0.8), max(int(side * 0.015), 1))


def _microphone(scene: _Scene) -> None:
    side, rng, put = scene.side, scene.rng, scene.put
    spot = scene.face[_LOWER_LIP] + rng.normal(0, 0.06, 2) * side
    gray = rng.uniform(25, 90)
    foot = spot + np.array([rng.normal(0, 0.5), 1.0]) * side
    across = np.array([foot[1] - spot[1], spot[0] - foot[0]])
    across = across / np.linalg.norm(across) * side * 0.05
    handle = [spot - across, spot + across, foot + across * 1.2, foot - across * 1.2]
    put(np.array(handle), [gray] * 3)
    put(ellipse_points(spot, (0.115 * side, 0.125 * side)), [gray * 1.3] * 3)
    put(ellipse_points(spot - 0.03 * side, (0.05 * side, 0.05 * side)), [gray * 1.8] * 3)


def _patch(scene: _Scene) -> None:
    spot, side, rng = scene.spot, scene.side, scene.rng
    axes = rng.uniform(0.10, 0.26, 2) * side
    scene.put(ellipse_points(spot, axes, rng.uniform(0, np.pi)), scene.color)
    inner = ellipse_points(spot - 0.02 * side, axes * 0.7, rng.uniform(0, np.pi))
    scene.put(inner, scene.color * 1.1)


_DRAW: Dict[str, Callable[[_Scene], None]] = dict(
    hand=_hand, bar=_bar, scarf=_scarf, microphone=_microphone, patch=_patch)


def draw_occluder(image: np.ndarray, mask: np.ndarray, face: np.ndarray,
                  parameters: FaceParameters, rng: np.random.Generator) -> None:
    """Put something in front of the face.

    Args:
        image: ``[S, S, 3]`` uint8, drawn on.
        mask: ``[S, S]`` uint8, set to 255 where something now covers the face.
        face: Canonical landmarks ``[100, 2]`` in pixels.
        parameters: The face; its ``occluder`` says what to draw.
        rng: Source of the thing's place, size and colour.

    Raises:
        ValueError: For an unknown occluder.
    """
    kind = parameters.occluder
    if kind == 'none':
        return
    if kind not in _DRAW:
        raise ValueError(f"unknown occluder {kind!r}: 'none' or one of {sorted(_DRAW)}")
    _DRAW[kind](_Scene(image, mask, face, parameters, rng))
