"""What an error of so many per cent means on a face (Figure 7)."""
from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from ..heatmaps.marks import TRUTH
from ..picture_grid import new_picture_grid, show_picture
from ..style import COLORS, save_figures

#: The paper's, as fractions.
ERRORS = (0.05, 0.08, 0.10, 0.20)
_TILE = 3.6  # inches
_MARGIN = 0.18


def error_scale_figure(image: np.ndarray, points: np.ndarray, landmark: int,
                       outer_eye_corners: Tuple[int, int],
                       errors: Sequence[float] = ERRORS,
                       unit: Optional[float] = None,
                       name: str = '', title: str = '') -> Figure:
    """Draw circles about a landmark, as wide as errors of so many per cent.

    Args:
        image: ``[H, W, 3]`` (BGR, uint8).
        points: ``[K, 2]`` annotated landmarks, image pixels.
        landmark: Index of the landmark in the middle.
        outer_eye_corners: Indices of the right and the left outer eye corner.
        errors: Radii as fractions of the inter-ocular distance.
        unit: What errors are divided by, image pixels. Default: the inter-ocular distance.
        name: Name of the landmark.
        title: Heading.

    Returns:
        Figure: The whole face, and the landmark from near.

    Raises:
        ValueError: If the landmark or the eye corners have no place, or there is no error.
    """
    right, left = outer_eye_corners
    needed = points[[landmark, right, left]]
    if not np.isfinite(needed).all():
        raise ValueError(f'landmarks {landmark}, {right} and {left} must be annotated to draw '
                         f'errors about {landmark}, found {needed.tolist()}')
    if not len(errors) or not all(error > 0 for error in errors):
        raise ValueError(f'errors must be positive fractions, at least one, found {list(errors)}')
    errors = sorted(errors)
    unit = float(np.hypot(*(points[right] - points[left]))) if unit is None else float(unit)
    heading = f'Errors about a landmark: {name or landmark}'
    note = (f'circles: error ÷ inter-ocular distance ({unit:.0f} px in this image), between the '
            'two squares')
    grid = new_picture_grid([''], ['the face', 'from near'], (_TILE, _TILE), caption_lines=0,
                            title=title or heading, note=note)
    known = points[np.isfinite(points).all(axis=1)]
    low, high = known.min(axis=0), known.max(axis=0)
    half = (0.5 + _MARGIN) * (high - low).max()
    near = max(1.35 * max(errors) * unit, 2.0)
    for panel, center, reach in ((grid.panels[0][0], (low + high) / 2, half),
                                 (grid.panels[0][1], points[landmark], near)):
        close = panel is grid.panels[0][1]
        show_picture(panel, image, smooth=close)
        panel.set(xlim=(center[0] - reach, center[0] + reach),
                  ylim=(center[1] + reach, center[1] - reach))
        panel.plot(*known.T, linestyle='none', marker='o', markersize=4.5 if close else 2.6,
                   markerfacecolor=TRUTH, markeredgecolor='black', markeredgewidth=0.4)
        for corner in (right, left):
            panel.plot(*points[corner], marker='s', markersize=9 if close else 6,
                       markerfacecolor='none', markeredgecolor='white', markeredgewidth=1.3,
                       path_effects=[withStroke(linewidth=2.6, foreground='black')])
        for index, error in enumerate(errors):
            panel.add_patch(Circle(points[landmark], error * unit, fill=False,
                                   edgecolor=circle_color(index), linewidth=2.2 if close else 1.5,
                                   path_effects=[withStroke(linewidth=3.6 if close else 2.6,
                                                            foreground='white')]))
    handles = [Line2D([], [], color=circle_color(index), linewidth=2.4,
                      label=f'{100 * error:g} %') for index, error in enumerate(errors)]
    handles.append(Line2D([], [], label='annotation', linestyle='none', marker='o', markersize=5,
                          markerfacecolor=TRUTH, markeredgecolor='black', markeredgewidth=0.4))
    grid.footer.legend(handles=handles, loc='lower left', bbox_to_anchor=(-0.005, 0),
                       borderaxespad=0, frameon=False, ncols=len(handles), fontsize=9.5)
    return grid.figure


def draw_error_scale(paths: Sequence[str], *arguments, **options) -> List[str]:
    """Draw the figure of :func:`error_scale_figure` into files (``.png``, ``.pdf``, ``.svg``)."""
    return save_figures(error_scale_figure(*arguments, **options), paths)


def circle_color(index: int) -> str:
    """Colour of the circle number ``index``."""
    return COLORS[index % len(COLORS)]
