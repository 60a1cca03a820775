"""What is compared: a system is one trained model, or several that differ in the seed only."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np

from ..functional.bootstrap import bootstrap_statistics, student_seed_draws
from ..functional.contributions import RatioStatistic


@dataclass(frozen=True)
class System:
    """A line of the tables.

    Attributes:
        name (str): What to call it.
        runs (tuple[str, ...]): Names of its runs, one for each training seed.
    """
    name: str
    runs: Tuple[str, ...]

    @property
    def num_seeds(self) -> int:
        """Number of runs."""
        return len(self.runs)


@dataclass
class SystemValues:
    """One measure of one system: the mean over its seeds, with all that intervals need.

    Attributes:
        estimate (float): Mean over seeds.
        per_seed (np.ndarray): [S], value of each run.
        resampled (np.ndarray): [R], mean over seeds on resampled images, with a draw of the seeds'
            own uncertainty where there are several.
        influence (np.ndarray): [U], influence of each unit.
        linear_terms (np.ndarray): [U], see :meth:`RatioStatistic.linear_terms`.
    """
    estimate: float
    per_seed: np.ndarray
    resampled: np.ndarray
    influence: np.ndarray
    linear_terms: np.ndarray

    @property
    def num_seeds(self) -> int:
        """S."""
        return len(self.per_seed)

    @property
    def deviation(self) -> float:
        """Standard deviation over seeds (S - 1 in the denominator); NaN with one seed."""
        return float(np.std(self.per_seed, ddof=1)) if self.num_seeds > 1 else float('nan')


def resample_systems(systems: Sequence[System],
                     statistics: Dict[str, List[RatioStatistic]],
                     num_resamples: int,
                     seed: int,
                     on_block=None) -> Dict[str, List[SystemValues]]:
    """Resample the images of all runs at once, and join the seeds of each system.

    Args:
        systems (Sequence[System]): The systems.
        statistics (dict[str, list[RatioStatistic]]): M statistics of each run, by its name.
        num_resamples (int): R.
        seed (int): Seed of all draws.
        on_block (callable, optional): See :func:`bootstrap_statistics`.

    Returns:
        dict[str, list[SystemValues]]: The M measures of each system, by its name.
    """
    runs = [run for system in systems for run in system.runs]
    values = bootstrap_statistics([one for run in runs for one in statistics[run]], num_resamples,
                                  seed, on_block=on_block)
    num_measures = len(statistics[runs[0]])
    by_run = dict(zip(runs, values.reshape(len(runs), num_measures, num_resamples)))
    # Another stream than that of the images.
    generator = np.random.default_rng([seed, 1])
    return {
        system.name: [
            _join_seeds([statistics[run][index] for run in system.runs],
                        np.stack([by_run[run][index] for run in system.runs]), generator)
            for index in range(num_measures)
        ]
        for system in systems
    }


def _join_seeds(statistics: List[RatioStatistic], resampled: np.ndarray,
                generator: np.random.Generator) -> SystemValues:
    per_seed = np.array([statistic.estimate() for statistic in statistics])
    num_seeds = len(per_seed)
    with np.errstate(invalid='ignore'):
        deviation = float(np.std(per_seed, ddof=1)) if num_seeds > 1 else float('nan')
        return SystemValues(
            estimate=float(per_seed.mean()),
            per_seed=per_seed,
            resampled=resampled.mean(axis=0)
            + student_seed_draws(num_seeds, resampled.shape[1], generator, deviation),
            influence=np.mean([one.influence() for one in statistics], axis=0),
            linear_terms=np.mean([one.linear_terms() for one in statistics], axis=0))
