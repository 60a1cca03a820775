"""What losses say of a prediction that drifts away from its target (Figure 4)."""
from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmpose_wass.models.losses import JSHeatmapLoss, KLHeatmapLoss
from mmpose_wass.ot import disc_radius, softmax_map, wasserstein1

from ..picture_grid import FAINT
from ..style import COLORS, new_figure, save_figures, style_panel
from .targets import target_map

TARGET_COLOR, PREDICTION_COLOR = COLORS[2], COLORS[1]
#: Losses that can be drawn: title and axis label.
LOSSES = dict(
    l2=('squared L2 distance', 'share of its maximum'),
    wasserstein=('Wasserstein distance', '$W_1$, px'),
    kl=('Kullback-Leibler divergence', 'KL(q ‖ p), nats'),
    js=('Jensen-Shannon divergence', 'JS(q, p), nats'))
#: Standard deviations at which two equal Gaussians have nothing in common any more.
_APART = 6.0
_PANEL = 2.55  # inches


def displaced_losses(displacements: Sequence[float], size: int = 64, sigma: float = 2.5,
                     losses: Sequence[str] = ('l2', 'wasserstein'),
                     method: str = 'graded') -> Dict[str, np.ndarray]:
    """Losses between a target and a prediction of its shape at some distance.

    Args:
        displacements: Distances in heatmap pixels; the prediction moves to the right from a
            target in the left part of the map.
        size: Side of the map.
        sigma: Standard deviation of both in heatmap pixels.
        losses: Names from :data:`LOSSES`.
        method: How W1 is computed, see :func:`~mmpose_wass.ot.wasserstein1`.

    Returns:
        dict[str, np.ndarray]: Values by the loss's name; of L2 the sum of squared differences.

    Raises:
        KeyError: For an unknown loss.
        ValueError: If a prediction would leave the map.

    Example:
        >>> values = displaced_losses([0, 10], losses=['wasserstein'])['wasserstein']
        >>> [round(float(value)) for value in values]
        [0, 10]
    """
    unknown = [name for name in losses if name not in LOSSES]
    if unknown:
        raise KeyError(f'no loss named {unknown[0]!r} can be drawn; there are '
                       f'{", ".join(LOSSES)}')
    moved = torch.as_tensor(np.asarray(displacements, dtype=np.float64))
    start, row = _start(size, sigma), (size - 1) / 2
    if float(moved.max()) > _reach(size, sigma) + 1e-9 or float(moved.min()) < 0:
        raise ValueError(f'displacements must be 0 to {_reach(size, sigma):g} px on a map of '
                         f'{size} px with sigma {sigma:g}, found {float(moved.min()):g} to '
                         f'{float(moved.max()):g}')
    place = torch.arange(size, dtype=torch.float64)
    across = -(place[None, :] - start - moved[:, None])**2 / (2 * sigma**2)
    logits = across[:, None, :] - ((place - row)**2 / (2 * sigma**2))[None, :, None]
    p = softmax_map(logits)
    q = torch.from_numpy(target_map((size, size), (start, row), sigma)).double().expand_as(p)
    q = q / q.sum(dim=(-2, -1), keepdim=True)
    options = dict(radius=disc_radius(sigma)) if method == 'graded' else {}
    measures = dict(
        l2=lambda: (p - q).square().sum(dim=(-2, -1)),
        wasserstein=lambda: wasserstein1(p, q.contiguous(), method=method, **options),
        kl=lambda: KLHeatmapLoss().distance(logits, q),
        js=lambda: JSHeatmapLoss().distance(logits, q))
    return {name: measures[name]().numpy() for name in losses}


def loss_landscape_figure(losses: Sequence[str] = ('l2', 'wasserstein'), size: int = 64,
                          sigma: float = 2.5, title: str = '',
                          compare_exact: bool = False) -> Figure:
    """Draw two maps that drift apart, and what losses say of it.

    Args:
        losses: Names from :data:`LOSSES`, a panel each.
        size: Side of the map in pixels.
        sigma: Standard deviation of target and prediction in pixels.
        title: Heading.
        compare_exact: Draw W1 by an exact linear program (needs POT) beside the plugin's solver.

    Returns:
        Figure: Two panels with the maps, then one for each loss.

    Raises:
        KeyError: For an unknown loss.
        ValueError: If the map is too small for two Gaussians that do not overlap.
    """
    reach, apart = _reach(size, sigma), _APART * sigma
    if reach < apart:
        raise ValueError(f'a map of {size} px is too small for two Gaussians of sigma {sigma:g} '
                         f'px that do not overlap; give it {int(np.ceil(2.2 * apart))} px')
    steps = np.linspace(0, reach, 33)
    values = displaced_losses(steps, size, sigma, losses)
    figure, maps, curves = _panels(len(losses))
    for panel, moved, words in zip(maps, (2 * sigma, 0.6 * (apart + reach)),
                                   ('they overlap', 'they do not overlap')):
        _draw_maps(panel, moved, size, sigma)
        panel.set_title(f'{words}: {moved:.0f} px apart', fontsize=10)
    for panel, (name, curve) in zip(curves, values.items()):
        _draw_curve(panel, name, steps, curve, apart)
    if compare_exact and 'wasserstein' in values:
        panel = curves[list(values).index('wasserstein')]
        panel.lines[-1].set_label('the plugin’s solver')
        exact = displaced_losses(steps[::4], size, sigma, ['wasserstein'], 'exact')['wasserstein']
        panel.plot(steps[::4], exact, 'o', markersize=4.5, color=COLORS[6], markerfacecolor='none',
                   label='exact linear program', clip_on=False, zorder=3)
        panel.legend(fontsize=8.5, frameon=False, loc='lower right')
    figure.supxlabel(f'Gaussians of σ = {sigma:g} px on a map of {size} × {size} pixels; grey: '
                     f'farther apart than {_APART:g} σ', fontsize=9, color=FAINT)
    if title:
        figure.suptitle(title, fontweight='bold', fontsize=12)
    return figure


def draw_loss_landscape(paths: Sequence[str], **options: object) -> List[str]:
    """Draw the figure of :func:`loss_landscape_figure` into files (``.png``, ``.pdf``, ``.svg``).

    Args:
        paths: Files to write.
        **options: Arguments of :func:`loss_landscape_figure`.

    Returns:
        list[str]: ``paths``.
    """
    return save_figures(loss_landscape_figure(**options), paths)


def shades(color: str) -> LinearSegmentedColormap:
    """From nearly clear to a colour, for maps that lie over each other."""
    return LinearSegmentedColormap.from_list(color, [(*to_rgb(color), .2), (*to_rgb(color), .95)])


def draw_two_maps(panel, prediction: np.ndarray, target: np.ndarray) -> None:
    """Contours of a target and of a prediction ``[h, w]`` over each other."""
    levels = np.array([.02, .1, .3, .6, 1])
    for heat, color in ((target, TARGET_COLOR), (prediction, PREDICTION_COLOR)):
        panel.contourf(heat, levels=levels * heat.max(), cmap=shades(color))
    panel.set(aspect='equal', xlim=(-.5, heat.shape[1] - .5), ylim=(heat.shape[0] - .5, -.5))


def _panels(count: int) -> Tuple[Figure, list, list]:
    """A figure, its two panels for maps, and one for each of ``count`` losses."""
    if count <= 2:
        figure, panels = new_figure(1, 2 + count, (_PANEL * (2 + 1.25 * count), _PANEL + 0.6))
        return figure, panels[:2], panels[2:]
    # Maps above each other at the left, losses in two rows beside them.
    columns = 1 + -(-count // 2)
    figure, panels = new_figure(2, columns, (_PANEL * (1 + 1.25 * (columns - 1)),
                                             2 * _PANEL + 0.9))
    curves = [panel for place, panel in enumerate(panels) if place % columns]
    for panel in curves[count:]:
        panel.set_visible(False)
    return figure, panels[::columns], curves[:count]


def _draw_maps(panel, moved: float, size: int, sigma: float) -> None:
    start, row = _start(size, sigma), (size - 1) / 2
    panel.grid(False)
    draw_two_maps(panel, target_map((size, size), (start + moved, row), sigma),
                  target_map((size, size), (start, row), sigma))
    panel.set(xticks=[0, size - 1], yticks=[0, size - 1])
    for side in ('top', 'right'):
        panel.spines[side].set_visible(True)
    for spine in panel.spines.values():
        spine.set_color('0.75')
    panel.tick_params(labelsize=8, color='0.6', length=2.5)
    high = row - 3.6 * sigma
    if moved > 4 * sigma:
        panel.annotate('', (start + moved, high), (start, high),
                       arrowprops=dict(arrowstyle='->', color='0.3'))
    handles = [Line2D([], [], marker='o', linestyle='none', markersize=6, color=color, label=label)
               for color, label in ((TARGET_COLOR, 'target'), (PREDICTION_COLOR, 'prediction'))]
    panel.legend(handles=handles, fontsize=8.5, frameon=False, loc='lower center', ncols=2,
                 handletextpad=0.1, columnspacing=0.8)


def _draw_curve(panel, name: str, steps: np.ndarray, curve: np.ndarray, apart: float) -> None:
    heading, label = LOSSES[name]
    style_panel(panel)
    if name == 'l2':
        curve = curve / curve.max()
    panel.axvspan(apart, steps[-1], color='.94', zorder=0, linewidth=0)
    panel.plot(steps, curve, linewidth=2, color=COLORS[0])
    panel.set(xlabel='displacement, px', ylabel=label, xlim=(0, steps[-1]),
              ylim=(0, 1.08 * curve.max()))
    panel.set_title(heading, fontsize=10)
    panel.tick_params(labelsize=8)
    if name in ('l2', 'js'):
        panel.text((apart + steps[-1]) / 2, 0.5 * curve.max(), 'no overlap:\nthe loss is\nthe same '
                   'at\nany distance', ha='center', va='center', color=FAINT, fontsize=8.5)


def _start(size: int, sigma: float) -> float:
    """Column of the target: far enough from the border that nothing is cut off."""
    return min(3.5 * sigma, size / 4)


def _reach(size: int, sigma: float) -> float:
    """How far the prediction can move until the other border is as near."""
    return size - 1 - 2 * _start(size, sigma)
