"""Heatmaps of single landmarks over the face, one column for each model (Figure 6)."""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..picture_grid import new_picture_grid, say_empty, show_picture
from ..style import save_figures
from .face_view import FaceView
from .marks import add_heat_bar, add_legend, describe_percent, mark_landmark
from .overlay import GAMMA

#: Inches of a picture.
_TILE = 2.1


@dataclass(frozen=True)
class HeatmapRow:
    """A row of the sheet.

    Attributes:
        title (str): What stands beside it.
        views (Sequence[FaceView]): The face by each model.
        landmarks (Sequence[int | None]): Index of the landmark in each model's layout; -1 where a
            model does not have it; None for the maps of all landmarks in one picture.
    """
    title: str
    views: Sequence[FaceView]
    landmarks: Sequence[Optional[int]]


def heatmap_figure(rows: Sequence[HeatmapRow], models: Sequence[str], title: str = '',
                   gamma: float = GAMMA) -> Figure:
    """Draw heatmaps over faces: at the left the face with the landmark, then a column a model.

    Each map is relative to its own highest value, on a square root scale unless ``gamma`` is 1.
    Below it stand the landmark's error and its stray mass, see :meth:`FaceView.stray_mass`.

    Args:
        rows: What to draw.
        models: Names of the models.
        title: Heading.
        gamma: Exponent of the scale of the maps.

    Returns:
        Figure: The figure; see :func:`draw_heatmap_sheet`.

    Raises:
        ValueError: If there is no row or a row does not have a view for each model.
    """
    for row in rows:
        if not len(row.views) == len(row.landmarks) == len(models):
            raise ValueError(f'row {row.title!r}: {len(models)} models, but {len(row.views)} views '
                             f'and {len(row.landmarks)} landmarks')
    units = {view.unit_name for row in rows for view in row.views}
    # A face without annotation has no unit.
    origins = [word for word, there in (('annotation', units - {''}), ('prediction', '' in units))
               if there]
    note = f'stray: share of the map farther than 3 σ from the {", else from the ".join(origins)}'
    if units - {''}:
        note = f'error: ÷ {" or ".join(sorted(units - {""}))}; {note}'
    if gamma != 1 and any(None in row.landmarks for row in rows):
        note += '. The maps of all landmarks together are in proportion, without the square root'
    grid = new_picture_grid([row.title for row in rows], ['input', *models], (_TILE, _TILE),
                            title=title, note=note, with_bar=True)
    for panels, row in zip(grid.panels, rows):
        _draw_input(panels[0], row)
        for panel, view, landmark in zip(panels[1:], row.views, row.landmarks):
            _draw_map(panel, view, landmark, gamma)
    add_heat_bar(grid, gamma)
    add_legend(grid, *(['ring'] if units - {''} else []), 'cross')
    return grid.figure


def draw_heatmap_sheet(rows: Sequence[HeatmapRow], models: Sequence[str], paths: Sequence[str],
                       title: str = '', gamma: float = GAMMA) -> List[str]:
    """Draw the figure of :func:`heatmap_figure` into files.

    Args:
        rows: What to draw.
        models: Names of the models.
        paths: Files to write: ``.png``, ``.pdf`` or ``.svg``.
        title: Heading.
        gamma: Exponent of the scale of the maps; 1 is linear.

    Returns:
        list[str]: ``paths``.
    """
    return save_figures(heatmap_figure(rows, models, title, gamma), paths)


def _draw_input(panel, row: HeatmapRow) -> None:
    place = next((place for place, landmark in enumerate(row.landmarks) if landmark != -1), 0)
    view, landmark = row.views[place], row.landmarks[place]
    marked = landmark is not None and landmark >= 0
    hidden = marked and view.hidden is not None and view.hidden[landmark]
    show_picture(panel, view.picture, view.name + (' (hidden)' if hidden else ''))
    if marked:
        mark_landmark(panel, view, landmark, prediction=False)


def _draw_map(panel, view: FaceView, landmark: Optional[int], gamma: float) -> None:
    if landmark == -1:
        show_picture(panel, np.full_like(view.picture, 235))
        say_empty(panel, 'this model has no such landmark')
        return
    if view.maps is None:
        show_picture(panel, view.picture, _error_text(view, landmark))
        say_empty(panel, 'this model has no heatmaps')
        return
    show_picture(panel, view.overlay(landmark, 1.0 if landmark is None else gamma),
                 _error_text(view, landmark))
    if landmark is not None:
        mark_landmark(panel, view, landmark)


def _error_text(view: FaceView, landmark: Optional[int]) -> str:
    error = view.mean_error if landmark is None else float(view.errors[landmark])
    parts = [] if np.isnan(error) else [
        f'{"mean error" if landmark is None else "error"} {describe_percent(error)}']
    if view.maps is not None:
        stray = view.stray_mass(landmark) if landmark is not None else np.nanmean(
            [view.stray_mass(one) for one in range(len(view.points))])
        if np.isfinite(stray):
            parts.append(f'stray {100 * stray:.0f} %')
    return '    '.join(parts)
