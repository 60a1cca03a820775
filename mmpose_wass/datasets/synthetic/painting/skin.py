"""The lit skin: texture and light, looked up where each pixel's surface point says."""
from __future__ import annotations

import cv2
import numpy as np

from ..geometry import JAW_END, SIDE, Camera, FaceShape
from .texture import paint_texture
from .visibility import SIDE_ENDS, VisibleSurface, to_coarse


def lit_skin(shape: FaceShape, camera: Camera, surface: VisibleSurface, points: np.ndarray,
             mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colour of the skin.

    Args:
        shape: The face.
        camera: Its camera.
        surface: What each pixel shows.
        points: The surface's coarse grid ``[100, 100, 3]`` in face space.
        mask: ``[S, S]`` uint8; colours are found where it is set.
        rng: Source of mottling and strands.

    Returns:
        np.ndarray: ``[S, S, 3]`` float32, BGR, 0 to 255.
    """
    texels = int(np.clip(4.4 * camera.scale, 160, 1024)) // 16 * 16
    texture = paint_texture(shape, rng, texels)
    light = _light_maps(shape, camera, points)
    skin = np.zeros((*mask.shape, 3), np.float32)
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return skin
    box = np.s_[y:y + height, x:x + width]
    u, v = surface.u[box], surface.v[box]
    # Where nothing goes on behind the jaw edge, look up colour and light just inside it.
    below_ear = v > shape.row_of(SIDE_ENDS) / JAW_END
    reach = np.where(below_ear, np.float32(0.48 / SIDE), np.float32(0.5))
    u = np.clip(u, 0.5 - reach, 0.5 + reach)
    color = _look_up(texture, u * (texels - 1), v * (texels - 1))
    light = _look_up(light, to_coarse(u), to_coarse(v))
    skin[box] = np.clip(color * light[..., :1] + light[..., 1:], 0, 255)
    return skin


def _look_up(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    return cv2.remap(image, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _light_maps(shape: FaceShape, camera: Camera, points: np.ndarray) -> np.ndarray:
    """Shade (a factor) and gloss (added) of the coarse grid: ``[100, 100, 2]`` float32."""
    face = shape.parameters
    normal = _normals(points) @ camera.rotation.T
    light = np.array(face.light) / np.linalg.norm(face.light)
    wrapped = np.clip((normal @ light + 0.25) / 1.25, 0, 1)  # skin is lit a little beyond the edge
    fill_light = 0.62 + 0.38 * np.clip(normal[..., 2], 0, 1)
    directed = 1.06 - face.ambient
    shade = np.minimum(face.ambient * fill_light + directed * wrapped, 1.04)
    half = light + [0, 0, 1.0]
    gloss = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1)**22 * 26.0 * directed
    return cv2.merge([shade.astype(np.float32), gloss.astype(np.float32)])


def _normals(points: np.ndarray) -> np.ndarray:
    """Unit normals of a grid of points ``[n, n, 3]``, towards the viewer of a frontal face."""
    across, down = np.empty_like(points), np.empty_like(points)
    across[:, 1:-1] = points[:, 2:] - points[:, :-2]
    across[:, 0], across[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    down[1:-1] = points[2:] - points[:-2]
    down[0], down[-1] = points[1] - points[0], points[-1] - points[-2]
    ax, ay, az = np.moveaxis(across, -1, 0)
    bx, by, bz = np.moveaxis(down, -1, 0)
    # Spelled out: np.cross is several times slower.
    normal = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
    return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
