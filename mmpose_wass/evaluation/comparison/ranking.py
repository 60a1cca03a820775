"""Which faces to look at: the worst by image or by landmark, or those that changed most."""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Union

import numpy as np

from ..functional import image_errors

#: By what faces are ordered.
ORDERS = ('image', 'landmark')


@dataclass(frozen=True)
class RankedFace:
    """One face of a ranking.

    Attributes:
        row (int): Row of the face in the errors.
        landmark (int | None): Column that decided its place; ``None`` for the mean over landmarks.
        error (float): Its error, a fraction; ``inf`` for a prediction that is NaN or infinite.
        other_error (float): That of the other run, NaN if there is none.
    """
    row: int
    landmark: Optional[int]
    error: float
    other_error: float = float('nan')


def find_landmark(names: Sequence[str], wanted: Union[str, int]) -> int:
    """Column of a landmark by its number or its name.

    Args:
        names (Sequence[str]): [K] names.
        wanted (str | int): A name, or a number from 0 to K - 1. A name comes first.

    Raises:
        ValueError: If there is none; names that resemble it are listed.

    Examples:
        >>> find_landmark(['chin', 'nose_tip'], 'nose_tip'), find_landmark(['chin'], '0')
        (1, 0)
    """
    names, text = [str(name) for name in names], str(wanted)
    if text in names:
        return names.index(text)
    if text.lstrip('-').isdigit():
        if 0 <= int(text) < len(names):
            return int(text)
        raise ValueError(f'there is no landmark {text}; there are {len(names)}, 0 to '
                         f'{len(names) - 1}')
    words = text.lower().replace('-', '_').split('_')
    similar = [name for name in names if any(word in name.lower() for word in words if word)]
    raise ValueError(f'no landmark is named {text!r}; '
                     + ('similar are ' if similar else 'there are ')
                     + ', '.join((similar or names)[:12])
                     + (', …' if len(similar or names) > 12 else ''))


def rank_faces(errors: np.ndarray,
               by: str = 'image',
               landmark: Optional[int] = None,
               other_errors: Optional[np.ndarray] = None,
               improved: bool = False) -> List[RankedFace]:
    """All faces that can be ranked, the worst first.

    Args:
        errors (np.ndarray): [N, K], fractions; NaN is not scored, ``inf`` comes first.
        by (str): ``'image'``: by the mean error of the face. ``'landmark'``: by the error of
            ``landmark``, or, without one, by that of the face's worst landmark.
        landmark (int, optional): Column.
        other_errors (np.ndarray, optional): [N, K] of another run on the same faces: then faces
            are ordered by how much worse ``errors`` are.
        improved (bool): By how much better they are instead.

    Returns:
        list[RankedFace]: Best match first; ties in the order of the file. With another run only
        faces that changed in the wanted direction.

    Raises:
        ValueError: If arguments do not go together.

    Examples:
        >>> errors = np.array([[.1, .3], [.25, .2], [float('nan')] * 2])
        >>> [face.row for face in rank_faces(errors, by='image')]
        [1, 0]
        >>> [(face.row, face.landmark) for face in rank_faces(errors, by='landmark')]
        [(0, 1), (1, 0)]
    """
    errors = np.asarray(errors, dtype=float)
    if by not in ORDERS:
        raise ValueError(f'by must be one of {", ".join(ORDERS)}, found {by!r}')
    if landmark is not None and by != 'landmark':
        raise ValueError("a landmark can only be given with by='landmark'")
    if other_errors is None and improved:
        raise ValueError('improved needs the errors of another run')
    if other_errors is not None and np.shape(other_errors) != errors.shape:
        raise ValueError(f'other_errors must be {list(errors.shape)}, '
                         f'found {list(np.shape(other_errors))}')
    mine, theirs = _candidates(errors, by, landmark), None
    score = mine
    if other_errors is not None:
        theirs = _candidates(np.asarray(other_errors, dtype=float), by, landmark)
        score = _change(mine, theirs) * (-1 if improved else 1)
    # The landmark that decides, one for each face.
    column = np.zeros(len(score), dtype=int)
    scored = ~np.isnan(score).all(axis=1) if score.shape[1] else np.zeros(len(score), bool)
    column[scored] = np.nanargmax(score[scored], axis=1)
    best = score[np.arange(len(score)), column] if score.shape[1] else np.full(len(score), np.nan)
    rows = np.flatnonzero(scored & (best > 0) if theirs is not None else scored)
    rows = rows[np.argsort(-best[rows], kind='stable')]
    return [
        RankedFace(
            int(row), None if by == 'image' else int(column[row] if landmark is None else landmark),
            float(mine[row, column[row]]),
            float('nan') if theirs is None else float(theirs[row, column[row]])) for row in rows
    ]


def _candidates(errors: np.ndarray, by: str, landmark: Optional[int]) -> np.ndarray:
    """[N, C]: the errors that may decide a face's place."""
    if by == 'image':
        return image_errors(errors)[:, None]
    return errors if landmark is None else errors[:, [landmark]]


def _change(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Difference; two infinite errors are equal."""
    with np.errstate(invalid='ignore'):
        return np.where(np.isinf(mine) & np.isinf(theirs), 0.0, mine - theirs)
