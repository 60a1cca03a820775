"""Write a comparison to a folder: a page to read, tables, plots and one JSON file."""
from __future__ import annotations

import os
import os.path as osp
from typing import Dict, List, Sequence

from mmpose_wass.engine.results import atomic_write, now, software_versions, write_json
from mmpose_wass.visualization.ced import plot_level
from mmpose_wass.visualization.face_map import draw_face_map, face_outline

from .build_tables import build_tables
from .mean_face import common_regions, mean_face
from .records import Comparison
from .sentences import describe
from .tables import Table

#: What errors are divided by, as an axis says it; other modes keep their own words.
_LENGTHS = dict(
    inter_ocular='inter-ocular distance', inter_pupil='inter-pupil distance',
    box_width='box width', box_size='box size', box_diagonal='box diagonal')

_FIGURES = dict(
    ced_landmarks='Landmark-wise cumulative error distribution and its tail',
    ced_images='Image-wise cumulative error distribution and its tail',
    failure_map='Failure rate of each landmark on the mean face',
    failure_differences='Differences of these failure rates')


def write_report(comparison: Comparison,
                 folder: str,
                 formats: Sequence[str] = ('png', 'pdf'),
                 limit: float = 0.30,
                 title: str = 'Comparison') -> Dict[str, List[str]]:
    """Write everything into a folder.

    Args:
        comparison (Comparison): What was found.
        folder (str): Where to write; it is made if need be. Files of these names are replaced.
        formats (Sequence[str]): Endings of the plots: ``png``, ``pdf``, ``svg``.
        limit (float): Right end of the θ axis of the distributions, a fraction.
        title (str): Heading of the page.

    Returns:
        dict[str, list[str]]: Paths of what was written: ``page``, ``json``, ``tables``,
        ``figures``.
    """
    if not formats:
        raise ValueError('formats must name at least one of png, pdf and svg')
    tables = build_tables(comparison)
    sentences = describe(comparison)
    figures = _draw(comparison, osp.join(folder, 'figures'), formats, limit)
    table_files = _write_tables(tables, osp.join(folder, 'tables'))
    page, data = osp.join(folder, 'comparison.md'), osp.join(folder, 'comparison.json')
    with atomic_write(page) as file:
        file.write(_page(comparison, tables, sentences, figures, formats, folder, title))
    write_json(data, _content(comparison, tables, sentences))
    return dict(page=[page], json=[data], tables=table_files,
                figures=[path for paths in figures.values() for path in paths])


def _draw(comparison: Comparison, folder: str, formats: Sequence[str],
          limit: float) -> Dict[str, List[str]]:
    runs, settings = comparison.runs, comparison.settings
    mode = runs.first.normalization.split(' ')[0]
    length = _LENGTHS.get(mode, runs.first.normalization)
    curves = {system.name: [runs.errors[run] for run in system.runs]
              for system in comparison.systems}

    def paths(name: str) -> List[str]:
        return [osp.join(folder, f'{name}.{ending}') for ending in formats]

    figures = {
        f'ced_{level}': plot_level(curves, paths(f'ced_{level}'), level=level, limit=limit,
                                   normalization=length)
        for level in ('landmarks', 'images')
    }
    points, source = mean_face(runs)
    outline = face_outline(points, common_regions(runs))
    theta = f'θ = {100 * settings.landmark_threshold:g} %'
    figures['failure_map'] = draw_face_map(
        comparison.landmark_rates, points, paths('failure_map'),
        f'failure rate at {theta} (%)', outline=outline,
        note=f'Drawn on the {source}. Numbers: the largest rates (%).')
    if comparison.landmark_differences:
        pairs = {f'{one.system}\nminus {one.baseline}': one
                 for one in comparison.landmark_differences}
        figures['failure_differences'] = draw_face_map(
            {name: one.estimate for name, one in pairs.items()}, points,
            paths('failure_differences'), f'difference at {theta} (percentage points)',
            diverging=True, rings={name: one.significant for name, one in pairs.items()},
            outline=outline,
            note='Blue: fewer failures. Large and ringed: significant, all landmarks together.')
    return figures


def _write_tables(tables: Dict[str, Table], folder: str) -> List[str]:
    written = []
    for name, table in tables.items():
        for ending, text in (('md', table.to_markdown()), ('tex', table.to_latex()),
                             ('csv', table.to_csv())):
            path = osp.join(folder, f'{name}.{ending}')
            with atomic_write(path) as file:
                file.write(text)
            written.append(path)
    return written


def _page(comparison: Comparison, tables: Dict[str, Table], sentences: List[str],
          figures: Dict[str, List[str]], formats: Sequence[str], folder: str,
          title: str) -> str:
    parts = [f'# {title}\n', _what(comparison)]
    for text in comparison.warnings:
        parts.append(f'> **Mind:** {text}\n')
    if sentences:
        parts.append('## In words\n\n' + '\n'.join(f'- {text}' for text in sentences) + '\n')
    parts.append('## Measures\n\n' + _table(tables['measures']))
    if 'differences' in tables:
        parts.append('## Differences\n\n' + _table(tables['differences']))
    parts.append('## Error distributions\n\n'
                 + _figures(['ced_landmarks', 'ced_images'], figures, folder))
    parts.append('## Where the failures lie\n\n'
                 + _figures(['failure_map', 'failure_differences'], figures, folder)
                 + ''.join('\n' + _table(tables[name]) for name in ('regions', 'occlusion')
                           if name in tables))
    parts.append('## What the failure rates rest on\n\n' + _table(tables['saturation']))
    parts.append(_method(comparison))
    parts.append('## Files\n\n'
                 'Each table lies in `tables/` as `.md`, `.tex` and `.csv` (with all digits), '
                 'landmark by landmark in `tables/landmarks.*`; each plot in `figures/` as '
                 + ', '.join(f'`.{ending}`' for ending in formats)
                 + '; everything in `comparison.json`.\n')
    return '\n'.join(parts)


def _what(comparison: Comparison) -> str:
    runs = comparison.runs
    lines = [
        f'{runs.report["faces"]} faces of `{runs.first.dataset_name}`, '
        f'{runs.report["landmarks"]} landmarks, errors divided by: {runs.first.normalization}.\n',
        '| system | result file |', '|:--|:--|'
    ]
    for system in comparison.systems:
        name = system.name.replace('|', r'\|')
        lines += [f'| {name} | `{runs.results[run].prefix}` |' for run in system.runs]
    text = '\n'.join(lines) + '\n'
    left_out = left_out_sentences(runs.report)
    if left_out:
        text += '\nLeft out, because not all runs have them: ' + '; '.join(left_out) + '.\n'
    if runs.path_parts:
        text += (f'\nThe images lie in different folders in these runs; they were paired by the '
                 f'last {runs.path_parts} parts of their paths, and have equal annotations.\n')
    return text


def left_out_sentences(report: dict) -> List[str]:
    """What alignment left out of which run, in words; empty if nothing."""
    found = []
    for field, what in (('faces_left_out', 'faces'), ('landmarks_left_out', 'landmarks'),
                        ('points_left_out', 'single landmarks of single faces')):
        found += [f'{count} {what} of {run}' for run, count in report[field].items() if count]
    return found


def _table(table: Table) -> str:
    return f'{table.caption}\n\n{table.to_markdown()}'


def _figures(names: Sequence[str], figures: Dict[str, List[str]], folder: str) -> str:
    lines = []
    for name in names:
        paths = figures.get(name)
        if not paths:
            continue
        shown = next((path for path in paths if path.endswith(('.png', '.svg'))), paths[0])
        link = osp.relpath(shown, folder).replace(os.sep, '/')
        lines.append(f'![{_FIGURES[name]}]({link})\n')
    return '\n'.join(lines)


def _method(comparison: Comparison) -> str:
    settings = comparison.settings
    lines = [
        f'- Resampled: {comparison.num_units} {settings.unit}s with all their faces and landmarks, '
        f'{settings.resamples} times, the same draws for all systems (seed {settings.seed}).',
    ]
    if any(system.num_seeds == 1 for system in comparison.systems):
        lines.append(
            '- Intervals of single runs: BCa bootstrap, because errors are skewed and failure '
            'rates lie near zero, where percentile intervals are off to one side.'
            if settings.method == 'bca' else
            '- Intervals of single runs: percentile bootstrap, as asked for; for skewed errors '
            'BCa is more accurate.')
        lines.append(
            '- p-values of single runs: paired randomisation test (results of two systems are '
            'swapped image by image; for FR_I this is McNemar\'s exact test). It keeps its level '
            'also where a handful of images decide, which the bootstrap does not; the two can '
            'therefore disagree for rare failures, and then the test counts.')
    if any(system.num_seeds > 1 for system in comparison.systems):
        lines.append(
            '- Systems of several seeds: hierarchical bootstrap; images are resampled, and the '
            'mean over seeds varies by Student\'s t with (seeds − 1) degrees of freedom, because '
            'resampling a handful of seeds would make intervals too short. ± is the standard '
            'deviation over seeds.')
    lines.append('- FR_I@θ: images whose mean error exceeds θ; FR_L@θ: for each landmark the share '
                 'of faces on which it exceeds θ, averaged over landmarks; AUC@θ: area under the '
                 'image-wise distribution up to θ.')
    lines.append('- Bands of single landmarks hold for all landmarks together (studentised maximum '
                 'over landmarks), for each pair by itself.')
    return '## Method\n\n' + '\n'.join(lines) + '\n'


def _content(comparison: Comparison, tables: Dict[str, Table], sentences: List[str]) -> dict:
    runs = comparison.runs
    return dict(
        date=now(),
        versions=software_versions(),
        dataset_name=runs.first.dataset_name,
        normalization=runs.first.normalization,
        settings=dict(comparison.settings.__dict__),
        units=f'per cent, percentage points for differences; fractions for AUC; '
        f'{comparison.settings.unit}s were resampled',
        num_units=comparison.num_units,
        systems=[
            dict(name=system.name, runs=[
                dict(name=run, result=runs.results[run].prefix,
                     printed_metrics=runs.results[run].metrics) for run in system.runs
            ]) for system in comparison.systems
        ],
        alignment=dict(runs.report, path_parts=runs.path_parts),
        warnings=comparison.warnings,
        conclusions=sentences,
        values={
            name: [dict(measure=one.measure.name, estimate=one.estimate, low=one.low,
                        high=one.high, per_seed=one.per_seed,
                        standard_deviation_over_seeds=one.deviation) for one in values]
            for name, values in comparison.values.items()
        },
        **{name: table.records for name, table in tables.items() if name != 'measures'})
