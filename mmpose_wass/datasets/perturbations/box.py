"""Boxes as a detector might give them: shifted, too large or too small, turned."""
from __future__ import annotations

import math
from typing import Tuple

import numpy as np

#: Numbers that one box is perturbed with: direction of the shift, sign of scale and of rotation.
UNIFORMS_PER_BOX = 3


def perturb_box(center: np.ndarray, scale: np.ndarray, side: np.ndarray, shift: np.ndarray,
                resize: np.ndarray, rotation: np.ndarray,
                uniforms: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Perturb n boxes by given amounts into random directions.

    Args:
        center: ``[n, 2]`` centres in pixels.
        scale: ``[n, 2]`` widths and heights in pixels.
        side: ``[n]`` sides of the face boxes that shifts refer to, in pixels.
        shift: ``[n]`` length of the shift as a fraction of ``side``; its direction is random.
        resize: ``[n]`` the box gets ``1 + resize`` times larger or smaller, at random.
        rotation: ``[n]`` degrees to turn by, to the left or to the right, at random.
        uniforms: ``[n, 3]`` numbers in [0, 1).

    Returns:
        tuple[np.ndarray, np.ndarray, np.ndarray]: ``[n, 2]`` centres, ``[n, 2]`` widths and
        heights, ``[n]`` angles in degrees.

    Example:
        >>> one = np.ones(1)
        >>> perturb_box(np.array([[10.0, 20.0]]), np.array([[8.0, 8.0]]), 8 * one, .25 * one,
        ...             1.0 * one, 30 * one, np.array([[.25, .9, .1]]))
        (array([[10., 22.]]), array([[16., 16.]]), array([-30.]))
    """
    turn = 2 * math.pi * uniforms[:, 0]
    offset = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (shift * side)[:, None]
    factor = (1 + resize)**np.where(uniforms[:, 1] < .5, -1.0, 1.0)
    return (center + offset, scale * factor[:, None],
            rotation * np.where(uniforms[:, 2] < .5, -1.0, 1.0))
