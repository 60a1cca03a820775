"""Codecs, registered into MMPose's ``KEYPOINT_CODECS``."""

from .barycenter import BarycenterCodec
from .shape_prior import ShapePriorCodec

__all__ = ['BarycenterCodec', 'ShapePriorCodec']
