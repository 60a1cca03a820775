"""A range of indices, as the tables write it."""
from __future__ import annotations

from typing import Tuple


def span(first: int, last: int) -> Tuple[int, ...]:
    """Indices ``first`` to ``last``, both included.

    Examples:
        >>> span(3, 5)
        (3, 4, 5)
    """
    return tuple(range(first, last + 1))
