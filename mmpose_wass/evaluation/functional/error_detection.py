"""Does a confidence tell which landmarks are wrong?"""
from __future__ import annotations

from typing import Dict

import numpy as np


def error_detection_auc(scores: np.ndarray, wrong: np.ndarray) -> float:
    r"""Area under the ROC curve for detecting wrong landmarks by their low scores.

    .. math:: P(s_{wrong} < s_{right}) + \tfrac12 P(s_{wrong} = s_{right})

    over all pairs of a wrong and a right landmark: 1 if every wrong one scores lower than every
    right one, 0.5 if scores say nothing.

    Args:
        scores (np.ndarray): [n], confidence, larger is surer.
        wrong (np.ndarray): [n] bool, such as errors above 0.1.

    Returns:
        float: The area; NaN if all landmarks are wrong or none is.

    Raises:
        ValueError: If shapes differ or a score is NaN.

    Examples:
        >>> error_detection_auc(np.array([.9, .8, .2, .5]), np.array([False, False, True, False]))
        1.0
        >>> error_detection_auc(np.array([.5, .5]), np.array([True, False]))
        0.5
    """
    scores, wrong = np.asarray(scores, dtype=np.float64), np.asarray(wrong, dtype=bool)
    _check(scores, wrong)
    count_wrong, count_right = int(wrong.sum()), int((~wrong).sum())
    if not count_wrong or not count_right:
        return float('nan')
    # Ranks with ties at their middle (Mann and Whitney's U).
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[places]
    above = ranks[~wrong].sum() - count_right * (count_right + 1) / 2
    return float(above / (count_wrong * count_right))


def calibration_bins(scores: np.ndarray, wrong: np.ndarray, bins: int = 10) -> Dict[str, list]:
    """How often landmarks are wrong, by their scores.

    Args:
        scores (np.ndarray): [n], confidence.
        wrong (np.ndarray): [n] bool.
        bins (int): Number of bins; each holds the same number of landmarks, give or take one.

    Returns:
        dict: ``score`` (mean), ``wrong`` (fraction) and ``count`` of each bin, lowest scores first;
        lists of length ``bins``, or n if there are fewer landmarks.

    Raises:
        ValueError: If shapes differ, a score is NaN, or there is no landmark.

    Examples:
        >>> found = calibration_bins(np.array([.1, .9, .2, .8]),
        ...                          np.array([True, False, True, False]), bins=2)
        >>> found['wrong'], found['count']
        ([1.0, 0.0], [2, 2])
    """
    scores, wrong = np.asarray(scores, dtype=np.float64), np.asarray(wrong, dtype=bool)
    _check(scores, wrong)
    if bins < 1 or not len(scores):
        raise ValueError(f'there must be a bin and a landmark, found {bins} and {len(scores)}')
    order = np.argsort(scores, kind='stable')
    parts = np.array_split(order, min(bins, len(order)))
    return dict(score=[float(scores[part].mean()) for part in parts],
                wrong=[float(wrong[part].mean()) for part in parts],
                count=[len(part) for part in parts])


def _check(scores: np.ndarray, wrong: np.ndarray) -> None:
    if scores.ndim != 1 or scores.shape != wrong.shape:
        raise ValueError('scores and wrong must have one shape [n], got '
                         f'{scores.shape} and {wrong.shape}')
    if np.isnan(scores).any():
        raise ValueError(f'{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN')
