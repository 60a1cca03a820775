"""Where a landmark moves, from its places in the frames before and after (Section 4)."""
from __future__ import annotations

import math
from typing import NamedTuple, Optional

import numpy as np

#: Shortest displacement, in pixels, that has a direction.
SMALLEST_MOTION = 1e-3


class MotionDirection(NamedTuple):
    """Direction of a motion.

    Attributes:
        angle: From the x axis towards the y axis (downwards) in radians, or None.
        source: ``'both'`` neighbours, ``'previous'`` or ``'next'`` alone (one-sided difference),
            ``'missing'`` (neither neighbour has the landmark) or ``'still'`` (it does not move):
            the last two have no angle.
    """

    angle: Optional[float]
    source: str


def motion_direction(previous: Optional[np.ndarray], current: Optional[np.ndarray],
                     following: Optional[np.ndarray]) -> MotionDirection:
    """Direction of a landmark's motion at frame t.

    From t-1 to t+1; where one of them is missing, from t-1 to t or from t to t+1. A landmark that
    is at the same place in t-1 and t+1 may have moved in between: then the one-sided differences
    are tried as well.

    Args:
        previous: ``[2]`` place in frame t-1, None or not finite if missing.
        current: ``[2]`` place in frame t, likewise.
        following: ``[2]`` place in frame t+1, likewise.

    Returns:
        MotionDirection: The direction and what it comes from.

    Example:
        >>> motion_direction(np.array([1.0, 1.0]), None, np.array([1.0, 3.0])).source
        'both'
        >>> motion_direction(None, np.array([1.0, 1.0]), None)
        MotionDirection(angle=None, source='missing')
    """
    pairs = [('both', previous, following), ('previous', previous, current),
             ('next', current, following)]
    still = False
    for source, start, end in pairs:
        if not (_is_known(start) and _is_known(end)):
            continue
        x, y = np.asarray(end, dtype=np.float64) - np.asarray(start, dtype=np.float64)
        if math.hypot(x, y) >= SMALLEST_MOTION:
            return MotionDirection(math.atan2(y, x), source)
        still = True
    return MotionDirection(None, 'still' if still else 'missing')


def _is_known(point: Optional[np.ndarray]) -> bool:
    return point is not None and bool(np.isfinite(point).all())
