"""Whether a confidence tells which landmarks are wrong."""
from __future__ import annotations

from typing import Dict, Sequence

import numpy as np
from matplotlib.ticker import PercentFormatter

from ...visualization.style import line_style, new_figure
from .systems import (
    DrawnSystem,
    FilePath,
    Groups,
    count_seeds,
    draw_seeds,
    records_of,
    save,
    tested_records,
)

#: What signals of records are called.
SIGNALS = dict(
    score='mass about the point', peak='peak of the map', probability_peak='peak of the softmax',
    deviation='− deviation', entropy='− entropy', far_mass='− mass far away')
#: Signals that claim to be a share.
_SHARE = 'score'


def draw_calibration(groups: Groups, experiment: str, reading: str, signals: Sequence[str],
                     path: FilePath, tests: Sequence[str] = ('clean', 'occlusion_large'),
                     title: str = '') -> str:
    """Draw how many landmarks are wrong (error > 0.1) among those of like confidence.

    Landmarks are sorted by each signal and cut into parts of one size, so that all signals share
    an axis. The last panel holds the score against the share of right landmarks: one that means
    what it says lies on the diagonal.

    Args:
        groups: Records by experiment.
        experiment: Name of the experiment.
        reading: Name of the reading.
        signals: Names of confidences that the records hold, see :data:`SIGNALS`.
        path: File to write.
        tests: Names of tests, a panel each.
        title: Heading; default: the experiment's title and the name of the reading.

    Returns:
        str: ``path``.

    Raises:
        KeyError: If there is no record of that, or it lacks a signal.
        ValueError: If there is no signal or no test.
    """
    if not signals or not tests:
        raise ValueError('draw_calibration needs a signal and a test, found '
                         f'{list(signals)} and {list(tests)}')
    figure, panels = new_figure(1, len(tests) + 1, (4 * (len(tests) + 1), 4.2))
    system = DrawnSystem(experiment, reading, '')
    shares = panels[-1]
    shares.plot([0, 1], [0, 1], color='0.6', linewidth=1, linestyle=(0, (4, 3)))
    lowest = 1.0
    for number, (panel, test) in enumerate(zip(panels, tests)):
        records = tested_records(groups, system, test)
        for index, signal in enumerate(signals):
            found = [_signal(record, test, reading, signal) for record in records]
            wrong = np.array([one['bins']['wrong'] for one in found])
            parts = wrong.shape[1]
            center = (np.arange(parts) + .5) / parts
            area = np.mean([one['auc'] for one in found])
            draw_seeds(panel, center, wrong, index, marker='o', markersize=4,
                       label=f'{SIGNALS.get(signal, signal)}: {area:.3f}')
        panel.set(title=test.replace('_', ', '), xlim=(0, 1), ylim=(0, None),
                  xlabel='landmarks, from the least to the most confident',
                  ylabel='share with an error > 0.1')
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter(PercentFormatter(xmax=1))
        panel.legend(fontsize=9, framealpha=.92, edgecolor='.85', title_fontsize=9,
                     title='area under the ROC curve')
        bins = [_signal(record, test, reading, _SHARE)['bins'] for record in records]
        score, wrong = (np.mean([one[name] for one in bins], axis=0)
                        for name in ('score', 'wrong'))
        lowest = min(lowest, *score, *(1 - wrong))
        shares.plot(score, 1 - wrong, marker='o', markersize=4, linewidth=1.8,
                    label=test.replace('_', ', '), **line_style(len(signals) + number))
    corner = max(0.0, np.floor(10 * lowest) / 10)
    shares.set(title='What the score says, and what holds', xlim=(corner, 1.005),
               ylim=(corner, 1.005), xlabel=f'score: {SIGNALS[_SHARE]}',
               ylabel='share with an error ≤ 0.1')
    shares.legend(fontsize=9, framealpha=.92, edgecolor='.85', loc='best')
    name = f'{records_of(groups, experiment)[0].content["title"]}, {reading}'
    figure.suptitle(f'{title or name} ({count_seeds(len(records))})', fontsize=11)
    return save(figure, path)


def _signal(record, test: str, reading: str, signal: str) -> Dict[str, object]:
    known = record.content['tests'][test][reading]['confidence']
    if signal not in known:
        raise KeyError(f'record {record.name} has no confidence {signal!r} on {test}; it has '
                       f'{", ".join(known)}')
    return known[signal]
