"""Pose estimators."""

from .coord_conv_estimator import CoordConvPoseEstimator

__all__ = ['CoordConvPoseEstimator']
