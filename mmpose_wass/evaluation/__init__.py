"""Evaluation: measures in pure NumPy (``functional``) and the metric that MMPose runs."""
from .metrics import FaceLandmarkMetric

__all__ = ['FaceLandmarkMetric']
