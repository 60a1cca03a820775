"""Mean face shapes: those that are shipped, and how one is made of annotations."""
from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Dict, Optional, Sequence

import numpy as np

#: The shipped shapes; ``tools/landmarks.py mean-shape`` makes an entry.
SHAPES_FILE = Path(__file__).parent / 'mean_shapes.json'


@cache
def shipped_shapes() -> Dict[str, dict]:
    """The shipped mean shapes: by scheme ``points`` [K, 2] and their ``source``."""
    return json.loads(SHAPES_FILE.read_text(encoding='utf-8'))


def shipped_shape(name: str) -> Optional[np.ndarray]:
    """Points [K, 2] of the shipped mean shape of that name, or ``None``."""
    entry = shipped_shapes().get(name)
    return None if entry is None else np.array(entry['points'], dtype=float)


def normalize_shape(points: np.ndarray, outer_eye_corners: Sequence[int]) -> np.ndarray:
    """Move, turn and scale a shape so that the outer eye corners become (-½, 0) and (½, 0).

    Args:
        points (np.ndarray): [K, 2], x to the right and y down, any unit; NaN stays NaN.
        outer_eye_corners (Sequence[int]): Right (left in the image) and left corner.

    Returns:
        np.ndarray: [K, 2], inter-ocular units.

    Raises:
        ValueError: If the corners coincide or are not finite.

    Examples:
        >>> normalize_shape([[2., 2.], [2., 6.], [0., 4.]], (0, 1)).round(6).tolist()
        [[-0.5, 0.0], [0.5, 0.0], [0.0, 0.5]]
    """
    points = np.asarray(points, dtype=float)
    right, left = points[list(outer_eye_corners)]
    axis = left - right
    length = np.hypot(*axis)
    if not length > 0 or not np.isfinite(length):
        raise ValueError(f'the outer eye corners {list(outer_eye_corners)} lie at {right.tolist()} '
                         f'and {left.tolist()}; two different points are needed')
    cosine, sine = axis / length
    turned = (points - (right + left) / 2) @ np.array([[cosine, -sine], [sine, cosine]])
    return turned / length + 0.0


def procrustes_mean(faces: np.ndarray, valid: Optional[np.ndarray] = None,
                    steps: int = 30) -> np.ndarray:
    """Mean shape of faces after each was moved, turned and scaled onto it.

    Generalised Procrustes analysis (Gower, 1975): align all faces with the mean by similarity
    transforms in the least squares sense, take the mean, repeat.

    Args:
        faces (np.ndarray): [N, K, 2], any unit.
        valid (np.ndarray, optional): [N, K] bool; points that are not valid have no say. All by
            default.
        steps (int): Rounds at most.

    Returns:
        np.ndarray: [K, 2] with centroid 0 and norm 1, turned like the first face.

    Raises:
        ValueError: If shapes disagree, a face has fewer than two valid points, or a landmark is
            valid in no face.

    Examples:
        >>> triangle = np.array([[0., 0.], [1., 0.], [0., 1.]])
        >>> mean = procrustes_mean(np.stack([triangle, 3 * triangle + 5]))
        >>> bool(np.allclose(mean * np.ptp(triangle) / np.ptp(mean), triangle - triangle.mean(0)))
        True
    """
    faces = np.asarray(faces, dtype=float)
    if faces.ndim != 3 or faces.shape[2] != 2 or not len(faces):
        raise ValueError(f'faces must be [N, K, 2] with N > 0, found {list(faces.shape)}')
    valid = np.ones(faces.shape[:2], bool) if valid is None else np.asarray(valid, dtype=bool)
    if valid.shape != faces.shape[:2]:
        raise ValueError(f'valid must be {list(faces.shape[:2])}, found {list(valid.shape)}')
    valid = valid & np.isfinite(faces).all(axis=-1)
    if (valid.sum(axis=1) < 2).any():
        raise ValueError(f'{int((valid.sum(axis=1) < 2).sum())} faces have fewer than two valid '
                         'landmarks; leave them out')
    if not valid.any(axis=0).all():
        raise ValueError('no face has the landmarks '
                         f'{np.flatnonzero(~valid.any(axis=0)).tolist()}')
    # A similarity transform of the plane is z -> a z + b with complex a and b.
    points = np.where(valid, faces[..., 0] + 1j * faces[..., 1], 0)
    weight = valid.astype(float)
    count = weight.sum(axis=1, keepdims=True)
    points = (points - points.sum(axis=1, keepdims=True) / count) * weight
    mean = points[valid.sum(axis=1).argmax()]
    for _ in range(steps):
        # The mean is centred on each face's own valid points before the two are compared.
        target = (mean - (mean * weight).sum(axis=1, keepdims=True) / count) * weight
        factor = ((points.conj() * target).sum(axis=1, keepdims=True)
                  / (np.abs(points)**2).sum(axis=1, keepdims=True))
        shift = ((mean * weight).sum(axis=1, keepdims=True)) / count
        aligned = (factor * points + shift) * weight
        renewed = aligned.sum(axis=0) / weight.sum(axis=0)
        renewed = renewed - renewed.mean()
        renewed /= np.linalg.norm(renewed)
        change = np.abs(renewed - mean).max()
        mean = renewed
        if change < 1e-12:
            break
    return np.stack([mean.real, mean.imag], axis=1)


def symmetric_shape(points: np.ndarray, flip_indices: Sequence[int],
                    outer_eye_corners: Sequence[int]) -> np.ndarray:
    """Mean of a shape and its mirror image, normalised as :func:`normalize_shape`: [K, 2]."""
    points = normalize_shape(points, outer_eye_corners)
    return (points + points[list(flip_indices)] * [-1, 1]) / 2 + 0.0


def mean_shape_of_faces(faces: np.ndarray, valid: Optional[np.ndarray],
                        outer_eye_corners: Sequence[int],
                        flip_indices: Optional[Sequence[int]] = None) -> np.ndarray:
    """Procrustes mean of annotated faces, normalised and, with ``flip_indices``, symmetric.

    Args:
        faces (np.ndarray): [N, K, 2], image pixels.
        valid (np.ndarray, optional): [N, K] bool.
        outer_eye_corners (Sequence[int]): Right and left outer eye corner.
        flip_indices (Sequence[int], optional): [K].

    Returns:
        np.ndarray: [K, 2], inter-ocular units; see :func:`normalize_shape`.
    """
    mean = procrustes_mean(faces, valid)
    if flip_indices is None:
        return normalize_shape(mean, outer_eye_corners)
    return symmetric_shape(mean, flip_indices, outer_eye_corners)
