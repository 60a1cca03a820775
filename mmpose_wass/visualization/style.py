"""One look for all plots, and a figure that touches no global state of pyplot."""
from __future__ import annotations

import os.path as osp
from typing import List, Optional, Sequence, Tuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.utils import mkdir_or_exist

#: Eight colours that people with any colour vision can tell apart (Okabe and Ito, 2008), without
#: the yellow, which is too faint on white.
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
#: Cycled once the colours are used up.
LINE_STYLES = ('-', '--', ':', '-.')


def line_style(index: int) -> dict:
    """Colour and line style of the curve number ``index``; the first 28 differ."""
    return dict(
        color=COLORS[index % len(COLORS)],
        linestyle=LINE_STYLES[index // len(COLORS) % len(LINE_STYLES)])


def new_figure(rows: int, columns: int, size: Tuple[float, float]) -> Tuple[Figure, list]:
    """A figure of its own, safe in any thread and without a display.

    Args:
        rows (int): Panels from top to bottom.
        columns (int): Panels from left to right.
        size (tuple[float, float]): Width and height in inches.

    Returns:
        tuple[Figure, list[Axes]]: The figure and its panels, row by row.
    """
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False).reshape(-1))
    for panel in axes:
        style_panel(panel)
    return figure, axes


def style_panel(panel: Axes) -> None:
    """Light grid, no box."""
    panel.grid(True, color='0.9', linewidth=0.8)
    panel.set_axisbelow(True)
    for side in ('top', 'right'):
        panel.spines[side].set_visible(False)


def save_figure(figure: Figure, path: str, title: Optional[str] = None, dpi: int = 150) -> str:
    """Write ``figure`` in the format that the ending of ``path`` names; the folder is made.

    Raises:
        ValueError: If the ending names no format that matplotlib writes.
    """
    path = str(path)
    ending = osp.splitext(path)[1][1:].lower()
    if ending not in figure.canvas.get_supported_filetypes():
        raise ValueError(f'{path}: a plot is written as .png, .pdf or .svg, found ending '
                         f'{ending or "(none)"!r}')
    if osp.dirname(path):
        mkdir_or_exist(osp.dirname(path))
    if title:
        figure.suptitle(title, fontweight='bold')
    # Text of a PDF stays text, which journals ask for.
    with matplotlib.rc_context({'pdf.fonttype': 42, 'svg.fonttype': 'none'}):
        figure.savefig(path, dpi=dpi, facecolor='white')
    return path


def save_figures(figure: Figure, paths: Sequence[str], title: Optional[str] = None) -> List[str]:
    """Write ``figure`` under several names, such as ``.png`` to look at and ``.pdf`` to print.

    Returns:
        list[str]: ``paths``.
    """
    return [save_figure(figure, path, title) for path in paths]
