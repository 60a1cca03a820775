"""Where the errors lie: by landmark, by region of the face, by occlusion."""
from __future__ import annotations

from typing import Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from .failure_rate import failure_rate_landmarks, failure_rate_per_landmark
from .normalized_mean_error import check_errors, mean_error_per_landmark, normalized_mean_error
from .summary import FAILURE_THRESHOLDS_LANDMARK, measure_name, summarize_errors


def split_by_occlusion(errors: np.ndarray,
                       occluded: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Errors of the hidden and of the visible landmarks, each with NaN in place of the others.

    Args:
        errors (np.ndarray): [N, K], NaN where a landmark is not scored (not labelled).
        occluded (np.ndarray): [N, K], true where a landmark is labelled as hidden.

    Returns:
        tuple[np.ndarray, np.ndarray]: [N, K] each, occluded and visible.

    Raises:
        ValueError: If shapes differ.

    Examples:
        >>> hidden, visible = split_by_occlusion([[.1, .2]], [[True, False]])
        >>> hidden.tolist(), visible.tolist()
        ([[0.1, nan]], [[nan, 0.2]])
    """
    errors = check_errors(errors)
    occluded = np.asarray(occluded, dtype=bool)
    if occluded.shape != errors.shape:
        raise ValueError(f'occluded must have shape [N, K] = {list(errors.shape)}, '
                         f'found {list(occluded.shape)}')
    return np.where(occluded, errors, np.nan), np.where(occluded, np.nan, errors)


def occlusion_breakdown(errors: np.ndarray, occluded: np.ndarray,
                        **thresholds: Sequence[float]) -> Dict[str, Dict[str, float]]:
    """All measures over the hidden landmarks alone, and over the visible ones alone.

    Each side is :func:`summarize_errors` of its errors: a face's mean runs over its hidden (or its
    visible) landmarks, and faces without any are left out.

    Args:
        errors (np.ndarray): [N, K], fractions; NaN is not scored.
        occluded (np.ndarray): [N, K], true where a landmark is labelled as hidden.
        **thresholds: Of :func:`summarize_errors`.

    Returns:
        dict: ``occluded`` and ``visible``, each with ``points`` and ``faces`` (how many are scored)
        and the measures.

    Examples:
        >>> table = occlusion_breakdown([[.1, .2], [.3, .3]], [[True, False], [False, False]])
        >>> {side: (row['points'], round(row['NME'], 2)) for side, row in table.items()}
        {'occluded': (1, 10.0), 'visible': (3, 25.0)}
    """
    return {
        side: dict(
            points=int((~np.isnan(part)).sum()),
            faces=int((~np.isnan(part)).any(axis=1).sum()),
            **summarize_errors(part, **thresholds))
        for side, part in zip(('occluded', 'visible'), split_by_occlusion(errors, occluded))
    }


def landmark_breakdown(
        errors: np.ndarray,
        thresholds: Sequence[float] = FAILURE_THRESHOLDS_LANDMARK,
        occluded: Optional[np.ndarray] = None) -> Dict[str, np.ndarray]:
    """Mean error and failure rates of each landmark.

    Args:
        errors (np.ndarray): [N, K], fractions; NaN is not scored.
        thresholds (Sequence[float]): Of the failure rates.
        occluded (np.ndarray, optional): [N, K], true where a landmark is labelled as hidden.

    Returns:
        dict[str, np.ndarray]: [K] each: ``scored`` (faces on which it is scored), ``NME`` in per
        cent, ``FR_L@θ`` in per cent; with ``occluded`` also ``scored`` and ``NME`` with the endings
        ``_occluded`` and ``_visible``. NaN where a landmark is never scored.

    Examples:
        >>> table = landmark_breakdown([[.25, 0], [.75, 0]], thresholds=(.5, ))
        >>> {name: column.tolist() for name, column in table.items()}
        {'scored': [2, 2], 'NME': [50.0, 0.0], 'FR_L@0.50': [50.0, 0.0]}
    """
    errors = check_errors(errors)
    table = dict(scored=(~np.isnan(errors)).sum(axis=0), NME=100 * mean_error_per_landmark(errors))
    for threshold in thresholds:
        table[measure_name('FR_L', threshold)] = 100 * failure_rate_per_landmark(errors, threshold)
    if occluded is not None:
        for side, part in zip(('occluded', 'visible'), split_by_occlusion(errors, occluded)):
            table[f'scored_{side}'] = (~np.isnan(part)).sum(axis=0)
            table[f'NME_{side}'] = 100 * mean_error_per_landmark(part)
    return table


def region_breakdown(
        errors: np.ndarray,
        regions: Mapping[str, Sequence[int]],
        thresholds: Sequence[float] = FAILURE_THRESHOLDS_LANDMARK
) -> Dict[str, Dict[str, float]]:
    """Mean errors and failure rates of each region of the face.

    Args:
        errors (np.ndarray): [N, K], fractions; NaN is not scored.
        regions (Mapping[str, Sequence[int]]): Columns of each region.
        thresholds (Sequence[float]): Of the failure rates.

    Returns:
        dict[str, dict[str, float]]: By region: ``landmarks`` (how many), ``points`` (how many are
        scored), ``NME`` (each face's mean over the region, then over faces), ``micro_NME`` and
        ``FR_L@θ``, in per cent.

    Raises:
        ValueError: If a region names a column that does not exist.

    Examples:
        >>> region_breakdown([[.25, .75, 0]], dict(eyes=(0, 1), chin=(2, )), thresholds=())
        {'eyes': {'landmarks': 2, 'points': 2, 'NME': 50.0, 'micro_NME': 50.0},
         'chin': {'landmarks': 1, 'points': 1, 'NME': 0.0, 'micro_NME': 0.0}}
    """
    errors = check_errors(errors)
    table = {}
    for region, columns in regions.items():
        columns = [int(column) for column in columns]
        if not all(0 <= column < errors.shape[1] for column in columns):
            raise ValueError(f'region {region!r} names the columns {columns}, but errors have '
                             f'{errors.shape[1]} (0..{errors.shape[1] - 1})')
        part = errors[:, columns]
        row = dict(
            landmarks=len(columns),
            points=int((~np.isnan(part)).sum()),
            NME=100 * normalized_mean_error(part),
            micro_NME=100 * normalized_mean_error(part, average='points'))
        for threshold in thresholds:
            row[measure_name('FR_L', threshold)] = 100 * failure_rate_landmarks(part, threshold)
        table[region] = row
    return table
