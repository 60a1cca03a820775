"""Evaluation: measures in pure NumPy (``functional``), the metric that MMPose runs, its files."""
from .metrics import FaceLandmarkMetric
from .result_reading import ResultFile, find_prefix, load_result
from .saturation import failure_counts, saturation_table

__all__ = [
    'FaceLandmarkMetric', 'ResultFile', 'failure_counts', 'find_prefix', 'load_result',
    'saturation_table'
]
