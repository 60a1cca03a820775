"""Plot of errors against the severity of perturbations."""
from __future__ import annotations

from typing import Dict, Mapping, Optional, Sequence

from .style import line_style, new_figure, save_figure

#: Measures drawn, and how their axes are called.
MEASURES = {'face/NME': 'NME, %', 'face/FR_L@0.10': 'failure rate of landmarks at 10 %, %'}
_UNITS = dict(
    occlusion='mean axis of the ellipse ÷ side of the face box',
    motion_blur='length of the path ÷ side of the face box',
    box_shift='shift ÷ side of the face box', box_scale='box larger or smaller by, − 1',
    box_rotation='rotation of the box, degrees')


def plot_severity_curves(curves: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]],
                         path: str,
                         levels: Optional[Mapping[str, Dict[str, float]]] = None,
                         title: Optional[str] = None) -> str:
    """Draw measures over severity, one row per perturbation and one curve per model.

    Args:
        curves: From perturbation to model to its measurements, each a mapping with ``severity``
            and measures by name.
        path: File to write: ``.png``, ``.pdf`` or ``.svg``.
        levels: From perturbation to the severities of named levels, marked by lines.
        title: Title above all panels.

    Returns:
        str: ``path``.

    Raises:
        ValueError: If there is no curve.
    """
    if not curves:
        raise ValueError('there is no severity curve to draw')
    figure, panels = new_figure(len(curves), len(MEASURES), size=(10, 3.6 * len(curves)))
    for row, (perturbation, models) in enumerate(curves.items()):
        for column, (measure, label) in enumerate(MEASURES.items()):
            panel = panels[row * len(MEASURES) + column]
            for index, (model, points) in enumerate(models.items()):
                there = sorted((point['severity'], point[measure]) for point in points
                               if point.get(measure) is not None)
                if there:
                    panel.plot(*zip(*there), marker='o', markersize=4, linewidth=2, label=model,
                               **line_style(index))
            panel.set(xlabel=_UNITS.get(perturbation, 'severity'), ylabel=label,
                      title=perturbation.replace('_', ' '))
            panel.set_ylim(bottom=0)
            for name, severity in ((levels or {}).get(perturbation) or {}).items():
                if severity is not None:
                    panel.axvline(severity, color='0.5', linewidth=1, linestyle=':')
                    panel.annotate(f'{name} {severity:.3g}', (severity, 1), rotation=90, va='top',
                                   ha='right', color='0.35', fontsize=9,
                                   xycoords=panel.get_xaxis_transform())
            if len(models) > 1:
                panel.legend(fontsize=9, framealpha=.92)
    return save_figure(figure, path, title=title)
