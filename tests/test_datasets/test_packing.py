"""What packing keeps: the face square of AFLW, and hidden landmarks apart from unlabelled ones."""
import json

import cv2
import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.evaluation.metrics import NME
from mmpose.registry import DATASETS, TRANSFORMS

from mmpose_wass.datasets.transforms.face_visibility import (
    add_occluded,
    annotated_occlusion,
    get_occluded,
    set_occluded,
)
from mmpose_wass.evaluation import FaceLandmarkMetric

# COFW's flip pairs; the others stay.
FLIP = [1, 0, 3, 2, 6, 7, 4, 5, 9, 8, 11, 10, 14, 15, 12, 13, 17, 16, 19, 18, 20, 21, 23, 22, 24,
        25, 26, 27, 28]


@pytest.fixture
def flags():
    """Of 29 landmarks: 0 and 5 not labelled, 2, 8 and 20 hidden."""
    flags = np.full(29, 2)
    flags[[0, 5]] = 0
    flags[[2, 8, 20]] = 1
    return flags


def build(folder, kind, annotation, pipeline, **kwargs):
    cv2.imwrite(str(folder / 'face.png'), np.zeros((120, 160, 3), np.uint8))
    content = dict(
        images=[dict(id=3, file_name='face.png', width=160, height=120)],
        annotations=[dict(id=7, image_id=3, category_id=1, iscrowd=0, area=5000., **annotation)],
        categories=[dict(id=1, name='person')])
    (folder / 'faces.json').write_text(json.dumps(content))
    head = [dict(type='mmpose.LoadImage'), dict(type='mmpose.GetBBoxCenterScale')]
    return DATASETS.build(
        dict(type=kind, data_root=str(folder), ann_file='faces.json', data_prefix=dict(img=''),
             pipeline=head + pipeline, **dict(dict(test_mode=True), **kwargs)))


def cofw(folder, flags, *pipeline, **kwargs):
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(30, 90, (29, 2)), flags])
    points[flags == 0] = 0  # as COCO writes what is not labelled
    annotation = dict(keypoints=points.ravel().tolist(), bbox=[30., 30., 60., 60.],
                      num_keypoints=int((flags > 0).sum()))
    return build(folder, 'COFWDataset', annotation, list(pipeline), **kwargs)


CROP = dict(type='mmpose.TopdownAffine', input_size=(64, 64))
FLIPPED = dict(type='mmpose.RandomFlip', prob=1.0, direction='horizontal')


def packed(dataset):
    return dataset[0]['data_samples'].gt_instances


def test_stock_packing_drops_both(tmp_path, flags):
    """Else there would be no need for ours."""
    truth = packed(cofw(tmp_path, flags, CROP, dict(type='mmpose.PackPoseInputs')))
    assert 'occluded' not in truth and set(np.unique(truth.keypoints_visible)) == {0, 1}


class TestOcclusion:

    def test_hidden_is_not_unlabelled(self, tmp_path, flags):
        truth = packed(cofw(tmp_path, flags, CROP, dict(type='PackFaceInputs')))
        assert truth.occluded.shape == (1, 29) and truth.occluded.dtype == bool
        np.testing.assert_array_equal(truth.occluded[0], flags == 1)
        np.testing.assert_array_equal(truth.keypoints_visible[0], flags > 0)

    @pytest.mark.parametrize('pipeline', [
        (FLIPPED, CROP), (dict(type='LoadFaceVisibility'), FLIPPED, CROP),
        (FLIPPED, dict(type='LoadFaceVisibility'), CROP)])
    def test_follows_a_flip(self, tmp_path, flags, pipeline):
        truth = packed(cofw(tmp_path, flags, *pipeline, dict(type='PackFaceInputs')))
        np.testing.assert_array_equal(truth.occluded[0], (flags == 1)[FLIP])
        # MMPose's own visibility is what it has to agree with.
        np.testing.assert_array_equal(truth.keypoints_visible[0], (flags > 0)[FLIP])
        assert not (truth.occluded & (truth.keypoints_visible == 0)).any()

    def test_a_diagonal_flip_exchanges_nothing(self, tmp_path, flags):
        # MMPose's own diagonal flip stops at an error: only the bookkeeping can be tried.
        sample = dict(keypoints=np.zeros((1, 29, 2)), flip_indices=FLIP)
        set_occluded(sample, flags[None] == 1)
        sample.update(flip=True, flip_direction='diagonal')
        np.testing.assert_array_equal(get_occluded(sample)[0], flags == 1)

    def test_bottom_up_samples(self, tmp_path, flags):
        dataset = cofw(tmp_path, flags, data_mode='bottomup')
        sample = dataset.get_data_info(0)
        sample.update(img=np.zeros((8, 8, 3), np.uint8))
        truth = TRANSFORMS.build(dict(type='PackFaceInputs'))(sample)['data_samples'].gt_instances
        np.testing.assert_array_equal(truth.occluded[0], flags == 1)

    @pytest.mark.parametrize('loaded_before', [False, True])
    def test_adds_to_what_a_transform_has_hidden(self, tmp_path, flags, loaded_before):
        sample = cofw(tmp_path, flags).get_data_info(0)
        sample.update(img=np.zeros((8, 8, 3), np.uint8))
        if loaded_before:
            sample = TRANSFORMS.build(dict(type='LoadFaceVisibility'))(sample)
        hidden = np.arange(29)[None] < 4
        add_occluded(sample, hidden)
        truth = TRANSFORMS.build(dict(type='PackFaceInputs'))(sample)['data_samples'].gt_instances
        np.testing.assert_array_equal(truth.occluded, hidden | (flags == 1))

    def test_hiding_before_and_after_a_flip(self, tmp_path, flags):
        sample = dict(keypoints=np.zeros((1, 29, 2)), flip_indices=FLIP)
        first, second = np.arange(29)[None] == 8, np.arange(29)[None] == 10
        add_occluded(sample, first)
        sample.update(flip=True, flip_direction='horizontal')
        add_occluded(sample, second)
        # The first has become the left corner, 9; the second was told in the present order.
        assert np.flatnonzero(get_occluded(sample)).tolist() == [9, 10]

    def test_a_field_that_another_transform_wrote_is_taken_as_it_is(self):
        sample = dict(keypoints=np.zeros((1, 29, 2)), flip_indices=FLIP, flip=True,
                      flip_direction='horizontal', occluded=np.arange(29)[None] == 8)
        assert np.flatnonzero(get_occluded(sample)).tolist() == [8]

    def test_changed_landmarks_are_refused(self, tmp_path, flags):
        convert = dict(type='mmpose.KeypointConverter', num_keypoints=2,
                       mapping=[(8, 0), (9, 1)])
        dataset = cofw(tmp_path, flags, convert, CROP, dict(type='PackFaceInputs'))
        with pytest.raises(ValueError, match=r'\[1, 2\] .*found \[1, 29\].*KeypointConverter'):
            dataset[0]
        silent = cofw(tmp_path, flags, convert, CROP, dict(type='PackFaceInputs',
                                                           flags='labelled'))
        assert 'occluded' not in packed(silent)

    def test_meaning_of_flags(self, tmp_path, flags):
        truth = packed(cofw(tmp_path, flags, CROP, dict(type='PackFaceInputs', flags='labelled')))
        assert 'occluded' not in truth
        with pytest.raises(ValueError, match="auto, coco, labelled, found 'all'"):
            TRANSFORMS.build(dict(type='PackFaceInputs', flags='all'))
        with pytest.raises(ValueError, match=r"must be 0 .*found \[7.0\].*flags='labelled'"):
            annotated_occlusion(dict(keypoints=[1, 1, 7]))

    def test_data_that_do_not_say_it(self, tmp_path):
        """300W writes 1 for all that is labelled: nothing is hidden, and nothing is known."""
        points = np.column_stack([np.random.default_rng(0).uniform(30, 90, (68, 2)), np.ones(68)])
        annotation = dict(keypoints=points.ravel().tolist(), bbox=[30., 30., 60., 60.],
                          num_keypoints=68, center=[60., 60.], scale=.4)
        pipeline = [CROP, dict(type='PackFaceInputs')]
        assert 'occluded' not in packed(build(tmp_path, 'Face300WDataset', annotation, pipeline))
        pipeline[-1] = dict(type='PackFaceInputs', flags='coco')
        with pytest.raises(KeyError, match='raw_ann_info.*300w'):
            packed(build(tmp_path, 'Face300WDataset', annotation, pipeline))

    def test_goes_into_the_report(self, tmp_path, flags):
        dataset = cofw(tmp_path, flags, CROP, dict(type='PackFaceInputs'))
        sample = dataset[0]['data_samples']
        keypoints = sample.gt_instances.keypoints.astype(float)
        hidden = sample.gt_instances.occluded
        sample.pred_instances = InstanceData(keypoints=keypoints + np.where(
            hidden, 6., 2.)[..., None] * [1, 0])
        metric = FaceLandmarkMetric(norm_mode='box_width')
        metric.dataset_meta = dataset.metainfo
        metric.process([], [sample.to_dict()])
        found = metric.evaluate(1)
        assert found['face/NME_occluded'] == pytest.approx(10, rel=1e-6)
        assert found['face/NME_visible'] == pytest.approx(100 * 2 / 60, rel=1e-6)
        assert found['face/NME'] == pytest.approx(
            100 * (3 * 6 + 24 * 2) / 27 / 60, rel=1e-6)  # 27 of 29 are labelled


class TestBoxSize:

    @pytest.fixture
    def aflw(self, tmp_path):
        points = np.column_stack([np.random.default_rng(0).uniform(40, 80, (19, 2)), np.ones(19)])
        annotation = dict(keypoints=points.ravel().tolist(), bbox=[40., 40., 40., 40.],
                          num_keypoints=19, center=[60., 60.], scale=.4, box_size=80.)
        return build(tmp_path, 'AFLWDataset', annotation, [CROP, dict(type='PackFaceInputs')])

    def test_is_packed(self, aflw):
        truth = packed(aflw)
        assert truth.box_size.tolist() == [80.]
        assert 'occluded' not in truth

    def test_both_metrics_divide_by_it(self, aflw):
        sample = aflw[0]['data_samples']
        keypoints = sample.gt_instances.keypoints.astype(float)
        sample.pred_instances = InstanceData(keypoints=keypoints + [8., 0.])
        results = []
        for metric in (NME(norm_mode='use_norm_item', norm_item='box_size'),
                       FaceLandmarkMetric(norm_item='box_size'), FaceLandmarkMetric()):
            metric.dataset_meta = aflw.metainfo
            metric.process([], [sample.to_dict()])
            results.append(metric.evaluate(1))
        assert results[0]['NME'] == pytest.approx(.1, rel=1e-6)
        assert results[1]['face/NME'] == pytest.approx(10., rel=1e-6)
        assert results[2]['face/NME'] == pytest.approx(10., rel=1e-6)

    def test_one_number_per_face(self):
        sample = dict(img=np.zeros((8, 8, 3), np.uint8), keypoints=np.zeros((2, 19, 2)),
                      box_size=80.)
        with pytest.raises(ValueError, match='found 1 for 2 faces'):
            TRANSFORMS.build(dict(type='PackFaceInputs'))(sample)


def test_real_annotations_of_cofw(shared_dir):
    root = shared_dir / 'data' / 'mmpose_samples' / 'cofw'
    dataset = DATASETS.build(
        dict(type='COFWDataset', data_root=str(root), ann_file='test_cofw.json',
             data_prefix=dict(img=''), test_mode=True,
             pipeline=[dict(type='mmpose.LoadImage'), dict(type='mmpose.GetBBoxCenterScale'), CROP,
                       dict(type='PackFaceInputs')]))
    annotations = {face['id']: face['keypoints'][2::3] for face in json.loads(
        (root / 'test_cofw.json').read_text())['annotations']}
    hidden = 0
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        np.testing.assert_array_equal(
            sample.gt_instances.occluded[0], np.array(annotations[sample.id]) == 1)
        hidden += int(sample.gt_instances.occluded.sum())
    assert hidden > 0


def test_takes_the_arguments_of_the_stock_transform(tmp_path, flags):
    dataset = cofw(tmp_path, flags, CROP, dict(type='PackFaceInputs', meta_keys=('id', )))
    assert set(dataset[0]['data_samples'].metainfo) == {'id'}
    assert "flags='auto'" in repr(TRANSFORMS.build(dict(type='PackFaceInputs')))
