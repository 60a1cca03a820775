"""Plot of cumulative error distributions, per image and per landmark."""
from __future__ import annotations

from typing import Mapping, Optional

import numpy as np
from matplotlib.ticker import PercentFormatter

from mmpose_wass.evaluation.functional import (
    area_under_curve,
    cumulative_error_distribution,
    failure_rate_images,
    failure_rate_landmarks,
)

from .style import line_style, new_figure, save_figure

_PANELS = (('images', 'Images', 'faces with mean error ≤ θ', failure_rate_images),
           ('landmarks', 'Landmarks', 'landmarks with error ≤ θ', failure_rate_landmarks))


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
            not scored, ``inf`` is a failed prediction. Such as ``np.load('run.errors.npz')
            ['errors']``, written by ``FaceLandmarkMetric(outfile_prefix='run')``.
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
    if not curves:
        raise ValueError('plot_cumulative_error needs at least one array of errors, found none')
    for name, errors in curves.items():
        if np.isnan(np.asarray(errors, dtype=float)).all():
            raise ValueError(f'curve {name!r}: no landmark is scored, there is nothing to plot')
    limit = 1.5 * threshold if limit is None else limit
    thresholds = np.linspace(0, limit, 601)

    height = 4.6 + 0.22 * len(curves)
    figure, panels = new_figure(1, 2, size=(11, height))
    for panel, (level, heading, label, failure_rate) in zip(panels, _PANELS):
        for index, (name, errors) in enumerate(curves.items()):
            auc = area_under_curve(errors, threshold, level=level)
            failures = failure_rate(errors, threshold)
            panel.plot(
                100 * thresholds,
                cumulative_error_distribution(errors, thresholds, level=level),
                linewidth=2,
                label=f'{name}: AUC {auc:.3f}, FR {100 * failures:.2f} %',
                **line_style(index))
        panel.axvline(100 * threshold, color='0.45', linewidth=1, linestyle=(0, (4, 3)))
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
