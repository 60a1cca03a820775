"""Measures of systems side by side, their paired differences, and what of them is significant."""
from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..functional.bootstrap import bca_interval, percentile_interval
from ..functional.contributions import (
    Measure,
    measure_statistic,
    number_units,
    per_landmark_failure_statistics,
)
from ..functional.significance import holm_correction, randomization_test, simultaneous_bands
from .alignment import AlignedRuns
from .records import Comparison, Difference, LandmarkDifference, MeasureValue, Settings
from .systems import System, SystemValues, resample_systems

#: More do not sharpen the bands of landmarks, and cost K times the work.
_MOST_LANDMARK_RESAMPLES = 2000


def compare_systems(runs: AlignedRuns,
                    systems: Optional[Sequence[System]] = None,
                    settings: Optional[Settings] = None,
                    on_block: Optional[Callable[[int, int], None]] = None) -> Comparison:
    """Compare systems on the same faces.

    - Each measure and each difference gets an interval by the bootstrap over images (or videos),
      all systems on the same draws.
    - Systems of one run: BCa intervals, p-values of the paired randomisation test. They speak of
      these very models on other images.
    - A system of several seeds: the hierarchical bootstrap (images, and Student's t for the mean
      over seeds), whose tails give the p-values. It speaks of other trainings too.
    - Holm's correction over all tests.

    Args:
        runs (AlignedRuns): From :func:`align_results`.
        systems (Sequence[System], optional): Default: each run by itself.
        settings (Settings, optional): Default: ``Settings()``.
        on_block (callable, optional): Called with resamples done and R, for a progress bar.

    Returns:
        Comparison: The values and differences.

    Raises:
        ValueError: If a system's name is not known or not unique, or no face can be scored.
    """
    settings = settings or Settings()
    systems = list(systems or [System(name, (name, )) for name in runs.errors])
    pairs = _choose_pairs([system.name for system in systems], settings)
    units, num_units = number_units(
        runs.image_names if settings.unit == 'image' else runs.folders())
    measures = [Measure.parse(name) for name in settings.measures]
    _check_scored(runs)

    used = {run for system in systems for run in system.runs}
    statistics = {run: [measure_statistic(errors, measure, units, num_units)
                        for measure in measures]
                  for run, errors in runs.errors.items() if run in used}
    found = resample_systems(systems, statistics, settings.resamples, settings.seed, on_block)
    values = {name: [_value(measure, one, settings) for measure, one in zip(measures, listed)]
              for name, listed in found.items()}
    differences = [one for system, baseline in pairs
                   for one in _pair_differences(system, baseline, found, measures, settings)]
    landmark_rates, landmark_differences = _compare_landmarks(runs, systems, pairs, settings, units,
                                                              num_units)
    return Comparison(
        runs=runs, systems=systems, settings=settings, num_units=num_units, measures=measures,
        values=values, differences=_correct(differences, settings), landmark_rates=landmark_rates,
        landmark_differences=landmark_differences,
        warnings=_warnings(runs, systems, settings, num_units))


def _choose_pairs(names: List[str], settings: Settings) -> List[Tuple[str, str]]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'systems must have names of their own, found twice: {", ".join(twice)}')
    if settings.baseline is not None and settings.baseline not in names:
        raise ValueError(f'baseline {settings.baseline!r} is none of the systems '
                         f'{", ".join(names)}')
    if settings.all_pairs:
        return [(later, earlier) for earlier, later in combinations(names, 2)]
    baseline = settings.baseline or names[0]
    return [(name, baseline) for name in names if name != baseline]


def _check_scored(runs: AlignedRuns) -> None:
    if np.isnan(next(iter(runs.errors.values()))).all():
        raise ValueError('no landmark of any common face is scored: there is nothing to compare')


def _interval(resampled: np.ndarray, estimate: float, influence: np.ndarray, has_seeds: bool,
              settings: Settings) -> Tuple[float, float, str]:
    """Lower end, upper end and method."""
    if has_seeds:
        return (*percentile_interval(resampled, settings.level), 'hierarchical')
    if settings.method == 'percentile':
        return (*percentile_interval(resampled, settings.level), 'percentile')
    return (*bca_interval(resampled, estimate, influence, settings.level), 'bca')


def _value(measure: Measure, one: SystemValues, settings: Settings) -> MeasureValue:
    low, high, _ = _interval(one.resampled, one.estimate, one.influence, one.num_seeds > 1,
                             settings)
    return MeasureValue(measure, one.estimate, low, high, tuple(one.per_seed.tolist()),
                        one.deviation)


def _pair_differences(system: str, baseline: str, found: Dict[str, List[SystemValues]],
                      measures: List[Measure], settings: Settings) -> List[Difference]:
    pairs = list(zip(found[system], found[baseline]))
    terms = np.stack([mine.linear_terms - theirs.linear_terms for mine, theirs in pairs], axis=1)
    p_values = randomization_test(_rounded(terms), settings.resamples, settings.seed)
    rows = []
    for measure, (mine, theirs), term, p_value in zip(measures, pairs, terms.T, p_values):
        with np.errstate(invalid='ignore'):
            estimate = mine.estimate - theirs.estimate
            # Paired: both on the same draws of images.
            resampled = mine.resampled - theirs.resampled
            influence = mine.influence - theirs.influence
        has_seeds = max(mine.num_seeds, theirs.num_seeds) > 1
        low, high, interval_method = _interval(resampled, estimate, influence, has_seeds, settings)
        test_method, note = 'randomization', ''
        if has_seeds:
            test_method, p_value = 'hierarchical bootstrap', _tail_p_value(resampled)
            if min(mine.num_seeds, theirs.num_seeds) == 1:
                alone = system if mine.num_seeds == 1 else baseline
                note = f'{alone} has one seed: how much another would change is not known'
        if not np.isfinite(estimate):
            p_value, note = float('nan'), 'not finite: a prediction is NaN or infinite'
        rows.append(Difference(
            system=system, baseline=baseline, measure=measure, estimate=estimate, low=low,
            high=high, p_value=float(p_value), interval_method=interval_method,
            test_method=test_method,
            units_differing=int((_rounded(term[:, None]) != 0).sum()), note=note))
    return rows


def _rounded(terms: np.ndarray) -> np.ndarray:
    """Zero for what is zero but for the last digits of floating point numbers."""
    with np.errstate(invalid='ignore'):
        size = np.abs(terms).max(axis=0, keepdims=True) if len(terms) else 0.0
        return np.where(np.abs(terms) <= 1e-9 * size, 0.0, terms)


def _tail_p_value(resampled: np.ndarray) -> float:
    if np.isnan(resampled).any():
        return float('nan')
    smaller = min((resampled <= 0).sum(), (resampled >= 0).sum())
    return min(1.0, 2 * (1 + smaller) / (1 + len(resampled)))


def _correct(differences: List[Difference], settings: Settings) -> List[Difference]:
    corrected = holm_correction([one.p_value for one in differences])
    return [
        replace(one, corrected_p_value=float(p_value),
                significant=bool(p_value < 1 - settings.level))
        for one, p_value in zip(differences, corrected)
    ]


def _compare_landmarks(runs: AlignedRuns, systems: Sequence[System],
                       pairs: List[Tuple[str, str]], settings: Settings, units: np.ndarray,
                       num_units: int) -> Tuple[Dict[str, np.ndarray], List[LandmarkDifference]]:
    used = {run for system in systems for run in system.runs}
    statistics = {
        run: per_landmark_failure_statistics(errors, settings.landmark_threshold, units, num_units)
        for run, errors in runs.errors.items() if run in used
    }
    resamples = min(settings.resamples, _MOST_LANDMARK_RESAMPLES) if pairs else 1
    found = resample_systems(systems, statistics, resamples, settings.seed)
    rates = {name: np.array([one.estimate for one in listed]) for name, listed in found.items()}
    differences = []
    for system, baseline in pairs:
        estimate = rates[system] - rates[baseline]
        resampled = np.stack([mine.resampled - theirs.resampled
                              for mine, theirs in zip(found[system], found[baseline])])
        low, high = simultaneous_bands(resampled, estimate, settings.level)
        differences.append(LandmarkDifference(system, baseline, estimate, low, high))
    return rates, differences


def _warnings(runs: AlignedRuns, systems: Sequence[System], settings: Settings,
              num_units: int) -> List[str]:
    """What a reader should know before believing the numbers."""
    found = []
    if runs.first.dataset_name == '300vw' and settings.unit == 'image':
        found.append('Frames of one video resemble each other, so intervals over single frames are '
                     'too short: resample whole videos (unit "folder"), if each has a folder.')
    if num_units < 30:
        found.append(f'Only {num_units} {settings.unit}s: intervals are rough.')
    few = [f'{system.name} ({system.num_seeds})' for system in systems if 1 < system.num_seeds < 3]
    if few:
        found.append(f'Two seeds hardly tell how much seeds vary: {", ".join(few)}; intervals are '
                     'wide for that reason.')
    return found
