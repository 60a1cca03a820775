"""The camera's imperfections. None of them moves a landmark."""
from __future__ import annotations

import cv2
import numpy as np

from ..parameters import FaceParameters


def degrade(image: np.ndarray, parameters: FaceParameters, rng: np.random.Generator) -> np.ndarray:
    """Blur, exposure and sensor noise, in the order of a real camera.

    Args:
        image: ``[S, S, 3]`` uint8.
        parameters: The face; says how strong each effect is.
        rng: Source of the noise and of the motion's direction.

    Returns:
        np.ndarray: ``[S, S, 3]`` uint8.
    """
    face, size = parameters, len(image)
    if face.blur * size > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), face.blur * size)
    length = int(round(face.motion_blur * size)) // 2 * 2 + 1
    if length >= 3:
        image = cv2.filter2D(image, -1, _motion_kernel(length, rng.uniform(0, np.pi)))
    # An automatic exposure keeps bright skin from burning out.
    gain = np.array(face.light_color) * min(face.exposure, 262.0 / max(max(face.skin), 1.0))
    exposed = image * gain.astype(np.float32)
    if face.noise > 0.5:
        # One sheet of normal noise, rolled per channel: three would cost more than the face.
        sheet = np.empty((size, size), np.float32)
        rng.standard_normal(out=sheet, dtype=np.float32)
        noise = cv2.merge([sheet, np.roll(sheet, 37, axis=0), np.roll(sheet, 91, axis=1)])
        noise *= face.noise
        exposed += noise
    image = np.clip(exposed, 0, 255).astype(np.uint8)
    if face.monochrome:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return image


def _motion_kernel(length: int, angle: float) -> np.ndarray:
    """A line of ``length`` pixels that sums to 1: ``[length, length]`` float32."""
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    offset = np.array([np.cos(angle), np.sin(angle)]) * middle
    start, end = (tuple(int(round(v)) for v in middle + s * offset) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0)
    return kernel / kernel.sum()
