"""How the error falls while experiments are trained."""
from __future__ import annotations

from typing import Dict, List, Optional, Sequence

import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from ...visualization.style import new_figure
from ..records import Record
from .systems import FilePath, Groups, draw_seeds, records_of, save

_TICKS = (3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)


def draw_training_curves(groups: Groups, experiments: Sequence[str], path: FilePath,
                         reference: Optional[Dict[str, float]] = None) -> str:
    """Draw the NME of each validation against the epoch.

    Experiments that begin with random weights, those that begin with trained ones, and those on
    other data stand in panels of their own. Maps are read as the experiment's own config says.

    Args:
        groups: Records by experiment.
        experiments: Names of experiments.
        path: File to write.
        reference: Values to mark by a line, in per cent, such as that of the mean face on the data
            of the first experiment.

    Returns:
        str: ``path``.

    Raises:
        KeyError: If an experiment has no record.
        ValueError: If there is no experiment, or a record has no validation.
    """
    if not experiments:
        raise ValueError('draw_training_curves needs at least one experiment, found none')
    starts: Dict[str, List[str]] = {}
    for name in experiments:
        settings = records_of(groups, name)[0].content['settings']
        start = ('From random weights' if settings['start'] is None else
                 f'From the weights of “{settings["start"]}”')
        # Errors on other faces stand in a panel of their own.
        starts.setdefault(f'{start}, data {settings["data"]}', []).append(name)
    rows = max(-(-len(names) // _columns(names)) for names in starts.values())
    figure, panels = new_figure(1, len(starts), (5.6 * len(starts), 4 + .22 * rows))
    low, high = float('inf'), 0.0
    data = groups[experiments[0]][0].content['settings']['data']
    # A colour means the same experiment in all panels.
    colors = {name: index for index, name in enumerate(experiments)}
    for panel, (start, names) in zip(panels, starts.items()):
        for name in names:
            curves = [validation_curve(record) for record in groups[name]]
            epochs = sorted(set.intersection(*map(set, curves)))
            seeds = np.array([[curve[epoch] for epoch in epochs] for curve in curves])
            draw_seeds(panel, np.array(epochs), seeds, colors[name], marker='o', markersize=4,
                       label=f'{groups[name][0].content["title"]}: {seeds[:, -1].mean():.2f} %')
            low, high = min(low, float(seeds.min())), max(high, float(seeds.max()))
        panel.set(title=start, xlabel='epoch', ylabel='NME, %', yscale='log')
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        same_data = groups[names[0]][0].content['settings']['data'] == data
        for text, value in (reference or {}).items() if same_data else ():
            panel.axhline(value, color='0.45', linewidth=1, linestyle=(0, (4, 3)))
            panel.annotate(f'{text} {value:g} %', (1, value), xytext=(0, 2),
                           textcoords='offset points', xycoords=panel.get_yaxis_transform(),
                           ha='right', va='bottom', color='0.35', fontsize=9)
            low, high = min(low, value), max(high, value)
    for panel, names in zip(panels, starts.values()):  # one scale
        panel.set_ylim(low / 1.06, high * 1.1)
        panel.yaxis.set_major_locator(FixedLocator(_TICKS))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter('{x:g}')
        panel.set_xlim(left=0)
        panel.legend(loc='upper center', bbox_to_anchor=(.5, -.14), fontsize=9.5, frameon=False,
                     ncols=_columns(names), title='after the last epoch', title_fontsize=9)
    return save(figure, path)


def _columns(names: Sequence[str]) -> int:
    """Columns of the legend of so many curves."""
    return 1 + (len(names) > 5)


def validation_curve(record: Record) -> Dict[int, float]:
    """NME in per cent by epoch.

    Raises:
        ValueError: If the record has none.
    """
    # A training that was cut and resumed may have validated an epoch twice: the later one holds.
    curve = {point['epoch']: point['NME'] for point in record.content['training']['curve']
             if 'NME' in point}
    if not curve:
        raise ValueError(f'record {record.name} has no validation in its training curve')
    return curve
