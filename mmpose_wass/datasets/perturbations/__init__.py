"""Synthetic perturbations of face images as plain functions of NumPy and OpenCV (Figure 3).

The transforms in ``mmpose_wass/datasets/transforms`` put them into MMPose's pipelines.
"""

from .box import perturb_box
from .ellipse import Ellipse, draw_ellipses, fill_ellipse, hidden_points
from .identity import image_identity, relative_identity, stable_uniforms
from .motion_blur import BLUR_UNITS, blur_image, line_kernel, quantize_kernel
from .motion_direction import MotionDirection, motion_direction
from .pipelines import insert_perturbation, perturbation_config
from .protocol import get_protocol, level_severity, occlusion_sizes

__all__ = [
    'BLUR_UNITS', 'Ellipse', 'MotionDirection', 'blur_image', 'draw_ellipses', 'fill_ellipse',
    'get_protocol', 'hidden_points', 'image_identity', 'insert_perturbation', 'level_severity',
    'line_kernel', 'motion_direction', 'occlusion_sizes', 'perturb_box', 'perturbation_config',
    'quantize_kernel', 'relative_identity', 'stable_uniforms'
]
