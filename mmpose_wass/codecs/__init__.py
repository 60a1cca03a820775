"""Codecs, registered into MMPose's ``KEYPOINT_CODECS``."""

from .barycenter import BarycenterCodec

__all__ = ['BarycenterCodec']
