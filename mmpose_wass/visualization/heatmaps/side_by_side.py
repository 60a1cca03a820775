"""Several models on the same faces: a row for each model, a column for each face (Figure 12)."""
from __future__ import annotations

from typing import List, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..picture_grid import new_picture_grid, show_picture
from ..style import save_figures
from .face_view import FaceView
from .marks import add_legend, describe_percent, mark_all

_TILE = 2.0
_MOST_COLUMNS = 8


def side_by_side_figure(models: Mapping[str, Sequence[FaceView]], title: str = '',
                        columns: int = 6) -> Figure:
    """Draw what several models find on the same faces, with the errors below.

    Args:
        models: Views of N faces by the model's name.
        title: Heading.
        columns: Faces in a row; more faces go on below, all models again.

    Returns:
        Figure: The figure.

    Raises:
        ValueError: If there is no face, or the models have seen different numbers of them.
    """
    counts = {name: len(views) for name, views in models.items()}
    if len(set(counts.values())) != 1 or not next(iter(counts.values())):
        raise ValueError(f'every model must have seen the same faces, at least one; found {counts}')
    if not 1 <= columns <= _MOST_COLUMNS:
        raise ValueError(f'columns must be 1 to {_MOST_COLUMNS}, found {columns}')
    count = next(iter(counts.values()))
    columns = min(columns, count)
    blocks = [range(start, min(start + columns, count)) for start in range(0, count, columns)]
    rows = [(name, block) for block in blocks for name in models]
    views = [view for views in models.values() for view in views]
    units = sorted({view.unit_name for view in views if view.unit_name})
    known = any(np.isfinite(view.target).all(axis=1).any() for view in views)
    note = f'below each face: mean error ÷ {" or ".join(units)}' if units else ''
    if len(models) > 1 and units:
        note += '; bold: the smallest of the models'
    grid = new_picture_grid([name for name, _ in rows], [''] * columns, (_TILE, _TILE),
                            caption_lines=1 if units else 0, title=title, note=note)
    for panels, (name, block) in zip(grid.panels, rows):
        for panel, face in zip(panels, block):
            errors = {other: views[face].mean_error for other, views in models.items()}
            show_picture(panel, models[name][face].picture,
                         '' if np.isnan(errors[name]) else describe_percent(errors[name]),
                         bold=len(errors) > 1 and errors[name] == np.nanmin(list(errors.values())))
            mark_all(panel, models[name][face])
        for panel in panels[len(block):]:
            panel.set_visible(False)
    add_legend(grid, *(['truth', 'prediction', 'gap'] if known else ['prediction']))
    return grid.figure


def draw_side_by_side(models: Mapping[str, Sequence[FaceView]], paths: Sequence[str],
                      title: str = '', columns: int = 6) -> List[str]:
    """Draw the figure of :func:`side_by_side_figure` into files.

    Args:
        models: Views of N faces by the model's name.
        paths: Files to write: ``.png``, ``.pdf`` or ``.svg``.
        title: Heading.
        columns: Faces in a row.

    Returns:
        list[str]: ``paths``.
    """
    return save_figures(side_by_side_figure(models, title, columns), paths)
