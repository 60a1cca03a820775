"""Read the constants of the perturbation protocol."""
from __future__ import annotations

import math
from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np

from .protocol_version_1 import PROTOCOL as VERSION_1

PROTOCOLS = {1: VERSION_1}
Severity = Union[float, Tuple[float, float]]


def get_protocol(version: int = 1) -> Dict[str, object]:
    """Constants of a version of the protocol.

    Args:
        version: The version.

    Returns:
        dict: See ``protocol_version_1.py``. It is not to be changed.

    Raises:
        KeyError: If there is no such version.
    """
    if version not in PROTOCOLS:
        raise KeyError(f'there is no perturbation protocol version {version!r}; '
                       f'known: {sorted(PROTOCOLS)}')
    return PROTOCOLS[version]


def level_severity(perturbation: str, level: str, version: int = 1) -> float:
    """Severity of a named level.

    Args:
        perturbation: ``'occlusion'`` or ``'motion_blur'``.
        level: ``'medium'`` or ``'large'``.
        version: Version of the protocol.

    Returns:
        float: A fraction of the face box's side.

    Raises:
        ValueError: For an unknown level.

    Example:
        >>> 0 < level_severity('occlusion', 'medium') < level_severity('occlusion', 'large')
        True
    """
    levels = get_protocol(version)[perturbation]['levels']
    if level not in levels:
        raise ValueError(f'level must be one of {list(levels)}, got {level!r}')
    return levels[level]


def occlusion_sizes(severity: float, version: int = 1) -> Tuple[float, float]:
    """Smallest and largest full axis of the ellipse at a severity.

    Args:
        severity: Mean full axis as a fraction of the box's side, 0 or more.
        version: Version of the protocol.

    Returns:
        tuple[float, float]: Fractions of the box's side.

    Example:
        >>> occlusion_sizes(0.1)
        (0.05, 0.15)
    """
    table = np.array(get_protocol(version)['occlusion']['sizes'])
    row = int(np.clip(np.searchsorted(table[:, 0], severity) - 1, 0, len(table) - 2))
    share = (severity - table[row, 0]) / (table[row + 1, 0] - table[row, 0])
    low, high = table[row, 1:] + share * (table[row + 1, 1:] - table[row, 1:])
    return round(float(low), 12), round(float(high), 12)


def check_severity(name: str, value: Severity) -> Tuple[float, float]:
    """Bring a severity to a range.

    Args:
        name: What to call it in an error.
        value: A number that is 0 or more, or a range (low, high) of such.

    Returns:
        tuple[float, float]: Low and high, equal for a single number.

    Raises:
        ValueError: If it is neither.

    Example:
        >>> check_severity('severity', 0.2)
        (0.2, 0.2)
    """
    pair = (value, value) if _is_number(value) else value
    if (not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2
            or not all(map(_is_number, pair)) or not 0 <= pair[0] <= pair[1]):
        raise ValueError(f'{name} must be a finite number that is 0 or more, or a range '
                         f'(low, high) of such, got {value!r}')
    return float(pair[0]), float(pair[1])


def choose_severity(perturbation: str, level: Optional[str], version: int,
                    **explicit: Optional[Severity]) -> Tuple[str, Tuple[float, float]]:
    """Which of a level and explicit amounts was given; exactly one must be.

    Args:
        perturbation: ``'occlusion'`` or ``'motion_blur'``.
        level: Name of a level, or None.
        version: Version of the protocol.
        **explicit: Amounts by name, or None.

    Returns:
        tuple[str, tuple[float, float]]: Name of the amount (``'severity'`` for a level), and its
        range.

    Raises:
        ValueError: If not exactly one is given, or for a wrong one.
    """
    given = {name: value for name, value in dict(level=level, **explicit).items()
             if value is not None}
    if len(given) != 1:
        raise ValueError(f'give exactly one of {", ".join(["level", *explicit])}, '
                         f'got {given or "none"}')
    name, value = given.popitem()
    if name == 'level':
        severity = level_severity(perturbation, value, version)
        return 'severity', (severity, severity)
    return name, check_severity(name, value)


def _is_number(value: object) -> bool:
    return (isinstance(value, (int, float, np.integer, np.floating))
            and not isinstance(value, bool) and math.isfinite(value))
