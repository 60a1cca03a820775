"""What stands out of the face's smooth vault: nose, sockets, cheekbones, lips."""
from __future__ import annotations

import numpy as np

from .curves import monotone_cubic
from .features import FrontalFeatures


def relief(features: FrontalFeatures, x: np.ndarray, y: np.ndarray,
           cosine: np.ndarray) -> np.ndarray:
    """Depth to be added to the vault.

    Args:
        features: The face.
        x: Positions ``[..., n]`` across.
        y: Heights ``[..., n]``; all of a row are equal.
        cosine: Cosine ``[n]`` or ``[..., n]`` of the position on its row: 1 on the midline, 0 at
            the jaw edge.

    Returns:
        np.ndarray: Depths ``[..., n]``.
    """
    face, identity = features.parameters, features.parameters.identity
    side, row_y = np.abs(x), y[..., :1]
    length, wide = identity['nose_length'], identity['nose_width']

    def bump(height, cx, cy, sx, sy):
        return height * np.exp(-(((side - cx) / sx)**2)) * np.exp(-(((row_y - cy) / sy)**2))

    high = identity['nose_height']
    z = _nose(features, side, row_y)
    z = z + bump(0.065 * high, 0.125 * wide, 0.455 * length, 0.05, 0.05)  # wings of the nose
    # Sockets, and the eyeballs in them.
    z = z - bump(0.10, 0.27, -0.01, 0.11, 0.085) + bump(0.045, 0.37, 0.0, 0.10, 0.07)
    z = z + bump(0.035, 0.34, -0.17, 0.2, 0.06)  # brow ridge
    # Cheekbones, and the hollow below them.
    cheek = identity['cheek']
    z = z + bump(0.045 * cheek + 0.035 * max(face.smile, 0), 0.47, 0.30, 0.14, 0.14)
    z = z - bump(0.03 * cheek, 0.52, 0.68, 0.12, 0.16) * cosine
    # Lips, and the pits beside their corners.
    spread = max(features.mouth_half * 0.8, 0.1)
    pout = 0.05 * (1 + 1.3 * face.pucker)
    z = z + bump(pout, 0.0, 0.5 * (features.lip_top_y + features.mouth_y), spread, 0.045)
    z = z + bump(pout, 0.0, features.lip_bottom_y - 0.045, spread, 0.05)
    corner_y = features.mouth_y + 0.4 * features.mouth_gap
    z = z - bump(0.03, features.mouth_half + 0.02, corner_y, 0.06, 0.06)
    return z * np.clip(cosine * 4, 0, 1)


def _nose(features: FrontalFeatures, side: np.ndarray, row_y: np.ndarray) -> np.ndarray:
    identity = features.parameters.identity
    length, high, wide = identity['nose_length'], identity['nose_height'], identity['nose_width']
    ridge = np.array([
        [-0.14, 0.0],
        [features.bridge_y, 0.05 * high],
        [0.15 * length, 0.125 * high],
        [0.28 * length, 0.215 * high],
        [0.365 * length, 0.285 * high],
        [0.415 * length, 0.302 * high],
        [0.462 * length, 0.255 * high],
        [0.502 * length, 0.13 * high],
        [0.545 * length, 0.015],
        [0.60 * length, 0.0]])
    widths = np.array([0.13, 0.095, 0.105, 0.13 * wide, 0.145 * wide])
    width = monotone_cubic(np.array([-0.14, 0.1, 0.25, 0.40, 0.50]) * length, widths, row_y)
    return monotone_cubic(ridge[:, 0], ridge[:, 1], row_y) * np.exp(-((side / width)**2.4))
