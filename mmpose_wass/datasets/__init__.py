"""Data sets, and the means to make them."""
from .perturbation_report_hook import PerturbationReportHook
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
    'SyntheticMotionBlur', 'SyntheticOcclusion', 'VideoFaceDataset'
]
