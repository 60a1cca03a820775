"""What the newest NumPy refuses to MMPose, whose own code is not tested there."""
from __future__ import annotations

import pytest

from mmpose_wass.visualization.pose_visualizer import arrays_are_numbers

#: Of MMPose's PoseLocalVisualizer, and of the hook and the inferencer that draw with it.
needs_mmposes_drawing = pytest.mark.skipif(
    not arrays_are_numbers(), reason='mmpose/visualization/opencv_backend_visualizer.py, line 137, '
    'makes a number of an array of shape (1,), which NumPy refuses from 2.4 on')
