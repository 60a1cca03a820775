"""The tables of a comparison."""
from __future__ import annotations

from dataclasses import replace
from typing import Dict, List

import numpy as np

from ..functional import mean_error_per_landmark, occlusion_breakdown, region_breakdown
from ..functional.contributions import Measure
from ..saturation import SATURATED_IMAGES, failure_counts
from .mean_face import common_regions
from .records import Comparison
from .systems import System
from .tables import Cell, Table, best_rows, measure_heading, number


def build_tables(comparison: Comparison) -> Dict[str, Table]:
    """All tables that the comparison gives cause for, by name.

    Args:
        comparison (Comparison): What was found.

    Returns:
        dict[str, Table]: ``measures``, ``differences`` (with two systems or more), ``saturation``,
        ``regions`` (where landmarks belong to regions), ``occlusion`` (where the data say what is
        hidden), ``landmarks``.
    """
    tables = [
        _measures(comparison), _differences(comparison), _saturation(comparison),
        _regions(comparison), _occlusion(comparison), _landmarks(comparison)
    ]
    return {table.name: table for table in tables if table is not None}


def _percent(level: float) -> str:
    return f'{100 * level:g} %'


def _measures(comparison: Comparison) -> Table:
    best = [
        best_rows([comparison.values[system.name][index].estimate
                   for system in comparison.systems], measure.larger_is_better)
        for index, measure in enumerate(comparison.measures)
    ]
    rows, records = [], []
    for place, system in enumerate(comparison.systems):
        row = [_system_label(system)]
        for index, value in enumerate(comparison.values[system.name]):
            text = number(value.estimate, value.measure)
            if system.num_seeds > 1:
                text += f' ± {number(value.deviation, value.measure)}'
            text += f' [{number(value.low, value.measure)}, {number(value.high, value.measure)}]'
            row.append(Cell(text, bold=best[index][place]))
            records.append(dict(
                system=system.name, measure=value.measure.name, estimate=value.estimate,
                low=value.low, high=value.high, seeds=system.num_seeds,
                standard_deviation_over_seeds=value.deviation))
        rows.append(row)
    seeds = any(system.num_seeds > 1 for system in comparison.systems)
    return Table(
        'measures',
        f'Measures on {comparison.runs.report["faces"]} faces, with '
        f'{_percent(comparison.settings.level)} bootstrap intervals'
        + (' and the standard deviation over seeds (±)' if seeds else '') + '. Best in bold.',
        ['', *map(measure_heading, comparison.measures)], rows, records)


def _system_label(system: System) -> str:
    return system.name + (f' ({system.num_seeds} seeds)' if system.num_seeds > 1 else '')


def _differences(comparison: Comparison):
    if not comparison.differences:
        return None
    rows, records = [], []
    for one in comparison.differences:
        interval = (f'{number(one.estimate, one.measure, sign=True)} '
                    f'[{number(one.low, one.measure, sign=True)}, '
                    f'{number(one.high, one.measure, sign=True)}]')
        verdict = 'no' if not one.significant else 'better' if one.better else 'worse'
        if one.p_value != one.p_value:
            verdict = 'not testable'
        rows.append([
            f'{one.system} vs {one.baseline}', Cell(one.measure.name), Cell(interval),
            _p_text(one.p_value, comparison), _p_text(one.corrected_p_value, comparison),
            Cell(verdict, bold=one.significant), str(one.units_differing)
        ])
        records.append(dict(
            system=one.system, baseline=one.baseline, measure=one.measure.name,
            difference=one.estimate, low=one.low, high=one.high, p_value=one.p_value,
            corrected_p_value=one.corrected_p_value, significant=one.significant,
            better=one.better, interval_method=one.interval_method, test_method=one.test_method,
            units_differing=one.units_differing, note=one.note))
    unit = comparison.settings.unit
    return Table(
        'differences',
        f'Differences (first minus second), paired by {unit}: percentage points (AUC: fraction) '
        f'with {_percent(comparison.settings.level)} bootstrap intervals; p-values alone and after '
        "Holm's correction over all rows.",
        ['', 'measure', 'difference', 'p', 'p (Holm)', 'significantly', f'{unit}s that differ'],
        rows, records)


def _p_text(p_value: float, comparison: Comparison) -> str:
    """A p-value; those that resampling cannot tell from zero are named as such.

    The least that R draws can give is 1 / (R + 1), twice that for two tails.
    """
    if p_value != p_value:
        return 'n/a'
    return '< 0.001' if p_value < 0.001 else f'{p_value:.3f}'


def _saturation(comparison: Comparison) -> Table:
    threshold = comparison.settings.landmark_threshold
    rows, records = [], []
    for system in comparison.systems:
        for run in system.runs:
            # On the common faces and landmarks, as everything else here.
            result = replace(comparison.runs.results[run], errors=comparison.runs.errors[run])
            (counts, ) = failure_counts(result, [threshold])
            records.append(dict(system=system.name, run=run, **counts))
            rows.append([
                run, f'{counts["failing_images"]} of {counts["images"]}',
                f'{counts["FR_I"]:.3g} [{counts["FR_I_low"]:.2g}, {counts["FR_I_high"]:.2g}]',
                f'{counts["step_image"]:.2g}', str(counts['failing_images_any']),
                f'{counts["failing_points"]} of {counts["points"]}', f'{counts["FR_L"]:.3g}',
                f'{counts["step_point"]:.2g}', 'yes' if counts['saturated'] else 'no'
            ])
    return Table(
        'saturation',
        f'What the failure rates at θ = {100 * threshold:g} % rest on (the paper\'s Table 1): '
        'failing images with the rate and its 95 % Wilson interval, what a single image adds to '
        'it, images with any failing landmark, and the same counted in landmarks. FR_I is called '
        f'saturated when at most {SATURATED_IMAGES} images fail.',
        ['', 'failing images', 'FR_I (%)', 'one image (%)', 'with any failing landmark',
         'failing landmarks', 'FR_L (%)', 'one landmark (%)', 'FR_I saturated'], rows, records)


def _regions(comparison: Comparison):
    regions = common_regions(comparison.runs)
    if not regions:
        return None
    threshold = comparison.settings.landmark_threshold
    name = Measure('FR_L', threshold).name
    found = {
        system.name: [region_breakdown(comparison.runs.errors[run], regions, [threshold])
                      for run in system.runs] for system in comparison.systems
    }
    rows, records = [], []
    for region, columns in regions.items():
        rates = [float(np.mean([table[region][name] for table in found[system.name]]))
                 for system in comparison.systems]
        best = best_rows(rates, larger=False)
        rows.append([region.replace('_', ' '), str(len(columns)),
                     *(Cell(number(rate, Measure('FR_L', threshold)), bold=bold)
                       for rate, bold in zip(rates, best))])
        records += [
            dict(system=system.name, region=region, landmarks=len(columns),
                 NME=float(np.mean([table[region]['NME'] for table in found[system.name]])),
                 **{name: rate}) for system, rate in zip(comparison.systems, rates)
        ]
    return Table('regions', f'{name} (%) by part of the face. Best in bold.',
                 ['region', 'landmarks', *map(_system_label, comparison.systems)], rows, records)


def _occlusion(comparison: Comparison):
    if not comparison.runs.first.occlusion_annotated:
        return None
    occluded = comparison.runs.take('occluded')
    threshold = comparison.settings.landmark_threshold
    name = Measure('FR_L', threshold).name
    rows, records = [], []
    for system in comparison.systems:
        tables = [
            occlusion_breakdown(comparison.runs.errors[run], occluded,
                                failure_thresholds_image=(), auc_thresholds=(),
                                failure_thresholds_landmark=(threshold, ))
            for run in system.runs
        ]
        row = [_system_label(system)]
        for side in ('visible', 'occluded'):
            record = dict(system=system.name, side=side, landmarks=tables[0][side]['points'])
            for measure in ('NME', name):
                record[measure] = float(np.mean([table[side][measure] for table in tables]))
                row.append(number(record[measure], Measure.parse(measure)))
            records.append(record)
        rows.append(row)
    counts = {record['side']: record['landmarks'] for record in records}
    return Table(
        'occlusion',
        f'Visible landmarks ({counts["visible"]}) and those labelled as hidden '
        f'({counts["occluded"]}), in per cent.',
        ['', 'NME visible', f'{name} visible', 'NME occluded', f'{name} occluded'], rows, records)


def _landmarks(comparison: Comparison) -> Table:
    threshold = comparison.settings.landmark_threshold
    measure = Measure('FR_L', threshold)
    bands = {(one.system, one.baseline): one for one in comparison.landmark_differences}
    means = {
        system.name: 100 * np.mean([mean_error_per_landmark(comparison.runs.errors[run])
                                    for run in system.runs], axis=0)
        for system in comparison.systems
    }
    rows, records = [], []
    for column, name in enumerate(comparison.runs.landmark_names):
        rates = [float(comparison.landmark_rates[system.name][column])
                 for system in comparison.systems]
        best = best_rows(rates, larger=False)
        differences: List[Cell] = []
        record = dict(landmark=name)
        for system, rate in zip(comparison.systems, rates):
            record[f'{system.name} NME'] = float(means[system.name][column])
            record[f'{system.name} {measure.name}'] = rate
        for (system, baseline), band in bands.items():
            pair = f'{system} vs {baseline}'
            record[f'{pair} difference'] = float(band.estimate[column])
            record[f'{pair} low'] = float(band.low[column])
            record[f'{pair} high'] = float(band.high[column])
            significant = bool(band.significant[column])
            record[f'{pair} significant'] = significant
            differences.append(Cell(number(band.estimate[column], measure, sign=True)
                                    + ('*' if significant else ''), bold=significant))
        rows.append([name, *(Cell(number(rate, measure), bold=bold)
                             for rate, bold in zip(rates, best)), *differences])
        records.append(record)
    note = (' Differences (first minus second) with * exclude zero in bands that hold for all '
            f'landmarks together ({_percent(comparison.settings.level)}).' if bands else '')
    return Table(
        'landmarks', f'{measure.name} (%) of each landmark.{note}',
        ['landmark', *map(_system_label, comparison.systems),
         *(f'{system} vs {baseline}' for system, baseline in bands)], rows, records)
