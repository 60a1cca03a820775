"""From the face's own space to pixels."""
from __future__ import annotations

import numpy as np

from ..parameters import FaceParameters


class Camera:
    """A perspective camera in front of a turned head.

    Args:
        parameters: The face; its pose, position, scale and camera distance are used.
        size: Image side in pixels.

    Attributes:
        rotation: Rotation ``[3, 3]`` of the head: yaw, then pitch, then roll.
        scale: Pixels per unit of face space at the pivot's depth.
        distance: From the pivot to the camera, in units of face space.
        center: Where the pivot is seen ``[2]``, in pixels.
    """

    # The head turns about this point of face space.
    PIVOT = np.array([0.0, 0.50, 0.35])

    def __init__(self, parameters: FaceParameters, size: int) -> None:
        yaw, pitch, roll = np.deg2rad([parameters.yaw, parameters.pitch, parameters.roll])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)],
                        [0, np.sin(pitch), np.cos(pitch)]])
        lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0],
                         [0, 0, 1]])
        self.rotation = lean @ nod @ turn
        self.scale = parameters.scale * size
        self.distance = parameters.camera_distance
        # Pixel centres are at whole numbers, so the middle of the picture is (size - 1) / 2.
        self.center = np.array(parameters.center) * size - 0.5

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points of face space.

        Args:
            points: ``[..., 3]`` in face space.

        Returns:
            np.ndarray: ``[..., 3]``: x and y in pixels, and depth in units of face space (larger is
            nearer).
        """
        local = (points - self.PIVOT) @ self.rotation.T
        zoom = self.scale * self.distance / (self.distance - local[..., 2])
        projected = np.empty_like(local)
        projected[..., 0] = local[..., 0] * zoom + self.center[0]
        projected[..., 1] = local[..., 1] * zoom + self.center[1]
        projected[..., 2] = local[..., 2]
        return projected

    def turned(self, direction) -> np.ndarray:
        """A direction ``[3]`` of face space as the camera sees it: right, down, to the viewer."""
        return self.rotation @ np.asarray(direction, dtype=np.float64)
