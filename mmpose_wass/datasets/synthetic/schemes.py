"""How the landmark schemes are read off the 100 canonical points.

The canonical points are WFLW's 98 in WFLW's order, then the middle of the lower edge of the left
brow (98) and of the right brow (99). Every other scheme picks from them or averages pairs, so
points that schemes share are equal.
"""
from __future__ import annotations

from typing import Dict, List, Tuple, Union

import numpy as np

Pick = Union[int, Tuple[int, int]]

_300W: List[Pick] = [
    *range(0, 33, 2),  # jaw
    *range(33, 38), *range(42, 47),  # brows
    *range(51, 60),  # nose
    60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75,  # eyes
    *range(76, 96)]  # mouth
_COFW: List[Pick] = [
    33, 46, 37, 42, 35, 98, 44, 99,  # brows
    60, 72, 64, 68, 62, 66, 70, 74, 96, 97,  # eyes and pupils
    55, 59, 54, 57,  # nose
    76, 82, 79, 90, 94, 85, 16]  # mouth and chin
# AFLW's 19 as points and pairs of COFW's 29.
_AFLW_FROM_COFW: List[Pick] = [
    0, (4, 5), 2, 3, (6, 7), 1,  # brows
    8, 16, 10, 11, 17, 9,  # eyes and pupils
    18, 20, 19,  # nose
    22, (25, 26), 23, 28]  # mouth and chin


def _through(pick: Pick, table: List[Pick]) -> Pick:
    return table[pick] if isinstance(pick, int) else (table[pick[0]], table[pick[1]])


PICKS: Dict[str, List[Pick]] = {
    '300w': _300W,
    '300vw': _300W,
    'wflw': list(range(98)),
    'cofw': _COFW,
    'aflw': [_through(pick, _COFW) for pick in _AFLW_FROM_COFW],
}


def to_scheme(canonical: np.ndarray, scheme: str) -> np.ndarray:
    """Read a scheme off canonical points.

    Args:
        canonical: Values ``[100, ...]`` of the canonical points; booleans are combined with "or"
            where a pair is averaged.
        scheme: ``300w``, ``300vw``, ``wflw``, ``cofw`` or ``aflw``.

    Returns:
        np.ndarray: ``[K, ...]``.

    Raises:
        KeyError: For an unknown scheme.
        ValueError: If there are not 100 points.

    Example:
        >>> to_scheme(np.zeros((100, 2)), 'cofw').shape
        (29, 2)
    """
    if scheme not in PICKS:
        raise KeyError(f'unknown landmark scheme {scheme!r}; known: {sorted(PICKS)}')
    canonical = np.asarray(canonical)
    if len(canonical) != 100:
        raise ValueError(f'expected 100 canonical points, got an array of shape {canonical.shape}')
    pairs = np.array([(pick, pick) if isinstance(pick, int) else pick for pick in PICKS[scheme]])
    first, second = canonical[pairs[:, 0]], canonical[pairs[:, 1]]
    return first | second if canonical.dtype == bool else 0.5 * (first + second)
