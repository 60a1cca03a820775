"""FaceLandmarker: known landmarks and covariances, MMPose's own results, and clear errors."""
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis import MMPoseInferencer, inference_topdown, init_model
from numpy_abilities import needs_mmposes_drawing
from PIL import Image
from test_inference.dot_model import (
    MAP,
    PADDING,
    SIGMA,
    BrightDetector,
    dots,
    face_at,
    metainfo,
    write_dot_model,
)

import mmpose_wass
from mmpose_wass.inference import Boxes, FaceLandmarker
from mmpose_wass.inference.face_landmarker import check_boxes, shipped_model


@pytest.fixture(scope='module')
def dot_model(tmp_path_factory):
    return write_dot_model(tmp_path_factory.mktemp('dots'))


@pytest.fixture(scope='module')
def landmarker(dot_model):
    return FaceLandmarker(*dot_model, detector=BrightDetector(), device='cpu', batch_size=2)


def box_of(points):
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def test_landmarks_and_covariance_in_image_pixels(landmarker):
    """The affine is undone: neither depends on the box."""
    points = face_at(70, 50)
    spread = np.array([[[30., 12.], [12., 16.]], [[16., 0.], [0., 25.]],
                       [[20., -8.], [-8., 20.]]])
    image = dots((200, 160), points, spread)
    for box in (box_of(points), box_of(points) + [-6, -9, 5, 4], [60, 40, 130, 95]):
        face, = landmarker(image, [box])
        np.testing.assert_allclose(face.landmarks, points, atol=.15)
        np.testing.assert_allclose(face.heatmap_covariance, spread, atol=.6)
        side = PADDING * max(box[2] - box[0], box[3] - box[1]) / MAP
        np.testing.assert_allclose(
            face.covariance, face.heatmap_covariance - (SIGMA * side)**2 * np.eye(2), atol=1e-6)
        assert (face.confidence > .9).all() and face.box_score == 1
        np.testing.assert_array_equal(face.box, box)


def test_doubtful_landmark_has_low_confidence_and_a_long_ellipse(landmarker):
    points = face_at(70, 50)
    image = dots((200, 160), points)
    elsewhere = dots((200, 160), points + [[0, 36], [0, 0], [0, 0]])
    image[..., 2] = np.maximum(image[..., 2], elsewhere[..., 2])  # two red dots
    face, = landmarker(image, [box_of(points)])
    assert face.confidence[0] < .7 < face.confidence[1:].min()
    axes, angles = face.ellipses(1)
    assert axes[0, 0] == pytest.approx(18, abs=1) and angles[0] == pytest.approx(90, abs=2)
    assert axes[0, 0] > 3 * axes[1:, 0].max()


def test_same_as_mmpose(landmarker, dot_model, tmp_path):
    """`init_model` and `inference_topdown` run the plugin's models, with the same result."""
    image = dots((200, 160), [face_at(20, 50), face_at(120, 60)])
    boxes = np.array([[18., 47., 66., 90.], [115., 58., 163., 108.]])
    model = init_model(*dot_model, device='cpu')
    samples = inference_topdown(model, image, boxes)
    for face, sample in zip(landmarker(image, boxes), samples):
        np.testing.assert_array_equal(face.landmarks,
                                      sample.pred_instances.keypoints[0].astype(float))
        np.testing.assert_array_equal(face.confidence,
                                      sample.pred_instances.keypoint_scores[0].astype(float))
    path = tmp_path / 'dots.png'
    cv2.imwrite(str(path), image)
    sample, = inference_topdown(model, str(path), boxes[:1])
    np.testing.assert_array_equal(landmarker(path, boxes[:1])[0].landmarks,
                                  sample.pred_instances.keypoints[0])


@needs_mmposes_drawing
def test_mmpose_inferencer_runs_our_models_unchanged(landmarker, dot_model, tmp_path):
    """With torch's safe loading on and a checkpoint like those of MMEngine's runner."""
    image = dots((64, 48), face_at(14, 4))
    path = tmp_path / 'dots.png'
    cv2.imwrite(str(path), image)
    inferencer = MMPoseInferencer(*dot_model, device='cpu', det_model='whole_image')
    # Safe loading: an object of a class that PyTorch does not know is in the file.
    with pytest.raises(Exception, match='weights_only|WeightsUnpickler|Unsupported'):
        torch.save(dict(meta=BrightDetector()), tmp_path / 'unsafe.pth')
        torch.load(tmp_path / 'unsafe.pth', weights_only=True)
    result = next(inferencer(str(path), out_dir=str(tmp_path / 'out')))
    found = result['predictions'][0][0]
    face, = landmarker(image, [[0, 0, 64, 48]])
    np.testing.assert_allclose(found['keypoints'], face.landmarks, atol=1e-4)
    np.testing.assert_allclose(found['keypoint_scores'], face.confidence, atol=1e-6)
    assert (tmp_path / 'out/visualizations/dots.png').is_file()


def test_batches_over_faces_and_images(landmarker):
    """Five faces of images of three sizes in batches of two, each in its place."""
    faces = [[face_at(20, 30), face_at(110, 60)], [], [face_at(60, 20)],
             [face_at(15, 15), face_at(90, 100)]]
    sizes = [(200, 160), (100, 80), (130, 100), (150, 160)]
    images = [dots(size, np.array(listed).reshape(-1, 3, 2)) for size, listed in zip(sizes, faces)]
    found = landmarker.predict(images, [[box_of(face) for face in listed] for listed in faces])
    assert [len(one) for one in found] == [2, 0, 1, 2]
    for listed, expected in zip(found, faces):
        for face, points in zip(listed, expected):
            np.testing.assert_allclose(face.landmarks, points, atol=.2)


def test_detected_boxes_are_refined(dot_model):
    points = face_at(70, 50)
    image = dots((200, 160), points)
    results = []
    for refine in (0, 1):
        one = FaceLandmarker(*dot_model, detector=BrightDetector(shift=9), device='cpu',
                             refine=refine)
        face, = one(image)
        results.append(face)
    assert np.abs(results[0].box - box_of(points)).max() > 7
    assert np.abs(results[1].box - box_of(points)).max() < 1
    # Given boxes are taken as they are.
    face, = one(image, [results[0].box])
    np.testing.assert_array_equal(face.box, results[0].box)


def test_boxes_that_are_no_faces_are_dropped_and_counted(dot_model):

    class Everywhere:

        def detect(self, image):
            return Boxes(np.array([[70., 50, 110, 90], [2., 2, 42, 42]]), np.ones(2))

    one = FaceLandmarker(*dot_model, detector=Everywhere(), device='cpu')
    image = dots((200, 160), face_at(70, 50))
    assert len(one(image)) == 1 and one.dropped == 1
    assert len(one(image, [[2, 2, 42, 42]])) == 1 and one.dropped == 1  # given: never dropped
    assert len(FaceLandmarker(*dot_model, detector=Everywhere(), device='cpu',
                              min_confidence=0)(image)) == 2


@pytest.mark.parametrize('head, decoder, blur', [
    ('HeatmapHead', dict(), SIGMA),
    ('HeatmapHead', dict(type='MSRAHeatmap', sigma=0.5), 0.5),
])
def test_stock_heads(tmp_path, head, decoder, blur):
    """A stock head returns raw maps; those of a codec for values are cut and made of sum 1."""
    config, checkpoint = write_dot_model(tmp_path, head, **decoder)
    points = face_at(70, 50)
    image = dots((200, 160), points)
    face, = FaceLandmarker(config, checkpoint, device='cpu')(image, [box_of(points)])
    # MSRAHeatmap's heatmap pixel 0 is input pixel 0: a shift of half a heatmap pixel.
    np.testing.assert_allclose(face.landmarks, points, atol=2 if decoder else .2)
    side = PADDING * 40 / MAP
    if decoder:
        # The dot itself is an inverted parabola of squared radius 2 DEPTH, over the Gaussian's
        # variance: its variance is a third of that per axis.
        variance = 16 * 2 * 14 / 6
        assert face.heatmap_covariance[0, 0, 0] == pytest.approx(variance, rel=.25)
        assert face.confidence.max() > 1  # heights of peaks
    else:
        assert face.heatmap_covariance[0, 0, 0] == pytest.approx(16, abs=.4)
    np.testing.assert_allclose(
        face.covariance, face.heatmap_covariance - (blur * side)**2 * np.eye(2), atol=1e-5)


def test_flip_test_can_be_chosen(dot_model):
    image = dots((200, 160), face_at(70, 50))
    box = [[68., 47., 111., 96.]]
    plain = FaceLandmarker(*dot_model, device='cpu')(image, box)[0]
    both = FaceLandmarker(*dot_model, device='cpu', flip_test=True)
    # The dots' colours do not swap sides, so both passes agree.
    np.testing.assert_allclose(both(image, box)[0].landmarks, plain.landmarks, atol=1e-3)
    both.model.dataset_meta['flip_indices'] = [2, 1, 0]  # red and blue are called a pair
    expected = plain.landmarks[[0, 1, 2]] / 2 + plain.landmarks[[2, 1, 0]] / 2
    np.testing.assert_allclose(both(image, box)[0].landmarks, expected, atol=1e-3)


def test_without_uncertainty(dot_model):
    image = dots((200, 160), face_at(70, 50))
    face, = FaceLandmarker(*dot_model, device='cpu', uncertainty=False)(image, [[70, 50, 110, 90]])
    assert face.covariance is None and face.ellipses() is None


def test_grey_image_and_no_boxes(landmarker):
    grey = dots((120, 90), face_at(30, 20))[..., 1]
    face, = landmarker(np.ascontiguousarray(grey), [[30, 20, 70, 60]])
    np.testing.assert_allclose(face.landmarks[1], [70, 40], atol=.2)
    assert landmarker(grey, np.zeros((0, 4))) == []


@pytest.mark.parametrize('boxes, message', [
    ([[0, 0, 5]], r'boxes must be \[N, 4\]'),
    ([[10, 10, 5, 20]], 'has no extent'),
    ([[0, 0, np.nan, 5]], 'is not finite'),
    ([[300, 0, 340, 40]], 'lies outside the image of 200 x 160'),
])
def test_wrong_boxes(landmarker, boxes, message):
    with pytest.raises(ValueError, match=message):
        landmarker(np.zeros((160, 200, 3), np.uint8), boxes)


def test_boxes_keep_their_scores():
    boxes = check_boxes(Boxes(np.array([[0., 0, 4, 4]]), np.array([.25])), (10, 10))
    assert boxes.scores.tolist() == [.25]


def test_wrong_images(landmarker):
    for image in (np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8),
                  np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match='an image must be uint8'):
            landmarker(image)
    for image, found in ((None, r'found None \(NoneType\)'), (3, r'found 3 \(int\)'),
                         (Image.new('RGB', (4, 4)), 'found one of Pillow; give its file, or np')):
        with pytest.raises(ValueError, match=f'an image must be a path or an array.*{found}'):
            landmarker(image)
    for images in ('one.jpg', Path('one.jpg'), np.zeros((4, 4, 3), np.uint8), None):
        with pytest.raises(ValueError, match='predict takes a list of images, found a single '
                                             f'{type(images).__name__}; call the landmarker'):
            landmarker.predict(images)
    with pytest.raises(ValueError, match='2 images, but boxes for 1'):
        landmarker.predict([np.zeros((4, 4, 3), np.uint8)] * 2, [[]])


def test_wrong_models(dot_model, tmp_path):
    config, checkpoint = dot_model
    with pytest.raises(ValueError, match='only config was given'):
        FaceLandmarker(config)
    with pytest.raises(FileNotFoundError, match='nowhere.py'):
        FaceLandmarker('nowhere.py', checkpoint)
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        FaceLandmarker(config, 'nowhere.pth')
    content = torch.load(checkpoint)
    content['state_dict'] = {'other.weight': torch.zeros(1)}
    torch.save(content, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='does not fit the model'):
        FaceLandmarker(config, str(tmp_path / 'other.pth'))
    with pytest.raises(ValueError, match="no face detector named 'eyes'"):
        FaceLandmarker(config, checkpoint, detector='eyes').detector  # noqa: B018
    with pytest.raises(ValueError, match='has 68 landmarks, the model 3'):
        FaceLandmarker(config, checkpoint, device='cpu', scheme='300w')(
            np.zeros((9, 9, 3), np.uint8), [[0, 0, 9, 9]])


def test_checkpoint_without_description(dot_model, tmp_path):
    """Slim weights: the scheme is found in the config's data set."""
    config, checkpoint = dot_model
    torch.save(torch.load(checkpoint)['state_dict'], tmp_path / 'slim.pth')
    model = FaceLandmarker(config, str(tmp_path / 'slim.pth'), device='cpu').model
    assert model.scheme == '300w' and len(model.landmark_names) == 68
    known = FaceLandmarker(config, checkpoint, device='cpu').model
    assert known.scheme == 'dots' and known.landmark_names == ()
    assert known.dataset_meta['flip_indices'] == metainfo()['flip_indices']


def test_exported_lazily():
    assert mmpose_wass.FaceLandmarker is FaceLandmarker
    assert 'FaceLandmarker' in dir(mmpose_wass) and 'FaceLandmarker' in mmpose_wass.__all__
    with pytest.raises(AttributeError, match='Landmarks'):
        mmpose_wass.Landmarks  # noqa: B018


def test_shipped_model(monkeypatch):
    """Without an own model the shipped one is meant; an installation without it says so."""
    monkeypatch.setitem(sys.modules, 'mmpose_wass.assets', None)
    with pytest.raises(FileNotFoundError, match='ships no model'):
        shipped_model()


def test_shipped_model_on_a_rendered_face():
    assets = pytest.importorskip('mmpose_wass.assets', reason='no model is shipped yet')
    from mmpose_wass.datasets.synthetic import render_face, sample_face_parameters, to_scheme
    rendered = render_face(sample_face_parameters(
        np.random.default_rng(5), yaw_range=(0, 10), profile_share=0, pitch_range=5, roll_range=5),
        degraded=False)
    face, = FaceLandmarker(device='cpu')(rendered.image)
    truth = to_scheme(rendered.landmarks, '300w')
    error = np.linalg.norm(face.landmarks - truth, axis=1).mean()
    assert error < .12 * np.linalg.norm(truth[36] - truth[45])
    assert len(assets.default_model()) == 2
