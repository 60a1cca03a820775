"""Measures of face alignment in pure NumPy: arrays in, numbers out, no MMPose needed."""
from .breakdown import (
    landmark_breakdown,
    occlusion_breakdown,
    region_breakdown,
    split_by_occlusion,
)
from .cumulative_error import AREA_STEP, area_under_curve, cumulative_error_distribution
from .error_detection import calibration_bins, error_detection_auc
from .errors import exclusion_counts, normalized_errors
from .failure_rate import failure_rate_images, failure_rate_landmarks, failure_rate_per_landmark
from .mean_shape import mean_shape_prediction
from .normalization import (
    box_diagonal,
    box_geometric_mean,
    box_size,
    box_width,
    group_distance,
    inter_ocular_distance,
    inter_pupil_distance,
    landmark_boxes,
)
from .normalized_mean_error import (
    image_errors,
    mean_error_per_landmark,
    nme,
    normalized_mean_error,
)
from .summary import (
    AUC_THRESHOLDS,
    FAILURE_THRESHOLDS_IMAGE,
    FAILURE_THRESHOLDS_LANDMARK,
    measure_name,
    summarize_errors,
)

__all__ = [
    'AREA_STEP', 'AUC_THRESHOLDS', 'FAILURE_THRESHOLDS_IMAGE', 'FAILURE_THRESHOLDS_LANDMARK',
    'area_under_curve', 'box_diagonal', 'box_geometric_mean', 'box_size', 'box_width',
    'calibration_bins', 'cumulative_error_distribution', 'error_detection_auc',
    'exclusion_counts', 'failure_rate_images', 'failure_rate_landmarks',
    'failure_rate_per_landmark', 'group_distance', 'image_errors', 'inter_ocular_distance',
    'inter_pupil_distance', 'landmark_boxes', 'landmark_breakdown', 'mean_error_per_landmark',
    'mean_shape_prediction', 'measure_name', 'nme', 'normalized_errors',
    'normalized_mean_error', 'occlusion_breakdown', 'region_breakdown', 'split_by_occlusion',
    'summarize_errors'
]
