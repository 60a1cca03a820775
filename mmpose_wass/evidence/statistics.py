"""Means over seeds with their intervals, and paired differences."""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..evaluation.functional.bootstrap import (
    percentile_interval,
    resampling_weights,
    student_seed_draws,
)
from .records import Record

RESAMPLES = 2000
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
        seeds (int): Number of seeds. With one, the interval says nothing of other seeds.
        spread (float): Largest less smallest value over seeds.
    """
    value: float
    low: float
    high: float
    seeds: int
    spread: float

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low > 0 or self.high < 0


def estimate(records: Sequence[Record], reading: str, test: str,
             measure: str) -> Optional[Estimate]:
    """A measure of a system on a test.

    The interval combines what other test faces would change (bootstrap over faces, all seeds with
    the same draws) and what other seeds would (Student's t over the seeds' means).

    Args:
        records: Runs of one experiment that differ in their seeds.
        reading: Name of the reading.
        test: Name of the test.
        measure: Of :data:`MEASURES`.

    Returns:
        Estimate | None: In per cent; None if no record has it.
    """
    return _summarize(_face_values(records, reading, test, measure))


def difference(first: Sequence[Record], first_reading: str, second: Sequence[Record],
               second_reading: str, test: str, measure: str) -> Optional[Estimate]:
    """First less second, paired by faces, and by seeds as far as both have them.

    Args:
        first: Runs of one experiment.
        first_reading: How it is read.
        second: Runs of the other, or of the same read another way.
        second_reading: How it is read.
        test: Name of the test.
        measure: Of :data:`MEASURES`.

    Returns:
        Estimate | None: In percentage points; None if they share no seed.
    """
    one = _face_values(first, first_reading, test, measure)
    other = _face_values(second, second_reading, test, measure)
    return _summarize({seed: one[seed] - other[seed] for seed in one if seed in other})


def _face_values(records: Sequence[Record], reading: str, test: str,
                 measure: str) -> Dict[int, np.ndarray]:
    key = f'{test}/{reading}'
    return {record.content['seed']: 100 * record.faces[key][:, MEASURES[measure]]
            for record in records if key in record.faces}


def _summarize(values: Mapping[int, np.ndarray]) -> Optional[Estimate]:
    if not values:
        return None
    seeds = np.array([column.mean() for column in values.values()])
    faces = np.mean(list(values.values()), axis=0)
    draws = _weights(len(faces)) @ faces / len(faces)
    deviation = float(seeds.std(ddof=1)) if len(seeds) > 1 else 0.0
    draws = draws + student_seed_draws(len(seeds), RESAMPLES, np.random.default_rng(1), deviation)
    low, high = percentile_interval(draws)
    return Estimate(float(faces.mean()), low, high, len(seeds), float(np.ptp(seeds)))


@lru_cache(maxsize=8)
def _weights(count: int) -> np.ndarray:
    """How often each of ``count`` faces is drawn: ``[RESAMPLES, count]``, the same every time."""
    return np.concatenate([block for _, block in resampling_weights(count, RESAMPLES, 0)])


def far_mass(records: Sequence[Record], test: str) -> Optional[Tuple[float, int]]:
    """Mean mass far from the mode in per cent, and the number of seeds."""
    found: List[float] = [record.content['tests'][test]['maps']['far_mass'] for record in records
                          if 'maps' in record.content['tests'].get(test, {})]
    return (100 * float(np.mean(found)), len(found)) if found else None


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
