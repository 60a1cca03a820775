"""Cumulative error distribution (CED) and the area under it (AUC), image- and landmark-wise."""
from __future__ import annotations

from typing import Sequence

import numpy as np

from .failure_rate import check_threshold
from .normalized_mean_error import check_errors, image_errors, masked_mean

#: Spacing of the thresholds at which the distribution is sampled before it is integrated.
AREA_STEP = 1e-4


def _fraction_at_most(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of the non-NaN ``values`` [N] that are <= each threshold [T]; NaN without values."""
    values = np.sort(values[~np.isnan(values)])
    if not len(values):
        return np.full(len(thresholds), np.nan)
    return np.searchsorted(values, thresholds, side='right') / len(values)


def cumulative_error_distribution(errors: np.ndarray,
                                  thresholds: Sequence[float],
                                  level: str = 'images') -> np.ndarray:
    r"""Share of faces (or of landmarks) whose error is at most each threshold.

    :math:`\mathrm{CED}(\theta) = 1 - \mathrm{FR}_\theta` at every threshold: of FR^I for
    ``level='images'``; for ``level='landmarks'`` of FR^L, that is the mean over landmarks of each
    landmark's own distribution. Source: Sections 4.2 and 4.3.

    Args:
        errors (np.ndarray): [N, K]; NaN is not scored, ``inf`` is never below a threshold.
        thresholds (Sequence[float]): [T], fractions of the normalisation distance.
        level (str): ``'images'`` or ``'landmarks'``.

    Returns:
        np.ndarray: [T], fractions in [0, 1]; NaN if nothing is scored.

    Raises:
        ValueError: If ``level`` is another word.

    Examples:
        >>> errors = [[.01, .03], [.03, .05]]
        >>> cumulative_error_distribution(errors, [.01, .02, .04]).tolist()
        [0.0, 0.5, 1.0]
        >>> cumulative_error_distribution(errors, [.01, .02, .04], level='landmarks').tolist()
        [0.25, 0.25, 0.75]
    """
    errors = check_errors(errors)
    thresholds = np.asarray(thresholds, dtype=np.float64).reshape(-1)
    if level == 'images':
        return _fraction_at_most(image_errors(errors), thresholds)
    if level == 'landmarks':
        if not errors.shape[1]:
            return np.full(len(thresholds), np.nan)
        # Landmark by landmark: memory stays at [N] + [K, T] however many faces there are.
        return masked_mean(
            np.stack([_fraction_at_most(column, thresholds) for column in errors.T]), axis=0)
    raise ValueError(f"level must be 'images' or 'landmarks', found {level!r}")


def integrate(values: np.ndarray, spacing: float, rule: str) -> float:
    """Integral of evenly spaced samples by the trapezoidal or Simpson's rule.

    With an odd number of intervals Simpson's rule takes the last three by its 3/8 variant.

    Args:
        values (np.ndarray): [T], at least two samples.
        spacing (float): Distance between samples.
        rule (str): ``'simpson'`` or ``'trapezoid'``.

    Examples:
        >>> import numpy as np
        >>> round(integrate(np.linspace(0, 1, 5) ** 3, .25, 'simpson'), 12)
        0.25
        >>> round(integrate(np.linspace(0, 1, 5), .25, 'trapezoid'), 12)
        0.5
    """
    if rule == 'trapezoid':
        return float(spacing * (values.sum() - 0.5 * (values[0] + values[-1])))
    if rule != 'simpson':
        raise ValueError(f"rule must be 'simpson' or 'trapezoid', found {rule!r}")
    intervals = len(values) - 1
    if intervals == 1:
        return integrate(values, spacing, 'trapezoid')
    tail = 0.0
    if intervals % 2:
        a, b, c, d = values[-4:]
        tail = spacing * 3 / 8 * (a + 3 * b + 3 * c + d)
        values = values[:-3]
        if len(values) == 1:
            return float(tail)
    head = spacing / 3 * (
        values[0] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum() + values[-1])
    return float(head + tail)


def area_under_curve(errors: np.ndarray,
                     threshold: float,
                     step: float = AREA_STEP,
                     level: str = 'images',
                     rule: str = 'simpson') -> float:
    r"""Area under the cumulative error distribution up to ``threshold``, divided by it.

    .. math:: \mathrm{AUC}_\theta = \tfrac1\theta \int_0^\theta \mathrm{CED}(t) \, dt

    The distribution is sampled every ``step`` and integrated by Simpson's rule, as is usual in
    public face alignment code; the trapezoidal rule differs by less than ``step / threshold``.
    Source of the measure: Section 4.2. A threshold that is no multiple of ``step`` is divided
    evenly into the next larger number of intervals.

    Args:
        errors (np.ndarray): [N, K]; NaN is not scored, ``inf`` adds no area.
        threshold (float): Upper limit, a fraction of the normalisation distance.
        step (float): Sampling step, a fraction of the normalisation distance.
        level (str): ``'images'`` or ``'landmarks'``.
        rule (str): ``'simpson'`` or ``'trapezoid'``.

    Returns:
        float: In [0, 1], larger is better; NaN if nothing is scored.

    Raises:
        ValueError: If ``threshold`` is not positive or ``step`` not in (0, threshold].

    Examples:
        >>> round(area_under_curve([[.0], [.05], [.2]], threshold=.1), 3)
        0.5
    """
    threshold = check_threshold(threshold)
    if not 0 < step <= threshold:
        raise ValueError(f'step must lie in (0, threshold = {threshold}], found {step}')
    # Rounding first keeps 0.1 / 1e-4 = 1000.0000000000001 from becoming 1001 intervals.
    intervals = int(np.ceil(round(threshold / step, 6)))
    thresholds = np.linspace(0.0, threshold, intervals + 1)
    curve = cumulative_error_distribution(errors, thresholds, level=level)
    return integrate(curve, threshold / intervals, rule) / threshold
