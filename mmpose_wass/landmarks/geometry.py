"""Measuring shapes against each other, and finding which points mirror each other."""
from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np


def fit_per_axis(source: np.ndarray, target: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Scale and shift of each axis that bring ``source`` closest to ``target``.

    Mean shapes of two data sets differ in scale, place and aspect (how the faces' boxes were
    normalised, how far heads are turned); what is left after this fit is the conversion's.

    Args:
        source (np.ndarray): [C, 2].
        target (np.ndarray): [C, 2].

    Returns:
        tuple[np.ndarray, np.ndarray]: Scale [2] and shift [2]: ``source * scale + shift``.

    Raises:
        ValueError: If the shapes disagree, hold fewer than two points or all points of the source
            lie on one axis.

    Examples:
        >>> points = np.array([[0., 0.], [2., 1.], [1., 3.]])
        >>> scale, shift = fit_per_axis(points, points * [2, 3] + [5, 7])
        >>> scale.round(6).tolist(), shift.round(6).tolist()
        ([2.0, 3.0], [5.0, 7.0])
    """
    source, target = np.asarray(source, dtype=float), np.asarray(target, dtype=float)
    if source.ndim != 2 or source.shape[1] != 2 or source.shape != target.shape:
        raise ValueError('source and target must be [C, 2] both, found '
                         f'{list(source.shape)} and {list(target.shape)}')
    if len(source) < 2 or not np.isfinite(source).all() or not np.isfinite(target).all():
        raise ValueError(f'a fit needs two or more finite points, found {len(source)}')
    offset = source - source.mean(axis=0)
    spread = (offset**2).sum(axis=0)
    if not (spread > 0).all():
        raise ValueError('the source points have no extent along an axis')
    scale = (offset * (target - target.mean(axis=0))).sum(axis=0) / spread
    return scale, target.mean(axis=0) - scale * source.mean(axis=0)


def find_flip_pairs(shape: np.ndarray, tolerance: float = 0.06) -> List[Tuple[int, int]]:
    """Which points of a frontal face mirror each other, from where they lie.

    The axis of symmetry is the vertical line through the middle of the shape's widest extent,
    refined from the pairs found. Two points are a pair if each is the other's nearest point after
    mirroring, and a point in the middle is its own.

    Args:
        shape (np.ndarray): [K, 2] of an upright frontal face or mean shape, any unit.
        tolerance (float): How far a point may lie from its partner's mirror image, in fractions of
            the shape's width.

    Returns:
        list[tuple[int, int]]: Pairs (point in the left half of the image, its partner), ordered by
        the first. Points in none mirror themselves.

    Raises:
        ValueError: If points have no partner: they are listed, with where the nearest candidate
            lies.

    Examples:
        >>> find_flip_pairs([[0., 0.], [1., 2.], [2., 0.1], [0.5, 1.], [1.5, 1.]])
        [(0, 2), (3, 4)]
    """
    shape = np.asarray(shape, dtype=float)
    if shape.ndim != 2 or shape.shape[1] != 2 or not np.isfinite(shape).all():
        raise ValueError(f'a shape of finite points [K, 2] is needed, found {list(shape.shape)}')
    points = shape / np.ptp(shape[:, 0])
    middle = (points[:, 0].min() + points[:, 0].max()) / 2
    for _ in range(10):
        partner, distance = _nearest_mirrored(points, middle)
        mutual = partner[partner] == np.arange(len(points))
        renewed = (points[mutual, 0] + points[partner[mutual], 0]).mean() / 2
        if abs(renewed - middle) < 1e-9:
            break
        middle = renewed
    alone = np.flatnonzero(~mutual | (distance > tolerance))
    if len(alone):
        raise ValueError(
            f'no mirror image was found for the points {alone.tolist()} (nearest candidates '
            f'{partner[alone].tolist()}, off by {distance[alone].round(3).tolist()} of the width; '
            f'at most {tolerance} is taken for a pair). Is the face upright and frontal? If so, '
            'list flip_pairs by hand, or raise the tolerance')
    return [(int(index), int(partner[index]))
            for index in np.argsort(points[:, 0] > middle, kind='stable')
            if points[index, 0] < points[partner[index], 0] and index != partner[index]]


def _nearest_mirrored(points: np.ndarray, middle: float) -> Tuple[np.ndarray, np.ndarray]:
    mirror = np.stack([2 * middle - points[:, 0], points[:, 1]], axis=1)
    gaps = np.linalg.norm(points[:, None] - mirror[None], axis=-1)
    nearest = gaps.argmin(axis=0)
    return nearest, gaps[nearest, np.arange(len(points))]


def outer_corners_of(names: Sequence[str]) -> Tuple[int, int]:
    """Indices of the right and the left outer eye corner among landmark names.

    Raises:
        ValueError: If a name is missing.
    """
    wanted = ('right_eye_outer_corner', 'left_eye_outer_corner')
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(f'outer_eye_corners are not given, and no landmark is named '
                         f'{" or ".join(missing)}')
    return tuple(list(names).index(name) for name in wanted)
