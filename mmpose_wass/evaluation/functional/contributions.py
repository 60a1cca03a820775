"""Every measure as a ratio of sums over faces, which is what resampling and testing need.

All measures of this package but the landmark-wise ones are one ratio
:math:`\\sum_i a_i / \\sum_i b_i` over faces i; the landmark-wise failure rate is the mean of such
ratios over landmarks. A face that is drawn twice adds its :math:`a_i` and :math:`b_i` twice.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Tuple

import numpy as np

from .cumulative_error import AREA_STEP, integrate
from .failure_rate import check_threshold
from .normalized_mean_error import check_errors, image_errors, masked_mean
from .summary import measure_name

_KINDS = ('FR_I', 'FR_L', 'AUC')


@dataclass(frozen=True)
class Measure:
    """A measure of :func:`~mmpose_wass.evaluation.functional.summary.summarize_errors` by name.

    Attributes:
        kind (str): ``'NME'``, ``'micro_NME'``, ``'FR_I'``, ``'FR_L'`` or ``'AUC'``.
        threshold (float): θ as a fraction; 0 for the two means.

    Examples:
        >>> measure = Measure.parse('FR_L@0.1')
        >>> measure.name, measure.scale, measure.larger_is_better
        ('FR_L@0.10', 100.0, False)
    """
    kind: str
    threshold: float = 0.0

    @classmethod
    def parse(cls, name: str) -> Measure:
        """Read a name such as ``NME`` or ``FR_L@0.10``.

        Raises:
            ValueError: If the name is no measure's.
        """
        if name in ('NME', 'micro_NME'):
            return cls(name)
        match = re.fullmatch(rf'({"|".join(_KINDS)})@([0-9.eE+-]+)', name)
        if match:
            try:
                threshold = check_threshold(float(match.group(2)))
            except ValueError as error:
                raise ValueError(f'measure {name!r}: {error}') from error
            if threshold <= 1:
                return cls(match.group(1), threshold)
        raise ValueError(f'no measure is named {name!r}; there are NME, micro_NME, FR_I@θ, FR_L@θ '
                         'and AUC@θ with θ a fraction of the normalisation distance, such as '
                         'FR_L@0.10')

    @property
    def name(self) -> str:
        """The name that :func:`summarize_errors` gives it."""
        return self.kind if not self.threshold else measure_name(self.kind, self.threshold)

    @property
    def is_percent(self) -> bool:
        """Whether it is reported in per cent."""
        return self.kind != 'AUC'

    @property
    def scale(self) -> float:
        """From a fraction to what is reported: 100 for per cent, 1 for the area."""
        return 100.0 if self.is_percent else 1.0

    @property
    def larger_is_better(self) -> bool:
        """True for the area only."""
        return self.kind == 'AUC'


@dataclass(frozen=True)
class RatioStatistic:
    r"""A measure over units that are resampled: images, or whole videos.

    .. math:: \theta = \frac{s}{C} \sum_c \frac{\sum_u a_{u,c}}{\sum_u b_{u,c}}

    Attributes:
        numerator (np.ndarray): [U, C], :math:`a`.
        denominator (np.ndarray): [U, C], :math:`b`. A column that sums to zero is left out.
        scale (float): :math:`s`.

    Examples:
        >>> import numpy as np
        >>> RatioStatistic(np.array([[1.], [2.]]), np.array([[1.], [1.]])).estimate()
        1.5
    """
    numerator: np.ndarray
    denominator: np.ndarray
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.numerator.ndim != 2 or self.numerator.shape != self.denominator.shape:
            raise ValueError('numerator and denominator must have one shape [U, C], found '
                             f'{list(self.numerator.shape)} and {list(self.denominator.shape)}')

    @property
    def num_units(self) -> int:
        """U."""
        return len(self.numerator)

    def estimate(self) -> float:
        """The measure on the units as they are; NaN if nothing is scored."""
        return self.scale * float(masked_mean(self._ratios()))

    def linear_terms(self) -> np.ndarray:
        """[U], what each unit adds to the measure with the denominators held fixed.

        They sum to :meth:`estimate`. Two systems scored on the same landmarks have the same
        denominators, so swapping their results on one unit moves each measure by the difference of
        these terms, which is what a paired randomisation test needs.
        """
        totals = self.denominator.sum(axis=0)
        scored = totals > 0
        if not scored.any():
            return np.full(self.num_units, np.nan)
        return self.scale * (self.numerator[:, scored] / totals[scored]).mean(axis=1)

    def influence(self) -> np.ndarray:
        """[U], empirical influence of each unit on the measure; they sum to zero."""
        totals = self.denominator.sum(axis=0)
        scored = totals > 0
        if not scored.any():
            return np.full(self.num_units, np.nan)
        ratios = self._ratios()[scored]
        residuals = self.numerator[:, scored] - ratios * self.denominator[:, scored]
        return self.scale * self.num_units * (residuals / totals[scored]).mean(axis=1)

    def _ratios(self) -> np.ndarray:
        totals = self.denominator.sum(axis=0)
        with np.errstate(invalid='ignore', divide='ignore'):
            return np.where(totals > 0, self.numerator.sum(axis=0) / totals, np.nan)


def number_units(labels) -> Tuple[np.ndarray, int]:
    """Number the units to resample: equal labels, such as the image of two faces, are one unit.

    Args:
        labels (Sequence[str]): [N], a label of each face.

    Returns:
        tuple[np.ndarray, int]: [N] numbers from 0 in order of first appearance, and how many.

    Examples:
        >>> numbers, count = number_units(['b', 'a', 'b'])
        >>> numbers.tolist(), count
        ([0, 1, 0], 2)
    """
    seen: dict = {}
    numbers = np.array([seen.setdefault(label, len(seen)) for label in labels], dtype=np.int64)
    return numbers, len(seen)


def measure_statistic(errors: np.ndarray, measure: Measure, units: np.ndarray,
                      num_units: int) -> RatioStatistic:
    """A measure of a set of errors as a :class:`RatioStatistic`.

    Args:
        errors (np.ndarray): [N, K]; NaN is not scored, ``inf`` is a failed prediction.
        measure (Measure): Which one.
        units (np.ndarray): [N], number of the unit of each face (:func:`number_units`).
        num_units (int): U.

    Returns:
        RatioStatistic: Its :meth:`~RatioStatistic.estimate` is the measure as
        :func:`summarize_errors` computes it (up to rounding of floating point numbers).

    Examples:
        >>> import numpy as np
        >>> errors = np.array([[.02, .04], [.06, .2]])
        >>> measure_statistic(errors, Measure('FR_L', .1), np.arange(2), 2).estimate()
        25.0
    """
    errors = check_errors(errors)
    if measure.kind == 'micro_NME':
        scored = ~np.isnan(errors)
        numerator = np.where(scored, errors, 0.0).sum(axis=1, keepdims=True)
        denominator = scored.sum(axis=1, keepdims=True)
    elif measure.kind == 'FR_L':
        return landmark_failure_statistic(errors, measure.threshold, units, num_units)
    else:
        means = image_errors(errors)
        scored = ~np.isnan(means)
        values = np.zeros(len(means))
        values[scored] = _per_face(measure, means[scored])
        numerator, denominator = values[:, None], scored[:, None]
    return RatioStatistic(
        _sum_over(numerator, units, num_units), _sum_over(denominator, units, num_units),
        measure.scale)


def landmark_failure_statistic(errors: np.ndarray, threshold: float, units: np.ndarray,
                               num_units: int) -> RatioStatistic:
    """FR^L as a :class:`RatioStatistic`; its C columns are the landmarks that are ever scored.

    Where all landmarks are scored on the same faces, the mean over landmarks is taken face by face,
    which leaves one column: the same number for a fraction of the work.
    """
    numerator, denominator = _landmark_columns(errors, threshold, units, num_units)
    ever = denominator.any(axis=0)
    numerator, denominator = numerator[:, ever], denominator[:, ever]
    if denominator.shape[1] and (denominator == denominator[:, :1]).all():
        numerator, denominator = numerator.mean(axis=1, keepdims=True), denominator[:, :1]
    return RatioStatistic(numerator, denominator, 100.0)


def per_landmark_failure_statistics(errors: np.ndarray, threshold: float, units: np.ndarray,
                                    num_units: int) -> list:
    """The failure rate of each landmark, in per cent, as K statistics of one column each."""
    numerator, denominator = _landmark_columns(errors, threshold, units, num_units)
    return [
        RatioStatistic(numerator[:, [index]], denominator[:, [index]], 100.0)
        for index in range(numerator.shape[1])
    ]


def _landmark_columns(errors: np.ndarray, threshold: float, units: np.ndarray,
                      num_units: int) -> Tuple[np.ndarray, np.ndarray]:
    errors, threshold = check_errors(errors), check_threshold(threshold)
    with np.errstate(invalid='ignore'):
        failed = errors > threshold  # false for NaN
    return _sum_over(failed, units, num_units), _sum_over(~np.isnan(errors), units, num_units)


def _per_face(measure: Measure, means: np.ndarray) -> np.ndarray:
    """What faces of these mean errors add to the numerator."""
    if measure.kind == 'NME':
        return means
    if measure.kind == 'FR_I':
        return (means > measure.threshold).astype(np.float64)
    grid, tails = _area_terms(measure.threshold)
    # A face adds area from the first threshold that its error does not exceed.
    return tails[np.searchsorted(grid, means, side='left')]


@lru_cache(maxsize=8)
def _area_terms(threshold: float) -> Tuple[np.ndarray, np.ndarray]:
    """Grid of thresholds [T] of :func:`area_under_curve`, and the area that remains from each."""
    intervals = int(np.ceil(round(threshold / min(AREA_STEP, threshold), 6)))
    grid = np.linspace(0.0, threshold, intervals + 1)
    weights = np.array([
        integrate(sample, threshold / intervals, 'simpson') for sample in np.eye(intervals + 1)
    ])
    tails = np.append(np.cumsum(weights[::-1])[::-1], 0.0)
    return grid, tails / threshold


def _sum_over(values: np.ndarray, units: np.ndarray, num_units: int) -> np.ndarray:
    """Sum the rows of ``values`` [N, C] that belong to one unit: [U, C]."""
    units = np.asarray(units)
    if len(units) != len(values):
        raise ValueError(f'units must be [N] = [{len(values)}] numbers, found {list(units.shape)}')
    values = values.astype(np.float64)
    if num_units == len(values) and np.array_equal(units, np.arange(num_units)):
        return values
    return np.stack([
        np.bincount(units, weights=column, minlength=num_units) for column in values.T
    ], axis=1)
