"""How sure a heatmap is: its covariance, in image pixels, as an ellipse."""
from __future__ import annotations

from typing import Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from ..ot import map_covariance

#: Standard deviations at which an ellipse is drawn.
DEVIATIONS = 2.0
#: Variance of a place that is known to a pixel of the map, in heatmap pixels squared.
PIXEL_VARIANCE = 1 / 12


def heatmap_covariance(probability: Union[Tensor, np.ndarray]) -> Union[Tensor, np.ndarray]:
    r"""Covariance of normalised maps: :math:`\sum_x p(x) (x - \bar x)(x - \bar x)^T`.

    :math:`\bar x` is the barycentre (Eq. 6 of the paper). A map that is the target itself, a
    Gaussian of standard deviation sigma, has the covariance sigma^2 I; one that is unsure of the
    place along a contour is longer in that direction; one of two modes is as long as they are
    apart.

    Args:
        probability: Maps ``[..., H, W]``, not negative and of sum 1; a tensor or an array.

    Returns:
        ``[..., 2, 2]`` of (x, y), in heatmap pixels squared; of the kind that was given.

    Example:
        >>> halves = torch.zeros(3, 5)
        >>> halves[1, 0] = halves[1, 4] = .5
        >>> heatmap_covariance(halves).tolist()
        [[4.0, 0.0], [0.0, 0.0]]
    """
    if isinstance(probability, np.ndarray):
        return heatmap_covariance(torch.from_numpy(probability)).numpy()
    return map_covariance(probability)


def without_target_blur(covariance: np.ndarray, sigma: Union[float, Sequence[float]],
                        least: float = PIXEL_VARIANCE) -> np.ndarray:
    """Covariance of a landmark's place, from that of its heatmap.

    A model learns maps in which the landmark's place is blurred by the target's Gaussian. Where it
    does not know the place, the best map is the distribution of the places that it holds for
    possible, blurred so: its covariance is that of the place plus ``sigma^2 I``. A model that is
    sure would show ``sigma`` otherwise, several times its error.

    Args:
        covariance: Of heatmaps, ``[..., 2, 2]``, heatmap pixels squared.
        sigma: Of the targets in heatmap pixels; one number or (x, y).
        least: Least variance in any direction, heatmap pixels squared.

    Returns:
        np.ndarray: ``[..., 2, 2]``, positive definite.

    Example:
        >>> without_target_blur(np.diag([3.25, 2.25]), sigma=1.5, least=0.25).tolist()
        [[1.0, 0.0], [0.0, 0.25]]
    """
    blur = np.diag(np.broadcast_to(np.square(np.asarray(sigma, dtype=np.float64)), 2))
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64) - blur)
    values = np.maximum(values, least)
    return (vectors * values[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def transform_covariance(covariance: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Carry covariances through an affine map: ``A C A^T``; its shift does not matter.

    Args:
        covariance: ``[..., 2, 2]``.
        affine: Linear part A of the map, ``[..., 2, 2]`` or, for scales along the axes,
            ``[..., 2]``.

    Returns:
        np.ndarray: ``[..., 2, 2]``.

    Example:
        >>> transform_covariance(np.eye(2), np.array([2., 3.])).tolist()
        [[4.0, 0.0], [0.0, 9.0]]
    """
    affine = np.asarray(affine, dtype=np.float64)
    if affine.shape[-2:] != (2, 2):
        affine = affine[..., :, None] * np.eye(2)
    return affine @ np.asarray(covariance, dtype=np.float64) @ np.swapaxes(affine, -1, -2)


def covariance_ellipse(covariance: np.ndarray,
                       deviations: float = DEVIATIONS) -> Tuple[np.ndarray, np.ndarray]:
    """Ellipses around a mean at a number of standard deviations.

    Of a Gaussian, the ellipse at ``k`` standard deviations holds ``1 - exp(-k^2 / 2)``: 39 % at 1,
    86 % at 2, 99 % at 3.

    Args:
        covariance: ``[..., 2, 2]``, pixels squared.
        deviations: k.

    Returns:
        tuple: Semi-axes ``[..., 2]`` in pixels, the longer one first, and the angle ``[...]`` of
        the longer one in degrees in [0, 180), from the x axis towards the y axis (down).

    Example:
        >>> axes, angle = covariance_ellipse(np.array([[1., 0.], [0., 4.]]), deviations=3)
        >>> axes.tolist(), float(angle)
        ([6.0, 3.0], 90.0)
    """
    covariance = np.asarray(covariance, dtype=np.float64)
    values, vectors = np.linalg.eigh(covariance)
    axes = deviations * np.sqrt(np.clip(values[..., ::-1], 0, None))
    longer = vectors[..., :, 1]
    angle = np.degrees(np.arctan2(longer[..., 1], longer[..., 0])) % 180.0
    return axes, angle
