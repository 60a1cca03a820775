"""Marks on pictures of faces, and what they mean."""
from __future__ import annotations

from typing import Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patheffects import Stroke, withStroke

from ..face_tile import LINK_COLOR, PREDICTION_COLOR, TRUTH_COLOR
from ..picture_grid import INK, PictureGrid
from .face_view import FaceView
from .overlay import GAMMA, heat_colors


def rgb(color: Sequence[int]) -> tuple:
    """OpenCV's colour (blue, green, red; 0 to 255) as matplotlib's."""
    return tuple(value / 255 for value in color[::-1])


TRUTH, PREDICTION, GAP = rgb(TRUTH_COLOR), rgb(PREDICTION_COLOR), rgb(LINK_COLOR)

_OUTLINE = [withStroke(linewidth=3.2, foreground='black')]
#: Ring of an annotation: it leaves free what it stands around.
_RING = dict(marker='o', markersize=9, markerfacecolor='none', markeredgecolor=TRUTH,
             markeredgewidth=1.8, linestyle='none')
#: Cross of a prediction, white: no colour of a heatmap is.
_CROSS = dict(marker='x', markersize=7, markeredgecolor='white', markeredgewidth=1.8,
              linestyle='none')


def mark_landmark(panel: Axes, view: FaceView, landmark: int, prediction: bool = True) -> None:
    """Mark one landmark: a ring about the annotation, a cross on the prediction."""
    for points, style, wanted in ((view.target, _RING, True), (view.points, _CROSS, prediction)):
        point = view.to_picture(points[landmark])
        if wanted and np.isfinite(point).all():
            panel.plot(*_within(point[None], view.picture)[0], path_effects=_OUTLINE, zorder=5,
                       **style)


def mark_all(panel: Axes, view: FaceView, focus: Optional[Sequence[int]] = None) -> None:
    """Mark all landmarks: annotation, prediction and the gap between them.

    Args:
        panel: With the picture.
        view: The face.
        focus: Landmarks to ring.
    """
    # Dense schemes get smaller dots, so that neighbours stay apart.
    size = 2.5 if len(view.points) > 40 else 4.0
    target, points = (view.to_picture(one) for one in (view.target, view.points))
    points = _within(points, view.picture)
    ends = np.stack([target, points], axis=1)
    panel.add_collection(LineCollection(ends[np.isfinite(ends).all(axis=(1, 2))], colors=[GAP],
                                        linewidths=1.1, capstyle='round', zorder=2),
                         autolim=False)
    # The annotation's dots are larger: they stay visible, as rings, below a perfect prediction.
    for where, color, share in ((target, TRUTH, 1.4), (points, PREDICTION, 1.0)):
        panel.plot(*where.T, linestyle='none', marker='o', markersize=share * size,
                   markerfacecolor=color, markeredgecolor='black', markeredgewidth=0.4, zorder=3)
    for landmark in focus or ():
        for where in (target, points):
            if np.isfinite(where[landmark]).all():
                panel.plot(*where[landmark], marker='o', markersize=11, markerfacecolor='none',
                           markeredgecolor='white', markeredgewidth=1.3, zorder=4,
                           path_effects=[Stroke(linewidth=2.4, foreground='black'),
                                         withStroke(linewidth=1.3, foreground='white')])
                break


def add_legend(grid: PictureGrid, *kinds: str, **labels: str) -> None:
    """Say below the pictures what the marks mean.

    Args:
        grid: The figure.
        kinds: ``'ring'``, ``'cross'``, ``'truth'``, ``'prediction'``, ``'gap'``.
        **labels: More of these, with words of their own.
    """
    kinds = (*kinds, *labels)
    dot = dict(marker='o', linestyle='none', markersize=6, markeredgecolor='black',
               markeredgewidth=0.4)
    handles = dict(
        ring=Line2D([], [], label='annotation', path_effects=_OUTLINE, **_RING),
        cross=Line2D([], [], label='prediction', path_effects=_OUTLINE, **_CROSS),
        truth=Line2D([], [], label='annotation', color=TRUTH, **dot),
        prediction=Line2D([], [], label='prediction', color=PREDICTION, **dot),
        gap=Line2D([], [], label='gap between them', color=GAP, linewidth=2.2,
                   path_effects=[withStroke(linewidth=3.2, foreground='0.45')]))
    for kind, label in labels.items():
        handles[kind].set_label(label)
    grid.footer.legend(handles=[handles[kind] for kind in kinds], loc='lower left',
                       bbox_to_anchor=(-0.005, 0), borderaxespad=0, frameon=False,
                       ncols=len(kinds), fontsize=9, labelcolor=INK, handletextpad=0.6,
                       columnspacing=1.4)


def add_heat_bar(grid: PictureGrid, gamma: float = GAMMA) -> None:
    """The scale of the maps, at the right of the pictures."""
    norm, colors = heat_colors(gamma)
    bar = grid.figure.colorbar(ScalarMappable(norm, colors), cax=grid.bar)
    ticks = [0, .01, .05, .1, .25, .5, 1] if gamma < 1 else [0, .25, .5, .75, 1]
    bar.set_ticks(ticks, labels=[f'{100 * tick:g} %' for tick in ticks])
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=8, length=2, color='0.5')
    bar.outline.set_visible(False)
    bar.set_label("p ÷ the map's highest p", fontsize=8.5, color=INK)


def describe_percent(error: float) -> str:
    """An error as a text.

    Examples:
        >>> describe_percent(0.123), describe_percent(float('inf'))
        ('12.3 %', 'not finite')
    """
    return f'{100 * error:.1f} %' if np.isfinite(error) else 'not finite'


def _within(points: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Points outside the picture are drawn on its border."""
    size = np.array(picture.shape[1::-1]) - 1
    return np.where(np.isfinite(points), np.clip(points, 0, size), np.nan)
