"""Follow the faces of a film from frame to frame."""
from __future__ import annotations

from typing import List, Tuple

import numpy as np

from ..robustness.boxes import match_boxes
from .detectors import Boxes
from .face import LandmarkedFace
from .face_landmarker import FaceLandmarker, has_extent

#: Overlap (intersection over union) from which two boxes are of one face.
SAME_FACE = 0.3


class FaceTracker:
    """Landmarks of a film's faces, with the detector called only now and then.

    In between, a face is looked for where its landmarks were in the frame before. The detector is
    called at every ``detect_every``-th frame, at the frame where a face was lost, and while
    there is none. It adds faces, it does not move known ones: those stay with their landmarks,
    which are steadier than any box.

    Args:
        landmarker: What finds faces and landmarks.
        detect_every: Frames from one call of the detector to the next.

    Raises:
        ValueError: If ``detect_every`` is below 1.
    """

    def __init__(self, landmarker: FaceLandmarker, detect_every: int = 10) -> None:
        if detect_every < 1:
            raise ValueError(f'detect_every must be at least 1, found {detect_every}')
        self.landmarker, self.detect_every = landmarker, detect_every
        self._faces: List[LandmarkedFace] = []
        self._since_detection = detect_every
        self._next_track = 0

    def reset(self) -> None:
        """Forget all faces, before another film or after a frame that could not be read."""
        self._faces = []
        self._since_detection = self.detect_every

    def follow(self, image: np.ndarray) -> List[LandmarkedFace]:
        """Landmarks of the next frame, each face with the number of its person in ``track``.

        Args:
            image: [H, W, 3], BGR, uint8.

        Returns:
            list[LandmarkedFace]: In the order of their tracks; then those whose landmarks are not
            finite, which cannot be followed and have no track.
        """
        self._since_detection += 1
        before = len(self._faces)
        faces, broken = self._step(image)
        if len(faces) < before or not faces or self._since_detection >= self.detect_every:
            self._add_new_faces(image, faces, broken)
            self._since_detection = 0
        self._faces = faces
        return [*faces, *broken]

    def _step(self, image: np.ndarray) -> Tuple[List[LandmarkedFace], List[LandmarkedFace]]:
        """The known faces in this frame, and those of them that are not finite; those that were
        lost are left out."""
        # Where a face left the image there is nothing to cut out.
        height, width = image.shape[:2]
        inside = [face for face in self._faces
                  if has_extent(face) and (face.landmark_box[2:] > 1).all()
                  and (face.landmark_box[:2] < [width - 1, height - 1]).all()]
        if not inside:
            return [], []
        corners = np.stack([face.landmark_box for face in inside])
        scores = np.array([face.box_score for face in inside])
        found = self.landmarker.predict([image], [Boxes(corners, scores)])[0]
        kept: List[LandmarkedFace] = []
        broken: List[LandmarkedFace] = []
        for old, face in zip(inside, found):
            if not face.is_finite:
                broken.append(face)
                continue
            face.track = old.track
            # Two tracks may run into one face where people pass each other.
            if has_extent(face) and self.landmarker.is_confident(face) and \
                    not _is_among(face, kept):
                kept.append(face)
        return kept, broken

    def _add_new_faces(self, image: np.ndarray, known: List[LandmarkedFace],
                       broken: List[LandmarkedFace]) -> None:
        """Add what the detector finds beyond the faces that there are (in place)."""
        for face in self.landmarker.predict([image])[0]:
            if _is_among(face, known + broken):
                continue
            if not face.is_finite:
                broken.append(face)
            elif has_extent(face):
                face.track = self._next_track
                self._next_track += 1
                known.append(face)


def _is_among(face: LandmarkedFace, others: List[LandmarkedFace]) -> bool:
    """Whether a face is one of others."""
    if not others:
        return False
    boxes = np.stack([_place(other) for other in others])
    return bool((match_boxes(_place(face)[None], np.ones(1), boxes, SAME_FACE) >= 0).any())


def _place(face: LandmarkedFace) -> np.ndarray:
    """[4]: the box of its landmarks, of broken ones that in which they were looked for."""
    return face.landmark_box if face.is_finite else face.box
