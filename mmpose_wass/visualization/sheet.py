"""A contact sheet of faces with predicted and annotated landmarks."""
from __future__ import annotations

from typing import Optional, Sequence, Union

import numpy as np

from mmpose_wass.evaluation.functional import image_errors

from .face_tile import LINK_COLOR, PREDICTION_COLOR, TRUTH_COLOR, draw_face, read_image
from .sheet_layout import arrange_tiles, with_caption, write_sheet

__all__ = [
    'LINK_COLOR', 'ORDERS', 'PREDICTION_COLOR', 'TRUTH_COLOR', 'choose_faces',
    'draw_prediction_sheet', 'draw_result_sheet'
]

#: Orders of :func:`choose_faces`.
ORDERS = ('given', 'worst', 'best', 'spread')


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
                          margin: float = 1.35,
                          focus: Optional[Sequence[Sequence[int]]] = None,
                          fit_predictions: bool = False,
                          error_texts: Optional[Sequence[str]] = None,
                          hint: str = 'below each face: mean error / normalisation distance',
                          blank_missing: bool = False) -> str:
    """Draw faces with annotation (blue), prediction (red) and the gap between them (yellow).

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
        focus (Sequence[Sequence[int]], optional): For each face the landmarks to draw large; the
            others are small and without their gaps. All of them by default.
        fit_predictions (bool): Widen cut-outs for predictions outside of them, up to twice.
        error_texts (Sequence[str], optional): N texts to set in place of the mean errors.
        hint (str): Line of the heading that says what stands below each face.
        blank_missing (bool): Draw faces whose image is missing on an empty backdrop that says so,
            instead of raising.

    Returns:
        str: ``path``.

    Raises:
        FileNotFoundError: If an image cannot be read, unless ``blank_missing``.
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
    for name, texts in (('captions', captions), ('error_texts', error_texts), ('focus', focus)):
        if texts is not None and len(texts) != len(images):
            kind = 'lists of landmarks' if name == 'focus' else 'texts'
            raise ValueError(f'{name} must be {len(images)} {kind}, found {len(texts)}')
    if columns < 1:
        raise ValueError(f'columns must be at least 1, found {columns}')
    faces = choose_faces(means, count, order)
    if not len(faces):
        raise ValueError('there is no face to draw: none is given, or all are excluded')

    tiles = []
    for face in faces:
        image, note = _image_and_note(images[face], blank_missing)
        labelled = valid[face] & np.isfinite(targets[face]).all(axis=-1)
        picture = draw_face(image, predictions[face], targets[face], labelled, tile, margin,
                            None if focus is None else focus[face], fit_predictions)
        lost = int((labelled & ~np.isfinite(predictions[face]).all(axis=-1)).sum())
        error = 'excluded' if np.isnan(means[face]) else f'{100 * means[face]:.2f} %'
        if error_texts is not None:
            error = error_texts[face]
        if lost:
            note = note or f'{lost} not finite'
        if not note and captions is not None:
            note = captions[face]
        tiles.append(with_caption(picture, error, note))
    return write_sheet(arrange_tiles(tiles, columns, title, hint), path)


def _image_and_note(image: Union[str, np.ndarray], blank_missing: bool):
    """The pixels, or ``None`` and what to say about it."""
    try:
        return read_image(image), ''
    except FileNotFoundError:
        if not blank_missing:
            raise
        return None, 'image missing'


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
