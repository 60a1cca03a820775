"""The annotation of a face, as a model saw it."""
from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from mmpose_wass.landmarks import find_scheme


def to_input(points: np.ndarray, metainfo: Mapping[str, Any]) -> np.ndarray:
    """Points of the image in pixels of the network's input.

    Args:
        points: ``[..., 2]``, image pixels.
        metainfo: With ``input_center``, ``input_scale`` and ``input_size``, as ``TopdownAffine``
            leaves them.

    Returns:
        np.ndarray: ``[..., 2]`` float64.
    """
    center, scale, size = (np.asarray(metainfo[name], dtype=np.float64).reshape(2)
                           for name in ('input_center', 'input_scale', 'input_size'))
    return (np.asarray(points, dtype=np.float64) - (center - scale / 2)) / scale * size


def align_by_name(target: np.ndarray, data_scheme: str, model_scheme: str) -> np.ndarray:
    """Annotated landmarks in a model's layout, where both schemes have a point of one name.

    Args:
        target: ``[T, 2]`` in the data's layout.
        data_scheme: Scheme of the data.
        model_scheme: Scheme of the model.

    Returns:
        np.ndarray: ``[K, 2]``; NaN where the data have no such point.
    """
    model, data = find_scheme(model_scheme), find_scheme(data_scheme)
    places: Dict[str, int] = {name: index for index, name in enumerate(data.landmark_names)}
    aligned = np.full((model.num_landmarks, *target.shape[1:]), np.nan)
    for index, name in enumerate(model.landmark_names):
        if name in places and not name.startswith('landmark_'):
            aligned[index] = target[places[name]]
    return aligned


def truth_of(sample: Any, num_landmarks: int
             ) -> Tuple[np.ndarray, Optional[np.ndarray], float, str]:
    """What a data sample tells of the annotation.

    Args:
        sample: Data sample, in image pixels.
        num_landmarks: Of the model, K.

    Returns:
        tuple: Annotated landmarks ``[K, 2]`` in the model's layout, pixels of the network's input,
        NaN where there is none; hidden landmarks ``[K]`` bool or None; what errors are divided by,
        input pixels; and what that is.
    """
    nothing = np.full((num_landmarks, 2), np.nan), None, float('nan'), ''
    truth = sample.get('gt_instances', None)
    if truth is None or 'keypoints' not in truth:
        return nothing
    meta = sample.metainfo
    target = to_input(as_array(truth.keypoints)[0, :, :2], meta)
    visible = as_array(truth.keypoints_visible)
    visible = (visible[..., 0] if visible.ndim == 3 else visible)[0] > 0
    if len(visible) != len(target):
        return nothing
    target = np.where(visible[:, None], target, np.nan)
    data, model = meta.get('dataset_name', None), meta.get('model_scheme', None)
    unit, unit_name = _unit(target, data)
    hidden = as_array(truth.occluded)[0].astype(bool) if 'occluded' in truth else None
    if model not in (None, data) and find_scheme(model) and find_scheme(data):
        target, hidden = align_by_name(target, data, model), None
    elif len(target) != num_landmarks:
        return nothing
    return target, hidden, unit, unit_name


def _unit(target: np.ndarray, scheme_name: Optional[str]) -> Tuple[float, str]:
    """Distance of the outer eye corners; without them the longer side of the landmarks' box."""
    scheme = find_scheme(scheme_name)
    if scheme is not None and len(target) == scheme.num_landmarks:
        right, left = scheme.outer_eye_corners
        distance = float(np.hypot(*(target[right] - target[left])))
        if distance > 0:
            return distance, 'inter-ocular distance'
    known = target[np.isfinite(target).all(axis=1)]
    side = float(np.ptp(known, axis=0).max()) if len(known) else 0.0
    return (side, "side of the landmarks' box") if side > 0 else (float('nan'), '')


def as_array(value: Any) -> np.ndarray:
    """A tensor or an array as an array."""
    return value.detach().cpu().numpy() if hasattr(value, 'detach') else np.asarray(value)
