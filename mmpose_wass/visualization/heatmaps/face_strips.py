"""Faces of one model, a row each: landmarks, all heatmaps, and the landmark that went worst."""
from __future__ import annotations

from typing import Optional, Sequence

import numpy as np
from matplotlib.figure import Figure

from mmpose_wass.landmarks import find_scheme

from ..picture_grid import new_picture_grid, say_empty, show_picture
from .face_view import FaceView
from .marks import add_heat_bar, add_legend, describe_percent, mark_all, mark_landmark

_TILE = 2.0


def strips_figure(views: Sequence[FaceView], title: str = '',
                  landmarks: Optional[Sequence[int]] = None) -> Figure:
    """Draw faces for a log of a training.

    Args:
        views: The faces.
        title: Heading.
        landmarks: Landmarks whose maps are drawn, a column each. Default: for each face the one
            of the largest error; without annotation the one with the most stray mass.

    Returns:
        Figure: The figure.

    Raises:
        ValueError: If there is no face.
    """
    if landmarks is None:
        heads, chosen = ['worst landmark'], [[worst_landmark(view)] for view in views]
    else:
        heads = [landmark_name(views[0], index) if views else '' for index in landmarks]
        chosen = [list(landmarks)] * len(views)
    units = sorted({view.unit_name for view in views if view.unit_name})
    grid = new_picture_grid(
        [view.name for view in views], ['landmarks', 'all heatmaps, linear', *heads],
        (_TILE, _TILE),
        caption_lines=2 if landmarks is None else 1, title=title,
        note=f'errors ÷ {" or ".join(units)}' if units else '', with_bar=True)
    for panels, view, indices in zip(grid.panels, views, chosen):
        error = view.mean_error
        show_picture(panels[0], view.picture,
                     '' if np.isnan(error) else f'mean error {describe_percent(error)}')
        mark_all(panels[0], view, focus=indices)
        if view.maps is None:
            for panel in panels[1:]:
                show_picture(panel, np.full_like(view.picture, 235))
                say_empty(panel, 'no heatmaps')
            continue
        show_picture(panels[1], view.overlay(gamma=1.0))
        for panel, landmark in zip(panels[2:], indices):
            caption = _facts(view, landmark)
            if landmarks is None:
                caption = f'{landmark_name(view, landmark)}\n{caption}'
            show_picture(panel, view.overlay(landmark), caption)
            mark_landmark(panel, view, landmark)
    add_heat_bar(grid)
    add_legend(grid, 'truth', 'prediction', 'gap', ring='annotation on a map',
               cross='prediction on a map')
    return grid.figure


def worst_landmark(view: FaceView) -> int:
    """The landmark of the largest error; without annotation the one with the most stray mass."""
    errors = view.errors
    if np.isnan(errors).all():
        if view.maps is None:
            return 0
        errors = np.array([view.stray_mass(index) for index in range(len(view.points))])
        if np.isnan(errors).all():
            return 0
    return int(np.nanargmax(errors))


def landmark_name(view: FaceView, landmark: int) -> str:
    """Name of a landmark in the model's scheme, to be read by people.

    A scheme that is not known, or has another number of landmarks, has numbers alone.
    """
    scheme = find_scheme(view.scheme)
    if scheme is None or scheme.num_landmarks != len(view.points):
        return f'landmark {landmark}'
    name = scheme.landmark_names[landmark].replace('_', ' ')
    return name if str(landmark) in name else f'{name} ({landmark})'


def _facts(view: FaceView, landmark: int) -> str:
    error, stray = float(view.errors[landmark]), view.stray_mass(landmark)
    parts = [] if np.isnan(error) else [f'error {describe_percent(error)}']
    return '   '.join(parts + ([] if np.isnan(stray) else [f'stray {100 * stray:.0f} %']))
