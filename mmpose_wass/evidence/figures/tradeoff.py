"""Precision on clean faces against robustness."""
from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullFormatter

from ...visualization.style import COLORS, new_figure
from ..statistics import Estimate
from .systems import FilePath, Groups, estimate_of, read_systems, save

_AXES = {'NME': 'NME', 'FR_L@0.10': 'landmarks with an error > 10 %',
         'FR_L@0.20': 'landmarks with an error > 20 %'}
_HALO = [withStroke(linewidth=2.5, foreground='white')]
_MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X')
#: Beyond this ratio of the largest to the smallest value an axis is logarithmic.
_WIDE = 3.0
#: Places of a label about its marker, points: the first that is free is taken.
_PLACES = [(dx * reach, dy * reach) for reach in (7, 14, 24, 36)
           for dx, dy in ((.7, .7), (.7, -.7), (-.7, .7), (-.7, -.7), (1, 0), (-1, 0), (0, 1),
                          (0, -1))]


def draw_tradeoff(groups: Groups, systems: Sequence[Sequence[str]], path: FilePath,
                  across: Tuple[str, str] = ('clean', 'NME'),
                  upwards: Tuple[str, str] = ('occlusion_large', 'FR_L@0.10')) -> str:
    """Draw a marker for each system, with 95 % intervals of both measures.

    Colours tell experiments apart (as far as there are colours), markers readings. Systems that no
    other one beats in both measures are joined by a line.

    Args:
        groups: Records by experiment.
        systems: Triples of experiment, reading and label.
        path: File to write.
        across: Test and measure of the horizontal axis.
        upwards: Test and measure of the vertical axis.

    Returns:
        str: ``path``.

    Raises:
        KeyError: If a system has no record with those tests.
        ValueError: If there is no system.
    """
    drawn = read_systems('draw_tradeoff', systems)
    points = [tuple(estimate_of(groups, system, *axis) for axis in (across, upwards))
              for system in drawn]
    figure, (panel, ) = new_figure(1, 1, (8.4, 6))
    experiments = list(dict.fromkeys(system.experiment for system in drawn))
    readings = list(dict.fromkeys(system.reading for system in drawn))
    values = np.array([[x.value, y.value] for x, y in points])
    for axis, column in (('x', values[:, 0]), ('y', values[:, 1])):
        if column.min() > 0 and column.max() > _WIDE * column.min():
            panel.set(**{f'{axis}scale': 'log'})
            one = getattr(panel, f'{axis}axis')
            one.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
            one.set_major_formatter('{x:g}')
            one.set_minor_formatter(NullFormatter())
    front = [place for place, point in enumerate(values)
             if not ((values <= point).all(axis=1) & (values < point).any(axis=1)).any()]
    front.sort(key=lambda place: values[place, 0])
    panel.plot(*values[front].T, color='0.75', linewidth=1.4, zorder=1)
    for system, (x, y) in zip(drawn, points):
        color = COLORS[experiments.index(system.experiment) % len(COLORS)]
        panel.errorbar(x.value, y.value, xerr=_reach(x), yerr=_reach(y), color=color,
                       marker=_MARKERS[readings.index(system.reading) % len(_MARKERS)],
                       markersize=7, elinewidth=1, alpha=.95, capsize=0, zorder=3)
    panel.set(xlabel=_axis(*across), ylabel=_axis(*upwards))
    panel.margins(.08)
    figure.canvas.draw()
    _write_labels(panel, points, [system.label for system in drawn],
                  [COLORS[experiments.index(system.experiment) % len(COLORS)] for system in drawn])
    return save(figure, path)


def _reach(found: Estimate) -> List[List[float]]:
    return [[found.value - found.low], [found.high - found.value]]


def _axis(test: str, measure: str) -> str:
    return f'{_AXES.get(measure, measure)}, {test.replace("_", " ")}, %'


def _write_labels(panel: Axes, points: Sequence[Tuple[Estimate, Estimate]], labels: List[str],
                  colors: List[str]) -> None:
    """Write each label beside its marker, off bars, markers and other labels where there is room.
    """
    renderer = panel.figure.canvas.get_renderer()
    frame = panel.get_window_extent(renderer).extents
    taken = [box for x, y in points for box in _bars(panel, x, y)]
    for (x, y), label, color in zip(points, labels, colors):
        best = None
        for dx, dy in _PLACES:
            text = panel.annotate(
                label, (x.value, y.value), xytext=(dx, dy), textcoords='offset points',
                ha='left' if dx > 1 else 'right' if dx < -1 else 'center',
                va='bottom' if dy > 1 else 'top' if dy < -1 else 'center', fontsize=9,
                color=color, zorder=4, path_effects=_HALO)
            box = text.get_window_extent(renderer).extents
            cost = sum(_overlap(box, other) for other in taken) + 10 * _outside(box, frame)
            if best is not None and cost >= best[0]:
                text.remove()
                continue
            if best is not None:
                best[1].remove()
            best = (cost, text, tuple(box))
            if cost == 0:
                break
        taken.append(best[2])


def _bars(panel: Axes, x: Estimate, y: Estimate) -> List[Tuple[float, float, float, float]]:
    """Boxes in pixels about a marker and its two bars."""
    corners = panel.transData.transform([(x.low, y.low), (x.value, y.value), (x.high, y.high)])
    (left, bottom), (middle, center), (right, top) = corners
    return [(left, center - 2, right, center + 2), (middle - 2, bottom, middle + 2, top),
            (middle - 6, center - 6, middle + 6, center + 6)]


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Area that two boxes (left, bottom, right, top) share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def _outside(box: Sequence[float], frame: Sequence[float]) -> float:
    """Area of a box that lies outside a frame."""
    return (box[2] - box[0]) * (box[3] - box[1]) - _overlap(box, frame)
