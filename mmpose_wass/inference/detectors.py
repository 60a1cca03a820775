"""Where the faces are: detectors by name, none of which downloads anything."""
from __future__ import annotations

from pathlib import Path
from typing import List, NamedTuple, Sequence, Tuple, Union

import cv2
import numpy as np
from mmengine.registry import Registry

#: Without locations MMEngine would look for ``mmpose_wass.utils`` and warn that it is missing.
FACE_DETECTORS = Registry('face detector', scope='mmpose_wass',
                          locations=['mmpose_wass.inference.network_detectors'])
SEARCHED_SIDE = 640  # the longer side of the picture in which faces are looked for, pixels


class Boxes(NamedTuple):
    """Faces of an image.

    Attributes:
        corners (np.ndarray): [N, 4], left, top, right, bottom, image pixels.
        scores (np.ndarray): [N], as the detector has them.
    """
    corners: np.ndarray
    scores: np.ndarray


class BoxFit(NamedTuple):
    """How a detector's box lies to the box of the landmarks, in units of its longer side.

    Every detector learnt boxes of its own (with or without the forehead, square or not), and a
    landmark model learnt to see the face in the box of its landmarks.

    Attributes:
        right (float): From its centre to the landmarks' centre.
        down (float): The same.
        scale (float): Longer side of the landmarks' box.
    """
    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0

    def apply(self, corners: np.ndarray) -> np.ndarray:
        """Boxes ``[N, 4]`` as square boxes of landmarks.

        Example:
            >>> BoxFit(0., .1, .8).apply(np.array([[0., 0., 10., 10.]])).tolist()
            [[1.0, 2.0, 9.0, 10.0]]
        """
        corners = np.asarray(corners, dtype=np.float64).reshape(-1, 4)
        side = (corners[:, 2:] - corners[:, :2]).max(axis=1, keepdims=True, initial=0)
        centre = (corners[:, :2] + corners[:, 2:]) / 2 + side * [self.right, self.down]
        return np.concatenate([centre - side * self.scale / 2, centre + side * self.scale / 2],
                              axis=1)


#: Of the cascades: medians over 300 training faces of 300W.
FRONTAL_FIT = BoxFit(0.0, 0.146, 0.864)
PROFILE_FIT = BoxFit(-0.105, 0.165, 0.784)


class FaceDetector:
    """What a detector has to offer. Register one's own with ``@FACE_DETECTORS.register_module()``.

    Args:
        fit: How its boxes lie to those of the landmarks (right, down, scale).
    """

    def __init__(self, fit: Sequence[float] = BoxFit()) -> None:
        if len(fit) != 3 or not np.isfinite(fit).all() or not fit[2] > 0:
            raise ValueError(f'fit must be (right, down, scale > 0), found {tuple(fit)}')
        self.fit = BoxFit(*fit)

    def find(self, image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The detector's own boxes ``[N, 4]`` and scores ``[N]`` in an image [H, W, 3] (BGR)."""
        raise NotImplementedError

    def detect(self, image: np.ndarray) -> Boxes:
        """Faces of an image, best first.

        Args:
            image: [H, W, 3], BGR, uint8.

        Returns:
            Boxes: As a landmark model expects them.
        """
        corners, scores = self.find(image)
        scores = np.asarray(scores, dtype=np.float64).reshape(-1)
        order = np.argsort(-scores, kind='stable')
        return Boxes(self.fit.apply(corners)[order], scores[order])


def build_detector(detector: Union[str, dict, FaceDetector]) -> FaceDetector:
    """A detector by name, from a config, or as it is.

    Args:
        detector: ``'opencv'``, ``'centerface'``, ``'whole_image'``, a dict with a ``type`` of these
            or of ``'yunet'`` and ``'mmdet'`` and their arguments, or anything that has ``detect``.

    Raises:
        ValueError: If there is none of this name, or arguments do not fit.
        ImportError: If its package is missing; names it.
    """
    if hasattr(detector, 'detect'):
        return detector
    options = dict(type=detector) if isinstance(detector, str) else dict(detector)
    name = options.pop('type', None)
    kind = FACE_DETECTORS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f'no face detector named {name!r}; there are '
                         f'{", ".join(sorted(FACE_DETECTORS.module_dict))}')
    try:
        return kind(**options)
    except TypeError as error:
        raise ValueError(f'face detector {name}: {error}') from error


@FACE_DETECTORS.register_module('opencv')
class CascadeDetector(FaceDetector):
    """OpenCV's Haar cascades, which its package ships: frontal faces, else profiles.

    Fast and always there, but it misses faces that are turned, tilted or partly hidden.

    Args:
        min_neighbors: Neighbouring hits that make a face; more find fewer wrong faces.
        min_size: Smallest face, as a share of the shorter side of the image.
        profiles: Whether to look for profiles where there is no frontal face.
        fit: See :class:`FaceDetector`; of the frontal cascade.
    """

    def __init__(self, min_neighbors: int = 5, min_size: float = 0.06, profiles: bool = True,
                 fit: Sequence[float] = FRONTAL_FIT) -> None:
        super().__init__(fit)
        self.min_neighbors, self.min_size, self.profiles = min_neighbors, min_size, profiles
        self._frontal = _cascade('haarcascade_frontalface_default.xml')
        self._profile = _cascade('haarcascade_profileface.xml')

    def detect(self, image: np.ndarray) -> Boxes:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        shrink = min(1.0, SEARCHED_SIDE / max(grey.shape))
        if shrink < 1:
            grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        grey = cv2.equalizeHist(grey)
        # Back through the sizes as they were rounded, pixel areas aligned.
        scale = np.array(image.shape[1::-1]) / grey.shape[1::-1]
        corners, scores = self._run(self._frontal, grey)
        fitted = self.fit.apply(corners)
        if not len(corners) and self.profiles:
            corners, scores = self._run(self._profile, grey)
            fitted = PROFILE_FIT.apply(corners)
            if not len(corners):  # it knows one side only
                corners, scores = self._run(self._profile, np.ascontiguousarray(grey[:, ::-1]))
                fitted = PROFILE_FIT.apply(corners)
                fitted[:, [0, 2]] = grey.shape[1] - fitted[:, [2, 0]]
        order = np.argsort(-scores, kind='stable')
        return Boxes((fitted * np.tile(scale, 2) - 0.5)[order], scores[order])

    def _run(self, cascade, grey: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        smallest = max(20, round(self.min_size * min(grey.shape)))
        found, _, weights = cascade.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=self.min_neighbors,
            minSize=(smallest, smallest), outputRejectLevels=True)
        found = np.asarray(found, dtype=np.float64).reshape(-1, 4)
        found[:, 2:] += found[:, :2]
        return found, np.asarray(weights, dtype=np.float64).reshape(-1)


def _cascade(name: str) -> cv2.CascadeClassifier:
    path = Path(cv2.data.haarcascades) / name
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise FileNotFoundError(f'{path}: this OpenCV comes without its cascades; install '
                                'opencv-python or opencv-python-headless')
    return cascade


@FACE_DETECTORS.register_module('whole_image')
class WholeImageDetector(FaceDetector):
    """The whole image is one face, for pictures that are cut out already."""

    def find(self, image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        height, width = image.shape[:2]
        return np.array([[0.0, 0.0, width, height]]), np.ones(1)

    def detect(self, image: np.ndarray) -> Boxes:
        return Boxes(*self.find(image))


def list_detectors() -> List[str]:
    """Names of the detectors.

    Examples:
        >>> 'opencv' in list_detectors()
        True
    """
    return sorted(FACE_DETECTORS.module_dict)
