"""What a map says beside its point: how sharp it is, and how much of it lies elsewhere."""
from __future__ import annotations

import math
from typing import Dict

import torch
from torch import Tensor

from ..codecs.decoding import mass_within, refined_maximum
from ..ot import barycenter

#: Mass farther from the mode than this share of the map's width is far.
FAR = 3 / 16


def own_far_mass(sigma: float, width: int = 32) -> float:
    """Mass of a Gaussian target that counts as far itself, inside of the map.

    Args:
        sigma: Its standard deviation in heatmap pixels.
        width: Of the map.

    Example:
        >>> round(own_far_mass(3), 3), own_far_mass(1) < 1e-6
        (0.135, True)
    """
    return math.exp(-(FAR * width)**2 / (2 * sigma**2))


def map_statistics(probability: Tensor, maps: Tensor) -> Dict[str, Tensor]:
    """Statistics of each map.

    Args:
        probability: Distributions ``[B, K, H, W]``.
        maps: The maps that they are of, as the model gave them.

    Returns:
        dict[str, Tensor]: ``[B, K]`` each: ``peak``, the largest value of the map as it is (what
        MMPose reports as score); ``probability_peak``, of the distribution; ``deviation``, root
        mean square distance of the mass from its barycentre in heatmap pixels; ``entropy`` in
        nats; ``far_mass``, the mass farther than 3/16 of the map's width from the mode (Figure 6:
        spurious activations).

    Example:
        >>> halves = torch.zeros(1, 1, 16, 16)
        >>> halves[..., 2, 2] = halves[..., 12, 2] = .5
        >>> found = map_statistics(halves, halves)
        >>> found['deviation'].item(), found['far_mass'].item(), round(found['entropy'].item(), 3)
        (5.0, 0.5, 0.693)
    """
    height, width = probability.shape[-2:]
    center = barycenter(probability)
    columns = torch.arange(width, dtype=probability.dtype) - center[..., :1]
    rows = torch.arange(height, dtype=probability.dtype) - center[..., 1:]
    square = (columns**2)[..., None, :] + (rows**2)[..., :, None]
    return dict(
        peak=maps.amax(dim=(-2, -1)),
        probability_peak=probability.amax(dim=(-2, -1)),
        deviation=(probability * square).sum(dim=(-2, -1)).sqrt(),
        entropy=-torch.xlogy(probability, probability).sum(dim=(-2, -1)),
        far_mass=1 - mass_within(probability, refined_maximum(probability), FAR * width))
