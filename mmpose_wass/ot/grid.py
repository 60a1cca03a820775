"""Pixel coordinates, the ground cost between them, and the graded axis."""
from __future__ import annotations

from typing import Optional, Tuple

import numpy as np
import torch
from torch import Tensor


def pixel_coordinates(shape: Tuple[int, int],
                      device: Optional[torch.device] = None,
                      dtype: torch.dtype = torch.float32) -> Tensor:
    """Coordinates (x, y) of all pixels of a map, in row-major order.

    Args:
        shape: Height and width, ``(H, W)``.
        device: Where the result lives.
        dtype: Its floating-point type.

    Returns:
        Tensor ``[H * W, 2]`` in pixels; the centre of the first pixel is (0, 0).

    Example:
        >>> pixel_coordinates((2, 2)).tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    height, width = shape
    y, x = torch.meshgrid(
        torch.arange(height, device=device, dtype=dtype),
        torch.arange(width, device=device, dtype=dtype),
        indexing='ij')
    return torch.stack([x.reshape(-1), y.reshape(-1)], dim=1)


def ground_cost(sources: Tensor, sinks: Tensor) -> Tensor:
    """Euclidean distances, the ground cost :math:`|x - y|_2` of Eq. 4.

    Args:
        sources: Points ``[N, 2]``.
        sinks: Points ``[M, 2]``.

    Returns:
        Tensor ``[N, M]`` in the unit of the points.

    Example:
        >>> ground_cost(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.]])).item()
        5.0
    """
    # hypot rather than cdist: cdist's matrix-product form loses digits for near points.
    difference = sources[:, None] - sinks[None]
    return torch.hypot(difference[..., 0], difference[..., 1])


def graded_axis(spacing: float, radius: float, span: int, growth: float) -> np.ndarray:
    """Nodes of one axis, symmetric about 0: even inside ``radius``, then ever wider.

    Mass that lies far from its goal travels almost the same way from anywhere within a
    node's cell, so the spacing may grow with the distance: the number of nodes is
    logarithmic in the size of the map.

    Args:
        spacing: Distance of the inner nodes in pixels.
        radius: Up to here the spacing stays as it is, in pixels.
        span: The last node reaches at least this far, in pixels.
        growth: Factor from each outer spacing to the next.

    Returns:
        Array ``[2 n - 1]``, ascending, with integer outer spacings.
    """
    nodes = [0.0]
    while nodes[-1] < radius - 1e-9:
        nodes.append(nodes[-1] + spacing)
    step = spacing
    while nodes[-1] < span:
        step *= growth
        nodes.append(nodes[-1] + max(spacing, round(step)))
    half = np.array(nodes)
    return np.concatenate([-half[:0:-1], half])


def hat_weights(offsets: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weights of linear interpolation from ``nodes`` at ``offsets``.

    The transpose splats mass onto the nodes and keeps its sum and its mean.

    Args:
        offsets: Positions ``[M]`` within the nodes' range.
        nodes: Ascending nodes ``[N]``.

    Returns:
        Array ``[M, N]`` of rows with sum 1.
    """
    identity = np.eye(len(nodes))
    return np.stack([np.interp(offsets, nodes, column) for column in identity], axis=1)
