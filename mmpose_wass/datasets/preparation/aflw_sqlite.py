"""AFLW's original data base: up to 21 visible points of a face."""
from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

from .report import PreparationError

SQLITE_FILE = 'aflw.sqlite'
# Numbers of the ears among the data base's 21 points, counted from 1; the 19 are the others.
_EARS = (13, 17)
_FEATURES = [feature for feature in range(1, 22) if feature not in _EARS]
_FACES = """
    SELECT Faces.face_id, FaceImages.filepath, FaceRect.x, FaceRect.y, FaceRect.w, FaceRect.h
    FROM Faces
    JOIN FaceImages ON FaceImages.file_id = Faces.file_id
    LEFT JOIN FaceRect ON FaceRect.face_id = Faces.face_id
    ORDER BY Faces.face_id
"""
_POINTS = 'SELECT face_id, feature_id, x, y FROM FeatureCoords'


def read_sqlite(path: Path) -> Tuple[List[tuple], int]:
    """Faces of ``aflw.sqlite``, reduced to the 19 points of the later release.

    Args:
        path: The data base.

    Returns:
        tuple: The faces as (name, points ``[19, 2]``, flags ``[19]``, box (left, top, right,
        bottom), hidden ``[19]``), and the number of those left out since they have no box or no
        point.

    Raises:
        PreparationError: If the file is damaged, or no AFLW data base.
    """
    try:
        with closing(sqlite3.connect(path.resolve().as_uri() + '?mode=ro', uri=True)) as base:
            rows = base.execute(_FACES).fetchall()
            coordinates = base.execute(_POINTS).fetchall()
    except sqlite3.Error as error:
        raise PreparationError(
            f'{path}: damaged, or not the data base of AFLW ({error}). It has '
            f'{path.stat().st_size} bytes: compare with the size at the source and download it '
            'again') from None
    column = {feature: k for k, feature in enumerate(_FEATURES)}
    points: Dict[int, np.ndarray] = {}
    for face, feature, x, y in coordinates:
        if feature in column:
            points.setdefault(face, np.full((len(_FEATURES), 2), np.nan))[column[feature]] = x, y
    faces, left_out, seen = [], 0, set()
    for face, name, *rectangle in rows:
        if face in seen:  # a second box of the same face
            continue
        seen.add(face)
        if None in rectangle or min(rectangle[2:]) <= 0 or face not in points:
            left_out += 1
            continue
        left, top, width, height = map(float, rectangle)
        found = np.isfinite(points[face]).all(axis=1)
        faces.append((name, np.nan_to_num(points[face]), found.astype(int),
                      (left, top, left + width, top + height),
                      np.zeros(len(_FEATURES), dtype=bool)))
    return faces, left_out
