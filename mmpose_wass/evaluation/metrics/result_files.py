"""Result files of an evaluation: what other tools read to compare, plot and draw.

``<prefix>.metrics.json``: measures, counts, thresholds, data set and normalisation.
``<prefix>.errors.npz``: one row per face, readable with ``np.load(path)`` (no pickles):

================= ============ ==================================================================
``errors``        [N, K]       fractions of the normalisation distance; NaN not scored, inf failed
``distances``     [N]          normalisation distances, image pixels
``image_paths``   [N]          text
``annotation_ids`` [N]         text; numbers are padded with zeros
``landmarks``     [K]          index of each column in the data set's scheme
``landmark_names`` [K]         text
``predictions``   [N, K, 2]    image pixels
``targets``       [N, K, 2]    image pixels
``valid``         [N, K]       labelled landmarks
``failure_thresholds_image``, ``failure_thresholds_landmark``, ``auc_thresholds``
================= ============ ==================================================================
"""
from __future__ import annotations

import json
import math
import os.path as osp
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.utils import mkdir_or_exist

from .faces import FaceSet


def _plain(number: float):
    """A number that JSON can hold: it knows no infinity and no NaN, they become text."""
    number = float(number)
    if math.isfinite(number):
        return int(number) if number.is_integer() else number
    return str(number)


def write_result_files(prefix: str, *, measures: Dict[str, float], counts: Dict[str, int],
                       thresholds: Dict[str, Sequence[float]], dataset_name: Optional[str],
                       normalization: str, errors: np.ndarray, distances: np.ndarray,
                       landmarks: np.ndarray, landmark_names: List[str],
                       faces: FaceSet) -> Tuple[str, str]:
    """Write both files; the folder is made if need be.

    Args:
        prefix (str): Path that the files' names start with.
        measures (dict[str, float]): Measures by name.
        counts (dict[str, int]): Counts of faces and predictions.
        thresholds (dict[str, Sequence[float]]): Thresholds by argument name.
        dataset_name (str, optional): The data set's name.
        normalization (str): What errors are divided by.
        errors (np.ndarray): [N, K].
        distances (np.ndarray): [N].
        landmarks (np.ndarray): [K], index of each column among the data set's landmarks.
        landmark_names (list[str]): [K].
        faces (FaceSet): The N faces, with these K landmarks.

    Returns:
        tuple[str, str]: Paths of the JSON and of the npz file.
    """
    folder = osp.dirname(prefix)
    if folder:
        mkdir_or_exist(folder)
    json_path, npz_path = f'{prefix}.metrics.json', f'{prefix}.errors.npz'
    np.savez(
        npz_path,
        errors=errors,
        distances=distances,
        image_paths=np.array(faces.images, dtype=np.str_),
        annotation_ids=np.array(faces.ids, dtype=np.str_),
        landmarks=landmarks,
        landmark_names=np.array(landmark_names, dtype=np.str_),
        predictions=faces.predictions,
        targets=faces.targets,
        valid=faces.valid,
        **{name: np.array(values, dtype=np.float64)
           for name, values in thresholds.items()})
    content = dict(
        metrics={name: _plain(value) for name, value in measures.items()},
        units='per cent of the normalisation distance (NME), per cent of images or landmarks (FR), '
        'fraction (AUC), number of faces (excluded)',
        dataset_name=dataset_name,
        normalization=normalization,
        num_landmarks=len(landmarks),
        counts=counts,
        thresholds={name: list(values) for name, values in thresholds.items()},
        errors_file=osp.basename(npz_path))
    with open(json_path, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=2, allow_nan=False)
        file.write('\n')
    return json_path, npz_path
