"""Drawn faces: dots and ellipses where they belong, and nothing else touched."""
import numpy as np
import pytest

from mmpose_wass.inference import LandmarkedFace, draw_faces
from mmpose_wass.inference.overlay import BOX_COLOR, confidence_color


def face(landmarks, confidence=1.0, covariance=None, box=(20, 20, 180, 180)):
    landmarks = np.asarray(landmarks, dtype=float)
    return LandmarkedFace(np.asarray(box, float), 1.0, landmarks,
                          np.full(len(landmarks), confidence), covariance)


POINTS = [[60, 60], [140, 60], [100, 140]]


def changed(image, picture):
    return np.argwhere((image != picture).any(axis=2))[:, ::-1]


def test_dots_by_confidence():
    image = np.zeros((200, 200, 3), np.uint8)
    one = face(POINTS)
    one.confidence[:] = 1.0, .8, .1
    picture = draw_faces(image, [one], deviations=0, boxes=False)
    for point, confidence in zip(POINTS, one.confidence):
        assert tuple(picture[point[1], point[0]]) == confidence_color(confidence)
    off = np.linalg.norm(changed(image, picture)[:, None] - np.array(POINTS), axis=2).min(axis=1)
    assert off.max() < 3 and not image.any()


def test_ellipses_have_the_stated_size():
    image = np.zeros((200, 200, 3), np.uint8)
    covariance = np.tile(np.diag([100., 25.]), (3, 1, 1))
    dots = draw_faces(image, [face(POINTS)], boxes=False)
    for deviations in (1, 2):
        picture = draw_faces(image, [face(POINTS, covariance=covariance)], deviations, False)
        places = changed(dots, picture)
        near = places[np.abs(places - POINTS[0]).max(axis=1) < 35]
        assert np.ptp(near, axis=0) == pytest.approx(
            [20 * deviations, 10 * deviations], abs=3)
    assert (draw_faces(image, [face(POINTS, covariance=covariance)], 0, False) == dots).all()


def test_box_and_number():
    image = np.zeros((200, 200, 3), np.uint8)
    picture = draw_faces(image, [face(POINTS)], 0)
    for place in ((100, 20), (20, 100), (100, 180), (180, 100)):  # smoothed at its rim
        assert 100 < picture[place].min() <= picture[place].max() <= max(BOX_COLOR)
    tracked = face(POINTS)
    tracked.track = 3
    assert (draw_faces(image, [tracked], 0) != picture).any()
    assert (draw_faces(image, [face(POINTS)], 0, numbers=True) != picture).any()


def test_wild_landmarks_do_no_harm():
    """Far away, infinite, NaN, and covariances of any size: no error, nothing wraps around."""
    image = np.zeros((50, 50, 3), np.uint8)
    points = [[1e9, 1e9], [-1e12, 5], [np.nan, 3], [np.inf, 2]]
    covariance = np.tile(np.eye(2), (4, 1, 1))
    covariance[0] *= 1e20
    covariance[1] = np.nan
    picture = draw_faces(image, [face(points, covariance=covariance, box=(-1e9, 0, np.inf, 4))])
    assert picture.shape == image.shape
    confidence_color(np.nan)
    outside = draw_faces(image, [face([[500, 500], [520, 530]], covariance=covariance[:2] * 0 + 1)])
    assert (outside[:5, :5] == 0).all()
