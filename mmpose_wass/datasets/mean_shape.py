"""What a model has to beat: the error of the mean training shape, put into every test box."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Union

import numpy as np

from mmpose_wass.evaluation.functional import (
    box_size,
    inter_ocular_distance,
    mean_shape_prediction,
    normalized_errors,
    normalized_mean_error,
)
from mmpose_wass.landmarks import get_scheme

# MMPose's annotations of these data sets give the box's side divided by this.
PIXEL_STD = 200


def read_faces(annotation_file: Union[str, Path]) -> Dict[str, np.ndarray]:
    """Read landmarks and boxes of an annotation file in MMPose's layout of face data sets.

    Args:
        annotation_file: JSON with the ``annotations`` of N faces.

    Returns:
        dict: ``keypoints`` ``[N, K, 2]``, ``valid`` ``[N, K]`` bool, ``centers`` ``[N, 2]`` and
        ``sizes`` ``[N]`` of the square boxes, and the tight ``boxes`` ``[N, 4]`` as (left, top,
        right, bottom); all but ``valid`` in image pixels.

    Raises:
        KeyError: If a field is missing.
        ValueError: If the file lists no faces.
    """
    records = json.loads(Path(annotation_file).read_text())['annotations']
    if not records:
        raise ValueError(f'{annotation_file} lists no faces')
    fields = {}
    for name in ('keypoints', 'center', 'scale', 'bbox'):
        if any(name not in record for record in records):
            raise KeyError(f'{annotation_file}: an annotation has no field {name!r}, which MMPose '
                           'too needs for face data sets')
        fields[name] = np.array([record[name] for record in records], dtype=float)
    keypoints = fields['keypoints'].reshape(len(records), -1, 3)
    corner, extent = np.split(fields['bbox'], 2, axis=1)
    return dict(
        keypoints=keypoints[..., :2],
        valid=keypoints[..., 2] > 0,
        centers=fields['center'],
        sizes=PIXEL_STD * fields['scale'],
        boxes=np.concatenate([corner, corner + extent], axis=1))


def mean_shape_error(train_file: Union[str, Path], test_file: Union[str, Path],
                     norm_mode: str = 'inter_ocular', scheme: str = '300w') -> float:
    """NME of a predictor that does not look.

    Args:
        train_file: Annotations whose faces are averaged, relative to their boxes.
        test_file: Annotations of the faces to predict.
        norm_mode: What errors are divided by: ``inter_ocular`` (outer eye corners) or ``box_size``
            (the tight box's longer side).
        scheme: Landmark scheme of both files; tells the eye corners.

    Returns:
        float: Normalised mean error in per cent.

    Raises:
        KeyError: If an annotation lacks a field.
        ValueError: For an unknown ``norm_mode``, or files without faces.
    """
    if norm_mode not in ('inter_ocular', 'box_size'):
        raise ValueError(f"norm_mode must be 'inter_ocular' or 'box_size', got {norm_mode!r}")
    train, test = read_faces(train_file), read_faces(test_file)
    predicted = mean_shape_prediction(train['keypoints'], train['centers'], train['sizes'],
                                      test['centers'], test['sizes'])
    if norm_mode == 'box_size':
        distances = box_size(test['boxes'])
    else:
        corners = get_scheme(scheme).outer_eye_corners
        distances = inter_ocular_distance(test['keypoints'], corners, test['valid'])
    errors = normalized_errors(predicted, test['keypoints'], distances, test['valid'])
    return 100 * normalized_mean_error(errors)
