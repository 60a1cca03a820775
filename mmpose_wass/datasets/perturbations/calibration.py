"""Find the severity at which errors have grown by a given factor."""
from __future__ import annotations

from typing import Optional, Sequence

import numpy as np


def solve_severity(severities: Sequence[float], errors: Sequence[float],
                   growth: float) -> Optional[float]:
    """Where a measured curve first reaches ``growth`` times its value at severity 0.

    Between measurements the curve is taken to be straight.

    Args:
        severities: Severities, 0 among them, in any order.
        errors: The error measured at each.
        growth: Factor, above 1.

    Returns:
        float | None: The severity, or None if the curve stays below.

    Raises:
        ValueError: If there is no finite, positive error at severity 0.

    Example:
        >>> solve_severity([0, 0.2, 0.4], [3.0, 3.3, 4.5], 1.2)
        0.25
    """
    order = np.argsort(severities)
    x = np.asarray(severities, dtype=np.float64)[order]
    y = np.asarray(errors, dtype=np.float64)[order]
    if len(x) == 0 or x[0] != 0 or not np.isfinite(y[0]) or y[0] <= 0:
        raise ValueError('the curve needs a finite, positive error at severity 0, found severities '
                         f'{x.tolist()} with errors {y.tolist()}')
    y = y / y[0]
    above = np.flatnonzero(y >= growth)
    if len(above) == 0:
        return None
    end = above[0]
    if end == 0:
        return 0.0
    share = (growth - y[end - 1]) / (y[end] - y[end - 1]) if np.isfinite(y[end]) else 1.0
    return round(float(x[end - 1] + share * (x[end] - x[end - 1])), 6)


def errors_rise(severities: Sequence[float], errors: Sequence[float]) -> bool:
    """Whether a curve nowhere falls: only then does a growth tell one severity."""
    order = np.argsort(severities)
    return bool((np.diff(np.asarray(errors, dtype=np.float64)[order]) >= 0).all())
