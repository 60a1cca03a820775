"""Draws a face: a surface with a depth test, and the rest in layers around it."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .geometry import JAW_END, JAW_START, SIDE, Camera, FaceShape, visible_edges
from .painting.background import paint_background
from .painting.degradation import degrade
from .painting.drawing import fill, lay
from .painting.glasses import draw_lens
from .painting.head import HeadPainter
from .painting.occluders import draw_occluder
from .painting.skin import lit_skin
from .painting.visibility import VisibleSurface, coarse_grid
from .parameters import FaceParameters


@dataclass
class RenderedFace:
    """A picture and all that is known about it.

    Attributes:
        image: ``[S, S, 3]`` uint8, BGR.
        landmarks: Canonical points ``[100, 2]`` in pixels (whole numbers are pixel centres): WFLW's
            98, then the middle of the left and of the right brow's lower edge.
        occluded: ``[100]`` bool, hidden by the head itself, by dark glasses or by something in
            front.
        face_mask: ``[S, S]`` uint8, 255 where the face proper (inside the jaw edge) would be seen
            without occluders.
        parameters: What was drawn.
    """

    image: np.ndarray
    landmarks: np.ndarray
    occluded: np.ndarray
    face_mask: np.ndarray
    parameters: FaceParameters


def render_face(parameters: FaceParameters, size: int = 256, degraded: bool = True) -> RenderedFace:
    """Draw one face.

    Args:
        parameters: The face; the picture depends on nothing else.
        size: Image side in pixels, at least 32.
        degraded: Whether blur, noise and exposure are applied.

    Returns:
        RenderedFace: Picture, landmarks, occlusion and mask.

    Raises:
        ValueError: If the image is too small.

    Example:
        >>> face = render_face(FaceParameters(yaw=30.0), size=128)
        >>> face.image.shape, face.landmarks.shape
        ((128, 128, 3), (100, 2))
    """
    if size < 32:
        raise ValueError(f'the image side must be at least 32 pixels, got {size}')
    face = parameters
    # One stream each, so that a change of one thing leaves the others as they are. Of all, only
    # the sensor's noise changes between the frames of a sequence.
    backdrop, layers, skin, occlusion, sensor = (
        np.random.default_rng([face.appearance_seed, k, face.frame if k == 4 else 0])
        for k in range(5))
    shape, camera = FaceShape(face), Camera(face, size)
    points, u = coarse_grid(shape)
    surface = VisibleSurface(points, u, camera, size)
    outline, jaw = visible_edges(shape, camera)
    near = {sign: bool(camera.turned([sign, 0.0, -0.1])[2] > 0.0) for sign in (-1.0, 1.0)}
    # The lens on the far side of a turned head is covered by the nose, so it is drawn before it.
    lenses = (-1.0, 1.0) if face.glasses != 'none' else ()
    far_lens = [sign for sign in lenses if near[-sign] and abs(face.yaw) > 35]

    image = paint_background(backdrop, size)
    head = HeadPainter(shape, camera, size, layers)
    hidden_by = np.zeros((size, size), np.uint8)
    head.draw_hair_behind(image)
    head.draw_skull(image)
    head.draw_body(image)
    for sign in near:
        if not near[sign] and abs(face.yaw) < 40:
            head.draw_ear(image, sign, near=False)
    for sign in far_lens:
        draw_lens(image, hidden_by, face, camera, sign, behind=True)
    mask = _head_mask(outline, surface)
    lay(image, mask, lit_skin(shape, camera, surface, points, mask, skin))
    for sign in near:
        if near[sign]:
            head.draw_ear(image, sign, near=True)
    for sign in lenses:
        if sign not in far_lens:
            draw_lens(image, hidden_by, face, camera, sign, behind=False)
    landmarks = _landmarks(shape, camera, jaw)
    draw_occluder(image, hidden_by, landmarks[:, :2], face, occlusion)
    occluded = _occluded(landmarks, surface, hidden_by)
    if degraded:
        image = degrade(image, face, sensor)
    return RenderedFace(image, landmarks[:, :2], occluded, _face_mask(mask, surface), face)


def project_landmarks(parameters: FaceParameters, size: int) -> np.ndarray:
    """Landmarks of a face without drawing it.

    Args:
        parameters: The face.
        size: Image side in pixels.

    Returns:
        np.ndarray: Canonical points ``[100, 2]`` in pixels.

    Example:
        >>> project_landmarks(FaceParameters(), 256).shape
        (100, 2)
    """
    shape, camera = FaceShape(parameters), Camera(parameters, size)
    return _landmarks(shape, camera, visible_edges(shape, camera)[1])[:, :2]


def _landmarks(shape: FaceShape, camera: Camera, jaw: np.ndarray) -> np.ndarray:
    """Canonical points ``[100, 3]``, pixels and depth, from the jaw line ``[33, 3]`` on."""
    uv = shape.landmarks_uv[33:]
    return np.concatenate([jaw, camera.project(shape.surface(uv[:, :1], uv[:, 1:])[:, 0])])


def _head_mask(outline: np.ndarray, surface: VisibleSurface) -> np.ndarray:
    """Where the surface is drawn, with a smooth edge: ``[S, S]`` uint8."""
    mask = np.zeros(surface.u.shape, np.uint8)
    fill(mask, outline, 255)
    covered = cv2.erode(surface.covered.astype(np.uint8) * 255, np.ones((3, 3), np.uint8))
    mask = np.maximum(mask, covered)
    mask[surface.u < 0] = 0
    return mask


def _face_mask(mask: np.ndarray, surface: VisibleSurface) -> np.ndarray:
    """The part of the head's mask that is inside the jaw edge and below the forehead's middle."""
    inside = np.abs(surface.u - 0.5) * (2 * SIDE) <= 1.0
    return np.where(inside & (surface.v * JAW_END > JAW_START - 2), mask, 0).astype(np.uint8)


def _occluded(landmarks: np.ndarray, surface: VisibleSurface, hidden_by: np.ndarray) -> np.ndarray:
    """Which landmarks ``[100, 3]`` are hidden by the head or by what ``hidden_by`` shows."""
    size = len(hidden_by)
    column, row = (np.clip(np.round(landmarks[:, axis]).astype(int), 0, size - 1)
                   for axis in (0, 1))
    hidden = surface.depth[row, column] > landmarks[:, 2] + 0.09
    hidden[:33] = False  # the jaw line is placed on what is visible
    return hidden | (hidden_by[row, column] > 127)
