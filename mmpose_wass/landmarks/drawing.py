"""Pictures of schemes and of the map between two of them."""
from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from .check import NOTABLE_RESIDUAL, ShapeCheck
from .scheme import LandmarkScheme

_MARGIN = 0.08  # around the shapes, inter-ocular units


def draw_scheme(scheme: LandmarkScheme, path: str) -> str:
    """Draw a scheme's mean shape with the index of each point, coloured by region.

    Args:
        scheme (LandmarkScheme): The scheme.
        path (str): File to write (.png, .pdf or .svg).

    Returns:
        str: ``path``.
    """
    from mmpose_wass.visualization.style import new_figure, save_figure
    figure, (panel, ) = new_figure(1, 1, (8.5, 8.5))
    _draw_shape(panel, scheme, scheme.mean_shape, with_regions=True)
    panel.legend(loc='lower left', fontsize=8)
    return save_figure(figure, path, f'{scheme.name}: {scheme.num_landmarks} landmarks')


def draw_check(check: ShapeCheck, path: str) -> str:
    """Draw both schemes and the map between them on the mean shapes.

    The left and right panel show each scheme with its indices and the common landmarks; the middle
    one the second shape fitted to the first, with a line for each residual (inter-ocular units).

    Args:
        check (ShapeCheck): What to draw.
        path (str): File to write (.png, .pdf or .svg).

    Returns:
        str: ``path``.
    """
    from mmpose_wass.visualization.style import COLORS, new_figure, save_figure

    from .scheme import get_scheme
    common = check.common
    schemes = get_scheme(common.model_scheme), get_scheme(common.data_scheme)
    figure, panels = new_figure(1, 3, (24, 9))
    sides = ((panels[0], schemes[0], check.model_shape, check.model_landmarks, COLORS[0]),
             (panels[2], schemes[1], check.data_shape, check.data_landmarks, COLORS[1]))
    for panel, scheme, shape, landmarks, color in sides:
        _draw_shape(panel, scheme, shape)
        panel.scatter(*landmarks.T, s=90, facecolors='none', edgecolors=color, linewidths=1.2)
        panel.set_title(f'{scheme.name}: {scheme.num_landmarks} landmarks, rings at the common '
                        f'{len(common)}')
    middle = panels[1]
    _equal_axes(middle)
    for landmarks, scheme, color, marker in (
            (check.model_landmarks, schemes[0], COLORS[0], 'o'),
            (check.data_landmarks, schemes[1], COLORS[1], 'x')):
        middle.scatter(*landmarks.T, s=26, color=color, marker=marker, label=scheme.name, zorder=3)
    for start, end, residual, equal in zip(check.model_landmarks, check.data_landmarks,
                                           check.residuals, common.named_equal):
        middle.plot(*np.stack([start, end]).T,
                    color='red' if residual > NOTABLE_RESIDUAL else '0.3',
                    linestyle='-' if equal else ':', linewidth=1.4)
    for place, point in enumerate(check.model_landmarks):
        middle.annotate(str(place), point, xytext=(3, 3), textcoords='offset points', fontsize=7,
                        color='0.3')
    middle.legend(loc='lower left')
    # One scale for all, so that the eye can go across.
    shapes = np.concatenate([check.model_shape, check.data_shape])
    low, high = np.nanmin(shapes, axis=0) - _MARGIN, np.nanmax(shapes, axis=0) + _MARGIN
    for panel in panels:
        panel.set_xlim(low[0], high[0])
        panel.set_ylim(high[1], low[1])
    middle.set_title(f'common landmarks: residual mean {check.residuals.mean():.3f}, max '
                     f'{check.residuals.max():.3f}; dotted: approximation, red: > '
                     f'{NOTABLE_RESIDUAL}')
    return save_figure(figure, path, f'{common.model_scheme} and {common.data_scheme}, variant '
                       f'{common.variant}', dpi=90)


def _equal_axes(panel) -> None:
    panel.set_aspect('equal')
    if not panel.yaxis_inverted():
        panel.invert_yaxis()
    panel.set_xlabel('inter-ocular units')


def _draw_shape(panel, scheme: LandmarkScheme, shape: np.ndarray,
                with_regions: bool = False) -> None:
    from mmpose_wass.visualization.style import COLORS
    _equal_axes(panel)
    face = list(scheme.face_landmarks)
    if with_regions:
        for place, (region, indices) in enumerate(scheme.regions.items()):
            panel.scatter(*shape[list(indices)].T, s=16, color=COLORS[place % len(COLORS)],
                          marker='os^'[place // len(COLORS) % 3], label=region)
    else:
        panel.scatter(*shape[face].T, s=12, color='0.55')
    size = 6.5 if len(face) > 60 else 9
    for index in face:
        panel.annotate(str(index), shape[index], xytext=(2, 2), textcoords='offset points',
                       fontsize=size)


def draw_check_on_faces(common, images: Sequence[np.ndarray], model_points: np.ndarray,
                        data_points: np.ndarray, path: str,
                        valid: Optional[np.ndarray] = None) -> str:
    """Draw the common landmarks of both schemes on faces annotated in both.

    Args:
        common (CommonLandmarks): The conversion.
        images (Sequence[np.ndarray]): N images [H, W, 3] (BGR, uint8).
        model_points (np.ndarray): [N, C, 2] common landmarks of the model's scheme, image pixels.
        data_points (np.ndarray): [N, C, 2] of the data's scheme.
        path (str): Image file to write.
        valid (np.ndarray, optional): [N, C].

    Returns:
        str: ``path``.
    """
    from mmpose_wass.visualization.sheet import draw_prediction_sheet
    gaps = np.linalg.norm(model_points - data_points, axis=-1)
    extent = np.ptp(data_points, axis=1).max(axis=-1)
    return draw_prediction_sheet(
        images, model_points, data_points, gaps / extent[:, None], path, columns=4, tile=360,
        valid=valid, title=f'{common.data_scheme} as annotation, {common.model_scheme} '
        'as prediction')
