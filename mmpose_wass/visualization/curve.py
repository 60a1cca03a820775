"""Plot of a training run from the scalars that MMEngine writes."""
from __future__ import annotations

import json
import math
import os.path as osp
from typing import Dict, List, Optional, Sequence, Tuple

from matplotlib.ticker import LogLocator, MaxNLocator

from .style import line_style, new_figure, save_figure

#: Measures to draw when they are there, all of them per cent of the normalisation distance or of
#: faces and landmarks, so that they share an axis.
DEFAULT_MEASURES = ('face/NME', 'face/FR_I@0.10', 'face/FR_L@0.10')

_LARGER_IS_BETTER = ('AUC', 'AP', 'AR', 'PCK', 'accuracy')
_NOT_MEASURES = ('time', 'data_time', 'step', 'epoch', 'iter', 'memory', 'lr')


def read_scalars(path: str) -> Tuple[List[dict], List[dict]]:
    """Records of training and of validation in MMEngine's ``vis_data/scalars.json``.

    Args:
        path (str): The file: one JSON object in each line.

    Returns:
        tuple[list[dict], list[dict]]: Records that hold a loss, and the others.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not JSON or no line holds a loss.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'{path}: no such file. MMEngine writes vis_data/scalars.json into '
                                'the time-stamped folder of a run, below its work_dir')
    training, validation = [], []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f'{path}, line {number}: not a JSON object ({error})') from error
            (training if 'loss' in record else validation).append(record)
    if not training:
        raise ValueError(f'{path}: no line has the field "loss", so this is no record of training')
    return training, validation


def plot_training_curve(scalars_json: str,
                        path: str,
                        measures: Optional[Sequence[str]] = None,
                        title: Optional[str] = None) -> str:
    """Draw losses and learning rate over iterations, and measures over the validations.

    Args:
        scalars_json (str): ``vis_data/scalars.json`` of a run.
        path (str): File to write: ``.png``, ``.pdf`` or ``.svg``.
        measures (Sequence[str], optional): Names to draw in the right panel. Default:
            :data:`DEFAULT_MEASURES`, or, where the run has none of them, all that it has.
        title (str, optional): Title above both panels.

    Returns:
        str: ``path``.

    Raises:
        FileNotFoundError: If ``scalars_json`` does not exist.
        ValueError: If it is no record of a training.
        KeyError: If the run has no measure of a name in ``measures``.
    """
    training, validation = read_scalars(scalars_json)
    figure, panels = new_figure(1, 2 if validation else 1, size=(11 if validation else 6.5, 4.2))
    _plot_losses(panels[0], training)
    if validation:
        in_epochs = (all('epoch' in record for record in training)
                     and max(record['step'] for record in validation) <= max(
                         record['epoch'] for record in training))
        curves = _measure_curves(validation, measures)
        _plot_measures(panels[1], curves, 'epoch' if in_epochs else 'iteration')
    return save_figure(figure, path, title)


def _plot_losses(panel, training: List[dict]) -> None:
    steps = [record['step'] for record in training]
    terms = sorted({
        name
        for record in training for name in record
        if name.startswith('loss_') or name.endswith('_loss') or '.loss' in name
    })
    # A single term is the sum itself: one curve says it all.
    for index, name in enumerate(['loss'] + (terms if len(terms) > 1 else [])):
        values = [record.get(name, float('nan')) for record in training]
        panel.plot(
            steps, values, label=name, linewidth=2 if name == 'loss' else 1.3, **line_style(index))
    positive = [record['loss'] for record in training if record['loss'] > 0]
    if len(positive) == len(training) and max(positive) > 20 * min(positive):
        panel.set_yscale('log')
    panel.set(title='Training', xlabel='iteration', ylabel='loss')

    if all('lr' in record for record in training):
        rate = panel.twinx()
        rate.plot(steps, [record['lr'] for record in training], color='0.6', linewidth=1.2)
        rate.set_ylabel('learning rate', color='0.45')
        rate.tick_params(axis='y', colors='0.45')
        rate.set_ylim(bottom=0)
        rate.ticklabel_format(axis='y', style='sci', scilimits=(-2, 3))
        for side in ('top', 'left'):
            rate.spines[side].set_visible(False)
        # Losses lie on top of the learning rate.
        panel.set_zorder(rate.get_zorder() + 1)
        panel.patch.set_visible(False)
        panel.plot([], [], color='0.6', linewidth=1.2, label='learning rate')
    panel.legend(fontsize=9, loc='upper right', framealpha=0.92, edgecolor='0.85')


def _measure_curves(validation: List[dict],
                    measures: Optional[Sequence[str]]) -> Dict[str, List[tuple]]:
    there = [
        name for name in dict.fromkeys(name for record in validation for name in record)
        if name not in _NOT_MEASURES
    ]
    if measures is None:
        measures = [name for name in DEFAULT_MEASURES if name in there] or there
    missing = [name for name in measures if name not in there]
    if missing:
        raise KeyError(f'the run has no measure named {", ".join(missing)}; '
                       f'it has {", ".join(there) or "none"}')
    return {
        name: [(record['step'], record[name]) for record in validation if name in record]
        for name in measures
    }


def _is_percent(name: str) -> bool:
    return name.startswith('face/') and 'AUC' not in name and 'excluded' not in name


def _plot_measures(panel, curves: Dict[str, List[tuple]], unit: str) -> None:
    for index, (name, points) in enumerate(curves.items()):
        steps, values = zip(*points)
        style = line_style(index)
        label = name
        finite = [point for point in points if math.isfinite(point[1])]
        if finite:
            # The first of equal values: max and min keep it.
            best = max if any(word in name for word in _LARGER_IS_BETTER) else min
            step, value = best(finite, key=lambda point: point[1])
            percent = ' %' if _is_percent(name) else ''
            label = f'{name}: best {value:.2f}{percent} at {unit} {step}'
            panel.plot([step], [value],
                       marker='o',
                       markersize=10,
                       markerfacecolor='none',
                       markeredgewidth=1.8,
                       color=style['color'])
        panel.plot(
            steps,
            values,
            linewidth=2,
            marker='o',
            markersize=3.5,
            label=label,
            **style)
    shown = [value for points in curves.values() for _, value in points if math.isfinite(value)]
    if shown and min(shown) > 0 and max(shown) > 20 * min(shown):
        panel.set_yscale('log')
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter('{x:g}')
        panel.yaxis.set_minor_formatter('')
    else:
        panel.set_ylim(bottom=0)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    all_percent = all(map(_is_percent, curves))
    panel.set(
        title='Validation',
        xlabel=unit,
        ylabel='per cent' if all_percent else 'value of the measure')
    panel.legend(fontsize=9, loc='upper right', framealpha=0.92, edgecolor='0.85')
