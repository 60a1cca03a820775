"""Draw landmarks, their confidence and their uncertainty on an image."""
from __future__ import annotations

from typing import Sequence, Tuple

import cv2
import numpy as np

from .face import LandmarkedFace
from .uncertainty import DEVIATIONS

_SHIFT = 4  # drawing positions to 1/16 px
#: Colours (blue, green, red) by confidence: vermilion, yellow, sky blue, which people with any
#: colour vision can tell apart, on skin too. A landmark in plain view has about 0.97, a guessed one
#: 0.5.
CONFIDENCE_COLORS = {0.5: (30, 65, 255), 0.8: (40, 220, 250), 0.98: (255, 195, 85)}
_ELLIPSE_OPACITY = 0.6
BOX_COLOR = (170, 170, 170)
#: Longest semi-axis of a drawn ellipse in image diagonals: more says nothing.
_LONGEST = 1.0


def confidence_color(confidence: float) -> Tuple[int, int, int]:
    """Colour (blue, green, red) of a confidence, between those of :data:`CONFIDENCE_COLORS`.

    Example:
        >>> confidence_color(1.0)
        (255, 195, 85)
    """
    place = 0.0 if not np.isfinite(confidence) else float(np.clip(confidence, 0, 1))
    return tuple(int(round(np.interp(place, list(CONFIDENCE_COLORS), channel)))
                 for channel in zip(*CONFIDENCE_COLORS.values()))


def draw_faces(image: np.ndarray,
               faces: Sequence[LandmarkedFace],
               deviations: float = DEVIATIONS,
               boxes: bool = True,
               numbers: bool = False,
               size: float = 1.0) -> np.ndarray:
    """Draw faces on a copy of their image.

    Dots are landmarks, coloured by confidence (:data:`CONFIDENCE_COLORS`); thin ellipses of the
    same colour lie ``deviations`` standard deviations around them
    (:attr:`LandmarkedFace.covariance`).
    Sizes follow that of the face.

    Args:
        image: [H, W, 3], BGR, uint8.
        faces: What to draw; landmarks that are not finite are left out.
        deviations: Of the ellipses; 0 for none.
        boxes: Whether to draw the boxes in which landmarks were looked for.
        numbers: Whether to write each landmark's index beside it.
        size: Factor for the size of dots and lines.

    Returns:
        np.ndarray: [H, W, 3].
    """
    picture = image.copy()
    largest = np.hypot(*image.shape[:2])
    for face in faces:
        shown = np.isfinite(face.landmarks).all(axis=1)
        extent = np.ptp(face.landmarks[shown], axis=0).max() if shown.any() else 0.0
        extent = min(extent, largest)  # landmarks may be anywhere
        radius = size * max(1.0, extent / 110)
        line = max(1, int(round(size * extent / 200)))
        if boxes and np.isfinite(face.box).all():
            low, high = (_place(corner) for corner in (face.box[:2], face.box[2:]))
            cv2.rectangle(picture, low, high, BOX_COLOR, line, cv2.LINE_AA, _SHIFT)
            if face.track is not None:
                _write(picture, str(face.track), face.box[:2] + [2, -4], extent / 220, line)
        if deviations > 0 and face.covariance is not None:
            _draw_ellipses(picture, face, shown, deviations, line)
        for index in np.flatnonzero(shown):
            color = confidence_color(face.confidence[index])
            if radius > 1.5:  # a rim, which smaller dots would vanish in
                _dot(picture, face.landmarks[index], 1.45 * radius, (0, 0, 0))
            _dot(picture, face.landmarks[index], radius, color)
            if numbers:
                _write(picture, str(index), face.landmarks[index] + 1.5 * radius, extent / 700, 1)
    return picture


def _draw_ellipses(picture: np.ndarray, face: LandmarkedFace, shown: np.ndarray,
                   deviations: float, line: int) -> None:
    axes, angles = face.ellipses(deviations)
    shown = shown & np.isfinite(axes).all(axis=1)
    if not shown.any():
        return
    longest = _LONGEST * np.hypot(*picture.shape[:2])
    axes = np.clip(axes, 0.5, longest)
    # Blended in the part of the picture that they lie in only: films are drawn frame by frame.
    reach = axes[shown].max() + line + 2
    size = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(face.landmarks[shown].min(axis=0) - reach), 0, size).astype(int)
    high = np.clip(np.ceil(face.landmarks[shown].max(axis=0) + reach), 0, size).astype(int)
    part = picture[low[1]:high[1], low[0]:high[0]]
    if not part.size:
        return
    drawn = part.copy()
    for index in np.flatnonzero(shown):
        half = (axes[index] * (1 << _SHIFT)).astype(int).tolist()
        cv2.ellipse(drawn, _place(face.landmarks[index] - low), tuple(half), float(angles[index]),
                    0, 360, confidence_color(face.confidence[index]), line, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(drawn, _ELLIPSE_OPACITY, part, 1 - _ELLIPSE_OPACITY, 0, dst=part)


def _dot(picture: np.ndarray, point: np.ndarray, radius: float, color) -> None:
    cv2.circle(picture, _place(point), int(radius * (1 << _SHIFT)), color, -1, cv2.LINE_AA, _SHIFT)


def _write(picture: np.ndarray, text: str, place: np.ndarray, scale: float, line: int) -> None:
    where = tuple(np.round(np.clip(place, -1e5, 1e5)).astype(int).tolist())
    scale = max(0.3, scale)
    for color, width in (((0, 0, 0), line + 2), ((255, 255, 255), line)):
        cv2.putText(picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, scale, color, width,
                    cv2.LINE_AA)


def _place(point: np.ndarray) -> Tuple[int, int]:
    # OpenCV draws with 32-bit numbers; a wild landmark must not wrap around into the picture.
    scaled = np.clip(np.round(point * (1 << _SHIFT)), -2**28, 2**28)
    return int(scaled[0]), int(scaled[1])
