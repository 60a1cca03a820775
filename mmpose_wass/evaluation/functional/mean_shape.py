"""The baseline that does not look: the mean shape, put into the face box."""
from __future__ import annotations

import numpy as np


def mean_shape_prediction(train_keypoints: np.ndarray, train_centers: np.ndarray,
                          train_sizes: np.ndarray, test_centers: np.ndarray,
                          test_sizes: np.ndarray) -> np.ndarray:
    r"""Predict the mean training shape, scaled and moved into each test face's box.

    .. math:: \hat S_i = c_i + s_i \cdot \frac{1}{N} \sum_n \frac{S_n - c_n}{s_n}

    A model is worth something only below the error of this prediction.

    Args:
        train_keypoints: Landmarks ``[N, K, 2]`` in image pixels.
        train_centers: Box centres ``[N, 2]`` in image pixels.
        train_sizes: Box sides ``[N]`` in image pixels.
        test_centers: Box centres ``[M, 2]`` in image pixels.
        test_sizes: Box sides ``[M]`` in image pixels.

    Returns:
        np.ndarray: Predictions ``[M, K, 2]`` in image pixels.

    Raises:
        ValueError: If shapes do not fit or a training box has no size.

    Example:
        >>> shape = np.array([[[0., 0.], [4., 0.]]])
        >>> mean_shape_prediction(shape, np.array([[2., 0.]]), np.array([4.]),
        ...                       np.array([[10., 5.]]), np.array([8.])).tolist()
        [[[6.0, 5.0], [14.0, 5.0]]]
    """
    if train_keypoints.ndim != 3 or train_keypoints.shape[2] != 2:
        raise ValueError(f'train_keypoints must be [N, K, 2], found {train_keypoints.shape}')
    count = len(train_keypoints)
    if train_centers.shape != (count, 2) or train_sizes.shape != (count, ):
        raise ValueError(f'train_centers and train_sizes must be [{count}, 2] and [{count}], found '
                         f'{train_centers.shape} and {train_sizes.shape}')
    if not (train_sizes > 0).all():
        raise ValueError('train_sizes must be positive')
    relative = (train_keypoints - train_centers[:, None]) / train_sizes[:, None, None]
    return test_centers[:, None] + test_sizes[:, None, None] * relative.mean(axis=0)
