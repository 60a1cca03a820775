"""A contact sheet of faces with predicted and annotated landmarks."""
from __future__ import annotations

import os.path as osp
from typing import List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np
from mmengine.utils import mkdir_or_exist

from mmpose_wass.evaluation.functional import image_errors

#: Colours as OpenCV wants them: blue, green, red.
TRUTH_COLOR = (90, 220, 60)
PREDICTION_COLOR = (50, 50, 255)
_LINK_COLOR = (0, 220, 255)
_PAPER, _INK, _FAINT, _BACKDROP = (255, 255, 255), (40, 40, 40), (120, 120, 120), (225, 225, 225)

#: Orders of :func:`choose_faces`.
ORDERS = ('given', 'worst', 'best', 'spread')

_FONT = cv2.FONT_HERSHEY_DUPLEX
_CAPITAL = 21.0  # height of the font's capitals at scale 1, px
_SHIFT = 4  # drawing positions to 1/16 px
_GAP = 8


def choose_faces(errors: np.ndarray, count: Optional[int] = None,
                 order: str = 'spread') -> np.ndarray:
    """Pick faces by their mean error.

    Args:
        errors (np.ndarray): [N] mean errors; faces with NaN (excluded) are left out, except in the
            order ``'given'``.
        count (int, optional): How many faces; all of them by default.
        order (str): ``'given'`` (the first ones), ``'worst'`` or ``'best'`` first, or ``'spread'``:
            from best to worst in even steps of rank, which shows the whole distribution.

    Returns:
        np.ndarray: Indices of the faces in the order to draw.

    Raises:
        ValueError: For an unknown order.

    Examples:
        >>> choose_faces([.3, .1, .2, .4, .5], count=3, order='spread').tolist()
        [1, 0, 4]
        >>> choose_faces([.3, .1, .2], count=2, order='worst').tolist()
        [0, 2]
    """
    errors = np.asarray(errors, dtype=float).reshape(-1)
    if order not in ORDERS:
        raise ValueError(f'order must be one of {", ".join(ORDERS)}, found {order!r}')
    if order == 'given':
        return np.arange(len(errors))[:count]
    ranked = np.argsort(errors, kind='stable')
    ranked = ranked[~np.isnan(errors[ranked])]
    if order == 'worst':
        ranked = ranked[::-1]
    if order == 'spread' and count is not None and count < len(ranked):
        return ranked[np.linspace(0, len(ranked) - 1, count).round().astype(int)]
    return ranked[:count]


def draw_prediction_sheet(images: Sequence[Union[str, np.ndarray]],
                          predictions: np.ndarray,
                          targets: np.ndarray,
                          errors: np.ndarray,
                          path: str,
                          columns: int = 6,
                          valid: Optional[np.ndarray] = None,
                          captions: Optional[Sequence[str]] = None,
                          count: Optional[int] = None,
                          order: str = 'given',
                          title: str = '',
                          tile: int = 240,
                          margin: float = 1.35) -> str:
    """Draw faces with annotation (green), prediction (red) and the gap between them (yellow).

    Each face is cut out around its annotated landmarks. Its error stands below it.

    Args:
        images (Sequence[str | np.ndarray]): N paths, or images [H, W, 3] (BGR, uint8).
        predictions (np.ndarray): [N, K, 2], image pixels.
        targets (np.ndarray): [N, K, 2], image pixels.
        errors (np.ndarray): [N] mean errors or [N, K] errors, fractions.
        path (str): Image file to write.
        columns (int): Faces in a row.
        valid (np.ndarray, optional): [N, K]; landmarks that are not valid are not drawn.
        captions (Sequence[str], optional): N texts to set beside the error. Where predictions are
            NaN or infinite, their number stands there instead.
        count (int, optional): How many faces to draw; all by default.
        order (str): See :func:`choose_faces`.
        title (str): Heading of the sheet.
        tile (int): Side of a face on the sheet in pixels.
        margin (float): Side of the cut-out in units of the landmarks' box.

    Returns:
        str: ``path``.

    Raises:
        FileNotFoundError: If an image cannot be read.
        ValueError: If shapes disagree or there is no face to draw.
        OSError: If the sheet cannot be written.
    """
    predictions, targets = np.asarray(predictions), np.asarray(targets)
    errors = np.asarray(errors, dtype=float)
    means = image_errors(errors) if errors.ndim == 2 else errors
    valid = np.ones(targets.shape[:2], bool) if valid is None else np.asarray(valid, dtype=bool)
    found = dict(
        images=(len(images), ),
        predictions=predictions.shape,
        targets=targets.shape,
        errors=means.shape,
        valid=valid.shape)
    if (targets.ndim != 3 or predictions.shape != targets.shape or valid.shape != targets.shape[:2]
            or means.shape != targets.shape[:1] or len(images) != len(targets)):
        raise ValueError('predictions and targets must be [N, K, 2], valid [N, K], errors [N] or '
                         f'[N, K], with N images; found {found}')
    if captions is not None and len(captions) != len(images):
        raise ValueError(f'captions must be {len(images)} texts, found {len(captions)}')
    if columns < 1:
        raise ValueError(f'columns must be at least 1, found {columns}')
    faces = choose_faces(means, count, order)
    if not len(faces):
        raise ValueError('there is no face to draw: none is given, or all are excluded')

    tiles = []
    for face in faces:
        image = _read(images[face])
        labelled = valid[face] & np.isfinite(targets[face]).all(axis=-1)
        picture = _draw_face(image, predictions[face], targets[face], labelled, tile, margin)
        lost = int((labelled & ~np.isfinite(predictions[face]).all(axis=-1)).sum())
        error = 'excluded' if np.isnan(means[face]) else f'{100 * means[face]:.2f} %'
        note = captions[face] if captions is not None else ''
        if lost:
            note = f'{lost} not finite'
        tiles.append(_with_caption(picture, error, note))
    return _write(_arrange(tiles, columns, title), path)


def draw_result_sheet(errors_npz: str,
                      path: str,
                      count: int = 24,
                      order: str = 'spread',
                      **kwargs) -> str:
    """Draw the sheet of a result file of ``FaceLandmarkMetric(outfile_prefix=...)``.

    Args:
        errors_npz (str): ``<prefix>.errors.npz``; the images must lie where its paths say.
        path (str): Image file to write.
        count (int): How many faces to draw.
        order (str): See :func:`choose_faces`.
        **kwargs: Further arguments of :func:`draw_prediction_sheet`.

    Returns:
        str: ``path``.
    """
    with np.load(errors_npz) as results:
        return draw_prediction_sheet([str(image) for image in results['image_paths']],
                                     results['predictions'],
                                     results['targets'],
                                     results['errors'],
                                     path,
                                     valid=results['valid'],
                                     count=count,
                                     order=order,
                                     **kwargs)


def _read(image: Union[str, np.ndarray]) -> np.ndarray:
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError('an image must be uint8 [H, W, 3] (BGR), '
                             f'found {image.dtype} {list(image.shape)}')
        return image
    pixels = cv2.imread(str(image), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(f'{image}: there is no image that OpenCV can read')
    return pixels


def _cut_out(image: np.ndarray, points: np.ndarray, tile: int,
             margin: float) -> Tuple[np.ndarray, np.ndarray, float]:
    """Square [tile, tile, 3] around ``points``, its top left corner in the image, and its scale."""
    if len(points):
        low, high = points.min(axis=0), points.max(axis=0)
        center, side = (low + high) / 2, max(2.0, margin * (high - low).max())
    else:
        center, side = np.array(image.shape[1::-1]) / 2, float(max(image.shape[:2]))
    side = int(np.ceil(side))
    origin = np.floor(center - side / 2).astype(int)
    # Only what lies in the image is copied: a wild annotation must not ask for a giant canvas.
    x0, y0 = np.clip(origin, 0, image.shape[1::-1])
    x1, y1 = np.clip(origin + side, 0, image.shape[1::-1])
    scale = tile / side
    canvas = np.full((tile, tile, 3), _BACKDROP, dtype=np.uint8)
    left, top = ((np.array([x0, y0]) - origin) * scale).round().astype(int)
    right, bottom = ((np.array([x1, y1]) - origin) * scale).round().astype(int)
    if right > left and bottom > top:
        part = image[y0:y1, x0:x1]
        rule = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        canvas[top:bottom, left:right] = cv2.resize(part, (right - left, bottom - top),
                                                    interpolation=rule)
    return canvas, origin, scale


def _draw_face(image: np.ndarray, prediction: np.ndarray, target: np.ndarray, labelled: np.ndarray,
               tile: int, margin: float) -> np.ndarray:
    picture, origin, scale = _cut_out(image, target[labelled], tile, margin)
    # Twice the size while drawing: thin lines and small dots come out smooth.
    picture = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)

    def place(point: np.ndarray) -> Tuple[int, int]:
        moved = (((point - origin + 0.5) * scale) * 2 - 0.5) * (1 << _SHIFT)
        # OpenCV's integers overflow on points far away.
        x, y = np.clip(moved, -(1 << 20), 1 << 20).round()
        return int(x), int(y)

    drawn = labelled & np.isfinite(prediction).all(axis=-1)
    # Dense schemes get smaller dots, so that neighbours stay apart.
    radius = (1.5 if len(target) > 40 else 2.2) * tile / 240 * 2
    for index in np.flatnonzero(drawn):
        cv2.line(picture, place(target[index]), place(prediction[index]), _LINK_COLOR,
                 max(1, round(tile / 160)), cv2.LINE_AA, _SHIFT)
    # The annotation's dots are larger: they stay visible, as rings, below a perfect prediction.
    for points, shown, color, size in ((target, labelled, TRUTH_COLOR, 1.55 * radius),
                                       (prediction, drawn, PREDICTION_COLOR, 1.15 * radius)):
        for index in np.flatnonzero(shown):
            center = place(points[index])
            for extent, fill in ((size + 0.5, (0, 0, 0)), (size, color)):
                cv2.circle(picture, center, int(extent * (1 << _SHIFT)), fill, -1, cv2.LINE_AA,
                           _SHIFT)
    return cv2.resize(picture, (tile, tile), interpolation=cv2.INTER_AREA)


def _text_width(text: str, height: float) -> int:
    return cv2.getTextSize(text, _FONT, height / _CAPITAL, 1)[0][0]


def _put_text(canvas: np.ndarray, text: str, left: int, baseline: int, height: float,
              color: tuple, width: Optional[int] = None) -> int:
    """Write ``text`` with capitals of ``height`` px, shortened to ``width``; returns its end."""
    # OpenCV's fonts know ASCII only.
    text = text.encode('ascii', 'replace').decode()
    room = canvas.shape[1] - left if width is None else width
    if _text_width(text, height) > room:
        # The end of a path or name tells more than its beginning.
        while text and _text_width('...' + text, height) > room:
            text = text[1:]
        text = '...' + text if text else ''
    cv2.putText(canvas, text, (left, baseline), _FONT, height / _CAPITAL, color, 1, cv2.LINE_AA)
    return left + _text_width(text, height)


def _with_caption(picture: np.ndarray, error: str, note: str) -> np.ndarray:
    tile = picture.shape[1]
    height = max(12, round(tile / 18))
    strip = np.full((2 * height, tile, 3), _PAPER, dtype=np.uint8)
    end = _put_text(strip, error, 2, round(1.55 * height), height, _INK)
    if note:
        _put_text(strip, note, end + height, round(1.55 * height), 0.8 * height, _FAINT,
                  tile - end - height - 2)
    return np.vstack([picture, strip])


def _heading(width: int, title: str, tile: int) -> np.ndarray:
    height = max(12, round(tile / 16))
    legend = (('annotation', TRUTH_COLOR), ('prediction', PREDICTION_COLOR))
    rows = 2 if title else 1
    band = np.full((round(2.2 * height) * rows + height // 2, width, 3), _PAPER, dtype=np.uint8)
    baseline = round(1.8 * height)
    if title:
        _put_text(band, title, _GAP, baseline, 1.15 * height, _INK, width - 2 * _GAP)
        baseline += round(2.2 * height)
    left = _GAP
    for name, color in legend:
        center = (left + height // 2, baseline - height // 2)
        cv2.circle(band, center, round(0.5 * height), (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(band, center, round(0.5 * height) - 1, color, -1, cv2.LINE_AA)
        left += round(1.6 * height)
        left = _put_text(band, name, left, baseline, 0.9 * height, _INK) + height
    hint = 'below each face: mean error / normalisation distance'
    if _text_width(hint, 0.9 * height) < width - left - height - _GAP:
        _put_text(band, hint, left + height, baseline, 0.9 * height, _FAINT)
    return band


def _arrange(tiles: List[np.ndarray], columns: int, title: str) -> np.ndarray:
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    sheet = np.full((rows * (height + _GAP), columns * (width + _GAP) + _GAP, 3), _PAPER, np.uint8)
    for index, picture in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[top:top + height, left:left + width] = picture
    return np.vstack([_heading(sheet.shape[1], title, width), sheet])


def _write(sheet: np.ndarray, path: str) -> str:
    path = str(path)
    if osp.dirname(path):
        mkdir_or_exist(osp.dirname(path))
    try:
        written = cv2.imwrite(path, sheet)
    except cv2.error as error:
        raise OSError(f'{path}: OpenCV cannot write this image; name it .png or .jpg') from error
    if not written:
        raise OSError(f'{path}: the image could not be written')
    return path
