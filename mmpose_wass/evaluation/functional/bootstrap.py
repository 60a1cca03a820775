"""Bootstrap over images: how far measures would move with other test images of the same kind.

The unit that is drawn is the image (or the video), with all its faces and landmarks: landmarks of
one face fail together, so drawing them one by one would promise far too much. All systems get the
same draws, which makes their differences *paired*: what is hard about an image is hard for both.

Intervals: BCa (bias-corrected and accelerated; Efron, "Better bootstrap confidence intervals",
1987) by default, the percentile interval on demand. Errors are skewed and failure rates lie close
to zero; there the percentile interval is off to one side by O(1/√U), which BCa corrects. It costs
nothing here: every measure is a ratio of sums, whose influence values are known in closed form, so
no jackknife is needed.
"""
from __future__ import annotations

from statistics import NormalDist
from typing import Callable, Iterator, Optional, Sequence, Tuple

import numpy as np

from .contributions import RatioStatistic
from .normalized_mean_error import masked_mean

#: Bytes of resampling weights that are held at a time.
BLOCK_BYTES = 64 * 2**20

_NORMAL = NormalDist()


def resampling_weights(num_units: int, num_resamples: int, seed: int,
                       block_bytes: int = BLOCK_BYTES) -> Iterator[Tuple[int, np.ndarray]]:
    """How often each unit is drawn in each resample, in blocks of bounded memory.

    Args:
        num_units (int): U, units to draw from, and draws in each resample.
        num_resamples (int): R.
        seed (int): The same seed gives the same draws, whatever the size of blocks.
        block_bytes (int): Upper limit of a block's memory (one resample is the least).

    Yields:
        tuple[int, np.ndarray]: Number of the first resample, and counts [B, U] as float64.

    Raises:
        ValueError: If there is nothing to draw.

    Examples:
        >>> [(first, block.sum(axis=1).tolist()) for first, block in resampling_weights(3, 2, 0)]
        [(0, [3.0, 3.0])]
    """
    if num_units < 1 or num_resamples < 1:
        raise ValueError('the bootstrap needs at least one unit and one resample, found '
                         f'{num_units} units and {num_resamples} resamples')
    generator = np.random.default_rng(seed)
    rows = int(max(1, min(num_resamples, block_bytes // (8 * num_units))))
    for first in range(0, num_resamples, rows):
        block = np.empty((min(rows, num_resamples - first), num_units))
        for row in block:
            # One call for one resample: the stream of numbers is the same for any block.
            drawn = generator.integers(0, num_units, size=num_units, dtype=np.int32)
            row[:] = np.bincount(drawn, minlength=num_units)
        yield first, block


def bootstrap_statistics(statistics: Sequence[RatioStatistic],
                         num_resamples: int = 5000,
                         seed: int = 0,
                         block_bytes: int = BLOCK_BYTES,
                         on_block: Optional[Callable[[int, int], None]] = None) -> np.ndarray:
    """Values of statistics on resampled units, all of them on the same draws.

    Args:
        statistics (Sequence[RatioStatistic]): M statistics over the same U units.
        num_resamples (int): R.
        seed (int): Seed of the draws.
        block_bytes (int): Memory for draws; does not change the result's draws.
        on_block (callable, optional): Called with the number of resamples done and R, for a
            progress bar.

    Returns:
        np.ndarray: [M, R]. NaN where a resample has nothing scored, and throughout for a statistic
        that holds an infinite error, whose mean moves from infinity to no other value.

    Raises:
        ValueError: If statistics are over different numbers of units, or there is none.

    Examples:
        >>> statistic = RatioStatistic(np.array([[1.], [3.]]), np.ones((2, 1)))
        >>> sorted(set(bootstrap_statistics([statistic], 50)[0].tolist()))
        [1.0, 2.0, 3.0]
    """
    counts = {statistic.num_units for statistic in statistics}
    if len(counts) != 1:
        raise ValueError('statistics must be over one set of units, found '
                         f'{sorted(counts) or "no statistic"}')
    stack = _ColumnStack()
    places = [(stack.add(statistic.numerator), stack.add(statistic.denominator))
              for statistic in statistics]
    columns = stack.array()
    values = np.empty((len(statistics), num_resamples))
    for first, weights in resampling_weights(counts.pop(), num_resamples, seed, block_bytes):
        sums = weights @ columns
        done = slice(first, first + len(weights))
        for row, (statistic, (numerator, denominator)) in enumerate(zip(statistics, places)):
            below = sums[:, denominator]
            with np.errstate(invalid='ignore', divide='ignore'):
                ratios = np.where(below > 0, sums[:, numerator] / below, np.nan)
            values[row, done] = statistic.scale * masked_mean(ratios, axis=1)
        if on_block is not None:
            on_block(done.stop, num_resamples)
    for row, statistic in enumerate(statistics):
        if not np.isfinite(statistic.numerator).all():
            values[row] = np.nan
    return values


class _ColumnStack:
    """Distinct columns of many arrays: measures share denominators."""

    def __init__(self) -> None:
        self._places: dict = {}
        self._columns: list = []

    def add(self, array: np.ndarray) -> list:
        """Places of the array's columns."""
        return [self._add_column(np.ascontiguousarray(column)) for column in array.T]

    def _add_column(self, column: np.ndarray) -> int:
        if not np.isfinite(column).all():
            column = np.zeros_like(column)  # 0 draws x inf would be NaN for every column's product
        key = hash(column.tobytes())
        for place in self._places.get(key, ()):
            if np.array_equal(self._columns[place], column):
                return place
        self._columns.append(column)
        self._places.setdefault(key, []).append(len(self._columns) - 1)
        return len(self._columns) - 1

    def array(self) -> np.ndarray:
        """[U, number of distinct columns]."""
        return np.stack(self._columns, axis=1)


def percentile_interval(values: np.ndarray, level: float = 0.95) -> Tuple[float, float]:
    """The interval between the quantiles of the resampled values.

    Args:
        values (np.ndarray): [R].
        level (float): Nominal coverage.

    Returns:
        tuple[float, float]: Lower and upper end; NaN if a value is NaN.

    Examples:
        >>> percentile_interval(np.arange(101.), level=.5)
        (25.0, 75.0)
    """
    _check_level(level)
    return _quantiles(values, (1 - level) / 2, (1 + level) / 2)


def bca_interval(values: np.ndarray,
                 estimate: float,
                 influence: np.ndarray,
                 level: float = 0.95) -> Tuple[float, float]:
    r"""Bias-corrected and accelerated bootstrap interval.

    The quantiles of the resampled values are taken at
    :math:`\Phi(z_0 + (z_0 + z_\alpha) / (1 - a (z_0 + z_\alpha)))`, with
    :math:`z_0 = \Phi^{-1}(\text{share of values below the estimate})`, values equal to it counting
    half, and :math:`a = \sum_u l_u^3 / (6 (\sum_u l_u^2)^{3/2})` from the influence values.

    Args:
        values (np.ndarray): [R], resampled values.
        estimate (float): The value on the units as they are.
        influence (np.ndarray): [U], influence of each unit.
        level (float): Nominal coverage.

    Returns:
        tuple[float, float]: Lower and upper end; NaN if a value is NaN.

    Examples:
        >>> data = np.array([[0.], [1.], [2.], [9.]])
        >>> statistic = RatioStatistic(data, np.ones_like(data))
        >>> values = bootstrap_statistics([statistic], 2000)[0]
        >>> low, high = bca_interval(values, statistic.estimate(), statistic.influence())
        >>> low > percentile_interval(values)[0]    # the long tail lies above
        True
    """
    _check_level(level)
    values = np.asarray(values, dtype=np.float64)
    if np.isnan(values).any() or not np.isfinite(estimate):
        return float('nan'), float('nan')
    cube, square = (influence**3).sum(), (influence**2).sum()
    acceleration = cube / (6 * square**1.5) if square > 0 else 0.0
    # Sums in another order differ in the last digits: those are ties.
    tie = 1e-9 * max(abs(estimate), np.abs(values).max(), 1e-300)
    below = (values < estimate - tie).mean() + 0.5 * (np.abs(values - estimate) <= tie).mean()
    below = np.clip(below, 0.5 / len(values), 1 - 0.5 / len(values))
    bias = _NORMAL.inv_cdf(float(below))

    def position(probability: float) -> float:
        shifted = bias + _NORMAL.inv_cdf(probability)
        return _NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))

    return _quantiles(values, position((1 - level) / 2), position((1 + level) / 2))


def student_seed_draws(num_seeds: int, num_resamples: int, generator: np.random.Generator,
                       deviation: float) -> np.ndarray:
    r"""Draws of how far the mean over training seeds may lie from its expectation: [R].

    :math:`t_{n-1} \cdot s / \sqrt n` with Student's t: resampling the seeds themselves, as a plain
    hierarchical bootstrap does, gives intervals far too short for the three or five seeds that
    people train (three values have ten distinct resamples). Added to values whose images are
    resampled, it makes the second level of the hierarchy; for two systems it is the Behrens-Fisher
    solution. Zero with one seed, where nothing is known of other seeds.

    Args:
        num_seeds (int): n.
        num_resamples (int): R.
        generator (np.random.Generator): Source of the draws.
        deviation (float): s, standard deviation over the seeds (n - 1 in the denominator).

    Examples:
        >>> student_seed_draws(1, 3, np.random.default_rng(0), float('nan')).tolist()
        [0.0, 0.0, 0.0]
    """
    if num_seeds < 2:
        return np.zeros(num_resamples)
    return generator.standard_t(num_seeds - 1, num_resamples) * deviation / np.sqrt(num_seeds)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f'level is the nominal coverage, in (0, 1) such as 0.95, found {level}')


def _quantiles(values: np.ndarray, low: float, high: float) -> Tuple[float, float]:
    low, high = np.quantile(values, [low, high])
    return float(low), float(high)
