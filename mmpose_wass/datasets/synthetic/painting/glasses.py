"""Glasses, clear or dark."""
from __future__ import annotations

import cv2
import numpy as np

from ..geometry import Camera
from ..parameters import FaceParameters
from .drawing import fill, scaled, stroke


def _rim(parameters: FaceParameters, sign: float) -> np.ndarray:
    """A rounded rectangle ``[32, 3]`` in face space."""
    angle = np.linspace(0, 2 * np.pi, 33)[:-1]
    cosine, sine = np.cos(angle), np.sin(angle)
    x = sign * (0.365 + 0.235 * np.sign(cosine) * np.abs(cosine)**0.75)
    y = 0.025 + 0.165 * np.sign(sine) * np.abs(sine)**0.75
    z = 1.10 * parameters.identity['profile_depth'] + 0.03 - 0.35 * x**2
    return np.stack([x, y, z], axis=-1)


def draw_lens(image: np.ndarray, mask: np.ndarray, parameters: FaceParameters, camera: Camera,
              sign: float, behind: bool) -> None:
    """Draw one lens with its half of the bridge and its arm.

    Args:
        image: ``[S, S, 3]`` uint8, drawn on.
        mask: ``[S, S]`` uint8, set to 255 where a dark lens covers the face.
        parameters: The face.
        camera: Its camera.
        sign: -1 for the lens at the image's left, 1 for the other.
        behind: Whether the face is drawn over it later, as over the far lens of a turned head; it
            then has no bridge, no arm and covers nothing.
    """
    rim = _rim(parameters, sign)
    outline = camera.project(rim)[:, :2]
    base = (30, 30, 34) if parameters.appearance_seed % 2 else (70, 95, 130)
    color = scaled(base, parameters.ambient + 0.3)
    width = max(int(round(camera.scale * 0.032)), 1)
    if parameters.glasses == 'dark':
        fill(image, outline, (22, 22, 26))
        if not behind:
            fill(mask, outline, 255)
    elif not behind:
        glint = image.copy()
        fill(glint, outline[18:26], (235, 235, 230))
        cv2.addWeighted(glint, 0.18, image, 0.82, 0, dst=image)
    stroke(image, outline, color, width, closed=True)
    if behind:
        return
    rim_z = rim[16, 2]
    bridge = np.array([[sign * 0.135, -0.035, rim_z], [0, -0.06, rim_z + 0.03]])
    stroke(image, camera.project(bridge)[:, :2], color, width)
    if camera.turned([sign, 0, 0.15])[2] > 0.05:
        arm = np.array([
            [sign * 0.60, -0.03, rim[0, 2]],
            [sign * 0.76, -0.04, 0.75],
            [sign * 0.82, -0.05, 0.0]])
        stroke(image, camera.project(arm)[:, :2], color, width)
