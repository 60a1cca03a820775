"""Mean errors: per face, per landmark, and over a data set (Section 4.2 of the paper)."""
from __future__ import annotations

from typing import Optional

import numpy as np

from .errors import row_chunks


def check_errors(errors: np.ndarray) -> np.ndarray:
    """Return ``errors`` as float64 [N, K], or raise ``ValueError`` if it has another shape."""
    errors = np.asarray(errors, dtype=np.float64)
    if errors.ndim != 2:
        raise ValueError('errors must have shape [N, K] (faces, landmarks), '
                         f'found {list(errors.shape)}')
    return errors


def masked_mean(values: np.ndarray, axis: Optional[int] = None) -> np.ndarray:
    """Mean of the entries that are not NaN; NaN (without a warning) where there is none.

    Args:
        values (np.ndarray): [N] or [N, K].
        axis (int, optional): Of [N, K]: 0 averages over rows, 1 over columns. Default: over all.

    Returns:
        np.ndarray: A number, [K] or [N].
    """
    values = np.asarray(values)
    if values.ndim < 2:
        values, axis = values.reshape(-1, 1), None
    shape = {0: values.shape[1:], 1: values.shape[:1], None: ()}[axis]
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for rows in row_chunks(*values.shape):
        scored = ~np.isnan(values[rows])
        place = rows if axis == 1 else ...
        total[place] += np.where(scored, values[rows], 0.0).sum(axis=axis)
        count[place] += scored.sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def image_errors(errors: np.ndarray) -> np.ndarray:
    r"""Mean error of each face over its scored landmarks, Eq. (1): :math:`\mathrm{NME}_i`.

    Args:
        errors (np.ndarray): [N, K] of
            :func:`~mmpose_wass.evaluation.functional.errors.normalized_errors`.

    Returns:
        np.ndarray: [N], fractions of the normalisation distance; NaN for an excluded face.

    Examples:
        >>> nan = float('nan')
        >>> image_errors([[.02, .04], [.06, nan], [nan, nan]]).tolist()
        [0.03, 0.06, nan]
        >>> image_errors([[.1, .1, .1]]).tolist()
        [0.1]
    """
    errors = check_errors(errors)
    means = np.full(len(errors), np.nan)
    for rows in row_chunks(*errors.shape):
        chunk = errors[rows]
        # Relative to the smallest error of the face: a face whose landmarks all err by exactly a
        # threshold has exactly that mean, where a plain sum would round past it (3 x 0.1 > 0.3).
        smallest = np.where(np.isnan(chunk), np.inf, chunk).min(axis=1, initial=np.inf)
        smallest = np.where(np.isfinite(smallest), smallest, 0.0)
        means[rows] = smallest + masked_mean(chunk - smallest[:, None], axis=1)
    return means


def mean_error_per_landmark(errors: np.ndarray) -> np.ndarray:
    """Mean error of each landmark over the faces where it is scored: [K]; NaN where there is none.

    Examples:
        >>> nan = float('nan')
        >>> mean_error_per_landmark([[.02, .04], [.06, nan]]).tolist()
        [0.04, 0.04]
    """
    return masked_mean(check_errors(errors), axis=0)


def normalized_mean_error(errors: np.ndarray, average: str = 'images') -> float:
    r"""Normalised mean error of a data set.

    - ``'images'``: :math:`\frac1N \sum_i \mathrm{NME}_i`, the mean of image means (Section 4.2):
      each face counts the same however many of its landmarks are labelled.
    - ``'points'``: the mean over all scored points (a micro average): what MMPose's ``NME``
      computes. Both agree when every face has the same number of scored landmarks.

    Args:
        errors (np.ndarray): [N, K]; NaN is not scored, ``inf`` is a failed prediction.
        average (str): ``'images'`` or ``'points'``.

    Returns:
        float: A fraction of the normalisation distance; NaN if nothing is scored.

    Raises:
        ValueError: If ``average`` is another word.

    Examples:
        >>> nan = float('nan')
        >>> errors = [[.02, .04], [.06, nan]]
        >>> round(normalized_mean_error(errors), 4)
        0.045
        >>> round(normalized_mean_error(errors, average='points'), 4)
        0.04
    """
    errors = check_errors(errors)
    if average == 'images':
        return float(masked_mean(image_errors(errors)))
    if average == 'points':
        return float(masked_mean(errors))
    raise ValueError(f"average must be 'images' or 'points', found {average!r}")


#: The same function under the name that the field uses.
nme = normalized_mean_error
