"""A bound that does not rest on any approximation."""
from __future__ import annotations

import torch
from torch import Tensor

from .grid import pixel_coordinates

# Sinks that the bound is anchored at: more than any target's disc of sigma 5 has.
LARGEST_ANCHORS = 1024
# Distances held at a time: 64 MB in float32.
CHUNK = 2**24


@torch.no_grad()
def certified_lower_bound(p: Tensor, q: Tensor, potential: Tensor) -> Tensor:
    r"""A true lower bound of W1 from any approximate potential.

    By duality :math:`\langle p - q, f \rangle \le W_1(p, q)` for every 1-Lipschitz f. A solver's
    potential F is only nearly so; its McShane extension from the sinks,

    .. math:: f(x) = \min_{y:\, q(y) > p(y)} |x - y| + F(y),

    is 1-Lipschitz exactly. Where F is optimal, the bound is W1 itself. The sinks are at most the
    1024 pixels with the largest deficit.

    Costs ``H W S`` distances a map for S sinks, computed in parts of 64 MB: for evaluation.

    Args:
        p: Maps ``[..., H, W]`` with sum 1.
        q: Maps of the same shape with sum 1.
        potential: F in pixels, of the same shape, such as ``TransportResult.potential``.

    Returns:
        Tensor ``[...]`` in pixels, not negative.

    Raises:
        ValueError: If the three shapes are not one.

    Example:
        >>> p, q = torch.zeros(2, 9, 9)
        >>> p[0, 0], q[4, 3] = 1, 1
        >>> certified_lower_bound(p, q, torch.zeros(9, 9)).item()
        5.0
    """
    if not p.shape == q.shape == potential.shape:
        raise ValueError('p, q and potential must have one shape [..., H, W], got '
                         f'{tuple(p.shape)}, {tuple(q.shape)} and {tuple(potential.shape)}')
    leading, shape = p.shape[:-2], p.shape[-2:]
    difference = (p - q).reshape(-1, shape[0] * shape[1])
    potential = potential.reshape(difference.shape).to(difference.dtype)
    pixels = pixel_coordinates(tuple(shape), p.device, difference.dtype)
    deficit, sinks = (-difference).topk(min(LARGEST_ANCHORS, len(pixels)), dim=1)
    offset = potential.gather(1, sinks).masked_fill(deficit <= 0, torch.inf)
    maps = max(1, CHUNK // (len(pixels) * sinks.shape[1]))
    bounds = [
        (part * _extension(pixels, pixels[anchors], values)).sum(dim=1)
        for part, anchors, values in zip(difference.split(maps), sinks.split(maps),
                                         offset.split(maps))
    ]
    # Without a sink the maps are equal, and the extension is infinite.
    bound = torch.cat(bounds) if bounds else difference.new_zeros(0)
    return torch.nan_to_num(bound, nan=0., posinf=0., neginf=0.).clamp_min(0).reshape(leading)


def _extension(pixels: Tensor, anchors: Tensor, values: Tensor) -> Tensor:
    """min_s |x - y_s| + F_s for pixels ``[N, 2]``, anchors ``[M, S, 2]``, values ``[M, S]``."""
    # Not by `cdist`'s matrix product, whose rounding would break the bound.
    difference = pixels[:, None] - anchors[:, None]
    distance = torch.hypot(difference[..., 0], difference[..., 1])
    return (distance + values[:, None]).amin(dim=2)
