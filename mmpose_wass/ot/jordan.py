"""The Jordan split of a difference of two measures."""
from __future__ import annotations

from typing import Tuple

from torch import Tensor


def jordan_split(difference: Tensor) -> Tuple[Tensor, Tensor]:
    r"""Positive and negative part of :math:`r = p - q`.

    For a metric ground cost :math:`W_1(p, q)` depends on :math:`r` alone, so what p and q
    have in common need not travel: transporting :math:`r_+` to :math:`r_-` has the same
    optimum, and an entropic approximation of it has no self-transport left to blur. Its
    value at p = q is exactly 0.

    Args:
        difference: p - q, any shape.

    Returns:
        The pair :math:`(r_+, r_-)`, both non-negative, with :math:`r = r_+ - r_-`.

    Example:
        >>> import torch
        >>> surplus, deficit = jordan_split(torch.tensor([.25, -.5, .25]))
        >>> surplus.tolist(), deficit.tolist()
        ([0.25, 0.0, 0.25], [0.0, 0.5, 0.0])
    """
    return difference.clamp_min(0), (-difference).clamp_min(0)
