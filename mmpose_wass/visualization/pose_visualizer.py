"""MMPose's visualizer of landmarks, under every NumPy."""
from __future__ import annotations

import warnings

import numpy as np
from mmengine.dist import master_only
from mmpose.registry import VISUALIZERS
from mmpose.visualization import PoseLocalVisualizer


def arrays_are_numbers() -> bool:
    """Whether an array of one element counts as a number, as it does before NumPy 2.4."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            int(np.array([1]))
        except TypeError:
            return False
    return True


@VISUALIZERS.register_module()
class FacePoseVisualizer(PoseLocalVisualizer):
    """MMPose's ``PoseLocalVisualizer``, arguments and pictures alike.

    That one hands ``np.array([radius])`` to its OpenCV backend, which makes a number of it in a
    way that NumPy 2.4 refuses (``only 0-dimensional arrays can be converted to Python scalars``,
    MMPose 1.3.2, ``opencv_backend_visualizer.py``, line 137).
    """

    @master_only
    def draw_circles(self, center, radius, *args, **kwargs) -> None:
        """Draw a point; arguments as in MMPose's visualizer."""
        if self.backend == 'opencv':
            radius = np.asarray(radius).item()
        super().draw_circles(center, radius, *args, **kwargs)
