"""Transforms, registered into MMPose's ``TRANSFORMS``."""
from .align_targets import AlignTargetsWithRotatedBox
from .box_perturbation import BoxPerturbation
from .face_visibility import LoadFaceVisibility
from .model_layout import ModelLandmarkLayout
from .packing import PackFaceInputs
from .synthetic_motion_blur import SyntheticMotionBlur
from .synthetic_occlusion import SyntheticOcclusion

__all__ = [
    'AlignTargetsWithRotatedBox', 'BoxPerturbation', 'LoadFaceVisibility', 'ModelLandmarkLayout',
    'PackFaceInputs', 'SyntheticMotionBlur', 'SyntheticOcclusion'
]
