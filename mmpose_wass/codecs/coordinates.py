"""Where a heatmap pixel lies in the network's input: three named conventions."""
from __future__ import annotations

from typing import NamedTuple, Tuple

import numpy as np

CONVENTIONS = ('half_pixel', 'mmpose', 'udp')


class CoordinateMap(NamedTuple):
    """Affine map between input pixels and heatmap pixels, per axis (x, y).

    ``heatmap = input * encode_scale + offset`` and ``input = (heatmap - offset) * decode_scale``.
    """

    encode_scale: np.ndarray
    decode_scale: np.ndarray
    offset: np.ndarray

    def to_heatmap(self, points: np.ndarray) -> np.ndarray:
        """Input pixels ``[..., 2]`` to heatmap pixels."""
        return points * self.encode_scale + self.offset

    def to_input(self, points: np.ndarray) -> np.ndarray:
        """Heatmap pixels ``[..., 2]`` to input pixels as MMPose maps them back from."""
        return (points - self.offset) * self.decode_scale


def coordinate_map(convention: str, input_size: Tuple[int, int],
                   heatmap_size: Tuple[int, int]) -> CoordinateMap:
    """The map of a named convention.

    - ``half_pixel``: pixel *areas* align, h = (x + 1/2) w / W - 1/2. Mirroring the input
      mirrors the heatmap, so a flip test is exact with the stock ``TopdownAffine`` and
      ``shift_heatmap=False``.
    - ``mmpose``: h = x w / W, as ``MSRAHeatmap`` has it. Mirroring shifts the map by
      (W / w - 1) / (W / w) heatmap pixels: a flip test is biased.
    - ``udp``: the first and the last pixel *centres* align, h = x (w - 1) / (W - 1); exact under
      mirroring, goes with ``TopdownAffine(use_udp=True)``. MMPose maps predictions back by
      dividing by W where its UDP crop had multiplied by W - 1, so decoding multiplies
      by W / (w - 1): only the round trip to the image is exact.

    Args:
        convention: One of :data:`CONVENTIONS`.
        input_size: Width and height W, H of the network's input.
        heatmap_size: Width and height w, h of the heatmap.

    Returns:
        The :class:`CoordinateMap`.

    Raises:
        ValueError: If the convention is not known or a size is not a pair above 1.

    Example:
        >>> half_pixel = coordinate_map('half_pixel', (256, 256), (64, 64))
        >>> half_pixel.to_heatmap(np.array([1.5, 253.5])).tolist()
        [0.0, 63.0]
    """
    sizes = [np.array(size, dtype=np.float64) for size in (input_size, heatmap_size)]
    for name, size in zip(('input_size', 'heatmap_size'), sizes):
        if size.shape != (2, ) or not (size > 1).all():
            raise ValueError(f'{name} must be a pair (width, height) above 1, got {size.tolist()}')
    full, small = sizes
    if convention == 'half_pixel':
        scale = small / full
        return CoordinateMap(scale, 1 / scale, .5 * scale - .5)
    if convention == 'mmpose':
        scale = small / full
        return CoordinateMap(scale, 1 / scale, np.zeros(2))
    if convention == 'udp':
        return CoordinateMap((small - 1) / (full - 1), full / (small - 1), np.zeros(2))
    raise ValueError(f'coordinates must be one of {CONVENTIONS}, got {convention!r}')
