"""Heatmaps laid over the picture that the network saw."""
from __future__ import annotations

from typing import Sequence, Tuple

import cv2
import numpy as np
from matplotlib.colors import FuncNorm

from mmpose_wass.codecs.coordinates import CoordinateMap

#: Rises in lightness all the way, so that any colour vision and a grey printer keep the order.
COLOR_MAP = 'inferno'
#: Exponent of the scale. A square root brings activations of a few per cent of the highest value,
#: which pull a barycentre away, to where they can be seen.
GAMMA = 0.5
#: Share of the picture that the colour covers where a map is highest.
_COVER = 0.8
#: Lightness that the picture keeps below the maps.
_FAINT = 0.55


def relative_heat(maps: np.ndarray, gamma: float = GAMMA) -> np.ndarray:
    """Maps relative to their own highest value, on the scale of the pictures.

    Sharp and wide maps both show their shape this way.

    Args:
        maps: ``[..., h, w]``; values below zero, and those that are not finite, count as zero.
        gamma: Exponent of the scale; 1 is linear.

    Returns:
        np.ndarray: ``[..., h, w]`` float32 in [0, 1]; all zero for a map without positive value.

    Example:
        >>> relative_heat(np.array([[.04, .16], [-1., 0.]])).tolist()
        [[0.5, 1.0], [0.0, 0.0]]
    """
    maps = np.nan_to_num(np.asarray(maps, dtype=np.float32), nan=0, posinf=0, neginf=0).clip(0)
    highest = maps.max(axis=(-2, -1), keepdims=True)
    return (maps / np.where(highest > 0, highest, 1))**gamma


def place_heat(heat: np.ndarray, places: CoordinateMap, zoom: Sequence[float],
               size: Tuple[int, int]) -> np.ndarray:
    """Resample a map to a picture of the network's input, pixel for pixel where it belongs.

    Args:
        heat: ``[h, w]``.
        places: Where heatmap pixels lie in the input, of the codec.
        zoom: Picture pixels per input pixel, along x and y.
        size: Width and height of the picture.

    Returns:
        np.ndarray: ``[H, W]`` float32; beyond the map's pixels its border goes on.
    """
    # picture = (heatmap - offset) * decode_scale * zoom, per axis.
    scale = places.decode_scale * np.asarray(zoom, dtype=np.float64)
    matrix = np.array([[scale[0], 0, -places.offset[0] * scale[0]],
                       [0, scale[1], -places.offset[1] * scale[1]]])
    return cv2.warpAffine(np.asarray(heat, dtype=np.float32), matrix, tuple(map(int, size)),
                          flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def overlay_heat(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Colour a picture by a map: grey where there is nothing, bright where the map is highest.

    The picture is made grey and darker than the colour at 1, so that the lightest pixel always is
    the map's highest.

    Args:
        picture: ``[H, W, 3]`` uint8 (BGR).
        heat: ``[H, W]`` in [0, 1].

    Returns:
        np.ndarray: ``[H, W, 3]`` uint8 (BGR).

    Raises:
        ValueError: If the sizes differ.
    """
    if heat.shape != picture.shape[:2]:
        raise ValueError(f'heat must be {list(picture.shape[:2])} like the picture, '
                         f'found {list(heat.shape)}')
    heat = np.clip(heat, 0, 1).astype(np.float32)
    colors = cv2.applyColorMap((255 * heat).round().astype(np.uint8), cv2.COLORMAP_INFERNO)
    share = (_COVER * heat)[..., None]
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)[..., None]
    return ((1 - share) * _FAINT * grey + share * colors).round().astype(np.uint8)


def heat_colors(gamma: float = GAMMA) -> Tuple[FuncNorm, str]:
    """Scale and colour map of the pictures, for a colour bar of values relative to the highest."""
    return FuncNorm((lambda value: np.clip(value, 0, None)**gamma,
                     lambda value: np.clip(value, 0, None)**(1 / gamma)), 0, 1), COLOR_MAP
