"""A number for each landmark, drawn on the mean face."""
from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence

import numpy as np
from matplotlib.colors import Normalize, TwoSlopeNorm

from .style import new_figure, save_figures

#: Light to dark in lightness too, so that any colour vision and a grey printer keep the order.
SEQUENTIAL = 'YlOrRd'
#: Blue below zero, red above.
DIVERGING = 'RdBu_r'

_MOST_COLUMNS = 4
_PANEL = 3.3  # inches


def draw_face_map(maps: Mapping[str, np.ndarray],
                  points: np.ndarray,
                  paths: Sequence[str],
                  label: str,
                  diverging: bool = False,
                  rings: Optional[Mapping[str, np.ndarray]] = None,
                  outline: Sequence[np.ndarray] = (),
                  num_labels: int = 3,
                  title: Optional[str] = None,
                  note: str = '') -> List[str]:
    """Draw values of landmarks as colours on a face, a panel for each name, on one scale.

    Args:
        maps (Mapping[str, np.ndarray]): Values [K] by name; NaN is drawn as a small cross.
        points (np.ndarray): [K, 2], where landmarks lie: x to the right, y down, any unit.
        paths (Sequence[str]): Files to write: ``.png``, ``.pdf`` or ``.svg``.
        label (str): What the values are, for the colour bar.
        diverging (bool): Whether values are differences: then zero is white and both signs show.
        rings (Mapping[str, np.ndarray], optional): [K] bool by name: landmarks to ring, such as
            significant ones. The others are drawn smaller where this is given.
        outline (Sequence[np.ndarray]): Lines [P, 2] of the face, drawn pale below.
        num_labels (int): How many of the largest values are written beside their landmarks.
        title (str, optional): Title.
        note (str): A line below the panels.

    Returns:
        list[str]: ``paths``.

    Raises:
        ValueError: If there is no map, or shapes disagree.
    """
    points = np.asarray(points, dtype=float)
    _check(maps, points, rings)
    columns = min(_MOST_COLUMNS, len(maps))
    rows = -(-len(maps) // columns)
    drawable = points[np.isfinite(points).all(axis=1)]
    width, height = np.ptp(drawable, axis=0) if len(drawable) else (1.0, 1.0)
    # Panels as high as the face needs; the bar takes some of the width.
    tall = float(np.clip(_PANEL * height / max(width, 1e-9), 0.7 * _PANEL, 1.5 * _PANEL))
    figure, panels = new_figure(
        rows, columns, size=(max(4.6, _PANEL * columns + 1.1), (tall + 0.45) * rows + 0.5))
    scale = _scale(maps, diverging)
    dots = None
    for panel, (name, values) in zip(panels, maps.items()):
        marked = None if rings is None else np.asarray(rings[name], dtype=bool)
        dots = _draw_panel(panel, points, np.asarray(values, dtype=float), marked, scale,
                           DIVERGING if diverging else SEQUENTIAL, outline)
        _write_values(panel, points, np.asarray(values, dtype=float), num_labels, diverging,
                      marked)
        panel.set_title(name, fontsize=10)
    for panel in panels:
        panel.set_axis_off()
    figure.colorbar(dots, ax=panels, label=label, shrink=0.8, aspect=25)
    if note:
        figure.supxlabel(note, fontsize=8.5, color='0.35')
    return save_figures(figure, paths, title)


def face_outline(points: np.ndarray, regions: Mapping[str, Sequence[int]]) -> List[np.ndarray]:
    """Lines that make a face of landmarks: rings of eyes and mouth, lines of brows and contour.

    Args:
        points (np.ndarray): [K, 2].
        regions (Mapping[str, Sequence[int]]): Indices of each region's landmarks, in the scheme's
            order; names as in :class:`~mmpose_wass.landmarks.LandmarkScheme`.

    Returns:
        list[np.ndarray]: Lines [P, 2].

    Examples:
        >>> eye = np.array([[0., 0.], [1., -1.], [1., 1.], [2., 0.], [1., 0.]])
        >>> face_outline(eye, dict(left_eye=range(5)))[0].tolist()    # the pupil is no part of it
        [[1.0, -1.0], [2.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, -1.0]]
    """
    lines = []
    for name, members in regions.items():
        members = [index for index in members if np.isfinite(points[index]).all()]
        if len(members) < 2:
            continue
        part = points[members]
        if 'eye' in name or 'mouth' in name:
            lines.append(_ring(part))
        elif 'contour' in name:
            lines.append(part)
        elif 'brow' in name:
            # A brow whose landmarks are not numbered along it is a ring too.
            along = np.diff(members).max() == 1
            lines.append(part if along else _ring(part, keep_inner=True))
        elif 'nose' in name and len(members) > 4:
            lines += _split_at_gaps(part)
    return lines


def _ring(part: np.ndarray, keep_inner: bool = False) -> np.ndarray:
    """The points in order around their middle; those near it, such as pupils, are left out."""
    away = part - part.mean(axis=0)
    distance = np.hypot(*away.T)
    border = keep_inner | (distance > 0.35 * np.median(distance))
    part, away = part[border], away[border]
    order = np.argsort(np.arctan2(away[:, 1], away[:, 0]), kind='stable')
    return part[np.append(order, order[0])]


def _split_at_gaps(part: np.ndarray) -> List[np.ndarray]:
    steps = np.hypot(*np.diff(part, axis=0).T)
    cuts = np.flatnonzero(steps > 1.5 * np.median(steps)) + 1
    return [line for line in np.split(part, cuts) if len(line) > 1]


def _check(maps: Mapping[str, np.ndarray], points: np.ndarray, rings) -> None:
    if not maps:
        raise ValueError('draw_face_map needs at least one map, found none')
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f'points must be [K, 2], found {list(points.shape)}')
    arrays: Dict[str, np.ndarray] = {f'map {name!r}': values for name, values in maps.items()}
    if rings is not None:
        missing = [name for name in maps if name not in rings]
        if missing:
            raise ValueError(f'rings has no entry for the map {missing[0]!r}')
        arrays.update({f'rings {name!r}': rings[name] for name in maps})
    for name, values in arrays.items():
        if np.shape(values) != points.shape[:1]:
            raise ValueError(
                f'{name} must be [K] = [{len(points)}], found {list(np.shape(values))}')


def _scale(maps: Mapping[str, np.ndarray], diverging: bool):
    values = np.concatenate([np.asarray(one, dtype=float).ravel() for one in maps.values()])
    values = np.abs(values[np.isfinite(values)])
    largest = float(values.max()) if len(values) and values.max() > 0 else 1.0
    return TwoSlopeNorm(0.0, -largest, largest) if diverging else Normalize(0.0, largest)


def _draw_panel(panel, points: np.ndarray, values: np.ndarray, marked: Optional[np.ndarray], scale,
                colors: str, outline: Sequence[np.ndarray]):
    for line in outline:
        panel.plot(*line.T, color='0.82', linewidth=1.2, zorder=1)
    size = 90 if len(points) <= 40 else 62 if len(points) <= 80 else 42
    there = np.isfinite(points).all(axis=1)
    known = there & np.isfinite(values)
    panel.scatter(*points[there & ~known].T, marker='x', s=16, color='0.5', linewidth=1, zorder=2)
    ringed = np.zeros(len(points), bool) if marked is None else marked
    # The strongest lie on top.
    order = np.flatnonzero(known)[np.argsort(np.abs(values[known]), kind='stable')]
    sizes = np.full(len(points), size, float) if marked is None else np.where(
        ringed, 1.15 * size, 0.45 * size)
    dots = panel.scatter(
        *points[order].T, c=values[order], s=sizes[order], cmap=colors, norm=scale,
        edgecolors=['black' if ringed[index] else '0.55' for index in order],
        linewidths=[1.4 if ringed[index] else 0.5 for index in order], zorder=3)
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    pad = 0.1 * (high - low).max()
    panel.set(xlim=(low[0] - pad, high[0] + pad), ylim=(high[1] + pad, low[1] - pad),
              aspect='equal')
    return dots


def _write_values(panel, points: np.ndarray, values: np.ndarray, num_labels: int, diverging: bool,
                  marked: Optional[np.ndarray]) -> None:
    """The largest values as text, pushed away from the middle of the face."""
    wanted = np.isfinite(values) & np.isfinite(points).all(axis=1) & (values != 0)
    if marked is not None:
        wanted &= marked
    center = np.nanmean(points, axis=0)
    taken: List[np.ndarray] = []
    side = np.ptp(points[np.isfinite(points).all(axis=1)], axis=0).max()
    for index in np.flatnonzero(wanted)[np.argsort(-np.abs(values[wanted]), kind='stable')]:
        if len(taken) == num_labels:
            break
        # Neighbours would be written over each other, and say the same.
        if any(np.hypot(*(points[index] - other)) < 0.14 * side for other in taken):
            continue
        taken.append(points[index])
        away = points[index] - center
        away = away / max(np.hypot(*away), 1e-9)
        text = f'{values[index]:+.1f}' if diverging else f'{values[index]:.1f}'
        panel.annotate(
            text.replace('-', '−'), points[index], xytext=(11 * away[0], -11 * away[1]),
            textcoords='offset points', fontsize=8, color='0.15',
            ha='center' if abs(away[0]) < 0.5 else 'left' if away[0] > 0 else 'right',
            va='center' if abs(away[1]) < 0.5 else 'top' if away[1] > 0 else 'bottom', zorder=2.5,
            # A stroke around letters would make paths of them, which no PDF search finds.
            bbox=dict(boxstyle='round,pad=0.08', facecolor='white', edgecolor='none', alpha=0.75))
