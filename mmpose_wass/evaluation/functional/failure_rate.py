"""Failure rates per image (FR^I) and per landmark (FR^L): Sections 4.2 and 4.3 of the paper."""
from __future__ import annotations

from typing import Sequence, Union

import numpy as np

from .normalized_mean_error import check_errors, image_errors, masked_mean


def check_threshold(threshold: float) -> float:
    """Return ``threshold`` as a float, or raise ``ValueError`` if it is not positive and finite."""
    threshold = float(threshold)
    if not (np.isfinite(threshold) and threshold > 0):
        raise ValueError('a threshold is a positive fraction of the normalisation distance '
                         f'(0.1 is 10 %), found {threshold}')
    return threshold


def failure_rate_images(errors: np.ndarray, threshold: float) -> float:
    r"""Share of faces whose mean error exceeds ``threshold``.

    .. math:: \mathrm{FR}^I_\theta = \tfrac1N \, |\{i : \mathrm{NME}_i > \theta\}|

    The comparison is strict: an error equal to the threshold is no failure. Excluded faces count
    neither above nor below.

    Args:
        errors (np.ndarray): [N, K]; NaN is not scored, ``inf`` always fails.
        threshold (float): Fraction of the normalisation distance.

    Returns:
        float: A fraction in [0, 1]; NaN if no face is scored.

    Examples:
        >>> failure_rate_images([[.1, .1], [.1, .2]], threshold=.1)
        0.5
    """
    means = image_errors(errors)
    return float(_share_above(means[:, None], check_threshold(threshold))[0])


def failure_rate_per_landmark(errors: np.ndarray, threshold: float) -> np.ndarray:
    r"""Share of faces, for each landmark, where its error exceeds ``threshold``.

    .. math:: \mathrm{FR}^L_{\theta,j} = \tfrac{1}{N_j} \, |\{i : e_{i,j} > \theta\}|

    over the :math:`N_j` faces on which landmark j is scored (Section 4.3).

    Args:
        errors (np.ndarray): [N, K]; NaN is not scored, ``inf`` always fails.
        threshold (float): Fraction of the normalisation distance.

    Returns:
        np.ndarray: [K], fractions in [0, 1]; NaN for a landmark that is scored on no face.

    Examples:
        >>> nan = float('nan')
        >>> failure_rate_per_landmark([[.2, .1], [nan, .2]], threshold=.1).tolist()
        [1.0, 0.5]
    """
    return _share_above(check_errors(errors), check_threshold(threshold))


def failure_rate_landmarks(errors: np.ndarray,
                           threshold: float,
                           landmarks: Union[Sequence[int], None] = None) -> float:
    r"""Landmark-wise failure rate: the mean of :func:`failure_rate_per_landmark`.

    .. math:: \mathrm{FR}^L_\theta = \tfrac1K \sum_j \mathrm{FR}^L_{\theta,j}

    Source: "Landmark-wise FR", Section 4.3. Landmarks that are scored on no face are left out of
    the mean. With every landmark labelled on every face this is the share of failed points.

    Args:
        errors (np.ndarray): [N, K]; NaN is not scored, ``inf`` always fails.
        threshold (float): Fraction of the normalisation distance.
        landmarks (Sequence[int], optional): Indices to average over, such as those of a region.

    Returns:
        float: A fraction in [0, 1]; NaN if nothing is scored.

    Examples:
        >>> nan = float('nan')
        >>> failure_rate_landmarks([[.2, .1], [nan, .2]], threshold=.1)
        0.75
    """
    rates = failure_rate_per_landmark(errors, threshold)
    if landmarks is not None:
        rates = rates[list(landmarks)]
    return float(masked_mean(rates))


def _share_above(values: np.ndarray, threshold: float) -> np.ndarray:
    """Of each column of ``values`` [N, K] the share above ``threshold``: [K]; NaN is left out."""
    with np.errstate(invalid='ignore'):
        above = (values > threshold).sum(axis=0)  # NaN is never above
    count = (~np.isnan(values)).sum(axis=0)
    return np.where(count > 0, above / np.maximum(count, 1), np.nan)
