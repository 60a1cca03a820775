"""Data sets, and the means to make them."""
from .perturbation_report_hook import PerturbationReportHook
from .reduced_face_dataset import ReducedFaceDataset
from .scheme_dataset import FaceSchemeDataset
from .transforms import (
    BoxPerturbation,
    ModelLandmarkLayout,
    SyntheticMotionBlur,
    SyntheticOcclusion,
)
from .video_faces import VideoFaceDataset

__all__ = [
    'BoxPerturbation', 'FaceSchemeDataset', 'ModelLandmarkLayout', 'PerturbationReportHook',
    'ReducedFaceDataset', 'SyntheticMotionBlur', 'SyntheticOcclusion', 'VideoFaceDataset'
]
