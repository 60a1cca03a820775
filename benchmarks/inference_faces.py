"""How exact landmarks in found boxes are, and what confidences and ellipses are worth."""
from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
from mmengine.utils import track_iter_progress
from mmpose.registry import DATASETS

from mmpose_wass.inference import FaceLandmarker, LandmarkedFace, build_detector, read_image
from mmpose_wass.inference.face_landmarker import has_extent
from mmpose_wass.inference.landmark_model import Crop
from mmpose_wass.robustness.boxes import intersection_over_union, match_boxes

#: Detectors that need no file and find faces.
DETECTORS = ('opencv', 'centerface')
ANNOTATED = 'annotated'
REFINED = (0, 1, 2)
EYE_CORNERS = (36, 45)  # outer ones of 300W's scheme
SAME_FACE, NO_FACE = 0.5, 0.1  # overlaps with the annotated box
DEVIATIONS = (1, 2, 3)
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
GROUPS = 5  # of landmarks, by their stated deviation
_TRIES = 50  # to find a wrong box in a picture


class AnnotatedFace(NamedTuple):
    """A face of the data set.

    Attributes:
        path (str): Its picture.
        box (np.ndarray): [4], left, top, right, bottom, pixels.
        landmarks (np.ndarray): [68, 2], pixels.
    """
    path: str
    box: np.ndarray
    landmarks: np.ndarray

    @property
    def eye_distance(self) -> float:
        """Between the outer eye corners, pixels."""
        first, second = self.landmarks[list(EYE_CORNERS)]
        return float(np.hypot(*(first - second)))


def read_faces(root: Path, annotations: str, count: int) -> Tuple[List[AnnotatedFace], int]:
    """Evenly spread faces of a data set of 300W's layout, and the number of all of them.

    Raises:
        FileNotFoundError: If its files are not there.
    """
    for path in (root / annotations, root / 'images'):
        if not path.exists():
            raise FileNotFoundError(f'{path}: no such file; --data is the folder that '
                                    'tools/prepare_data.py 300w wrote')
    data = DATASETS.build(dict(
        type='Face300WDataset', data_root=str(root), ann_file=annotations,
        data_prefix=dict(img='images/'), pipeline=[], test_mode=True))
    places = np.unique(np.linspace(0, len(data) - 1, min(count, len(data))).round().astype(int))
    entries = [data.get_data_info(int(place)) for place in places]
    return [AnnotatedFace(entry['img_path'], np.asarray(entry['bbox'][0], dtype=float),
                          np.asarray(entry['keypoints'][0], dtype=float))
            for entry in entries], len(data)


def available_detectors() -> Tuple[Dict[str, object], Dict[str, str]]:
    """Detectors by name, and why the others are not there."""
    found, missing = {}, {}
    for name in DETECTORS:
        try:
            found[name] = build_detector(name)
        except ImportError as error:
            missing[name] = str(error)
    return found, missing


def refined(landmarker: FaceLandmarker, image: np.ndarray, boxes: Sequence[np.ndarray],
            times: int) -> Iterator[List[LandmarkedFace]]:
    """Faces in given boxes, then in the boxes of their landmarks, and so on.

    Yields:
        list[LandmarkedFace]: After refining 0, 1, … times.
    """
    for _ in range(times + 1):
        faces = landmarker.model.predict([Crop(image, box, 1.0) for box in boxes])
        yield faces
        boxes = [face.landmark_box if has_extent(face) else face.box for face in faces]


def half_covered(image: np.ndarray, box: np.ndarray, right: bool) -> np.ndarray:
    """The image with the left or right half of a box in black."""
    height, width = image.shape[:2]
    left, top, end, bottom = np.clip(box.round().astype(int), 0, [width, height] * 2)
    middle = (left + end) // 2
    covered = image.copy()
    covered[top:bottom, middle if right else left:end if right else middle] = 0
    return covered


def wrong_box(rng: np.random.Generator, shape: Tuple[int, ...],
              box: np.ndarray) -> List[np.ndarray]:
    """A square beside the face, between half and one and a half times as large; in a list that is
    empty where the picture has no room."""
    height, width = shape[:2]
    size = max(box[2:] - box[:2])
    for _ in range(_TRIES):
        side = size * rng.uniform(.5, 1.5)
        if side >= min(width, height):
            continue
        corner = rng.uniform(0, [width - side, height - side])
        one = np.concatenate([corner, corner + side])
        if intersection_over_union(one[None], box[None])[0, 0] < NO_FACE:
            return [one]
    return []


def measure_faces(landmarker: FaceLandmarker, faces: Sequence[AnnotatedFace],
                  seed: int) -> Dict[str, object]:
    """Everything that ``docs/inference.md`` says of exactness, confidence and uncertainty.

    Args:
        landmarker: Its detector is not used.
        faces: Of a data set.
        seed: Of the wrong boxes.

    Returns:
        dict: ``boxes`` (faces found, NME in per cent of the eye distance by refinements),
        ``confidence`` (quantiles, and what each threshold drops), ``coverage`` of ellipses and
        ``calibration`` of stated deviations.
    """
    rng = np.random.default_rng(seed)
    detectors, missing = available_detectors()
    errors: Dict[str, List[List[float]]] = defaultdict(list)
    confidences: Dict[str, List[float]] = {name: [] for name in ('faces', 'covered', 'wrong',
                                                                 'detected')}
    sure: Dict[str, List[np.ndarray]] = defaultdict(list)
    for number, face in enumerate(track_iter_progress(list(faces))):
        image = read_image(face.path).pixels
        boxes = {ANNOTATED: face.box}
        for name, detector in detectors.items():
            found = detector.detect(image)
            match, = match_boxes(found.corners, found.scores, face.box[None], SAME_FACE)
            if match >= 0:
                boxes[name] = found.corners[match]
            beside = [one for one in found.corners
                      if intersection_over_union(one[None], face.box[None])[0, 0] < NO_FACE]
            confidences['detected'] += _confidences(landmarker, image, beside)
        steps = list(refined(landmarker, image, list(boxes.values()), max(REFINED)))
        for place, name in enumerate(boxes):
            errors[name].append([_error(step[place], face) for step in steps])
        confidences['faces'].append(steps[1][0].mean_confidence)
        confidences['covered'] += _confidences(
            landmarker, half_covered(image, face.box, bool(number % 2)), [face.box])
        confidences['wrong'] += _confidences(landmarker, image, wrong_box(rng, image.shape,
                                                                          face.box))
        _keep_uncertainty(sure, steps[0][0], face)
    return dict(
        missing=missing,
        boxes={name: dict(found=len(errors[name]), nme=np.mean(errors[name], axis=0).tolist())
               for name in errors},
        confidence={name: describe_confidences(values) for name, values in confidences.items()},
        **describe_uncertainty({name: np.concatenate(values) for name, values in sure.items()}))


def _confidences(landmarker: FaceLandmarker, image: np.ndarray,
                 boxes: Sequence[np.ndarray]) -> List[float]:
    """Mean confidences after the one refinement that is the default."""
    if not len(boxes):
        return []
    *_, faces = refined(landmarker, image, boxes, 1)
    return [face.mean_confidence for face in faces]


def _error(found: LandmarkedFace, face: AnnotatedFace) -> float:
    """Mean distance in per cent of the eye distance."""
    distance = np.hypot(*(found.landmarks - face.landmarks).T)
    return float(100 * distance.mean() / face.eye_distance)


def _keep_uncertainty(sure: Dict[str, List[np.ndarray]], found: LandmarkedFace,
                      face: AnnotatedFace) -> None:
    """Errors and covariances in per cent of the eye distance."""
    unit = face.eye_distance / 100
    sure['error'].append((found.landmarks - face.landmarks) / unit)
    for name in ('covariance', 'heatmap_covariance'):
        sure[name].append(getattr(found, name) / unit**2)


def describe_confidences(values: Sequence[float]) -> Dict[str, object]:
    """Number, quantiles, and the share below each threshold.

    Example:
        >>> describe_confidences([.4, .7, .8, .95])['below']['0.6']
        0.25
    """
    values = np.asarray(values, dtype=float)
    if not len(values):
        return dict(number=0)
    least, hundredth, median = np.quantile(values, [0, .01, .5])
    return dict(number=len(values), least=least, hundredth=hundredth, median=median,
                below={str(one): float((values < one).mean()) for one in THRESHOLDS})


def describe_uncertainty(sure: Dict[str, np.ndarray]) -> Dict[str, object]:
    """Coverage of the ellipses, and stated deviations beside errors.

    Args:
        sure: ``error`` [N, 2], ``covariance`` and ``heatmap_covariance`` [N, 2, 2], in one unit.

    Returns:
        dict: ``coverage`` by kind: the share of errors within each number of deviations; and
        ``calibration``: groups of equal size by stated deviation, each with its bounds, the stated
        deviation and the error, root mean squares per axis.
    """
    error = sure['error']
    coverage = {}
    for name in ('covariance', 'heatmap_covariance'):
        squared = np.einsum('ni,nij,nj->n', error, np.linalg.inv(sure[name]), error)
        coverage[name] = {str(k): float((squared <= k * k).mean()) for k in DEVIATIONS}
    variance = np.trace(sure['covariance'], axis1=1, axis2=2) / 2
    calibration = [dict(
        least=float(np.sqrt(variance[group[0]])), most=float(np.sqrt(variance[group[-1]])),
        stated=float(np.sqrt(variance[group].mean())),
        error=float(np.sqrt((error[group]**2).mean())))
        for group in np.array_split(np.argsort(variance, kind='stable'), GROUPS)]
    return dict(landmarks=len(error), coverage=coverage, calibration=calibration)
