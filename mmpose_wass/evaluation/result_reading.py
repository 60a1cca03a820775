"""Read the result files of an evaluation, as tools do that compare, plot and draw."""
from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import numpy as np

from .functional import (
    AUC_THRESHOLDS,
    FAILURE_THRESHOLDS_IMAGE,
    FAILURE_THRESHOLDS_LANDMARK,
    cumulative_error_distribution,
)
from .result_format import (
    CED_THRESHOLDS,
    ERRORS_ENDING,
    FIELDS,
    LANDMARKS_ENDING,
    METRICS_ENDING,
    errors_checksum,
)

_REMEDY = "evaluate again with FaceLandmarkMetric(outfile_prefix='...')"


@dataclass
class ResultFile:
    """One evaluation, as :func:`load_result` reads it. N faces, K landmarks, T thresholds.

    Attributes:
        prefix (str): Path that the files' names start with.
        metrics (dict[str, float]): The printed measures by name, without prefix.
        content (dict): All of ``<prefix>.metrics.json``.
        errors (np.ndarray): [N, K], fractions of the normalisation distance; NaN not scored,
            ``inf`` failed.
        distances (np.ndarray): [N], normalisation distances in image pixels.
        image_paths (np.ndarray): [N], text.
        image_ids (np.ndarray): [N], text; empty where samples have none.
        annotation_ids (np.ndarray): [N], text; empty where samples have none.
        landmarks (np.ndarray): [K], index of each column in the data set's scheme; -1 for a mean.
        landmark_names (np.ndarray): [K], text.
        regions (np.ndarray): [K], text; empty for a landmark of no region.
        predictions (np.ndarray): [N, K, 2], image pixels.
        targets (np.ndarray): [N, K, 2], image pixels.
        valid (np.ndarray): [N, K] bool, labelled landmarks.
        occluded (np.ndarray): [N, K] bool, labelled as hidden.
        scores (np.ndarray): [N, K], confidence of predictions; NaN where there is none.
        boxes (np.ndarray): [N, 4], left, top, right, bottom in image pixels; NaN if not known.
        ced_thresholds (np.ndarray): [T], fractions of the normalisation distance.
        ced_images (np.ndarray): [T], fractions of faces.
        ced_landmarks (np.ndarray): [T], fractions, mean over landmarks.
        failure_thresholds_image (np.ndarray): Thresholds of ``FR_I``.
        failure_thresholds_landmark (np.ndarray): Thresholds of ``FR_L``.
        auc_thresholds (np.ndarray): Thresholds of ``AUC``.
    """
    prefix: str
    metrics: Dict[str, float]
    content: Dict[str, Any]
    errors: np.ndarray
    distances: np.ndarray
    image_paths: np.ndarray
    image_ids: np.ndarray
    annotation_ids: np.ndarray
    landmarks: np.ndarray
    landmark_names: np.ndarray
    regions: np.ndarray
    predictions: np.ndarray
    targets: np.ndarray
    valid: np.ndarray
    occluded: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    ced_thresholds: np.ndarray
    ced_images: np.ndarray
    ced_landmarks: np.ndarray
    failure_thresholds_image: np.ndarray
    failure_thresholds_landmark: np.ndarray
    auc_thresholds: np.ndarray

    @property
    def name(self) -> str:
        """Last part of the prefix, for titles."""
        return Path(self.prefix).name

    @property
    def num_faces(self) -> int:
        """N."""
        return len(self.errors)

    @property
    def num_landmarks(self) -> int:
        """K."""
        return self.errors.shape[1]

    @property
    def dataset_name(self) -> Optional[str]:
        """``dataset_name`` of the data set's metainfo."""
        return self.content.get('dataset_name')

    @property
    def normalization(self) -> str:
        """What errors are divided by, in words."""
        return self.content.get('normalization') or 'normalisation distance'

    @property
    def scheme(self) -> Optional[str]:
        """Landmark scheme of the data set, if it is a known one."""
        return self.content.get('scheme', self.dataset_name)

    @property
    def model_scheme(self) -> Optional[str]:
        """Landmark scheme that the model predicts."""
        return self.content.get('model_scheme', self.scheme)

    @property
    def common_landmarks(self) -> Optional[dict]:
        """How both schemes were brought together; ``None`` if they are one."""
        return self.content.get('common_landmarks')

    @property
    def occlusion_annotated(self) -> bool:
        """Whether the data say which landmarks are hidden."""
        return self.content.get('occlusion') is not None

    def region_indices(self) -> Dict[str, List[int]]:
        """Columns of each region, in the order in which regions first appear."""
        groups: Dict[str, List[int]] = {}
        for column, region in enumerate(self.regions.tolist()):
            if region:
                groups.setdefault(region, []).append(column)
        return groups


def find_prefix(path: Union[str, Path]) -> str:
    """The prefix that a path stands for: the prefix itself, one of its files, or their folder.

    Args:
        path (str | Path): ``run/val``, ``run/val.metrics.json``, ``run/val.errors.npz``,
            ``run/val.landmarks.csv``, or a folder that holds one evaluation.

    Returns:
        str: The prefix.

    Raises:
        FileNotFoundError: If there is no evaluation under that name; the message lists those that
            lie in its folder.
        ValueError: If a folder holds several.
    """
    text = str(path)
    for ending in (METRICS_ENDING, ERRORS_ENDING, LANDMARKS_ENDING):
        if text.endswith(ending):
            text = text[:-len(ending)]
            break
    if any(Path(text + ending).is_file() for ending in (METRICS_ENDING, ERRORS_ENDING)):
        return text
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    # Not Path.with_suffix: prefixes may hold dots.
    present = sorted(str(file)[:-len(METRICS_ENDING)]
                     for file in folder.glob('*' + METRICS_ENDING)) if folder.is_dir() else []
    if Path(path).is_dir() and len(present) == 1:
        return present[0]
    if Path(path).is_dir() and present:
        raise ValueError(f'{path} holds {len(present)} evaluations, name one of them: '
                         f'{", ".join(present)}')
    if Path(path).is_file():
        raise ValueError(f'{path} is no result file of an evaluation: its name ends neither in '
                         f'{METRICS_ENDING} nor in {ERRORS_ENDING}')
    there = f'; in {folder} there are: {", ".join(present)}' if present else ''
    raise FileNotFoundError(
        f'{path}: no result files {text}{METRICS_ENDING} and {text}{ERRORS_ENDING}{there}. '
        f'To make them, {_REMEDY}')


def load_result(path: Union[str, Path]) -> ResultFile:
    """Read the result files that ``FaceLandmarkMetric(outfile_prefix=...)`` wrote.

    Files of earlier versions are read too: what they lack is computed, or filled with NaN.

    Args:
        path (str | Path): The prefix, ``<prefix>.metrics.json``, ``<prefix>.errors.npz``, or a
            folder that holds one evaluation.

    Returns:
        ResultFile: The evaluation.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is truncated or something else, or both are not of one evaluation.
    """
    prefix = find_prefix(path)
    for ending, other in ((METRICS_ENDING, ERRORS_ENDING), (ERRORS_ENDING, METRICS_ENDING)):
        if not Path(prefix + ending).is_file():
            raise FileNotFoundError(f'{prefix}{ending} is missing beside {prefix}{other}; copy '
                                    f'both, or {_REMEDY}')
    content = _read_content(prefix + METRICS_ENDING)
    arrays = _read_arrays(prefix + ERRORS_ENDING)
    _check_pair(prefix, content, arrays['errors'])
    metrics = {name: _number(value) for name, value in content['metrics'].items()}
    return ResultFile(prefix=prefix, metrics=metrics, content=content, **arrays)


def _number(value: Any) -> float:
    """A number of the JSON file, in which infinity and NaN are text or null."""
    return float('nan') if value is None else float(value)


def _read_content(path: str) -> dict:
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is truncated or no JSON ({error}); {_REMEDY}') from error
    missing = [key for key in ('metrics', 'num_landmarks', 'counts')
               if not isinstance(content, dict) or key not in content]
    if missing:
        raise ValueError(f'{path} is not the metrics file of a FaceLandmarkMetric: it has no '
                         f'{", ".join(missing)}')
    return content


def _read_arrays(path: str) -> Dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in FIELDS if name in archive.files}
            found = list(archive.files)
    except (ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        # AttributeError: a bare .npy under this name has no context manager.
        raise ValueError(f'{path} is truncated or no npz file ({error}); {_REMEDY}') from error
    missing = [name for name, field in FIELDS.items() if field.required and name not in arrays]
    if missing:
        raise ValueError(f'{path} is not the errors file of a FaceLandmarkMetric: it has no '
                         f'{", ".join(missing)}, but {", ".join(found) or "nothing"}')
    errors = arrays['errors']
    if errors.ndim != 2:
        raise ValueError(f'{path}: errors must have shape [N, K], found {list(errors.shape)}')
    sizes = dict(N=errors.shape[0], K=errors.shape[1])
    if 'ced_thresholds' in arrays:
        sizes['T'] = arrays['ced_thresholds'].size
    for name, array in arrays.items():
        _check_field(path, name, array, sizes)
    return {name: arrays[name] for name in FIELDS} if len(arrays) == len(FIELDS) else _complete(
        arrays)


def _check_field(path: str, name: str, array: np.ndarray, sizes: Dict[str, int]) -> None:
    field = FIELDS[name]
    wanted = [sizes.get(size, size) for size in field.shape]
    fits = array.ndim == len(wanted) and all(
        size == '*' or found == size for size, found in zip(wanted, array.shape))
    if not fits:
        raise ValueError(f'{path}: {name} must have shape [{", ".join(map(str, field.shape))}] = '
                         f'{wanted}, found {list(array.shape)}')
    if array.dtype.kind not in field.kind:
        raise ValueError(f'{path}: {name} ({field.meaning}) has the wrong type {array.dtype}')


def _complete(arrays: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Fill in what files of earlier versions lack."""
    errors = arrays['errors']
    num_faces, num_landmarks = errors.shape
    if not all(name in arrays for name in ('ced_thresholds', 'ced_images', 'ced_landmarks')):
        arrays['ced_thresholds'] = CED_THRESHOLDS.copy()
        for level in ('images', 'landmarks'):
            arrays[f'ced_{level}'] = cumulative_error_distribution(errors, CED_THRESHOLDS, level)
    substitutes = dict(
        image_ids=lambda: np.full(num_faces, '', dtype='U1'),
        regions=lambda: np.full(num_landmarks, '', dtype='U1'),
        occluded=lambda: np.zeros(errors.shape, dtype=bool),
        scores=lambda: np.full(errors.shape, np.nan, dtype=np.float32),
        boxes=lambda: np.full((num_faces, 4), np.nan, dtype=np.float32),
        failure_thresholds_image=lambda: np.array(FAILURE_THRESHOLDS_IMAGE),
        failure_thresholds_landmark=lambda: np.array(FAILURE_THRESHOLDS_LANDMARK),
        auc_thresholds=lambda: np.array(AUC_THRESHOLDS))
    return {name: arrays[name] if name in arrays else substitutes[name]() for name in FIELDS}


def _check_pair(prefix: str, content: dict, errors: np.ndarray) -> None:
    """The JSON and the npz file must be of one evaluation."""
    told = (content['counts'].get('faces'), content['num_landmarks'])
    if told != errors.shape:
        reason = f'one speaks of {told[0]} faces and {told[1]} landmarks, the other holds ' \
                 f'{errors.shape[0]} and {errors.shape[1]}'
    elif content.get('errors_checksum') not in (None, errors_checksum(errors)):
        reason = 'the errors are not those that the measures were computed from'
    else:
        return
    raise ValueError(f'{prefix}{METRICS_ENDING} and {prefix}{ERRORS_ENDING} are not of one '
                     f'evaluation: {reason}; {_REMEDY}')
