"""Cumulative error distributions of several systems on one test."""
from __future__ import annotations

from typing import Sequence

import numpy as np
from matplotlib.ticker import PercentFormatter

from ...visualization.style import new_figure
from ..statistics import mean_metric
from .systems import (
    FilePath,
    Groups,
    count_seeds,
    draw_seeds,
    legend_below,
    read_systems,
    save,
    tested_records,
)

#: Right end of the distributions, a fraction; failures are drawn as far as records go.
_END = 0.20


def draw_cumulative_errors(groups: Groups, systems: Sequence[Sequence[str]], test: str,
                           path: FilePath) -> str:
    """Draw the distributions over landmarks and over faces, and the tail of the former.

    Lines are means over seeds, bands reach from the lowest to the highest seed. The third panel
    shows the same as the first, as failures on a logarithmic scale, where large errors can be told
    apart.

    Args:
        groups: Records by experiment, see ``group_by_experiment``.
        systems: Triples of experiment, reading and label.
        test: Name of the test.
        path: File to write.

    Returns:
        str: ``path``.

    Raises:
        KeyError: If a system has no record with that test and reading.
        ValueError: If there is no system, or records were measured at different thresholds.
    """
    drawn = read_systems('draw_cumulative_errors', systems)
    columns = 1 + (len(drawn) > 3)
    rows = -(-len(drawn) // columns)
    figure, (landmarks, faces, failures) = new_figure(1, 3, (12, 3.9 + 0.25 * rows))
    lowest, end = 1.0, _END
    for index, system in enumerate(drawn):
        records = tested_records(groups, system, test)
        curves = [record.content['tests'][test][system.reading]['ced'] for record in records]
        grid = np.asarray(curves[0]['thresholds'])
        if any(curve['thresholds'] != curves[0]['thresholds'] for curve in curves):
            raise ValueError(f'records of {system.experiment} were measured at different '
                             'thresholds; measure them again')
        nme, rate = (mean_metric(records, system.reading, test, name)
                     for name in ('NME', 'FR_L@0.10'))
        label = (f'{system.label} ({count_seeds(len(records))}): NME {nme:.2f} %, '
                 f'FR$^L_{{0.1}}$ {rate:.2f} %')
        for panel, level in ((landmarks, 'landmarks'), (faces, 'images'), (failures, None)):
            seeds = np.array([curve[level or 'landmarks'] for curve in curves])
            draw_seeds(panel, 100 * grid, seeds if level else 1 - seeds, index, label=label)
        end = max(end, float(grid[-1]))
        lowest = min(lowest, float((1 - seeds.mean(axis=0)).min()))
    for panel, title, label in ((landmarks, 'Landmarks', 'landmarks with an error ≤ θ'),
                                (faces, 'Faces', 'faces with a mean error ≤ θ')):
        panel.set(title=title, xlim=(0, 100 * _END), ylim=(0, 1.01), ylabel=label)
        panel.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    failures.set(title='Landmarks: failures', xlim=(0, 100 * end), yscale='log',
                 ylim=(max(1e-4, lowest / 1.3), 1.1), ylabel='landmarks with an error > θ')
    failures.yaxis.set_major_formatter(lambda value, _: f'{100 * value:g}%')
    failures.grid(True, which='minor', axis='y', color='0.95', linewidth=0.6)
    for panel in (landmarks, faces, failures):
        panel.set_xlabel('θ, % of the normalisation distance')
        panel.axvline(10, color='0.45', linewidth=1, linestyle=(0, (4, 3)))
    legend_below(figure, landmarks, columns)
    return save(figure, path)
