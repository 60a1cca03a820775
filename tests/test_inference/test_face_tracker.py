"""Following faces through a film."""
import numpy as np
import pytest
from test_inference.dot_model import BrightDetector, dots, face_at, write_dot_model

from mmpose_wass.inference import FaceLandmarker, FaceTracker

SIZE = (260, 160)


@pytest.fixture
def landmarker(tmp_path):
    return FaceLandmarker(*write_dot_model(tmp_path), detector=BrightDetector(), device='cpu')


def test_faces_keep_their_numbers(landmarker):
    """Two faces cross the picture, a third one comes later, the first one goes."""
    tracker = FaceTracker(landmarker, detect_every=5)
    seen = []
    for step in range(24):
        first, second, third = (face_at(20 + 3 * step, 12), face_at(200 - 3 * step, 100),
                                face_at(10, 100))
        shown = ([first] if step < 12 else []) + [second] + ([third] if step >= 7 else [])
        faces = tracker.follow(dots(SIZE, shown))
        for face in faces:
            nearest = min(np.abs(face.landmarks - points).max() for points in shown)
            assert nearest < .5
        seen.append({face.track for face in faces})
    assert seen[0] == {0, 1} and seen[6] == {0, 1}
    assert seen[10] == seen[11] == {0, 1, 2}  # found at the next call of the detector
    assert seen[12] == seen[23] == {1, 2}
    # At frames 0, 5, 10, 12 (one was lost), 17 and 22.
    assert landmarker.detector.calls == 6


def test_detector_is_asked_while_there_is_no_face(landmarker):
    tracker = FaceTracker(landmarker, detect_every=10)
    empty = np.zeros((160, 260, 3), np.uint8)
    assert [tracker.follow(empty) for _ in range(4)] == [[]] * 4
    assert landmarker.detector.calls == 4
    face, = tracker.follow(dots(SIZE, face_at(40, 40)))
    assert face.track == 0 and landmarker.detector.calls == 5
    tracker.reset()
    face, = tracker.follow(dots(SIZE, face_at(40, 40)))
    assert face.track == 1 and landmarker.detector.calls == 6


def test_broken_landmarks_are_returned_once_and_not_followed(landmarker):
    tracker = FaceTracker(landmarker, detect_every=10)
    image = dots(SIZE, face_at(40, 40))
    assert tracker.follow(image)[0].track == 0
    bias = landmarker.model.model.head.final_layer.bias
    bias.data.fill_(float('nan'))
    for _ in range(3):  # the followed one is broken, then the one that is detected there
        face, = tracker.follow(image)
        assert not face.is_finite and face.track is None
    bias.data.zero_()
    face, = tracker.follow(image)
    assert face.is_finite and face.track == 1


def test_two_tracks_do_not_share_a_face(landmarker):
    """Two faces that become one leave one track."""
    tracker = FaceTracker(landmarker, detect_every=100)
    assert len(tracker.follow(dots(SIZE, [face_at(20, 60), face_at(150, 60)]))) == 2
    for x in range(130, 20, -12):
        faces = tracker.follow(dots(SIZE, [face_at(20, 60), face_at(max(x, 20), 60)]))
    faces = tracker.follow(dots(SIZE, [face_at(20, 60)]))
    assert len(faces) == 1


def test_face_leaves_the_picture(landmarker):
    tracker = FaceTracker(landmarker, detect_every=100)
    counts = [len(tracker.follow(dots(SIZE, face_at(200 + 8 * step, 60)))) for step in range(16)]
    assert counts[0] == 1 and counts[-1] == 0


def test_wrong_interval(landmarker):
    with pytest.raises(ValueError, match='detect_every must be at least 1'):
        FaceTracker(landmarker, 0)
