"""Rendered faces: landmarks sit on what is drawn, and move as the parameters say."""
from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import (
    Camera,
    FaceParameters,
    FaceShape,
    project_landmarks,
    render_face,
    sample_face_parameters,
    to_scheme,
)

PLAIN = dict(hair_style='bald', ambient=1.0, light=(0.0, 0.0, 1.0), scale=0.32)


def faces(count, **options):
    rng = np.random.default_rng(7)
    return [sample_face_parameters(rng, **options) for _ in range(count)]


def signed_distance(mask):
    """Distance of every pixel to the edge of a mask, positive inside."""
    inside = (mask > 127).astype(np.uint8)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return np.where(inside > 0, within - 0.5, 0.5 - without).astype(np.float32)


def look_up(image, points):
    points = np.asarray(points, np.float32)
    return cv2.remap(image, points[None, :, 0], points[None, :, 1], cv2.INTER_LINEAR)[0]


# Landmarks and what is drawn
def test_jaw_points_lie_on_the_edge_of_the_face():
    errors = []
    for face in faces(25, yaw_range=(0, 75), profile_share=0.0):
        drawn = render_face(face, 256)
        jaw = drawn.landmarks[:33]
        inside = ((jaw > 2) & (jaw < 253)).all(axis=1)
        errors.append(np.abs(look_up(signed_distance(drawn.face_mask), jaw))[inside])
    errors = np.concatenate(errors)
    assert errors.mean() < 0.7
    assert np.percentile(errors, 97) < 1.5
    # The measure can fail: the same points three pixels aside are off the edge.
    assert np.abs(look_up(signed_distance(drawn.face_mask), jaw + [3, 0])).mean() > 1.5


@pytest.mark.parametrize('yaw', [0.0, 35.0, -35.0])
def test_lips_lie_on_the_drawn_lips(yaw):
    """The edge is found in the picture: two renderings that differ in lip paint only."""
    plain = FaceParameters(yaw=yaw, makeup=0.0, lip_red=0.3, **PLAIN)
    pair = []
    for lip_red in (0.0, 1.0):
        pair.append(render_face(replace(plain, lip_red=lip_red), 384, degraded=False))
    changed = np.abs(pair[0].image.astype(int) - pair[1].image).sum(axis=2) > 12
    # Seam and shine are painted over the lips: fill what lies within the outer border.
    borders, _ = cv2.findContours(changed.astype(np.uint8), cv2.RETR_EXTERNAL,
                                  cv2.CHAIN_APPROX_NONE)
    mask = np.zeros(changed.shape, np.uint8)
    cv2.drawContours(mask, borders, -1, 255, cv2.FILLED)
    outer = pair[0].landmarks[76:88]
    error = np.abs(look_up(signed_distance(mask), outer))
    assert error[[1, 2, 3, 4, 5, 7, 8, 9, 10, 11]].max() < 2.0
    assert error.mean() < 1.2


def test_pupils_lie_in_the_drawn_iris():
    face = FaceParameters(iris_color=(255.0, 0.0, 0.0), gaze=(0.4, 0.0), **PLAIN)
    drawn = render_face(face, 384, degraded=False)
    blue = drawn.image[..., 0].astype(int) - drawn.image[..., 2] > 80
    for pupil, lids in ((96, slice(60, 68)), (97, slice(68, 76))):
        low, high = drawn.landmarks[lids].min(axis=0), drawn.landmarks[lids].max(axis=0)
        rows, columns = np.nonzero(blue)
        inside = (columns > low[0]) & (columns < high[0]) & (rows > low[1]) & (rows < high[1])
        assert inside.sum() > 20
        assert abs(columns[inside].mean() - drawn.landmarks[pupil, 0]) < 1.5


def test_brow_points_border_the_drawn_brow():
    """A brow that is painted green is found where its upper and lower edge points say."""
    face = FaceParameters(hair_color=(0.0, 250.0, 0.0), **PLAIN)
    drawn = render_face(face, 384, degraded=False)
    green = drawn.image[..., 1].astype(int) - drawn.image[..., 2]
    distance = signed_distance(np.where(green > 10, 255, 0).astype(np.uint8))
    edge = look_up(distance, drawn.landmarks[[34, 35, 36, 39, 40, 43, 44, 45, 48, 49]])
    assert np.abs(edge).max() < 2.0
    middle = 0.5 * (drawn.landmarks[35] + drawn.landmarks[98])
    assert look_up(distance, middle[None])[0] > 1.0


@pytest.mark.parametrize('name', ['300w', 'wflw', 'cofw', 'aflw'])
def test_mirrored_face_has_mirrored_landmarks(name):
    """A mirrored face gives the points that MMPose's own flip of the picture expects."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    flip = parse_pose_metainfo(dict(from_file=f'configs/_base_/datasets/{name}.py'))['flip_indices']
    for face in faces(6, yaw_range=(0, 80)):
        points = to_scheme(project_landmarks(face, 256), name)
        mirrored = to_scheme(project_landmarks(face.mirrored(), 256), name)
        expected = points[flip] * [-1, 1] + [255, 0]
        np.testing.assert_allclose(mirrored, expected, atol=1e-6)


def test_far_jaw_slides_to_the_silhouette():
    """Turned away, the ear-side points come forward to the visible edge instead of hiding."""
    face = FaceParameters(yaw=45.0, **PLAIN)
    shape, camera = FaceShape(face), Camera(face, 256)
    hidden = camera.project(shape.surface(np.ones((1, 1)), np.full((1, 1), 6.0))[:, 0])[0]
    visible = project_landmarks(face, 256)[30]
    assert visible[0] > hidden[0] + 5
    near = camera.project(shape.surface(-np.ones((1, 1)), np.full((1, 1), 6.0))[:, 0])[0]
    np.testing.assert_allclose(project_landmarks(face, 256)[2], near[:2], atol=0.3)


def test_pose_moves_the_nose_as_documented():
    base = project_landmarks(FaceParameters(), 256)[54]
    assert project_landmarks(FaceParameters(yaw=20.0), 256)[54, 0] > base[0] + 5
    assert project_landmarks(FaceParameters(pitch=20.0), 256)[54, 1] < base[1] - 5
    level = project_landmarks(FaceParameters(roll=20.0), 256)
    assert level[72, 1] > level[60, 1] + 5  # clockwise: the image-right eye goes down


def test_expression_moves_its_own_points():
    rest = project_landmarks(FaceParameters(), 256)
    opened = project_landmarks(FaceParameters(jaw_open=0.8), 256)
    assert opened[94, 1] - opened[90, 1] > rest[94, 1] - rest[90, 1] + 8  # inner lips apart
    np.testing.assert_allclose(opened[60:76], rest[60:76], atol=1e-9)  # eyes stay
    closed = project_landmarks(FaceParameters(blink=(1.0, 0.0)), 256)
    assert closed[66, 1] - closed[62, 1] < 0.4 * (rest[66, 1] - rest[62, 1])
    np.testing.assert_allclose(closed[68:76], rest[68:76], atol=1e-9)  # the other eye stays


def test_profile_hides_the_far_eye():
    drawn = render_face(FaceParameters(yaw=80.0, **PLAIN), 256)
    assert drawn.occluded[68:76].mean() > 0.7
    # The near eye is seen, but for the inner corner, which the bridge of the nose may cover.
    assert not drawn.occluded[[60, 61, 62, 66, 67]].any()
    assert not render_face(FaceParameters(**PLAIN), 256).occluded.any()


def test_something_in_front_hides_points():
    covered = render_face(FaceParameters(occluder='scarf', **PLAIN), 256)
    assert covered.occluded[16] and covered.occluded[85]
    assert not covered.occluded[60:76].any()
    dark = render_face(FaceParameters(glasses='dark', **PLAIN), 256)
    assert dark.occluded[[62, 66, 70, 74, 96, 97]].all()


def test_pictures_vary():
    """Different faces differ in shape, pose and brightness; the same face comes out the same."""
    several = [render_face(face, 64) for face in faces(8)]
    brightness = [d.image.mean() for d in several]
    assert np.std(brightness) > 10
    again = render_face(several[0].parameters, 64)
    np.testing.assert_array_equal(again.image, several[0].image)
    shapes = np.stack([d.landmarks - d.landmarks.mean(axis=0) for d in several])
    assert shapes.std(axis=0).mean() > 2
