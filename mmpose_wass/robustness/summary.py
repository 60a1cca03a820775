"""From result files to what a report says, as plain values: intervals, differences, curves."""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..evaluation import ResultFile
from ..evaluation.comparison import Comparison, Settings, System, align_results, compare_systems
from ..evaluation.functional import cumulative_error_distribution
from ..evaluation.functional.bootstrap import bca_interval, bootstrap_statistics
from ..evaluation.functional.contributions import Measure, measure_statistic, number_units
from ..evaluation.functional.significance import holm_correction
from ..landmarks import find_scheme
from .plan import Curve, NotRun, Plan

#: What stands in the tables, by level of aggregation: faces, and single landmarks.
MEASURES = ('NME', 'FR_I@0.10', 'FR_L@0.10', 'FR_L@0.20', 'AUC@0.10')
#: What is drawn over severity.
CURVE_MEASURES = ('NME', 'FR_L@0.10')
#: Where cumulative distributions are written down.
DISTRIBUTION_THRESHOLDS = np.linspace(0, 0.2, 41)
#: Whole videos are resampled from this number of videos on.
_LEAST_VIDEOS = 8

Results = Mapping[Tuple[str, str], ResultFile]  # by name of the model and key of the protocol


@dataclass
class Finding:
    """All models by one protocol, side by side.

    Attributes:
        key (str): Of the protocol, or the union of several.
        title (str): Heading.
        group (str): Group of the protocol.
        comparison (Comparison): Values, differences and landmark rates of the models.
        results (dict[str, ResultFile]): Result by model.
        clean_key (str | None): The protocol with the same faces unperturbed.
        note (str): What to mind.
    """
    key: str
    title: str
    group: str
    comparison: Comparison
    results: Dict[str, ResultFile]
    clean_key: Optional[str] = None
    note: str = ''


def find_all(plan: Plan, models: Sequence[str], results: Results,
             resamples: int = 2000, seed: int = 0) -> Tuple[List[Finding], List[NotRun]]:
    """Compare all models by every protocol but the points of curves.

    Args:
        plan: What was planned.
        models: Names of the models; each further one is what the first is compared with.
        results: By model and protocol.
        resamples: Of the bootstrap.
        seed: Of all draws.

    Returns:
        tuple[list[Finding], list[NotRun]]: In the order of the plan; and what could not be joined.
    """
    findings: List[Finding] = []
    not_run: List[NotRun] = []
    entries: List[tuple] = []
    for protocol in plan.protocols:
        there = {name: results[name, protocol.key] for name in models
                 if (name, protocol.key) in results}
        video = protocol.test_set.is_video
        entries.append((protocol.key, protocol.title, protocol.group, there, video,
                        _clean_of(plan, protocol), ''))
        if protocol.boxes is not None:
            entries += [(f'{protocol.key}/found', f'{protocol.title}, faces found only',
                         protocol.group, {name: without_misses(result)
                                          for name, result in there.items()}, video, None,
                         'Faces that the detector missed are left out here.')]
    for union in plan.unions:
        there = {}
        for name in models:
            parts = [results[name, key] for key in union.members if (name, key) in results]
            if len(parts) == len(union.members):
                there[name] = join_results(parts, union.title)
        video = any(protocol.test_set.is_video for protocol in plan.protocols
                    if protocol.key in union.members)
        entries.append((union.key, union.title, union.group, there, video, None, ''))
    for key, title, group, there, video, clean, note in entries:
        if not there:
            continue
        there = {name: with_names_of_data(result) for name, result in there.items()}
        try:
            comparison = compare(there, video, resamples, seed)
            comparison.warnings = [text.replace('folders', 'videos') for text in
                                   comparison.warnings] + landmark_warnings(there, comparison)
            if models[0] not in there:  # differences are the first model's
                comparison.differences, comparison.landmark_differences = [], []
        except ValueError as error:
            not_run.append(NotRun(f'comparison by {title}', str(error)))
            continue
        findings.append(Finding(key, title, group, comparison, there, clean, note))
    return _correct(findings), not_run


def compare(results: Mapping[str, ResultFile], video: bool = False, resamples: int = 2000,
            seed: int = 0) -> Comparison:
    """Compare the first model with each other one, on the faces that all have.

    Differences are first minus other, paired by image (by video, where there are at least
    :data:`_LEAST_VIDEOS` of them).
    """
    runs = align_results(results, common_only=True)
    unit = 'folder' if video and len(set(runs.folders())) >= _LEAST_VIDEOS else 'image'
    systems = {name: System(name, (name, )) for name in results}
    first, *others = systems
    joined: Optional[Comparison] = None
    for other in others or [first]:
        # All systems each time, so that all values come from the same draws.
        chosen = [systems[other], *(one for name, one in systems.items() if name != other)]
        found = compare_systems(runs, chosen, Settings(
            measures=MEASURES, baseline=other, resamples=resamples, seed=seed, unit=unit))
        mine = [one for one in found.differences if one.system == first]
        landmarks = [one for one in found.landmark_differences if one.system == first]
        if joined is None:
            joined = replace(found, systems=list(systems.values()), differences=mine,
                             landmark_differences=landmarks)
        else:
            joined.differences.extend(mine)
            joined.landmark_differences.extend(landmarks)
    assert joined is not None
    return joined


def _clean_of(plan: Plan, protocol) -> Optional[str]:
    """The protocol of the same faces as they are."""
    if protocol.perturbation is None and protocol.boxes is None:
        return None
    return next((one.key for one in plan.protocols
                 if one.test_set == protocol.test_set and one.perturbation is None
                 and one.boxes is None), None)


def _correct(findings: List[Finding]) -> List[Finding]:
    """Holm's correction over all tests of the report, not of each protocol alone."""
    everything = [one for finding in findings for one in finding.comparison.differences]
    corrected = iter(holm_correction([one.p_value for one in everything]))
    for finding in findings:
        differences = []
        for one in finding.comparison.differences:
            p_value = float(next(corrected))
            differences.append(replace(one, corrected_p_value=p_value,
                                       significant=bool(p_value < 0.05)))
        finding.comparison.differences = differences
    return findings


def with_names_of_data(result: ResultFile) -> ResultFile:
    """The result with each landmark called as the data's scheme calls it.

    Where a model predicts another scheme, the landmarks that both have may bear the model's name;
    the annotated point is what models of several schemes are compared at.
    """
    scheme = find_scheme(result.scheme)
    if scheme is None or not scheme.landmark_names:
        return result
    names = [scheme.landmark_names[index] if 0 <= index < len(scheme.landmark_names) else str(name)
             for index, name in zip(result.landmarks.tolist(), result.landmark_names.tolist())]
    return result if len(set(names)) < len(names) else replace(
        result, landmark_names=np.array(names, dtype=np.str_))


def landmark_warnings(results: Mapping[str, ResultFile], comparison: Comparison) -> List[str]:
    """Which models answer in another scheme, and what was left out for that reason."""
    found = []
    for name, result in results.items():
        common = result.common_landmarks or {}
        inexact = sum(not equal for equal in common.get('named_equal', ()))
        if inexact:
            found.append(f'{name} predicts {result.model_scheme}: {inexact} of the '
                         f'{result.num_landmarks} landmarks are only near those of the data, '
                         'which adds to its errors')
    report = comparison.runs.report
    for field, what in (('faces_left_out', 'faces'), ('landmarks_left_out', 'landmarks'),
                        ('points_left_out', 'single landmarks of single faces')):
        found += [f'{count} {what} of {name} are left out, because not all models have them'
                  for name, count in report[field].items() if count]
    return found


def without_misses(result: ResultFile) -> ResultFile:
    """The result on faces whose every prediction is finite; the others count as not scored."""
    found = ~np.isinf(result.errors).any(axis=1)
    return replace(result, errors=np.where(found[:, None], result.errors, np.nan),
                   valid=result.valid & found[:, None])


def join_results(parts: Sequence[ResultFile], name: str) -> ResultFile:
    """Results of several test sets of one data set as one.

    Raises:
        ValueError: If landmarks or normalisations differ.
    """
    first = parts[0]
    for other in parts[1:]:
        if (other.landmark_names.tolist() != first.landmark_names.tolist()
                or other.normalization != first.normalization):
            raise ValueError(f'{name}: {first.prefix} and {other.prefix} have different landmarks '
                             'or normalisations')
    rows = ('errors', 'distances', 'image_paths', 'image_ids', 'annotation_ids', 'predictions',
            'targets', 'valid', 'occluded', 'scores', 'boxes')
    joined = {field: np.concatenate([getattr(part, field) for part in parts]) for field in rows}
    return replace(first, prefix=name, metrics={}, **joined)


def measure_curve(results: Iterable[Tuple[float, ResultFile]], video: bool = False,
                  resamples: int = 500, seed: int = 0) -> List[Dict[str, Any]]:
    """Measures with intervals at each severity.

    Args:
        results: Severity and result of each point, by growing severity.
        video: Whether images are frames: then whole videos are resampled, if there are enough.
        resamples: Of the bootstrap over images.
        seed: Of the draws.

    Returns:
        list[dict]: ``severity``, ``faces``, and of each of :data:`CURVE_MEASURES` its
        ``value``, ``low`` and ``high``.
    """
    points = []
    for severity, result in results:
        labels = [str(path) for path in result.image_paths]
        folders = [str(PurePath(path).parent) for path in labels]
        units, count = number_units(
            folders if video and len(set(folders)) >= _LEAST_VIDEOS else labels)
        statistics = [measure_statistic(result.errors, Measure.parse(name), units, count)
                      for name in CURVE_MEASURES]
        resampled = bootstrap_statistics(statistics, resamples, seed)
        point: Dict[str, Any] = dict(severity=severity, faces=result.num_faces)
        for name, statistic, values in zip(CURVE_MEASURES, statistics, resampled):
            estimate = statistic.estimate()
            low, high = bca_interval(values, estimate, statistic.influence())
            point[name] = dict(value=estimate, low=low, high=high)
        points.append(point)
    return points


def describe_finding(finding: Finding, clean: Optional[Finding]) -> Dict[str, Any]:
    """A finding as JSON can hold it."""
    comparison = finding.comparison
    models = {}
    for name, values in ((system.name, comparison.values[system.name])
                         for system in comparison.systems):
        result = finding.results[name]
        entry: Dict[str, Any] = dict(measures={
            one.measure.name: dict(value=one.estimate, low=one.low, high=one.high)
            for one in values})
        for side in ('occluded', 'visible'):
            if f'NME_{side}' in result.metrics:
                entry[f'NME_{side}'] = result.metrics[f'NME_{side}']
        entry['failed_faces'] = int(np.isinf(result.errors).any(axis=1).sum())
        entry['excluded_faces'] = int(np.isnan(result.errors).all(axis=1).sum())
        if clean is not None and name in clean.results:
            before = next(one.estimate for one in clean.comparison.values[name]
                          if one.measure.name == 'NME')
            after = entry['measures']['NME']['value']
            entry['growth_of_NME'] = after / before if before > 0 else float('nan')
        models[name] = entry
    runs = comparison.runs
    return dict(
        key=finding.key, title=finding.title, group=finding.group, note=finding.note,
        dataset_name=runs.first.dataset_name, normalization=runs.first.normalization,
        faces=runs.report['faces'], landmarks=runs.report['landmarks'],
        resampled=f'{comparison.num_units} '
        + dict(image='images', folder='videos')[comparison.settings.unit],
        left_out={field: counts for field, counts in runs.report.items()
                  if field.endswith('left_out') and any(counts.values())},
        models=models,
        landmark_names=list(runs.landmark_names),
        landmark_failure_rates={name: rates.tolist()
                                for name, rates in comparison.landmark_rates.items()},
        distributions=dict(
            thresholds=DISTRIBUTION_THRESHOLDS.tolist(),
            **{level: {name: cumulative_error_distribution(
                errors, DISTRIBUTION_THRESHOLDS, level=level).tolist()
                for name, errors in runs.errors.items()} for level in ('landmarks', 'images')}),
        differences=[
            dict(model=one.system, other=one.baseline, measure=one.measure.name,
                 estimate=one.estimate, low=one.low, high=one.high, p_value=one.p_value,
                 corrected_p_value=one.corrected_p_value, significant=one.significant,
                 better=one.better, note=one.note)
            for one in comparison.differences],
        warnings=list(comparison.warnings))


def describe_curve(curve: Curve, models: Sequence[str], results: Results,
                   seed: int = 0) -> Dict[str, Any]:
    """A curve as JSON can hold it; models without a single point are not in it."""
    measured = {}
    for name in models:
        points = measure_curve(((point.severity, results[name, point.key])
                                for point in curve.points if (name, point.key) in results),
                               curve.points[0].test_set.is_video, seed=seed)
        if points:
            measured[name] = points
    return dict(perturbation=curve.perturbation, title=curve.title, levels=dict(curve.levels),
                test_set=curve.points[0].test_set.label, models=measured)
