"""What a picture compares, and what all pictures share."""
from __future__ import annotations

from pathlib import Path
from typing import List, Mapping, NamedTuple, Sequence, Union

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from ...visualization.style import line_style, save_figure
from ..records import Record
from ..statistics import Estimate, Evidence, System

Groups = Mapping[str, Sequence[Record]]
FilePath = Union[str, Path]
#: Dots per inch: a page shows a picture of 11 inches at about its own size.
DPI = 100
_COLORS = 160


class DrawnSystem(NamedTuple):
    """A curve: trained models, how their maps are read, and what to call that.

    Attributes:
        experiment (str): Name of the experiment.
        reading (str): Name of the reading.
        label (str): Text of the legend.
    """
    experiment: str
    reading: str
    label: str


def read_systems(caller: str, systems: Sequence[Sequence[str]]) -> List[DrawnSystem]:
    """Triples of experiment, reading and label.

    Raises:
        ValueError: If there is none.
    """
    if not systems:
        raise ValueError(f'{caller} needs at least one system (experiment, reading, label), found '
                         'none')
    return [DrawnSystem(*system) for system in systems]


def records_of(groups: Groups, experiment: str) -> Sequence[Record]:
    """Records of an experiment.

    Raises:
        KeyError: If there is none.
    """
    if not groups.get(experiment):
        raise KeyError(f'there is no record of the experiment {experiment!r}; there are records of '
                       f'{", ".join(groups) or "none"}')
    return groups[experiment]


def tested_records(groups: Groups, system: DrawnSystem, test: str) -> List[Record]:
    """Records of a system that were measured on a test.

    Raises:
        KeyError: If there is none.
    """
    found = [record for record in records_of(groups, system.experiment)
             if system.reading in record.content['tests'].get(test, {})]
    if not found:
        raise KeyError(f'no record of the experiment {system.experiment!r} holds the test {test!r} '
                       f'with the reading {system.reading!r}')
    return found


def estimate_of(groups: Groups, system: DrawnSystem, test: str, measure: str) -> Estimate:
    """A measure of a system with the interval that the page gives it too.

    Raises:
        KeyError: If there is no record of that test.
    """
    tested_records(groups, system, test)
    return Evidence(groups).estimate(System(system.experiment, system.reading), test, measure)


def draw_seeds(panel: Axes, x: np.ndarray, seeds: np.ndarray, index: int, **options) -> None:
    """A line for the mean over seeds, and a band from the lowest to the highest.

    Args:
        panel: Where.
        x: ``[T]``.
        seeds: ``[S, T]``.
        index: Number of the curve, which gives it its colour.
        **options: Of the line.
    """
    style = line_style(index)
    if len(seeds) > 1:
        panel.fill_between(x, seeds.min(axis=0), seeds.max(axis=0), color=style['color'],
                           alpha=.18, linewidth=0)
    panel.plot(x, seeds.mean(axis=0), **dict(dict(linewidth=1.8, **style), **options))


def legend_below(figure: Figure, panel: Axes, columns: int = 1) -> None:
    """A legend of all of a panel's curves below everything, where it hides none."""
    figure.legend(*panel.get_legend_handles_labels(), loc='outside lower center', ncols=columns,
                  fontsize=9.5, frameon=False)


def count_seeds(count: int) -> str:
    """'3 seeds', as legends put it."""
    return f'{count} seed{"" if count == 1 else "s"}'


def save(figure: Figure, path: FilePath, palette: bool = True) -> str:
    """Write a picture.

    Args:
        figure: The picture.
        path: Where.
        palette: Whether a PNG has a palette, a third of the size: plots have few colours.

    Returns:
        str: ``path``.
    """
    save_figure(figure, str(path), dpi=DPI)
    if palette and str(path).endswith('.png'):
        with Image.open(path) as picture:
            small = picture.convert('RGB').quantize(_COLORS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
    return str(path)
