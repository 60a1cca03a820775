"""Plots of cumulative error distributions, per image and per landmark."""
from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
from matplotlib.ticker import PercentFormatter

from mmpose_wass.evaluation.functional import (
    area_under_curve,
    cumulative_error_distribution,
    failure_rate_images,
    failure_rate_landmarks,
    normalized_mean_error,
)

from .style import line_style, new_figure, save_figure, save_figures

#: Heading, axis label and failure rate of each level.
_LEVELS = dict(
    images=('Images', 'faces with mean error ≤ θ', failure_rate_images),
    landmarks=('Landmarks', 'landmarks with error ≤ θ', failure_rate_landmarks))

Errors = Union[np.ndarray, Sequence[np.ndarray]]


def plot_cumulative_error(curves: Mapping[str, np.ndarray],
                          path: str,
                          threshold: float = 0.10,
                          limit: Optional[float] = None,
                          title: Optional[str] = None,
                          normalization: str = 'normalisation distance') -> str:
    """Draw the cumulative error distributions of one or more results, with AUC and failure rate.

    Left: over images, the classical CED; what is missing to 100 % at θ is FR^I. Right: over
    landmarks (mean of each landmark's own distribution); what is missing is the paper's FR^L
    (Section 4.3). The legends give AUC and FR at ``threshold``, which a vertical line marks.

    Args:
        curves (Mapping[str, np.ndarray]): Errors [N, K] by the name to show, as fractions; NaN is
            not scored, ``inf`` is a failed prediction. Such as ``load_result('run').errors``,
            written by ``FaceLandmarkMetric(outfile_prefix='run')``.
        path (str): File to write: ``.png``, ``.pdf`` or ``.svg``.
        threshold (float): θ of AUC and FR, a fraction.
        limit (float, optional): Right end of the θ axis. Default: 1.5 × ``threshold``.
        title (str, optional): Title above both panels.
        normalization (str): What errors are divided by, for the axis.

    Returns:
        str: ``path``.

    Raises:
        ValueError: If there is no curve, or one has nothing scored.
    """
    runs = _check_curves('plot_cumulative_error', curves)
    limit = 1.5 * threshold if limit is None else limit
    thresholds = np.linspace(0, limit, 601)

    height = 4.6 + 0.22 * len(runs)
    figure, panels = new_figure(1, 2, size=(11, height))
    for panel, (level, (heading, label, failure_rate)) in zip(panels, _LEVELS.items()):
        labels = {
            name: f'{name}: AUC {area_under_curve(errors[0], threshold, level=level):.3f}, '
            f'FR {100 * failure_rate(errors[0], threshold):.2f} %'
            for name, errors in runs.items()
        }
        _draw_curves(panel, _distributions(runs, thresholds, level), thresholds, labels)
        _mark(panel, [threshold])
        panel.set(
            title=heading,
            xlim=(0, 100 * limit),
            ylim=(0, 1.01),
            xlabel=f'θ (% of the {normalization})',
            ylabel=label)
        panel.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        legend = panel.legend(
            # Below the panel: inside it would hide the poorer curves.
            loc='upper center',
            bbox_to_anchor=(0.5, -0.14),
            fontsize=9,
            title=f'AUC and failure rate at θ = {100 * threshold:g} %',
            title_fontsize=9,
            frameon=False)
        legend.set_alignment('left')
    return save_figure(figure, path, title)


def plot_level(curves: Mapping[str, Errors],
               paths: Sequence[str],
               level: str = 'landmarks',
               limit: float = 0.30,
               thresholds: Sequence[float] = (0.10, 0.20),
               title: Optional[str] = None,
               normalization: str = 'normalisation distance') -> List[str]:
    """Draw one level's distributions as the paper does (Figures 8 to 11), and their tails.

    Left: share of landmarks (or of faces) with an error up to θ. Right: what is missing to 100 %,
    the failure rate at every θ, on a logarithmic scale: there large errors, which a CED squeezes
    into its upper edge, can be told apart.

    Args:
        curves (Mapping[str, np.ndarray | Sequence[np.ndarray]]): Errors [N, K] by name, or those
            of several training seeds: then the line is their mean, with a band from the best to
            the worst.
        paths (Sequence[str]): Files to write: ``.png``, ``.pdf`` or ``.svg``.
        level (str): ``'landmarks'`` or ``'images'``.
        limit (float): Right end of the θ axis, a fraction.
        thresholds (Sequence[float]): Thresholds whose failure rates stand in the legend; the
            first is that of the AUC.
        title (str, optional): Title.
        normalization (str): What errors are divided by, for the axis.

    Returns:
        list[str]: ``paths``.

    Raises:
        ValueError: If there is no curve, one has nothing scored, or ``level`` is another word.
    """
    if level not in _LEVELS:
        raise ValueError(f"level must be 'landmarks' or 'images', found {level!r}")
    runs = _check_curves('plot_level', curves)
    heading, label, failure_rate = _LEVELS[level]
    grid = np.linspace(0, limit, 601)
    distributions = _distributions(runs, grid, level)
    labels = {name: _legend_text(name, errors, level, failure_rate, thresholds)
              for name, errors in runs.items()}

    legend = 0.25 * len(runs) + 0.15  # inches
    height = 4.5 + legend
    figure, (panel, tail) = new_figure(1, 2, size=(11.5, height))
    figure.get_layout_engine().set(rect=(0, legend / height, 1, 1 - legend / height))
    _draw_curves(panel, distributions, grid, labels)
    _draw_curves(tail, {name: 1 - seeds for name, seeds in distributions.items()}, grid, labels)
    axis = f'θ (% of the {normalization})'
    panel.set(title=f'{heading}: cumulative error', xlim=(0, 100 * limit), ylim=(0, 1.01),
              xlabel=axis, ylabel=label)
    panel.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    tail.set(title=f'{heading}: failures', xlim=(0, 100 * limit), xlabel=axis,
             ylabel=label.replace('≤', '>'))
    _scale_tail(tail, distributions)
    for one in (panel, tail):
        _mark(one, thresholds)
    # Below both panels: inside it would hide curves, and its lines are long.
    figure.legend(*panel.get_legend_handles_labels(), loc='lower left', bbox_to_anchor=(0.05, 0),
                  fontsize=9.5, frameon=False)
    return save_figures(figure, paths, title)


def _check_curves(caller: str, curves: Mapping[str, Errors]) -> Dict[str, List[np.ndarray]]:
    if not curves:
        raise ValueError(f'{caller} needs at least one array of errors, found none')
    runs = {}
    for name, errors in curves.items():
        several = isinstance(errors, (list, tuple)) and len(errors) and np.ndim(errors[0]) == 2
        runs[name] = [np.asarray(one, dtype=float) for one in (errors if several else [errors])]
        if any(np.isnan(one).all() for one in runs[name]):
            raise ValueError(f'curve {name!r}: no landmark is scored, there is nothing to plot')
    return runs


def _distributions(runs: Dict[str, List[np.ndarray]], thresholds: np.ndarray,
                   level: str) -> Dict[str, np.ndarray]:
    """Distributions [S, T] of the S seeds of each name."""
    return {
        name: np.stack([cumulative_error_distribution(one, thresholds, level=level)
                        for one in errors])
        for name, errors in runs.items()
    }


def _draw_curves(panel, distributions: Dict[str, np.ndarray], thresholds: np.ndarray,
                 labels: Dict[str, str]) -> None:
    for index, (name, seeds) in enumerate(distributions.items()):
        style = line_style(index)
        if len(seeds) > 1:
            panel.fill_between(100 * thresholds, seeds.min(axis=0), seeds.max(axis=0),
                               color=style['color'], alpha=0.15, linewidth=0)
        panel.plot(100 * thresholds, seeds.mean(axis=0), linewidth=2, label=labels[name], **style)


def _scale_tail(panel, distributions: Dict[str, np.ndarray]) -> None:
    """Logarithmic, down to the smallest rate of any curve, but not below 0.01 %."""
    rates = 1 - np.concatenate([seeds.mean(axis=0) for seeds in distributions.values()])
    positive = rates[rates > 1e-12]
    if not len(positive):  # no failure at any threshold, which a logarithm cannot show
        panel.set_ylim(0, 1.01)
        panel.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        return
    lowest = float(positive.min())
    panel.set_yscale('log')
    panel.set_ylim(max(1e-4, 10**np.floor(np.log10(min(lowest, 0.5)))), 1.1)
    panel.yaxis.set_major_formatter(lambda value, _: f'{100 * value:g}%')
    panel.grid(True, which='minor', axis='y', color='0.95', linewidth=0.6)


def _legend_text(name: str, errors: List[np.ndarray], level: str, failure_rate,
                 thresholds: Sequence[float]) -> str:
    symbol = 'I' if level == 'images' else 'L'
    parts = [f'NME {100 * np.mean([normalized_mean_error(one) for one in errors]):.2f} %']
    for theta in thresholds[:1]:
        area = np.mean([area_under_curve(one, theta, level=level) for one in errors])
        parts.append(f'AUC$^{symbol}_{{{theta:g}}}$ {area:.3f}')
    for theta in thresholds:
        rate = 100 * np.mean([failure_rate(one, theta) for one in errors])
        parts.append(f'FR$^{symbol}_{{{theta:g}}}$ {rate:.2f} %')
    seeds = f' ({len(errors)} seeds)' if len(errors) > 1 else ''
    return f'{name}{seeds}: ' + ', '.join(parts)


def _mark(panel, thresholds: Sequence[float]) -> None:
    for theta in thresholds:
        panel.axvline(100 * theta, color='0.45', linewidth=1, linestyle=(0, (4, 3)))
