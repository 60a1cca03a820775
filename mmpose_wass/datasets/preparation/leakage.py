"""Whether what is tested on was trained on."""
from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

# Correlation of thumbnails above which two faces count as the same picture. Measured on 300W,
# training against common test set: pictures of different people reach 0.88, and three faces of LFPW
# that are in both, in other colours and sizes, have 0.975, 0.985 and 0.993.
SAME_PICTURE = 0.95
_SAME_FACE = 0.5  # overlap of two boxes in one image
_BLOCK = 2048  # rows of the comparison done at once


class Face(NamedTuple):
    """A face of a split.

    Attributes:
        file_name: Its image.
        digest: Hash of the image's bytes.
        box: (center x, center y, side) in pixels.
        sequence: Its video, or an empty string.
        thumbnail: Grey picture of the face, or None where it is not compared.
    """

    file_name: str
    digest: str
    box: Tuple[float, float, float]
    sequence: str = ''
    thumbnail: object = None


class Leak(NamedTuple):
    """A training face and a test face that are one.

    Attributes:
        kind: ``face`` (same image, same place), ``image`` (same image, another face), ``picture``
            (they look the same) or ``video``.
        train: Image or video of the training face.
        test: Image or video of the test face.
        correlation: Of their thumbnails, where that was what told.
    """

    kind: str
    train: str
    test: str
    correlation: float = 1.0


def find_leaks(train: Sequence[Face], test: Sequence[Face]) -> List[Leak]:
    """Test faces that are in the training set, too.

    Args:
        train: Training faces.
        test: Test faces.

    Returns:
        list[Leak]: Equal files (by their bytes, whatever they are called), equal videos, and faces
        whose thumbnails correlate above ``SAME_PICTURE``.
    """
    leaks = [Leak('video', name, name) for name in
             sorted({face.sequence for face in train if face.sequence} &
                    {face.sequence for face in test})]
    equal = set()
    by_digest: Dict[str, List[Face]] = {}
    for face in train:
        by_digest.setdefault(face.digest, []).append(face)
    for face in test:
        twins = by_digest.get(face.digest, [])
        if twins:
            closest = max(twins, key=lambda twin: overlap(twin.box, face.box))
            kind = 'face' if overlap(closest.box, face.box) > _SAME_FACE else 'image'
            leaks.append(Leak(kind, closest.file_name, face.file_name))
            equal.add(face.digest)
    leaks.extend(Leak('picture', train[i].file_name, test[j].file_name, correlation)
                 for i, j, correlation in _alike(train, test)
                 if test[j].digest not in equal)
    return leaks


def overlap(box: Tuple[float, float, float], other: Tuple[float, float, float]) -> float:
    """Intersection over union of two squares (center x, center y, side).

    Examples:
        >>> overlap((5, 5, 10), (5, 5, 10)), overlap((0, 0, 2), (9, 9, 2))
        (1.0, 0.0)
    """
    width, height = (
        max(0.0, min(box[k] + box[2] / 2, other[k] + other[2] / 2) -
            max(box[k] - box[2] / 2, other[k] - other[2] / 2)) for k in range(2))
    return width * height / (box[2]**2 + other[2]**2 - width * height)


def correlations(thumbnails: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Correlation of each thumbnail with each other one.

    Args:
        thumbnails: ``[N, S, S]``.
        others: ``[M, S, S]``.

    Returns:
        np.ndarray: ``[N, M]``, 1 for pictures that differ in brightness and contrast only. A
        picture without any contrast correlates with nothing.
    """
    return _normalized(thumbnails) @ _normalized(others).T


def _normalized(thumbnails: np.ndarray) -> np.ndarray:
    flat = np.asarray(thumbnails, dtype=np.float32).reshape(len(thumbnails), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(length > flat.shape[1]**0.5, length, np.inf)


def _alike(train: Sequence[Face], test: Sequence[Face]) -> Iterator[Tuple[int, int, float]]:
    rows = [i for i, face in enumerate(train) if face.thumbnail is not None]
    columns = [j for j, face in enumerate(test) if face.thumbnail is not None]
    if not rows or not columns:
        return
    others = np.stack([test[j].thumbnail for j in columns])
    for start in range(0, len(rows), _BLOCK):
        block = rows[start:start + _BLOCK]
        values = correlations(np.stack([train[i].thumbnail for i in block]), others)
        for a, b in zip(*np.nonzero(values > SAME_PICTURE)):
            yield block[a], columns[b], float(values[a, b])
