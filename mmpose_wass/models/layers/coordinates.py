"""Maps of where each pixel of a feature map lies."""
from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

# Resolutions, types and devices kept at a time. A model of today sees about ten; each takes
# 8 bytes a pixel.
CACHE_SIZE = 64


def coordinate_channels(radius: bool = False) -> int:
    """Number of coordinate channels: x and y, and the radius where asked for."""
    return 3 if radius else 2


def coordinate_maps(like: Tensor, radius: bool = False) -> Tensor:
    r"""Coordinates of the pixels of a feature map.

    x runs from -1 in the first column to 1 in the last, y likewise over the rows; the radius is
    :math:`\sqrt{x^2 + y^2}`. An axis of one pixel has coordinate 0. Mirroring the map negates x
    exactly, to the last bit.

    The maps are cached for :data:`CACHE_SIZE` resolutions, except while a model is traced,
    exported or compiled: there they become operations of the graph.

    Args:
        like: Feature map ``[..., H, W]``; gives size, type and device.
        radius: Whether to append the radius.

    Returns:
        Tensor ``[1, 2 or 3, H, W]``: x, y and perhaps the radius. Not to be changed in place.

    Example:
        >>> coordinate_maps(torch.zeros(1, 8, 2, 3))[0].tolist()
        [[[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]], [[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]]
    """
    height, width = like.shape[-2:]
    if _is_traced(like):
        return _build(height, width, radius, like.dtype, like.device)
    # Tensors made in inference mode cannot serve in training later.
    return _cached(int(height), int(width), radius, like.dtype, like.device,
                   torch.is_inference_mode_enabled())


def _axis(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    # Whole numbers first, so that -x and x are rounded alike. Tensors throughout, so that a
    # traced graph keeps following the size.
    index = torch.arange(length, device=device)
    last = index[-1:]
    return ((2 * index - last).to(torch.float32) / last.clamp_min(1)).to(dtype)


def _build(height: int, width: int, radius: bool, dtype: torch.dtype,
           device: torch.device) -> Tensor:
    x = _axis(width, dtype, device).view(1, width).expand(height, width)
    y = _axis(height, dtype, device).view(height, 1).expand(height, width)
    maps = [x, y] + ([(x.square() + y.square()).sqrt()] if radius else [])
    return torch.stack(maps)[None]


@lru_cache(maxsize=CACHE_SIZE)
def _cached(height: int, width: int, radius: bool, dtype: torch.dtype, device: torch.device,
            inference: bool) -> Tensor:
    return _build(height, width, radius, dtype, device)


def _is_traced(like: Tensor) -> bool:
    """Whether `like` stands for a value that is not there: none of its kin may be cached."""
    if torch.jit.is_tracing() or type(like) not in (Tensor, torch.nn.Parameter):
        return True
    is_compiling = getattr(torch.compiler, 'is_compiling', None)
    return bool(is_compiling()) if is_compiling is not None else torch._dynamo.is_compiling()
