"""Interpolation: curves through knots, and a monotone function through values (NumPy only)."""
from __future__ import annotations

from functools import cache

import numpy as np


def catmull_rom(knots: np.ndarray, positions: np.ndarray, closed: bool = False) -> np.ndarray:
    """Evaluate the uniform Catmull-Rom spline; whole positions hit the knots exactly.

    Args:
        knots: Points ``[N, D]``.
        positions: Any shape, in [0, N - 1] (any value where the curve is closed).
        closed: Whether the last knot joins the first.

    Returns:
        np.ndarray: Points ``[*positions.shape, D]``.

    Example:
        >>> catmull_rom(np.array([[0., 0.], [1., 2.], [2., 0.]]), np.array([0.5, 1.])).tolist()
        [[0.5, 1.25], [1.0, 2.0]]
    """
    knots = np.asarray(knots, dtype=np.float64)
    positions = np.asarray(positions, dtype=np.float64)
    count = len(knots)
    if closed:
        start = np.floor(positions).astype(int)
        index = (start[..., None] + np.arange(-1, 3)) % count
        p0, p1, p2, p3 = (knots[index[..., k]] for k in range(4))
    else:
        start = np.clip(np.floor(positions).astype(int), 0, count - 2)
        padded = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
        p0, p1, p2, p3 = (padded[start + k] for k in range(4))
    t = (positions - start)[..., None]
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 +
                  (3 * p1 - p0 - 3 * p2 + p3) * t**3)


@cache
def _weights(count: int, per_segment: int) -> np.ndarray:
    """How much each of ``count`` knots contributes to each vertex of :func:`dense`."""
    return catmull_rom(np.eye(count), np.linspace(0, count - 1, (count - 1) * per_segment + 1))


def dense(knots: np.ndarray, per_segment: int = 6) -> np.ndarray:
    """The open Catmull-Rom curve as a polyline whose vertices include every knot.

    Args:
        knots: Points ``[N, D]``.
        per_segment: Pieces between two knots.

    Returns:
        np.ndarray: Vertices ``[(N - 1) * per_segment + 1, D]``.
    """
    return _weights(len(knots), per_segment) @ knots


def monotone_cubic(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Shape-preserving cubic interpolation, constant outside ``x``.

    The slopes at the knots are the harmonic means of their neighbouring secants, and 0 where these
    differ in sign (Fritsch and Butland, 1984), so that the curve never overshoots.

    Args:
        x: Rising positions ``[N]``.
        y: Values ``[N]``.
        at: Where to evaluate, any shape.

    Returns:
        np.ndarray: Values, of the shape of ``at``.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    step = np.diff(x)
    secant = np.diff(y) / step
    slope = np.zeros_like(y)
    product = secant[:-1] * secant[1:]
    safe = np.where(product > 0, secant[:-1] + secant[1:], 1.0)
    slope[1:-1] = np.where(product > 0, 2 * product / safe, 0.0)
    slope[0], slope[-1] = secant[0], secant[-1]
    at = np.clip(np.asarray(at, dtype=np.float64), x[0], x[-1])
    k = np.clip(np.searchsorted(x, at, side='right') - 1, 0, len(x) - 2)
    h = step[k]
    t = (at - x[k]) / h
    return ((1 + 2 * t) * (1 - t)**2 * y[k] + t * (1 - t)**2 * h * slope[k] +
            t**2 * (3 - 2 * t) * y[k + 1] + t**2 * (t - 1) * h * slope[k + 1])
