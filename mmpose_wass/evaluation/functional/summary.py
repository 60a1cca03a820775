"""Every measure of one evaluation under its name: the one place where names and units are made."""
from __future__ import annotations

from typing import Dict, Sequence

import numpy as np

from .cumulative_error import area_under_curve
from .failure_rate import failure_rate_images, failure_rate_landmarks
from .normalized_mean_error import normalized_mean_error

#: Thresholds at which the paper reports each measure (Sections 4.2 and 5), as fractions of the
#: normalisation distance.
FAILURE_THRESHOLDS_IMAGE = (0.08, 0.10)
FAILURE_THRESHOLDS_LANDMARK = (0.05, 0.08, 0.10, 0.15, 0.20)
AUC_THRESHOLDS = (0.10, )


def measure_name(measure: str, threshold: float) -> str:
    """Name of a measure at a threshold, with two decimals, or more where two do not suffice.

    Examples:
        >>> measure_name('FR_I', 0.1), measure_name('FR_L', 0.125)
        ('FR_I@0.10', 'FR_L@0.125')
    """
    two_decimals = f'{threshold:.2f}'
    exact = float(two_decimals) == float(threshold)
    return f'{measure}@{two_decimals if exact else format(threshold, "g")}'


def summarize_errors(
        errors: np.ndarray,
        failure_thresholds_image: Sequence[float] = FAILURE_THRESHOLDS_IMAGE,
        failure_thresholds_landmark: Sequence[float] = FAILURE_THRESHOLDS_LANDMARK,
        auc_thresholds: Sequence[float] = AUC_THRESHOLDS) -> Dict[str, float]:
    """All measures of a set of errors, by name.

    ``NME`` (mean of image means), ``micro_NME`` (over points: 100 × MMPose's ``NME``), ``FR_I@θ``
    and ``FR_L@θ`` in per cent; ``AUC@θ`` (image-wise) as a fraction. See the function of each
    measure for its formula.

    Args:
        errors (np.ndarray): [N, K], fractions of the normalisation distance; NaN is not scored,
            ``inf`` is a failed prediction.
        failure_thresholds_image (Sequence[float]): Thresholds of ``FR_I``.
        failure_thresholds_landmark (Sequence[float]): Thresholds of ``FR_L``.
        auc_thresholds (Sequence[float]): Thresholds of ``AUC``.

    Returns:
        dict[str, float]: Measures in the order above; NaN if nothing is scored.

    Examples:
        >>> measures = summarize_errors([[.02, .04], [.06, .2]], auc_thresholds=())
        >>> {name: round(value, 2) for name, value in measures.items() if 'FR_L' not in name}
        {'NME': 8.0, 'micro_NME': 8.0, 'FR_I@0.08': 50.0, 'FR_I@0.10': 50.0}
    """
    measures = dict(
        NME=100 * normalized_mean_error(errors, average='images'),
        micro_NME=100 * normalized_mean_error(errors, average='points'))
    for threshold in failure_thresholds_image:
        measures[measure_name('FR_I', threshold)] = 100 * failure_rate_images(errors, threshold)
    for threshold in failure_thresholds_landmark:
        measures[measure_name('FR_L', threshold)] = 100 * failure_rate_landmarks(errors, threshold)
    for threshold in auc_thresholds:
        measures[measure_name('AUC', threshold)] = area_under_curve(errors, threshold)
    return measures
