"""Point errors in units of a normalisation distance: Eq. (2) of the paper."""
from __future__ import annotations

from typing import Iterator, Optional

import numpy as np

#: Entries of an array that are worked on at a time.
CHUNK_ENTRIES = 1 << 18


def row_chunks(num_rows: int, num_columns: int) -> Iterator[slice]:
    """Slices that go through the rows of a large array a few at a time: bounded working memory.

    Examples:
        >>> list(row_chunks(3, CHUNK_ENTRIES // 2))
        [slice(0, 2, None), slice(2, 4, None)]
    """
    step = max(1, CHUNK_ENTRIES // max(1, num_columns))
    for start in range(0, num_rows, step):
        yield slice(start, start + step)


def check_points(name: str, points: np.ndarray) -> np.ndarray:
    """Return ``points`` as an array [N, K, 2], or say what is wrong with it.

    Args:
        name (str): What to call the array in an error.
        points (np.ndarray): [N, K, 2].

    Raises:
        ValueError: If the shape is not [N, K, 2].
    """
    points = np.asarray(points)
    if points.ndim != 3 or points.shape[-1] != 2:
        raise ValueError(f'{name} must have shape [N, K, 2] (faces, landmarks, x and y), '
                         f'found {list(points.shape)}')
    return points


def check_valid(valid: Optional[np.ndarray], shape: tuple) -> np.ndarray:
    """Return ``valid`` as a boolean array of ``shape`` [N, K]; ``None`` means all valid.

    Raises:
        ValueError: If the shape differs.
    """
    if valid is None:
        return np.ones(shape, dtype=bool)
    valid = np.asarray(valid)
    if valid.shape != tuple(shape):
        raise ValueError(f'valid must have shape [N, K] = {list(shape)}, found {list(valid.shape)}')
    return valid.astype(bool)


def normalized_errors(predictions: np.ndarray,
                      targets: np.ndarray,
                      normalization: np.ndarray,
                      valid: Optional[np.ndarray] = None) -> np.ndarray:
    r"""Distance of each landmark from its target, in units of the face's normalisation distance.

    .. math:: e_{i,j} = \lVert S_{i,j} - S^*_{i,j} \rVert_2 \, / \, d_i

    Source: Eq. (2) of "2D Wasserstein Loss for Robust Facial Landmark Detection" (Section 4.2).

    What every function of this package relies on:

    - NaN means *not scored*: the landmark is invalid, or :math:`d_i` is zero, negative or not
      finite. A row that is NaN throughout is an *excluded* face (:func:`exclusion_counts`).
    - ``inf`` means *failed*: the landmark is to be scored but its prediction is NaN or infinite. It
      fails at every threshold and makes every mean that holds it infinite; it is never dropped.

    Args:
        predictions (np.ndarray): [N, K, 2], image pixels.
        targets (np.ndarray): [N, K, 2], image pixels.
        normalization (np.ndarray): [N], normalisation distance of each face in image pixels.
        valid (np.ndarray, optional): [N, K], true where the landmark is to be scored. All of them
            by default.

    Returns:
        np.ndarray: [N, K] float64, fractions of the normalisation distance.

    Raises:
        ValueError: If shapes disagree, or a valid landmark of a face that can be scored has a
            target that is not finite.

    Examples:
        >>> import numpy as np
        >>> targets = np.array([[[0., 0.], [100., 0.], [50., 50.]]])
        >>> predictions = targets + np.array([3., 4.])
        >>> normalized_errors(predictions, targets, [100.], [[True, True, False]]).tolist()
        [[0.05, 0.05, nan]]
    """
    predictions = check_points('predictions', predictions)
    targets = check_points('targets', targets)
    if predictions.shape != targets.shape:
        raise ValueError('predictions and targets must have one shape [N, K, 2], found '
                         f'{list(predictions.shape)} and {list(targets.shape)}')
    num_faces = len(targets)
    normalization = np.asarray(normalization, dtype=np.float64)
    if normalization.shape != (num_faces, ):
        raise ValueError(f'normalization must have shape [N] = [{num_faces}], '
                         f'found {list(normalization.shape)}')
    scored = check_valid(valid, targets.shape[:2])
    usable = np.isfinite(normalization) & (normalization > 0)
    scored = scored & usable[:, None]

    bad_target = scored & ~(np.isfinite(targets[..., 0]) & np.isfinite(targets[..., 1]))
    if bad_target.any():
        face, landmark = np.argwhere(bad_target)[0]
        raise ValueError(
            f'targets: {int(bad_target.sum())} valid landmarks are NaN or infinite, the first is '
            f'landmark {landmark} of face {face}; mark unlabelled landmarks as not valid')

    errors = np.empty(targets.shape[:2])
    divisors = np.where(usable, normalization, 1.0)
    for rows in row_chunks(*errors.shape):
        # Stays below a megabyte or so of working memory, whatever the number of faces.
        with np.errstate(invalid='ignore', over='ignore'):
            gap = np.subtract(predictions[rows], targets[rows], dtype=np.float64)
            chunk = np.hypot(gap[..., 0], gap[..., 1]) / divisors[rows, None]
        chunk[~np.isfinite(chunk)] = np.inf
        chunk[~scored[rows]] = np.nan
        errors[rows] = chunk
    return errors


def exclusion_counts(normalization: np.ndarray, valid: np.ndarray) -> dict:
    """Count the faces that :func:`normalized_errors` cannot score, by reason.

    Args:
        normalization (np.ndarray): [N], normalisation distances.
        valid (np.ndarray): [N, K], true where the landmark is to be scored.

    Returns:
        dict: ``excluded`` (all of them), ``no_valid_landmark``, and ``no_normalization_distance``
        (zero, negative, NaN or infinite distance on a face that has valid landmarks).

    Examples:
        >>> exclusion_counts([10., 0., 10.], [[True], [True], [False]])
        {'excluded': 2, 'no_valid_landmark': 1, 'no_normalization_distance': 1}
    """
    normalization = np.asarray(normalization, dtype=np.float64)
    has_landmark = np.asarray(valid, dtype=bool).any(axis=1)
    usable = np.isfinite(normalization) & (normalization > 0)
    no_landmark = int((~has_landmark).sum())
    no_distance = int((has_landmark & ~usable).sum())
    return dict(
        excluded=no_landmark + no_distance,
        no_valid_landmark=no_landmark,
        no_normalization_distance=no_distance)
