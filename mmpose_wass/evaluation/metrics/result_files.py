"""Write the result files of an evaluation; ``evaluation/result_format.py`` says what lies in them.

``mmpose_wass.evaluation.load_result`` reads them back.
"""
from __future__ import annotations

import csv
import json
import math
import os
import os.path as osp
from contextlib import ExitStack
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from mmpose_wass.engine.results import atomic_write, write_arrays

from ..functional import cumulative_error_distribution, landmark_breakdown, region_breakdown
from ..functional.breakdown import occlusion_breakdown
from ..result_format import (
    CED_THRESHOLDS,
    ERRORS_ENDING,
    FIELDS,
    LANDMARKS_ENDING,
    METRICS_ENDING,
    errors_checksum,
)
from .faces import FaceSet

UNITS = ('per cent of the normalisation distance (NME), per cent of images or landmarks (FR), '
         'fraction (AUC), number of faces (excluded)')


def plain_number(number: float) -> Any:
    """A number that JSON can hold: it knows no infinity and no NaN, they become text.

    Examples:
        >>> [plain_number(value) for value in (2.0, .5, float('inf'))]
        [2, 0.5, 'inf']
    """
    number = float(number)
    if math.isfinite(number):
        return int(number) if number.is_integer() else number
    return str(number)


def write_result_files(prefix: str, *, measures: Dict[str, float], counts: Dict[str, int],
                       thresholds: Dict[str, Sequence[float]], description: Dict[str, Any],
                       errors: np.ndarray, distances: np.ndarray, landmarks: np.ndarray,
                       landmark_names: Sequence[str], regions: Sequence[str],
                       faces: FaceSet) -> Tuple[str, str, str]:
    """Write all three files, each complete or not at all; the folder is made if need be.

    Args:
        prefix (str): Path that the files' names start with.
        measures (dict[str, float]): Measures by name.
        counts (dict[str, int]): Counts of faces and predictions.
        thresholds (dict[str, Sequence[float]]): Thresholds by argument name.
        description (dict): What was measured on what, for the JSON: ``dataset_name``, ``scheme``,
            ``normalization`` and so on.
        errors (np.ndarray): [N, K].
        distances (np.ndarray): [N].
        landmarks (np.ndarray): [K], index of each column among the data set's landmarks; -1: a
            mean of several.
        landmark_names (Sequence[str]): [K].
        regions (Sequence[str]): [K], region of each landmark; empty for none.
        faces (FaceSet): The N faces, with these K landmarks.

    Returns:
        tuple[str, str, str]: Paths of the JSON, the npz and the CSV file.
    """
    landmark_thresholds = thresholds['failure_thresholds_landmark']
    table = landmark_breakdown(errors, landmark_thresholds, faces.occluded)
    rows = [
        dict(index=int(index), name=name, region=region,
             **{column: plain_number(values[place]) for column, values in table.items()})
        for place, (index, name, region) in enumerate(zip(landmarks, landmark_names, regions))
    ]
    content = dict(
        metrics={name: plain_number(value) for name, value in measures.items()},
        units=UNITS,
        **description,
        num_landmarks=len(landmarks),
        counts=counts,
        thresholds={name: list(values) for name, values in thresholds.items()},
        regions=_plain_rows(
            region_breakdown(errors, _columns_of_regions(regions), landmark_thresholds)),
        occlusion=None if faces.occluded is None else _plain_rows(
            occlusion_breakdown(errors, faces.occluded, **thresholds)),
        landmarks=rows,
        errors_file=osp.basename(prefix) + ERRORS_ENDING,
        landmarks_file=osp.basename(prefix) + LANDMARKS_ENDING,
        errors_checksum=errors_checksum(errors))

    arrays = _arrays(errors, distances, landmarks, landmark_names, regions, faces)
    arrays.update({name: np.array(values, dtype=np.float64)
                   for name, values in thresholds.items()})
    assert list(arrays) == list(FIELDS)
    with ExitStack() as opened:
        # They appear in the opposite order, and none before all are written. The JSON is the last:
        # whoever finds it finds the others complete.
        metrics_file = opened.enter_context(atomic_write(prefix + METRICS_ENDING))
        table_file = opened.enter_context(atomic_write(prefix + LANDMARKS_ENDING))
        errors_file = opened.enter_context(atomic_write(prefix + ERRORS_ENDING, 'wb'))
        write_arrays(errors_file, arrays)
        _write_table(table_file, rows)
        json.dump(content, metrics_file, indent=2, ensure_ascii=False, allow_nan=False)
        metrics_file.write('\n')
        for file in (errors_file, table_file, metrics_file):
            file.flush()
            os.fsync(file.fileno())
    return prefix + METRICS_ENDING, prefix + ERRORS_ENDING, prefix + LANDMARKS_ENDING


def _columns_of_regions(regions: Sequence[str]) -> Dict[str, List[int]]:
    columns: Dict[str, List[int]] = {}
    for column, region in enumerate(regions):
        if region:
            columns.setdefault(region, []).append(column)
    return columns


def _plain_rows(table: Dict[str, Dict[str, float]]) -> Dict[str, Dict[str, Any]]:
    return {name: {key: plain_number(value) for key, value in row.items()}
            for name, row in table.items()}


def _floats(values: np.ndarray) -> np.ndarray:
    return values if values.dtype.kind == 'f' else values.astype(np.float64)


def _text(values: Sequence[str]) -> np.ndarray:
    return np.array(list(values), dtype=np.str_).reshape(len(values))


def _arrays(errors: np.ndarray, distances: np.ndarray, landmarks: np.ndarray,
            landmark_names: Sequence[str], regions: Sequence[str],
            faces: FaceSet) -> Dict[str, np.ndarray]:
    """All of :data:`FIELDS` but the thresholds of rates, in its order."""

    def known(values: Optional[np.ndarray], shape: tuple) -> np.ndarray:
        return np.full(shape, np.nan, np.float32) if values is None else _floats(values)

    return dict(
        errors=errors,
        distances=np.asarray(distances, dtype=np.float64),
        image_paths=_text(faces.images),
        image_ids=_text(faces.image_ids),
        annotation_ids=_text(faces.ids),
        landmarks=np.asarray(landmarks, dtype=np.int64),
        landmark_names=_text(landmark_names),
        regions=_text(regions),
        predictions=_floats(faces.predictions),
        targets=_floats(faces.targets),
        valid=faces.valid,
        occluded=np.zeros(errors.shape, bool) if faces.occluded is None else faces.occluded,
        scores=known(faces.scores, errors.shape),
        boxes=known(faces.boxes, (len(errors), 4)),
        ced_thresholds=CED_THRESHOLDS,
        ced_images=cumulative_error_distribution(errors, CED_THRESHOLDS),
        ced_landmarks=cumulative_error_distribution(errors, CED_THRESHOLDS, level='landmarks'))


def _write_table(file: Any, rows: List[Dict[str, Any]]) -> None:
    """A row per landmark, as spreadsheets read it."""
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
