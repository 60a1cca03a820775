"""Heatmaps as distributions: softmax over the pixels, and the barycentre."""
from __future__ import annotations

import torch
from torch import Tensor


def softmax_map(logits: Tensor) -> Tensor:
    """Softmax over the pixels of maps ``[..., H, W]``, Sec. 5.1.

    Example:
        >>> softmax_map(torch.zeros(2, 2)).tolist()
        [[0.25, 0.25], [0.25, 0.25]]
    """
    return logits.flatten(-2).softmax(dim=-1).view_as(logits)


def log_softmax_map(logits: Tensor) -> Tensor:
    """Logarithm of :func:`softmax_map`, for maps ``[..., H, W]``."""
    return logits.flatten(-2).log_softmax(dim=-1).view_as(logits)


def barycenter(probability: Tensor) -> Tensor:
    r"""Barycentre of normalised maps, Eq. 6: :math:`\sum_x x \, p(x)`.

    Args:
        probability: Maps ``[..., H, W]`` with sum 1.

    Returns:
        Tensor ``[..., 2]``: (x, y) in heatmap pixels.

    Example:
        >>> one_hot = torch.zeros(4, 6)
        >>> one_hot[1, 3] = 1
        >>> barycenter(one_hot).tolist()
        [3.0, 1.0]
    """
    height, width = probability.shape[-2:]
    columns = torch.arange(width, device=probability.device, dtype=probability.dtype)
    rows = torch.arange(height, device=probability.device, dtype=probability.dtype)
    return torch.stack([
        probability.sum(dim=-2) @ columns,
        probability.sum(dim=-1) @ rows,
    ], dim=-1)


def map_covariance(probability: Tensor) -> Tensor:
    """Covariance of normalised maps about their barycentre.

    Args:
        probability: Maps ``[..., H, W]`` with sum 1.

    Returns:
        Tensor ``[..., 2, 2]`` of (x, y), heatmap pixels squared.

    Example:
        >>> halves = torch.zeros(3, 5)
        >>> halves[1, 0] = halves[1, 4] = .5
        >>> map_covariance(halves).tolist()
        [[4.0, 0.0], [0.0, 0.0]]
    """
    height, width = probability.shape[-2:]
    columns = torch.arange(width, device=probability.device, dtype=probability.dtype)
    rows = torch.arange(height, device=probability.device, dtype=probability.dtype)
    along_x, along_y = probability.sum(dim=-2), probability.sum(dim=-1)
    # Around the mean from the start: E[x^2] - E[x]^2 cancels for a sharp map far from the origin.
    x = columns - (along_x @ columns)[..., None]
    y = rows - (along_y @ rows)[..., None]
    variance_x = (along_x * x**2).sum(dim=-1)
    variance_y = (along_y * y**2).sum(dim=-1)
    mixed = ((probability @ x[..., None])[..., 0] * y).sum(dim=-1)
    return torch.stack([variance_x, mixed, mixed, variance_y], dim=-1).unflatten(-1, (2, 2))
