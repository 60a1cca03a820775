"""Means over seeds with their intervals, paired differences, and ratios."""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from scipy.stats import t as student_t

from ..evaluation.functional.bootstrap import percentile_interval, resampling_weights
from .records import Record

RESAMPLES = 2000
#: From so many seeds on, a system's deviation over seeds is its own.
ENOUGH_SEEDS = 3
#: Column of ``Record.faces`` by measure; all are means over faces, in per cent.
MEASURES = {'NME': 0, 'FR_L@0.10': 1, 'FR_L@0.20': 2}


@dataclass(frozen=True)
class System:
    """What is compared: an experiment, and how its maps are read.

    Attributes:
        experiment (str): Its name.
        reading (str): Name of the reading.
    """
    experiment: str
    reading: str

    @property
    def key(self) -> str:
        """As texts name it."""
        return f'{self.experiment}/{self.reading}'


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        value (float): The mean.
        low (float): Lower end of the 95 % interval.
        high (float): Upper end.
        seeds (int): Number of seeds.
        spread (float): Largest less smallest value over seeds.
        covers_seeds (bool): Whether the interval says what other seeds would give: with one seed
            only if it was told how much seeds matter elsewhere.
    """
    value: float
    low: float
    high: float
    seeds: int
    spread: float
    covers_seeds: bool = True

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval, and other seeds are in it."""
        return self.covers_seeds and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class SeedDeviation:
    """How much seeds change a measure.

    Attributes:
        deviation (float): Standard deviation over seeds.
        freedom (int): Degrees of freedom that it rests on.
    """
    deviation: float
    freedom: int


class Evidence:
    """Records, and what is to be said of systems by them.

    Where a system has fewer than :data:`ENOUGH_SEEDS` seeds, its interval has the deviation over
    seeds that experiments with several seeds show on the same test, pooled over all of them.

    Args:
        groups: Records by experiment, see ``group_by_experiment``.
    """

    def __init__(self, groups: Mapping[str, Sequence[Record]]) -> None:
        self.groups = groups

    def records(self, system: System) -> Sequence[Record]:
        """Runs of a system's experiment; none if it was not run."""
        return self.groups.get(system.experiment, ())

    def estimate(self, system: System, test: str, measure: str) -> Optional[Estimate]:
        """A measure of a system, see :func:`estimate`."""
        return estimate(self.records(system), system.reading, test, measure,
                        self.seed_deviation(system, test, measure))

    def difference(self, first: System, second: System, test: str,
                   measure: str) -> Optional[Estimate]:
        """First less second, see :func:`difference`."""
        return difference(self.records(first), first.reading, self.records(second), second.reading,
                          test, measure, self._difference_deviation(first, second, test, measure))

    def ratio(self, first: System, second: System, test: str,
              measure: str) -> Optional[Estimate]:
        """Change from the second to the first in per cent of the second, see :func:`ratio`."""
        return ratio(self.records(first), first.reading, self.records(second), second.reading,
                     test, measure, self._difference_deviation(first, second, test, measure))

    def seed_deviation(self, system: System, test: str, measure: str) -> Optional[SeedDeviation]:
        """Deviation over seeds, pooled over the experiments like it that have several.

        Like it are those whose maps are values too, or distributions too: the barycentre of a map
        of values moves much more from seed to seed. A model that its own config alone reads
        (``own``) has the deviation of all readings.
        """
        means = []
        for group in self._alike(system):
            readings = [system.reading] if system.reading != 'own' else sorted(
                {key.split('/')[1] for record in group for key in record.faces} - {'bc', 'shape'})
            means += [{seed: float(values.mean()) for seed, values in _face_values(
                group, reading, test, measure).items()} for reading in readings]
        return _pool(means)

    def far_mass_difference(self, first: System, second: System, test: str) -> Optional[Estimate]:
        """First less second, see :func:`far_mass_difference`."""
        pools = [_pool(_far_masses(group, test) for group in self._alike(one))
                 for one in (first, second)]
        return far_mass_difference(self.records(first), self.records(second), test,
                                   _together(*pools))

    def _difference_deviation(self, first: System, second: System, test: str,
                              measure: str) -> Optional[SeedDeviation]:
        if first.experiment != second.experiment:
            return _together(*(self.seed_deviation(one, test, measure)
                               for one in (first, second)))
        # One training that is read in two ways: a seed moves both alike.
        gaps = []
        for group in self._alike(first):
            one, other = (_face_values(group, system.reading, test, measure)
                          for system in (first, second))
            gaps.append({seed: one[seed].mean() - other[seed].mean()
                         for seed in one if seed in other})
        return _pool(gaps)

    def _alike(self, system: System) -> List[Sequence[Record]]:
        kind = _maps_are_values(self.records(system))
        return [group for group in self.groups.values() if _maps_are_values(group) == kind]


def _pool(values: Iterable[Mapping[int, float]]) -> Optional[SeedDeviation]:
    """Deviation within groups of values by seed."""
    square, freedom = 0.0, 0
    for group in values:
        if len(group) > 1:
            square += (len(group) - 1) * float(np.var(list(group.values()), ddof=1))
            freedom += len(group) - 1
    return SeedDeviation(float(np.sqrt(square / freedom)), freedom) if freedom else None


def _together(one: Optional[SeedDeviation],
              other: Optional[SeedDeviation]) -> Optional[SeedDeviation]:
    """Deviation of a difference of two that do not depend on each other."""
    if one is None or other is None:
        return None
    return SeedDeviation(float(np.hypot(one.deviation, other.deviation)),
                         min(one.freedom, other.freedom))


def estimate(records: Sequence[Record], reading: str, test: str, measure: str,
             elsewhere: Optional[SeedDeviation] = None) -> Optional[Estimate]:
    """A measure of a system on a test.

    The interval combines what other test faces would change (bootstrap over the units of the test,
    such as people or stretches of a film; all seeds with the same draws) and what other seeds would
    (Student's t over the seeds' means).

    Args:
        records: Runs of one experiment that differ in their seeds.
        reading: Name of the reading.
        test: Name of the test.
        measure: Of :data:`MEASURES`.
        elsewhere: What seeds change in experiments like it, for what too few seeds cannot tell.

    Returns:
        Estimate | None: In per cent; None if no record has it.
    """
    found = _summarize(_face_values(records, reading, test, measure), _units(records, test),
                       elsewhere)
    # No error is below 0 and no rate above 100 %, which Student's t does not know.
    most = 100.0 if measure.startswith('FR_') else float('inf')
    return found and replace(found, low=max(found.low, 0.0), high=min(found.high, most))


def difference(first: Sequence[Record], first_reading: str, second: Sequence[Record],
               second_reading: str, test: str, measure: str,
               elsewhere: Optional[SeedDeviation] = None) -> Optional[Estimate]:
    """First less second, paired by faces, and by seeds as far as both have them.

    Args:
        first: Runs of one experiment.
        first_reading: How it is read.
        second: Runs of the other, or of the same read another way.
        second_reading: How it is read.
        test: Name of the test.
        measure: Of :data:`MEASURES`.
        elsewhere: What seeds change in such differences, for what too few seeds cannot tell.

    Returns:
        Estimate | None: In percentage points; None if they share no seed.
    """
    one = _face_values(first, first_reading, test, measure)
    other = _face_values(second, second_reading, test, measure)
    return _summarize({seed: one[seed] - other[seed] for seed in one if seed in other},
                      _units(first, test), elsewhere)


def ratio(first: Sequence[Record], first_reading: str, second: Sequence[Record],
          second_reading: str, test: str, measure: str,
          elsewhere: Optional[SeedDeviation] = None) -> Optional[Estimate]:
    """How much less or more the first has than the second, in per cent of the second.

    Arguments as of :func:`difference`; over the seeds that both have, the same draws of faces for
    both. Seeds count through their difference.

    Returns:
        Estimate | None: In per cent, below 0 if the first has less; None if they share no seed or
        the second has none at all.
    """
    one = _face_values(first, first_reading, test, measure)
    other = _face_values(second, second_reading, test, measure)
    seeds = [seed for seed in one if seed in other]
    if not seeds:
        return None
    units = _units(first, test)
    above = np.mean([one[seed] for seed in seeds], axis=0)
    below = np.mean([other[seed] for seed in seeds], axis=0)
    if not below.any():
        return None
    gaps = np.array([one[seed].mean() - other[seed].mean() for seed in seeds])
    moved, covers = _seed_draws(gaps, elsewhere)
    base = _resample(below, units)
    draws = 100 * ((_resample(above, units) + moved) / base - 1)
    low, high = percentile_interval(draws)
    ratios = np.array([100 * (one[seed].mean() / other[seed].mean() - 1) for seed in seeds])
    return Estimate(float(100 * (above.mean() / below.mean() - 1)), low, high, len(seeds),
                    float(np.ptp(ratios)), covers)


#: Losses of which a map is values with a peak, no distribution.
_OF_VALUES = ('losses/l2.py', 'losses/awing.py', 'losses/dark.py')


def _maps_are_values(records: Sequence[Record]) -> bool:
    parts = records[0].content.get('settings', {}).get('parts', ()) if records else ()
    return any(part in _OF_VALUES for part in parts)


def _face_values(records: Sequence[Record], reading: str, test: str,
                 measure: str) -> Dict[int, np.ndarray]:
    key = f'{test}/{reading}'
    return {record.content['seed']: 100 * record.faces[key][:, MEASURES[measure]]
            for record in records if key in record.faces}


def _units(records: Sequence[Record], test: str) -> Optional[Tuple[int, ...]]:
    """Number of the unit that each face belongs to; None: each is a unit of its own."""
    return records[0].units.get(test) if records else None


def _summarize(values: Mapping[int, np.ndarray], units: Optional[Tuple[int, ...]],
               elsewhere: Optional[SeedDeviation]) -> Optional[Estimate]:
    if not values:
        return None
    seeds = np.array([column.mean() for column in values.values()])
    faces = np.mean(list(values.values()), axis=0)
    moved, covers = _seed_draws(seeds, elsewhere)
    low, high = percentile_interval(_resample(faces, units) + moved)
    return Estimate(float(faces.mean()), low, high, len(seeds), float(np.ptp(seeds)), covers)


def _resample(faces: np.ndarray, units: Optional[Tuple[int, ...]]) -> np.ndarray:
    """Means over faces whose units are drawn with replacement: ``[RESAMPLES]``."""
    if units is None:
        return _weights(len(faces)) @ faces / len(faces)
    if len(units) != len(faces):
        raise ValueError(f'{len(faces)} faces were measured and {len(units)} have a unit: write '
                         'the units of the tests anew (tools/evidence.py units)')
    places = np.asarray(units)
    weights = _weights(int(places.max()) + 1)
    return (weights @ np.bincount(places, weights=faces)) / (weights @ np.bincount(places))


def _seed_draws(means: np.ndarray,
                elsewhere: Optional[SeedDeviation]) -> Tuple[np.ndarray, bool]:
    """How far other seeds might move a mean over seeds, and whether that is known.

    Two seeds have one degree of freedom: that alone says next to nothing of the deviation.
    """
    if elsewhere is not None and len(means) < ENOUGH_SEEDS:
        deviation, freedom = elsewhere.deviation, elsewhere.freedom
    elif len(means) > 1:
        deviation, freedom = float(means.std(ddof=1)), len(means) - 1
    else:
        return np.zeros(RESAMPLES), False
    # Quantiles in a drawn order: free draws miss the ends of so heavy a tail by a tenth.
    draws = np.random.default_rng(1).permutation(
        student_t.ppf((np.arange(RESAMPLES) + 0.5) / RESAMPLES, freedom))
    return draws * deviation / np.sqrt(len(means)), True


@lru_cache(maxsize=8)
def _weights(count: int) -> np.ndarray:
    """How often each of ``count`` units is drawn: ``[RESAMPLES, count]``, the same every time."""
    return np.concatenate([block for _, block in resampling_weights(count, RESAMPLES, 0)])


def far_mass(records: Sequence[Record], test: str) -> Optional[Estimate]:
    """Mean mass far from the mode in per cent; the interval is over seeds (Student's t)."""
    return _over_seeds(_far_masses(records, test))


def far_mass_difference(first: Sequence[Record], second: Sequence[Record], test: str,
                        elsewhere: Optional[SeedDeviation] = None) -> Optional[Estimate]:
    """First less second in percentage points, paired by seeds; the interval is over seeds."""
    one, other = _far_masses(first, test), _far_masses(second, test)
    return _over_seeds({seed: one[seed] - other[seed] for seed in one if seed in other}, elsewhere)


def _far_masses(records: Sequence[Record], test: str) -> Dict[int, float]:
    return {record.content['seed']: 100 * record.content['tests'][test]['maps']['far_mass']
            for record in records if 'maps' in record.content['tests'].get(test, {})}


def _over_seeds(values: Mapping[int, float],
                elsewhere: Optional[SeedDeviation] = None) -> Optional[Estimate]:
    if not values:
        return None
    seeds = np.array(list(values.values()))
    moved, covers = _seed_draws(seeds, elsewhere)
    low, high = percentile_interval(seeds.mean() + moved)
    return Estimate(float(seeds.mean()), low, high, len(seeds), float(np.ptp(seeds)), covers)


def mean_metric(records: Sequence[Record], reading: str, test: str, name: str) -> Optional[float]:
    """Mean over seeds of a measure that records hold, such as ``'AUC@0.10'``."""
    found = [record.content['tests'][test][reading][name] for record in records
             if name in record.content['tests'].get(test, {}).get(reading, {})]
    return float(np.mean(found)) if found else None


def mean_confidence(records: Sequence[Record], reading: str, test: str,
                    signal: str) -> Optional[float]:
    """Mean over seeds of the area under the ROC curve of a confidence."""
    found = [record.content['tests'][test][reading]['confidence'][signal]['auc']
             for record in records
             if signal in record.content['tests'].get(test, {}).get(reading, {}).get(
                 'confidence', {})]
    return float(np.mean(found)) if found else None
