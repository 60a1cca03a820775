"""Measures of face alignment in pure NumPy: arrays in, numbers out, no MMPose needed."""
from .cumulative_error import AREA_STEP, area_under_curve, cumulative_error_distribution
from .errors import exclusion_counts, normalized_errors
from .failure_rate import failure_rate_images, failure_rate_landmarks, failure_rate_per_landmark
from .mean_shape import mean_shape_prediction
from .normalization import (
    box_diagonal,
    box_size,
    box_width,
    group_distance,
    inter_ocular_distance,
    inter_pupil_distance,
)
from .normalized_mean_error import image_errors, mean_error_per_landmark, normalized_mean_error
from .summary import (
    AUC_THRESHOLDS,
    FAILURE_THRESHOLDS_IMAGE,
    FAILURE_THRESHOLDS_LANDMARK,
    measure_name,
    summarize_errors,
)

__all__ = [
    'AREA_STEP', 'AUC_THRESHOLDS', 'FAILURE_THRESHOLDS_IMAGE', 'FAILURE_THRESHOLDS_LANDMARK',
    'area_under_curve', 'box_diagonal', 'box_size', 'box_width', 'cumulative_error_distribution',
    'exclusion_counts', 'failure_rate_images', 'failure_rate_landmarks',
    'failure_rate_per_landmark', 'group_distance', 'image_errors', 'inter_ocular_distance',
    'inter_pupil_distance', 'mean_error_per_landmark', 'mean_shape_prediction', 'measure_name',
    'normalized_errors', 'normalized_mean_error', 'summarize_errors'
]
