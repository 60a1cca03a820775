"""The gradient's size, and how much of it is where the target is, while training goes on."""
from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np

from ...visualization.style import line_style, new_figure
from ..records import Record
from .systems import FilePath, Groups, legend_below, records_of, save


def draw_gradient_through_training(groups: Groups, experiments: Sequence[str],
                                   path: FilePath) -> str:
    """Draw what a ``GradientSizeHook`` logged of each experiment's first seed.

    Left, the absolute sum of the gradient with respect to a map, relative to its first value, since
    losses have scales of their own; right, the share of it near the target.

    Args:
        groups: Records by experiment.
        experiments: Names of experiments.
        path: File to write.

    Returns:
        str: ``path``.

    Raises:
        KeyError: If an experiment has no record.
        ValueError: If there is no experiment, or a record has no such log.
    """
    if not experiments:
        raise ValueError('draw_gradient_through_training needs an experiment, found none')
    figure, (sizes, shares) = new_figure(1, 2, (11, 4.4 + .2 * len(experiments) / 3))
    for index, name in enumerate(experiments):
        record = records_of(groups, name)[0]
        points = logged_gradients(record)
        if not points:
            raise ValueError(f'record {record.name} has no gradient in its training curve: train '
                             'it with a GradientSizeHook')
        steps, size, near = np.array(points).T
        style = dict(linewidth=1.8, **line_style(index))
        sizes.plot(steps, size / size[0], label=record.content['title'], **style)
        shares.plot(steps, 100 * near / size, **style)
    sizes.set(xlabel='training step', ylabel='size of the gradient, first = 1', yscale='log')
    shares.set(xlabel='training step', ylabel='of it near the target, %', ylim=(0, 100))
    legend_below(figure, sizes, columns=3)
    return save(figure, path)


def logged_gradients(record: Record) -> List[Tuple[int, float, float]]:
    """Step, size of the gradient, and the part of it near the target; empty if not logged."""
    return [(point['step'], point['gradient_size'], point['gradient_near_target'])
            for point in record.content['training']['curve'] if 'gradient_size' in point]
