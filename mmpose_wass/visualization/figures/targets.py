"""Targets of several sigmas (Figure 5)."""
from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from mmpose_wass.codecs import BarycenterCodec

from ..heatmaps.overlay import COLOR_MAP
from ..picture_grid import FAINT, INK
from ..style import line_style, new_figure, save_figures, style_panel

_PANEL = 2.5  # inches


def target_map(size: Tuple[int, int], center: Sequence[float], sigma: float) -> np.ndarray:
    """The target that ``BarycenterCodec`` draws for a landmark.

    Args:
        size: Width and height of the map.
        center: The landmark (x, y) in heatmap pixels.
        sigma: Standard deviation in heatmap pixels.

    Returns:
        np.ndarray: ``[h, w]`` float32 with sum 1; zero for a landmark outside the map.

    Example:
        >>> int(target_map((8, 4), (2, 1), 0.5).argmax())
        10
    """
    # Input and map of one size: input pixels are heatmap pixels.
    codec = BarycenterCodec(size, size, sigma=sigma, coordinates='mmpose')
    return codec.encode(np.array([[center]], dtype=np.float64))['heatmaps'][0]


def targets_figure(sigmas: Sequence[float] = (1, 1.5, 3), size: int = 64,
                   title: str = '') -> Figure:
    """Draw targets as the codec makes them, pixel by pixel, and their profiles.

    Args:
        sigmas: Standard deviations in heatmap pixels.
        size: Side of the map in pixels.
        title: Heading.

    Returns:
        Figure: A panel for each sigma, in which the map is relative to its own peak, and one with
        all profiles, which are not.

    Raises:
        ValueError: If there is no sigma, or one is not positive.
    """
    if not len(sigmas) or not all(sigma > 0 for sigma in sigmas):
        raise ValueError(f'sigmas must be positive numbers, at least one, found {list(sigmas)}')
    # A landmark rarely lies in the middle of a pixel.
    center = np.array([0.45 * size + 0.3, 0.5 * size - 0.2])
    figure, panels = new_figure(1, len(sigmas) + 1,
                                (_PANEL * (len(sigmas) + 1.35), _PANEL + 0.55))
    for panel, sigma in zip(panels, sigmas):
        heat = target_map((size, size), center, sigma)
        panel.grid(False)
        panel.imshow(heat, cmap=COLOR_MAP, vmin=0, interpolation='nearest')
        panel.add_patch(Circle(center, 3 * sigma, fill=False, color='white', linewidth=1,
                               linestyle=(0, (3, 2))))
        panel.set_title(f'σ = {sigma:g} px', fontsize=10.5)
        panel.set_xlabel(f'highest p = {heat.max():.3f}', fontsize=9, color=INK)
        panel.set(xticks=[0, size // 2, size - 1], yticks=[0, size // 2, size - 1])
        panel.tick_params(labelsize=8, color='0.6', length=2.5)
    reach = min(size / 2, 3.6 * max(sigmas))
    profile = panels[-1]
    style_panel(profile)
    row = int(round(center[1]))
    for index, sigma in enumerate(sigmas):
        heat = target_map((size, size), center, sigma)
        profile.step(np.arange(size) - center[0], heat[row], where='mid', linewidth=1.8,
                     label=f'σ = {sigma:g}', **line_style(index))
    profile.set(xlim=(-reach, reach), ylim=(0, None), xlabel='distance from the landmark, px')
    profile.set_ylabel('p', rotation=0, labelpad=8)
    profile.set_title('row through the landmark', fontsize=10.5)
    profile.tick_params(labelsize=8)
    profile.legend(fontsize=9, frameon=False)
    figure.supxlabel(f'targets on {size} × {size} pixels, each with sum 1; dashed: 3 σ', fontsize=9,
                     color=FAINT)
    if title:
        figure.suptitle(title, fontweight='bold', fontsize=12)
    return figure


def draw_targets(paths: Sequence[str], sigmas: Sequence[float] = (1, 1.5, 3), size: int = 64,
                 title: str = '') -> List[str]:
    """Draw the figure of :func:`targets_figure` into files (``.png``, ``.pdf``, ``.svg``)."""
    return save_figures(targets_figure(sigmas, size, title), paths)
