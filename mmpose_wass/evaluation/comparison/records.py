"""What a comparison is made of: its settings, and what it finds."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

import numpy as np

from ..functional.contributions import Measure
from .alignment import AlignedRuns
from .systems import System

#: What is tested by default: the measures of the paper's Tables 7 to 11, and the area.
DEFAULT_MEASURES = ('NME', 'FR_I@0.10', 'FR_L@0.10', 'FR_L@0.15', 'FR_L@0.20', 'AUC@0.10')

#: What is resampled: an image, or a folder of images (a video, whose frames resemble each other).
UNITS = ('image', 'folder')

@dataclass(frozen=True)
class Settings:
    """How a comparison is made.

    Attributes:
        measures (tuple[str, ...]): Measures to test.
        baseline (str | None): System that all others are compared with; ``None``: the first.
        all_pairs (bool): Compare every system with every other instead.
        resamples (int): R of the bootstrap, and of the randomisation test.
        seed (int): Seed of all draws.
        level (float): Coverage of intervals; tests are made at 1 - level.
        method (str): ``'bca'`` or ``'percentile'``, for systems of one run.
        unit (str): See :data:`UNITS`.
        landmark_threshold (float): θ of the failure rate of each landmark.

    Raises:
        ValueError: Naming the setting that does not fit.
    """
    measures: Tuple[str, ...] = DEFAULT_MEASURES
    baseline: Optional[str] = None
    all_pairs: bool = False
    resamples: int = 5000
    seed: int = 0
    level: float = 0.95
    method: str = 'bca'
    unit: str = 'image'
    landmark_threshold: float = 0.10

    def __post_init__(self) -> None:
        for name in self.measures:
            Measure.parse(name)
        if not self.measures:
            raise ValueError('measures must name at least one measure')
        if self.unit not in UNITS:
            raise ValueError(f'unit must be one of {", ".join(UNITS)}, found {self.unit!r}')
        if self.method not in ('bca', 'percentile'):
            raise ValueError(f"method must be 'bca' or 'percentile', found {self.method!r}")
        if self.resamples < 100:
            raise ValueError(f'resamples must be at least 100, found {self.resamples}: the ends of '
                             'an interval are quantiles far out')
        if not 0 < self.level < 1:
            raise ValueError(f'level must lie in (0, 1), found {self.level}')
        if not 0 < self.landmark_threshold <= 1:
            raise ValueError('landmark_threshold is a fraction of the normalisation distance in '
                             f'(0, 1], found {self.landmark_threshold}')


@dataclass(frozen=True)
class MeasureValue:
    """A measure of a system, with its interval over test images (and seeds).

    Per cent for NME and failure rates, a fraction for AUC.
    """
    measure: Measure
    estimate: float
    low: float
    high: float
    per_seed: Tuple[float, ...]
    deviation: float


@dataclass(frozen=True)
class Difference:
    """System minus baseline, in one measure.

    Attributes:
        system (str): Name of the system.
        baseline (str): Name of what it is compared with.
        measure (Measure): The measure.
        estimate (float): The difference: percentage points, or a fraction for AUC.
        low (float): Lower end of the interval.
        high (float): Upper end.
        p_value (float): Two-sided, of this test alone.
        corrected_p_value (float): After Holm's correction over all tests of the comparison.
        interval_method (str): ``'bca'``, ``'percentile'`` or ``'hierarchical'``.
        test_method (str): ``'randomization'`` or ``'hierarchical bootstrap'``.
        units_differing (int): Units (images) on which the two differ in this measure at all.
        significant (bool): Whether ``corrected_p_value`` is below 1 - level.
        note (str): Why there is no test, or what to mind; empty as a rule.
    """
    system: str
    baseline: str
    measure: Measure
    estimate: float
    low: float
    high: float
    p_value: float
    interval_method: str
    test_method: str
    units_differing: int
    corrected_p_value: float = float('nan')
    significant: bool = False
    note: str = ''

    @property
    def better(self) -> bool:
        """Whether the system's value is the better one."""
        return self.estimate > 0 if self.measure.larger_is_better else self.estimate < 0


@dataclass(frozen=True)
class LandmarkDifference:
    """Failure rate of each landmark, system minus baseline: percentage points, [K] each.

    ``low`` and ``high`` hold for all landmarks together; ``significant`` where they exclude zero.
    """
    system: str
    baseline: str
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def significant(self) -> np.ndarray:
        """[K] bool."""
        with np.errstate(invalid='ignore'):
            return (self.low > 0) | (self.high < 0)


@dataclass
class Comparison:
    """All that was found.

    Attributes:
        runs (AlignedRuns): The runs side by side.
        systems (list[System]): The systems.
        settings (Settings): How it was made.
        num_units (int): Images, or folders, that were resampled.
        measures (list[Measure]): What was tested.
        values (dict[str, list[MeasureValue]]): Values by system, in the order of ``measures``.
        differences (list[Difference]): By pair, in the order of ``measures``.
        landmark_rates (dict[str, np.ndarray]): [K] by system, per cent, mean over seeds.
        landmark_differences (list[LandmarkDifference]): By pair.
    """
    runs: AlignedRuns
    systems: List[System]
    settings: Settings
    num_units: int
    measures: List[Measure]
    values: Dict[str, List[MeasureValue]]
    differences: List[Difference]
    landmark_rates: Dict[str, np.ndarray]
    landmark_differences: List[LandmarkDifference]
    warnings: List[str] = field(default_factory=list)

    @property
    def pairs(self) -> List[Tuple[str, str]]:
        """(system, baseline) in the order of the differences."""
        return list(dict.fromkeys((one.system, one.baseline) for one in self.differences))

    def errors(self, system: System) -> np.ndarray:
        """Errors of all seeds of a system, one below the other: [S x N, K]."""
        return np.concatenate([self.runs.errors[run] for run in system.runs])
