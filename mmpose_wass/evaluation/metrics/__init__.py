"""Metrics registered in MMPose's ``METRICS``."""
from .face_landmark_metric import FaceLandmarkMetric
from .normalizer import NORM_MODES, FaceNormalizer

__all__ = ['FaceLandmarkMetric', 'FaceNormalizer', 'NORM_MODES']
