"""Normalisation distances: the :math:`d_i` of Eq. (2), one length in image pixels for each face.

A distance that cannot be measured (a landmark it needs is not labelled) is NaN; the face is then
excluded and counted, see :func:`~mmpose_wass.evaluation.functional.errors.exclusion_counts`.
"""
from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from .errors import check_points, check_valid, row_chunks


def _centers(targets: np.ndarray, indices: Sequence[int], valid: np.ndarray) -> np.ndarray:
    """Mean of the landmarks ``indices`` [N, 2]; NaN where one of them is not valid."""
    num_landmarks = targets.shape[1]
    indices = [int(index) for index in indices]
    wrong = [index for index in indices if not 0 <= index < num_landmarks]
    if wrong or not indices:
        raise ValueError(f'landmark indices must lie in 0..{num_landmarks - 1} for targets of '
                         f'{num_landmarks} landmarks, found {indices}')
    centers = targets[:, indices].mean(axis=1, dtype=np.float64)
    centers[~valid[:, indices].all(axis=1)] = np.nan
    return centers


def group_distance(targets: np.ndarray,
                   first: Sequence[int],
                   second: Sequence[int],
                   valid: Optional[np.ndarray] = None) -> np.ndarray:
    """Distance between the means of two groups of landmarks.

    Args:
        targets (np.ndarray): [N, K, 2], image pixels.
        first (Sequence[int]): Indices whose mean is one end.
        second (Sequence[int]): Indices whose mean is the other end.
        valid (np.ndarray, optional): [N, K]; a face where one of the landmarks is not valid gets
            NaN.

    Returns:
        np.ndarray: [N], image pixels.

    Raises:
        ValueError: If an index does not exist or shapes disagree.

    Examples:
        >>> group_distance([[[0., 0.], [2., 0.], [10., 0.]]], first=[0, 1], second=[2]).tolist()
        [9.0]
    """
    targets = check_points('targets', targets)
    valid = check_valid(valid, targets.shape[:2])
    gap = _centers(targets, first, valid) - _centers(targets, second, valid)
    return np.hypot(gap[:, 0], gap[:, 1])


def inter_ocular_distance(targets: np.ndarray,
                          outer_eye_corners: Sequence[int],
                          valid: Optional[np.ndarray] = None) -> np.ndarray:
    """Distance between the outer corners of the eyes.

    The paper's distance for 300W, 300VW, COFW and WFLW (Section 4.2), and the one that MMPose's
    ``NME`` measures with ``norm_mode='keypoint_distance'``.

    Args:
        targets (np.ndarray): [N, K, 2], image pixels.
        outer_eye_corners (Sequence[int]): The two landmark indices.
        valid (np.ndarray, optional): [N, K].

    Returns:
        np.ndarray: [N], image pixels; NaN where a corner is not valid.

    Examples:
        >>> inter_ocular_distance([[[0., 0.], [3., 4.]]], outer_eye_corners=(0, 1)).tolist()
        [5.0]
    """
    if len(outer_eye_corners) != 2:
        raise ValueError('two landmark indices are needed for a distance, '
                         f'found {list(outer_eye_corners)}')
    first, second = outer_eye_corners
    return group_distance(targets, [first], [second], valid)


def inter_pupil_distance(targets: np.ndarray,
                         pupils: Sequence[Sequence[int]],
                         valid: Optional[np.ndarray] = None) -> np.ndarray:
    """Distance between the pupils, or between the means of the points around each eye.

    Args:
        targets (np.ndarray): [N, K, 2], image pixels.
        pupils (Sequence[Sequence[int]]): Two groups of landmark indices; the mean of a group
            stands for the pupil.
        valid (np.ndarray, optional): [N, K].

    Returns:
        np.ndarray: [N], image pixels; NaN where a landmark is not valid.

    Examples:
        >>> inter_pupil_distance([[[0., 0.], [2., 0.], [10., 0.]]], [(0, 1), (2, )]).tolist()
        [9.0]
    """
    if len(pupils) != 2:
        raise ValueError(f'two groups of landmark indices are needed, found {len(pupils)}')
    return group_distance(targets, pupils[0], pupils[1], valid)


def _sides(boxes: np.ndarray) -> np.ndarray:
    boxes = np.asarray(boxes, dtype=np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError('boxes must have shape [N, 4] (left, top, right, bottom), '
                         f'found {list(boxes.shape)}')
    return boxes[:, 2:] - boxes[:, :2]


def box_width(boxes: np.ndarray) -> np.ndarray:
    """Width of the face box: the paper's distance for AFLW (Section 4.2).

    Args:
        boxes (np.ndarray): [N, 4], left, top, right, bottom in image pixels.

    Returns:
        np.ndarray: [N], image pixels.

    Examples:
        >>> box_width([[10., 0., 40., 40.]]).tolist()
        [30.0]
    """
    return _sides(boxes)[:, 0]


def box_size(boxes: np.ndarray) -> np.ndarray:
    """Longer side of the face box [N]; MMPose's ``norm_item='bbox_size'``.

    Examples:
        >>> box_size([[10., 0., 40., 40.]]).tolist()
        [40.0]
    """
    return _sides(boxes).max(axis=1)


def box_diagonal(boxes: np.ndarray) -> np.ndarray:
    """Diagonal of the face box [N].

    Examples:
        >>> box_diagonal([[10., 0., 40., 40.]]).tolist()
        [50.0]
    """
    sides = _sides(boxes)
    return np.hypot(sides[:, 0], sides[:, 1])


def box_geometric_mean(boxes: np.ndarray) -> np.ndarray:
    """Square root of the area of the face box [N]: the usual ``NME_box`` of large-pose papers.

    Examples:
        >>> box_geometric_mean([[10., 0., 20., 40.]]).tolist()
        [20.0]
    """
    sides = _sides(boxes)
    # A box of negative extent has no size; two negative sides must not cancel.
    return np.sqrt(np.maximum(sides[:, 0], 0) * np.maximum(sides[:, 1], 0))


def landmark_boxes(targets: np.ndarray, valid: Optional[np.ndarray] = None) -> np.ndarray:
    """Tight boxes around the labelled landmarks, for data without face boxes.

    Args:
        targets (np.ndarray): [N, K, 2], image pixels.
        valid (np.ndarray, optional): [N, K].

    Returns:
        np.ndarray: [N, 4], left, top, right, bottom in image pixels; NaN for a face without a
        labelled landmark.

    Examples:
        >>> landmark_boxes([[[1., 2.], [5., 9.], [0., 0.]]], [[True, True, False]]).tolist()
        [[1.0, 2.0, 5.0, 9.0]]
    """
    targets = check_points('targets', targets)
    valid = check_valid(valid, targets.shape[:2])
    boxes = np.full((len(targets), 4), np.nan)
    for rows in row_chunks(*valid.shape):
        scored = valid[rows][..., None]
        low = np.where(scored, targets[rows], np.inf).min(axis=1, initial=np.inf)
        high = np.where(scored, targets[rows], -np.inf).max(axis=1, initial=-np.inf)
        boxes[rows] = np.concatenate([low, high], axis=1)
    boxes[~valid.any(axis=1)] = np.nan
    return boxes
