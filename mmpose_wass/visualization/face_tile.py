"""One face, cut out of its image, with annotated and predicted landmarks."""
from __future__ import annotations

from typing import Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from mmpose_wass.engine.opencv_path import opencv_path

#: Colours as OpenCV wants them (blue, green, red): sky blue, vermilion and yellow, which people
#: with any colour vision can tell apart, on skin too.
TRUTH_COLOR = (255, 195, 85)
PREDICTION_COLOR = (30, 65, 255)
LINK_COLOR = (0, 225, 255)

_BACKDROP = (225, 225, 225)
_SHIFT = 4  # drawing positions to 1/16 px
#: Dots of landmarks that are not in focus, relative to those that are.
_FAINT_DOT = 0.55


def read_image(image: Union[str, np.ndarray]) -> np.ndarray:
    """Image [H, W, 3] (BGR, uint8) of a path; an array is checked and returned.

    Raises:
        FileNotFoundError: If there is no image of that path.
        ValueError: If an array is no image.
    """
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError('an image must be uint8 [H, W, 3] (BGR), '
                             f'found {image.dtype} {list(image.shape)}')
        return image
    with opencv_path(image) as path:
        pixels = cv2.imread(path, cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(f'{image}: there is no image that OpenCV can read')
    return pixels


def draw_face(image: Optional[np.ndarray],
              prediction: np.ndarray,
              target: np.ndarray,
              labelled: np.ndarray,
              tile: int,
              margin: float,
              focus: Optional[Sequence[int]] = None,
              fit_predictions: bool = False) -> np.ndarray:
    """Cut out one face and draw its landmarks.

    Args:
        image (np.ndarray, optional): [H, W, 3]; ``None`` draws on an empty backdrop.
        prediction (np.ndarray): [K, 2], image pixels.
        target (np.ndarray): [K, 2], image pixels.
        labelled (np.ndarray): [K] bool, landmarks to draw.
        tile (int): Side of the picture in pixels.
        margin (float): Side of the cut-out in units of the landmarks' box.
        focus (Sequence[int], optional): Landmarks to draw large, with the gap between annotation
            and prediction; the others are small and without. All of them by default.
        fit_predictions (bool): Widen the cut-out for predictions that lie outside, up to twice.

    Returns:
        np.ndarray: [tile, tile, 3].
    """
    drawn = labelled & np.isfinite(prediction).all(axis=-1)
    extra = prediction[drawn] if fit_predictions else prediction[:0]
    picture, origin, scale = _cut_out(image, target[labelled], tile, margin, extra)
    # Twice the size while drawing: thin lines and small dots come out smooth.
    picture = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)

    def place(point: np.ndarray) -> Tuple[int, int]:
        moved = (((point - origin + 0.5) * scale) * 2 - 0.5) * (1 << _SHIFT)
        # OpenCV's integers overflow on points far away.
        x, y = np.clip(moved, -(1 << 20), 1 << 20).round()
        return int(x), int(y)

    focused = np.ones(len(target), bool)
    if focus is not None:
        focused[:] = False
        focused[list(focus)] = True
    # Dense schemes get smaller dots, so that neighbours stay apart.
    radius = (1.5 if len(target) > 40 and focus is None else 2.2) * tile / 240 * 2
    for index in np.flatnonzero(drawn & focused):
        cv2.line(picture, place(target[index]), place(prediction[index]), LINK_COLOR,
                 max(1, round(tile / 160)), cv2.LINE_AA, _SHIFT)
    # The annotation's dots are larger: they stay visible, as rings, below a perfect prediction.
    for points, shown, color, size in ((target, labelled, TRUTH_COLOR, 1.55 * radius),
                                       (prediction, drawn, PREDICTION_COLOR, 1.15 * radius)):
        # Those in focus come last and lie on top.
        for index in sorted(np.flatnonzero(shown), key=lambda one: focused[one]):
            center = place(points[index])
            dot = size if focused[index] else _FAINT_DOT * size
            for extent, fill in ((dot + 0.5, (0, 0, 0)), (dot, color)):
                cv2.circle(picture, center, int(extent * (1 << _SHIFT)), fill, -1, cv2.LINE_AA,
                           _SHIFT)
    return cv2.resize(picture, (tile, tile), interpolation=cv2.INTER_AREA)


def _cut_out(image: Optional[np.ndarray], points: np.ndarray, tile: int, margin: float,
             extra: np.ndarray) -> Tuple[np.ndarray, np.ndarray, float]:
    """Square [tile, tile, 3] around ``points``, its top left corner in the image, and its scale."""
    if len(points):
        low, high = points.min(axis=0), points.max(axis=0)
        center, side = (low + high) / 2, max(2.0, margin * (high - low).max())
        if len(extra):
            reach = 2.1 * np.abs(extra - center).max()
            side = min(max(side, reach), 2 * side)
    elif image is not None:
        center, side = np.array(image.shape[1::-1]) / 2, float(max(image.shape[:2]))
    else:
        center, side = np.zeros(2), float(tile)
    side = int(np.ceil(side))
    origin = np.floor(center - side / 2).astype(int)
    scale = tile / side
    canvas = np.full((tile, tile, 3), _BACKDROP, dtype=np.uint8)
    if image is None:
        return canvas, origin, scale
    # Only what lies in the image is copied: a wild annotation must not ask for a giant canvas.
    x0, y0 = np.clip(origin, 0, image.shape[1::-1])
    x1, y1 = np.clip(origin + side, 0, image.shape[1::-1])
    left, top = ((np.array([x0, y0]) - origin) * scale).round().astype(int)
    right, bottom = ((np.array([x1, y1]) - origin) * scale).round().astype(int)
    if right > left and bottom > top:
        part = image[y0:y1, x0:x1]
        rule = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        canvas[top:bottom, left:right] = cv2.resize(part, (right - left, bottom - top),
                                                    interpolation=rule)
    return canvas, origin, scale
