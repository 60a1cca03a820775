"""Is a difference more than chance? Paired randomisation test, Holm's correction, joint bands."""
from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

#: With so few units that differ, all assignments of signs are gone through instead of drawn.
MOST_ENUMERATED = 14

_BLOCK_BYTES = 64 * 2**20


def randomization_test(terms: np.ndarray, num_permutations: int = 5000,
                       seed: int = 0) -> np.ndarray:
    r"""Two-sided p-values of the paired randomisation (sign-flip) test.

    If two systems were equally good, then on each unit (image) it would be chance which of them got
    which result. So the results are swapped at random, unit by unit, and the p-value is the share
    of swaps with a difference at least as large as the one that was found:
    :math:`p = (1 + \#\{|T^*| \ge |T|\}) / (1 + R)`. For FR^I this is McNemar's exact test. Unlike
    the bootstrap it keeps its level when a handful of images decide, which is the usual state of
    failure rates that are close to saturation.

    Args:
        terms (np.ndarray): [U, M], what each unit adds to each of M differences
            (difference of :meth:`RatioStatistic.linear_terms`).
        num_permutations (int): R. With at most :data:`MOST_ENUMERATED` units that differ at all,
            every assignment of signs is taken instead, and p is exact.
        seed (int): Seed of the swaps.

    Returns:
        np.ndarray: [M] p-values; 1 where no unit differs, NaN where a term is not finite.

    Examples:
        >>> import numpy as np
        >>> randomization_test(np.array([[1.], [1.], [1.], [0.]])).tolist()    # 2 of 2^3
        [0.25]
    """
    terms = np.asarray(terms, dtype=np.float64)
    if terms.ndim != 2:
        raise ValueError(f'terms must have shape [U, M], found {list(terms.shape)}')
    p_values = np.full(terms.shape[1], np.nan)
    finite = np.isfinite(terms).all(axis=0)
    sampled = []
    for column in np.flatnonzero(finite):
        differing = terms[terms[:, column] != 0, column]
        if len(differing) <= MOST_ENUMERATED:
            p_values[column] = _enumerate_signs(differing)
        else:
            sampled.append(column)
    if sampled:
        rows = (terms[:, sampled] != 0).any(axis=1)
        p_values[sampled] = _sample_signs(terms[rows][:, sampled], num_permutations, seed)
    return p_values


def _enumerate_signs(differing: np.ndarray) -> float:
    sums = np.zeros(1)
    for term in differing:
        sums = np.concatenate([sums + term, sums - term])
    return float(_at_least(np.abs(sums), abs(differing.sum()), np.abs(differing).sum()).mean())


def _sample_signs(terms: np.ndarray, num_permutations: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    num_units = len(terms)
    observed, size = np.abs(terms.sum(axis=0)), np.abs(terms).sum(axis=0)
    rows = int(max(1, min(num_permutations, _BLOCK_BYTES // (8 * num_units))))
    count = np.zeros(terms.shape[1])
    for first in range(0, num_permutations, rows):
        signs = np.empty((min(rows, num_permutations - first), num_units))
        for row in signs:
            bits = np.frombuffer(generator.bytes(-(-num_units // 8)), dtype=np.uint8)
            row[:] = np.unpackbits(bits, count=num_units)
        sums = np.abs((2 * signs - 1) @ terms)
        count += _at_least(sums, observed, size).sum(axis=0)
    return (1 + count) / (1 + num_permutations)


def _at_least(sums: np.ndarray, observed: np.ndarray, size: np.ndarray) -> np.ndarray:
    """``sums`` >= ``observed``, where sums in another order differ in the last digits."""
    return sums >= observed - 1e-9 * size


def holm_correction(p_values: Sequence[float]) -> np.ndarray:
    """p-values corrected for their number: Holm, "a simple sequentially rejective test", 1979.

    Calling significant what is then below 5 % makes at least one false claim in the whole family in
    at most 5 % of the cases, whatever the dependence between tests. NaN stays NaN, and is no test.

    Examples:
        >>> holm_correction([.01, .04, .03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(p_values.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(p_values))
    order = tests[np.argsort(p_values[tests], kind='stable')]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(factors * p_values[order]))
    return corrected


def simultaneous_bands(values: np.ndarray, estimates: np.ndarray,
                       level: float = 0.95) -> Tuple[np.ndarray, np.ndarray]:
    r"""Intervals that hold for all of many statistics together, from their resampled values.

    :math:`\hat\theta_k \pm q \, \mathrm{se}_k` with q the quantile of
    :math:`\max_k |\theta^*_k - \hat\theta_k| / \mathrm{se}_k` over resamples. For landmarks, which
    fail together, it is narrower than a correction that knows nothing of their dependence.

    Args:
        values (np.ndarray): [K, R], resampled values on the same draws.
        estimates (np.ndarray): [K].
        level (float): Nominal coverage of all K together.

    Returns:
        tuple[np.ndarray, np.ndarray]: Lower and upper ends [K]. Both equal the estimate for a
        statistic that never moves; both are NaN where values are.

    Examples:
        >>> import numpy as np
        >>> values = np.random.default_rng(0).normal(size=(1, 4000))
        >>> low, high = simultaneous_bands(values, np.zeros(1))
        >>> bool(abs(high[0] - 1.96) < .1)
        True
    """
    values, estimates = np.asarray(values, float), np.asarray(estimates, float)
    usable = np.isfinite(estimates) & ~np.isnan(values).any(axis=1)
    width = np.where(usable, 0.0, np.nan)
    spread = np.zeros(len(estimates))
    spread[usable] = values[usable].std(axis=1)
    moving = spread > 1e-12
    if moving.any():
        deviations = np.abs(values[moving] - estimates[moving, None]) / spread[moving, None]
        width[moving] = np.quantile(deviations.max(axis=0), level) * spread[moving]
    return estimates - width, estimates + width
