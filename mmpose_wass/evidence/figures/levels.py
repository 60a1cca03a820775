"""Errors over the levels of occlusion and blur."""
from __future__ import annotations

from typing import Mapping, Sequence

import numpy as np

from ...visualization.style import line_style, new_figure
from .systems import FilePath, Groups, estimate_of, legend_below, read_systems, save

#: Tests of each column by the level's name.
COLUMNS = {
    'occlusion': dict(clean='clean', medium='occlusion_medium', large='occlusion_large'),
    'motion blur': dict(clean='clean', medium='blur_medium', large='blur_large'),
    'motion blur, video': dict(clean='video', medium='video_blur_medium',
                               large='video_blur_large')}
_ROWS = {'NME': 'NME, %', 'FR_L@0.10': 'landmarks with an error > 10 %, %'}
#: Part of a level's width over which its systems are spread, so that bars do not hide each other.
_SPREAD = 0.24


def draw_level_curves(groups: Groups, systems: Sequence[Sequence[str]], path: FilePath,
                      columns: Mapping[str, Mapping[str, str]] = COLUMNS) -> str:
    """Draw NME and failure rate over levels, with 95 % intervals.

    Args:
        groups: Records by experiment.
        systems: Triples of experiment, reading and label.
        path: File to write.
        columns: Titles, and for each the tests by level.

    Returns:
        str: ``path``.

    Raises:
        KeyError: If a system has no record with one of the tests.
        ValueError: If there is no system.
    """
    drawn = read_systems('draw_level_curves', systems)
    figure, panels = new_figure(len(_ROWS), len(columns),
                                (3.6 * len(columns), 5.8 + .22 * (-(-len(drawn) // 3))))
    shifts = np.linspace(-.5, .5, len(drawn)) * _SPREAD if len(drawn) > 1 else np.zeros(1)
    for row, (measure, label) in enumerate(_ROWS.items()):
        for column, (title, levels) in enumerate(columns.items()):
            panel = panels[row * len(columns) + column]
            for index, system in enumerate(drawn):
                found = [estimate_of(groups, system, test, measure) for test in levels.values()]
                value, low, high = (np.array([getattr(one, end) for one in found])
                                    for end in ('value', 'low', 'high'))
                style = line_style(index)
                place = np.arange(len(levels)) + shifts[index]
                panel.vlines(place, low, high, color=style['color'], linewidth=1)
                panel.plot(place, value, marker='o', markersize=4, linewidth=1.6,
                           label=system.label, **style)
            panel.set(ylim=(0, None), xlim=(-.3, len(levels) - .7))
            panel.set_xticks(range(len(levels)), list(levels))
            if row == 0:
                panel.set_title(title)
            if column == 0:
                panel.set_ylabel(label)
    legend_below(figure, panels[0], columns=3)
    return save(figure, path)
