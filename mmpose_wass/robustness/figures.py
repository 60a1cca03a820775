"""Plots of a report as data URIs, each small enough for a telephone."""
from __future__ import annotations

import base64
import os.path as osp
import tempfile
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.ticker import PercentFormatter

from ..evaluation.comparison.mean_face import common_regions, mean_face
from ..evaluation.functional import cumulative_error_distribution
from ..visualization.face_map import draw_face_map, face_outline
from ..visualization.style import line_style, new_figure, save_figure
from .summary import Finding

#: Width and height in inches of a plot: legible at the width of a telephone.
SIZE = (5.0, 3.5)
#: Right end of the distributions, a fraction.
CED_LIMIT = 0.20
_LEVELS = dict(landmarks='landmarks with an error up to θ',
               images='faces with a mean error up to θ')
SEVERITY_UNITS = dict(
    occlusion='mean axis of the ellipse ÷ side of the face box',
    motion_blur='length of the path ÷ side of the face box',
    box_shift='shift ÷ side of the face box',
    box_scale='box larger or smaller by (0.5: × 1.5 or ÷ 1.5)',
    box_rotation='rotation of the box, degrees')
_CURVE_LABELS = {'NME': 'NME, %', 'FR_L@0.10': 'failure rate of landmarks at 10 %, %'}


def data_uri(draw: Callable[[str], Any]) -> str:
    """An SVG plot as a data URI.

    Args:
        draw: Writes the plot to the path that it is given.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = osp.join(folder, 'plot.svg')
        draw(path)
        with open(path, 'rb') as file:
            return 'data:image/svg+xml;base64,' + base64.b64encode(file.read()).decode('ascii')


def plot_ced(finding: Finding, level: str, colors: Mapping[str, int]) -> str:
    """Cumulative error distributions of all models by one protocol.

    Args:
        finding: The protocol.
        level: ``'landmarks'`` or ``'images'``.
        colors: Number of each model's line style.

    Returns:
        str: A data URI.
    """
    figure, (panel, ) = new_figure(1, 1, size=SIZE)
    grid = np.linspace(0, CED_LIMIT, 401)
    for name, errors in finding.comparison.runs.errors.items():
        panel.plot(100 * grid, cumulative_error_distribution(errors, grid, level=level),
                   linewidth=2, label=plain_text(name), **line_style(colors[name]))
    panel.set(xlim=(0, 100 * CED_LIMIT), ylim=(0, 1.01), ylabel=_LEVELS[level],
              xlabel='θ, % of the normalisation distance')
    panel.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    panel.legend(fontsize=9, framealpha=.92, loc='lower right')
    return data_uri(lambda path: save_figure(figure, path))


def plot_curve(curve: Mapping[str, Any], measure: str, colors: Mapping[str, int]) -> str:
    """A measure over severity with its intervals.

    Args:
        curve: From ``describe_curve``.
        measure: ``'NME'`` or ``'FR_L@0.10'``.
        colors: Number of each model's line style.

    Returns:
        str: A data URI.
    """
    figure, (panel, ) = new_figure(1, 1, size=SIZE)
    for name, points in curve['models'].items():
        style = line_style(colors[name])
        x = [point['severity'] for point in points]
        value, low, high = ([point[measure][end] for point in points]
                            for end in ('value', 'low', 'high'))
        panel.plot(x, value, marker='o', markersize=4, linewidth=2, label=plain_text(name), **style)
        panel.fill_between(x, low, high, color=style['color'], alpha=.15, linewidth=0)
    panel.set(xlabel=SEVERITY_UNITS[curve['perturbation']], ylabel=_CURVE_LABELS[measure])
    panel.set_ylim(bottom=0)
    for name, severity in curve['levels'].items():
        panel.axvline(severity, color='0.5', linewidth=1, linestyle=':')
        panel.annotate(name, (severity, 0.02), rotation=90, va='bottom', ha='right', color='0.35',
                       fontsize=9, xycoords=panel.get_xaxis_transform())
    panel.legend(fontsize=9, framealpha=.92, loc='upper left')
    return data_uri(lambda path: save_figure(figure, path))


def plot_landmarks(finding: Finding) -> Dict[str, Tuple[str, int]]:
    """Failure rate of each landmark on a mean face: all models, and their differences.

    Returns:
        dict[str, tuple[str, int]]: ``rates`` and, with two models, ``differences``: a data URI,
        and how many faces stand side by side in it.
    """
    comparison = finding.comparison
    points, source = mean_face(comparison.runs)
    outline = face_outline(points, common_regions(comparison.runs))
    rates = {plain_text(system.name): comparison.landmark_rates[system.name]
             for system in comparison.systems}
    plots = dict(rates=(data_uri(lambda path: draw_face_map(
        rates, points, [path], 'failure rate at 10 % (%)', outline=outline,
        note=f'Drawn on the {source}.')), min(len(rates), 4)))
    if comparison.landmark_differences:
        pairs = {plain_text(f'{one.system}\nminus {one.baseline}'): one
                 for one in comparison.landmark_differences}
        plots['differences'] = (data_uri(lambda path: draw_face_map(
            {name: one.estimate for name, one in pairs.items()}, points, [path],
            'difference (percentage points)', diverging=True,
            rings={name: one.significant for name, one in pairs.items()}, outline=outline,
            note='Blue: fewer failures. Ringed: significant, all landmarks together.')),
            min(len(pairs), 4))
    return plots


def number_models(names: Sequence[str]) -> Dict[str, int]:
    """The same line style for a model in all plots."""
    return {name: number for number, name in enumerate(names)}


def plain_text(name: str) -> str:
    """A name that Matplotlib draws as it is: no formulas, no hidden labels.

    Examples:
        >>> plain_text('_cost $5')
        '\\u200b_cost \\\\$5'
    """
    # A label that begins with an underscore is left out of legends.
    return ('\u200b' if name.startswith('_') else '') + name.replace('$', r'\$')
