"""The face to draw on: the scheme's mean shape, or else that of the annotations themselves."""
from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from mmpose_wass.landmarks import find_scheme
from mmpose_wass.landmarks.mean_shape import procrustes_mean

from .alignment import AlignedRuns

#: More faces do not change a mean that one can see.
_MOST_FACES = 2000


def mean_face(runs: AlignedRuns) -> Tuple[np.ndarray, str]:
    """Points of the common landmarks on a mean face.

    Args:
        runs (AlignedRuns): Runs with K common landmarks.

    Returns:
        tuple[np.ndarray, str]: [K, 2] (x to the right, y down; NaN for a landmark that is never
        labelled), and where it comes from, in words.
    """
    result = runs.first
    columns = runs.columns[next(iter(runs.results))]
    indices = np.asarray(result.landmarks)[columns]
    scheme = find_scheme(result.scheme)
    if scheme is not None and ((indices >= 0) & (indices < scheme.num_landmarks)).all():
        try:
            points = scheme.mean_shape[indices]
        except ValueError:  # a scheme of one's own, without a shape
            points = np.full((len(indices), 2), np.nan)
        if np.isfinite(points).all():
            return points, f'mean shape of the scheme {scheme.name}'
    return _annotated_mean(runs.take('targets'), runs.take('valid')), 'mean of the annotated faces'


def _annotated_mean(targets: np.ndarray, valid: np.ndarray) -> np.ndarray:
    usable = np.flatnonzero(valid.sum(axis=1) >= 2)
    points = np.full((targets.shape[1], 2), np.nan)
    if not len(usable):
        return points
    usable = usable[np.linspace(0, len(usable) - 1, min(len(usable), _MOST_FACES)).astype(int)]
    labelled = valid[usable].any(axis=0)
    targets, valid = targets[usable][:, labelled].astype(float), valid[usable][:, labelled]
    enough = valid.sum(axis=1) >= 2
    targets, valid = targets[enough], valid[enough]
    mean = procrustes_mean(targets, valid)
    # Upright as faces are on the average: the mean is turned like the first of them.
    faces = np.where(valid, targets[..., 0] + 1j * targets[..., 1], 0)
    faces = (faces - faces.sum(axis=1, keepdims=True) / valid.sum(axis=1, keepdims=True)) * valid
    sizes = np.linalg.norm(faces, axis=1, keepdims=True)
    turn = np.angle(((mean[:, 0] - 1j * mean[:, 1]) * faces / np.maximum(sizes, 1e-9)).sum())
    turned = (mean[:, 0] + 1j * mean[:, 1]) * np.exp(1j * turn)
    points[labelled] = np.stack([turned.real, turned.imag], axis=1)
    return points


def common_regions(runs: AlignedRuns) -> Dict[str, List[int]]:
    """Columns of the common landmarks in each region, in the order of the file."""
    name = next(iter(runs.results))
    regions = runs.first.regions[runs.columns[name]]
    if not any(regions.tolist()):
        # Files of earlier versions do not name regions; the scheme does.
        scheme = find_scheme(runs.first.scheme)
        found = {index: region for region, members in scheme.regions.items()
                 for index in members} if scheme is not None else {}
        regions = np.array([found.get(int(index), '')
                            for index in runs.first.landmarks[runs.columns[name]]])
    groups: Dict[str, List[int]] = {}
    for column, region in enumerate(regions.tolist()):
        if region:
            groups.setdefault(region, []).append(column)
    return groups
