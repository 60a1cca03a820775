"""The ``.pts`` files of 300W and 300VW."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Optional, Union

import numpy as np

_NUMBER_OF_POINTS = re.compile(r'n_points\s*:\s*(\d+)', re.IGNORECASE)


def read_pts(path: Union[str, Path], landmarks: Optional[int] = None) -> np.ndarray:
    """Read the landmarks of a ``.pts`` file.

    Coordinates are returned as they are written. The data sets' authors count pixels from 1, as
    Matlab does; MMPose's annotation file of 300VW carries the numbers over unchanged, and so does
    this.

    Args:
        path: The file.
        landmarks: Number of landmarks K that it must have; by default what it says itself.

    Returns:
        np.ndarray: ``[K, 2]`` float64, (x right, y down), in pixels.

    Raises:
        ValueError: If the file is cut off, has another number of points, or anything but two
            finite numbers in a line. The message names the file.
        OSError: If it cannot be read.
    """
    text = Path(path).read_bytes().decode('utf-8', 'replace')
    start, end = text.find('{'), text.rfind('}')
    if start < 0 or end < start:
        raise ValueError(f'{path}: no points between {{ and }}: the file is cut off, or no .pts '
                         'file')
    rows = [line.split() for line in text[start + 1:end].splitlines() if line.strip()]
    try:
        points = np.array([[float(value) for value in row] for row in rows])
    except ValueError as error:
        raise ValueError(f'{path}: a point is not two numbers: {error}') from None
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f'{path}: expected two numbers in a line')
    stated = _NUMBER_OF_POINTS.search(text[:start])
    for expected in (int(stated.group(1)) if stated else None, landmarks):
        if expected is not None and len(points) != expected:
            raise ValueError(f'{path}: {len(points)} points, expected {expected}')
    if not np.isfinite(points).all():
        raise ValueError(f'{path}: a coordinate is not a finite number')
    return points
