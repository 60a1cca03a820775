"""The head's two guiding lines in space: its outline from the front, and its profile."""
from __future__ import annotations

import numpy as np

from .features import FrontalFeatures

# Right half of the outline (x, y, z): vertex, four points over the temple, then the nine jaw points
# 0 to 8 of the 68-point scheme. The jaw's x and y are rounded means of frontal 300W annotations;
# depths are anthropometric.
_OUTLINE = np.array([
    [0.000, -1.180, 0.18],
    [0.400, -1.050, 0.10],
    [0.660, -0.820, 0.06],
    [0.770, -0.520, 0.04],
    [0.800, -0.220, 0.04],
    [0.795, 0.010, 0.05],
    [0.780, 0.220, 0.04],
    [0.755, 0.427, 0.03],
    [0.712, 0.631, 0.07],
    [0.638, 0.822, 0.18],
    [0.519, 0.988, 0.36],
    [0.367, 1.126, 0.59],
    [0.194, 1.232, 0.81],
    [0.000, 1.267, 0.93]])
JAW_START, JAW_END = 5, 13  # rows of the first jaw point and of the chin's lowest point
# How much of the jaw's opening, and of a pointed chin, each outline point follows.
_JAW_FOLLOWS = np.array([0, 0, 0, 0, 0, 0, 0, 0.06, 0.25, 0.5, 0.78, 0.95, 1.0, 1.0])
_POINT_FOLLOWS = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.03, 0.10, 0.14, 0.0])


def _chin_forward(features: FrontalFeatures) -> float:
    """How far the chin stands forward; an open jaw swings back."""
    face = features.parameters
    return face.identity['chin_forward'] - 0.10 * face.jaw_open


def head_outline(features: FrontalFeatures) -> np.ndarray:
    """Right half of the outline from the vertex over the jaw to the chin: ``[14, 3]``."""
    face, identity = features.parameters, features.parameters.identity
    outline = _OUTLINE.copy()
    outline[:, 0] *= identity['face_width']
    blend = np.clip((np.arange(len(outline)) - 6) / 3.0, 0, 1)
    outline[:, 0] *= 1 + (identity['jaw_width'] - 1) * blend
    outline[:, 0] *= 1 - identity['chin_point'] * _POINT_FOLLOWS
    drop = features.jaw_drop
    chin = features.lip_bottom_y - drop + 0.37 * identity['chin_length'] - _OUTLINE[-1, 1]
    chin += 0.01 * face.pucker
    share = np.clip((outline[:, 1] - 0.3) / 0.9, 0, 1)
    outline[:, 1] += chin * share + drop * _JAW_FOLLOWS
    outline[:, 2] *= identity['profile_depth']
    outline[:, 2] += _chin_forward(features) * share**2
    return outline


def midline_profile(features: FrontalFeatures, chin: np.ndarray) -> np.ndarray:
    """Depth along the midline, without the nose: rows (y, z) ``[N, 2]`` from vertex to chin.

    Args:
        features: The face.
        chin: The outline's last point ``[3]``.
    """
    identity = features.parameters.identity
    slope, forward = identity['forehead_slope'], _chin_forward(features)
    bottom, chin_y = features.lip_bottom_y, chin[1]
    profile = np.array([
        [-1.18, 0.18],
        [-1.05, 0.58 - 1.5 * slope],
        [-0.80, 0.87 - 1.4 * slope],
        [-0.48, 1.02 - slope],
        [-0.20, 1.06],
        [features.bridge_y + 0.03, 0.985],
        [0.30 * identity['nose_length'], 1.03],
        [features.base_y, 1.105],
        [features.lip_top_y, 1.13],
        [features.mouth_y, 1.12],
        [features.mouth_bottom_y, 1.12 + 0.5 * forward],
        [bottom + 0.02, 1.11 + 0.8 * forward],
        [bottom + (chin_y - bottom) * 0.42, 1.07 + forward],
        [bottom + (chin_y - bottom) * 0.72, 1.095 + forward],
        [bottom + (chin_y - bottom) * 0.92, 1.04 + forward]])
    profile[:, 1] *= identity['profile_depth']
    profile = np.concatenate([profile, [[chin_y, chin[2]]]])
    # Closed lips share a height.
    rising = np.concatenate([[True], np.diff(profile[:, 0]) > 1e-3])
    return profile[rising]
