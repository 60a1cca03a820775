"""Boxes move by what is asked for, and errors stay those of the image."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import DATASETS, TRANSFORMS
from test_datasets.perturbation_data import (
    dataset_config,
    sample_results,
    test_pipeline,
    write_frames,
)

from mmpose_wass.datasets.perturbations import (
    get_protocol,
    insert_perturbation,
    perturbation_config,
)

IMAGE = np.zeros((200, 200, 3), np.uint8)


def build(**options):
    return TRANSFORMS.build(dict(type='BoxPerturbation', **options))


def face(name='a.png', **more):
    results = sample_results(IMAGE, np.full((68, 2), 100), (60, 70, 140, 150), name)
    return {**results, 'bbox_center': np.array([[100, 110]], np.float32),
            'bbox_scale': np.array([[100, 100]], np.float32), **more}


def many(count=400, **options):
    transform = build(**options)
    results = [transform(face(str(index))) for index in range(count)]
    return (np.concatenate([one['bbox_center'] for one in results]) - (100, 110),
            np.concatenate([one['bbox_scale'] for one in results]) / 100,
            np.concatenate([one.get('bbox_rotation', [0]) for one in results]), results)


def test_amounts_are_exact_and_directions_random():
    shift, scale, rotation, results = many(shift=.2, scale=.25, rotation=30)
    np.testing.assert_allclose(np.linalg.norm(shift, axis=1), .2 * 80, rtol=1e-4)
    angles = np.arctan2(shift[:, 1], shift[:, 0])
    assert np.histogram(angles, bins=4, range=(-np.pi, np.pi))[0].min() > 70
    np.testing.assert_allclose(np.sort(np.unique(scale.round(5))), [.8, 1.25])
    assert 150 < (scale[:, 0] > 1).sum() < 250
    assert set(rotation.tolist()) == {-30, 30} and 150 < (rotation > 0).sum() < 250
    for one in results[:3]:
        np.testing.assert_array_equal(one['bbox'], face()['bbox'])
        np.testing.assert_array_equal(one['keypoints'], face()['keypoints'])
        assert one['img'] is IMAGE and one['bbox_center'].dtype == np.float32


def test_ranges():
    shift, scale, rotation, _ = many(shift=(.1, .3), scale=(0, .5), rotation=(0, 60))
    lengths = np.linalg.norm(shift, axis=1) / 80
    assert .1 <= lengths.min() < .11 and .29 < lengths.max() <= .3
    factors = np.maximum(scale, 1 / scale)[:, 0]
    assert factors.min() < 1.01 and 1.49 < factors.max() <= 1.5 + 1e-6
    assert np.abs(rotation).max() > 58 and np.abs(rotation).min() < 2
    assert abs(np.corrcoef(lengths, factors)[0, 1]) < .15


def test_nothing_to_do():
    results = build()(face())
    np.testing.assert_array_equal(results['bbox_center'], face()['bbox_center'])
    np.testing.assert_array_equal(results['bbox_scale'], face()['bbox_scale'])
    assert 'bbox_rotation' not in results
    results = build(shift=.5, prob=0.0)(face())
    np.testing.assert_array_equal(results['bbox_center'], face()['bbox_center'])


def test_rotation_adds_up():
    results = build(rotation=10)(face(bbox_rotation=np.array([25.0])))
    assert abs(results['bbox_rotation'][0] - 25) == pytest.approx(10)


def perfect_predictions(sample):
    """What a model that sees every landmark gives, mapped back by MMPose's own estimator."""
    truth = sample.gt_instances.transformed_keypoints
    predictions = InstanceData(keypoints=truth.copy(), keypoint_scores=np.ones(truth.shape[:2]))
    estimator = torch.nn.Module()
    estimator.test_cfg = {}
    return TopdownPoseEstimator.add_pred_to_datasample(
        estimator, [predictions], None, [sample])[0]


@pytest.mark.parametrize('name, severity', [
    ('box_shift', .2), ('box_scale', .4), ('box_rotation', 40.0), ('occlusion', .45)])
@pytest.mark.parametrize('cropping', [dict(), dict(size=96)])
def test_perfect_predictions_have_no_error(tmp_path, name, severity, cropping):
    """With a turned crop, too: the targets are in the frame that MMPose maps back to."""
    write_frames(tmp_path, {'a': range(6)}, side=160)
    pipeline = insert_perturbation(test_pipeline(**cropping), perturbation_config(name, severity))
    pipeline[-1]['pack_transformed'] = True
    plain = DATASETS.build(dataset_config(tmp_path, []))
    turned = []
    for index, sample in enumerate(DATASETS.build(dataset_config(tmp_path, pipeline))):
        sample = perfect_predictions(sample['data_samples'])
        found, targets = sample.pred_instances.keypoints[0], sample.gt_instances.keypoints[0]
        np.testing.assert_allclose(found, targets, atol=.01)
        original = plain.get_data_info(index)['keypoints'][0]
        turned.append(np.abs(targets - original).max())
        distances = np.linalg.norm(targets[:, None] - targets, axis=-1)
        np.testing.assert_allclose(
            distances, np.linalg.norm(original[:, None] - original, axis=-1), atol=.01)
    assert (max(turned) > 5) == (name == 'box_rotation')


def test_rotated_test_without_alignment_is_refused(tmp_path):
    write_frames(tmp_path, {'a': [1]})
    step = dict(type='BoxPerturbation', rotation=10)
    with pytest.raises(ValueError, match='AlignTargetsWithRotatedBox'):
        DATASETS.build(dataset_config(tmp_path, test_pipeline(step)))[0]
    DATASETS.build(dataset_config(tmp_path, test_pipeline(step), test_mode=False))[0]
    DATASETS.build(dataset_config(tmp_path, insert_perturbation(test_pipeline(), step)))[0]


@pytest.mark.parametrize('options, message', [
    (dict(shift=-.1), 'shift'), (dict(scale=float('inf')), 'scale'),
    (dict(rotation=(20, 10)), 'rotation'), (dict(rotation='left'), 'rotation')])
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_wrong_places():
    sample = face()
    with pytest.raises(KeyError, match='GetBBoxCenterScale'):
        build(shift=.1)({key: value for key, value in sample.items() if key != 'bbox_center'})
    with pytest.raises(ValueError, match='TopdownAffine'):
        build(shift=.1)(face(input_center=np.zeros(2)))
    with pytest.raises(KeyError, match='TopdownAffine'):
        TRANSFORMS.build(dict(type='AlignTargetsWithRotatedBox'))(sample)


def test_insert_perturbation():
    pipeline = test_pipeline()
    kinds = [step['type'] for step in insert_perturbation(
        pipeline, perturbation_config('box_rotation', 5.0))]
    assert kinds == ['LoadImage', 'GetBBoxCenterScale', 'BoxPerturbation', 'TopdownAffine',
                     'AlignTargetsWithRotatedBox', 'PackPoseInputs']
    assert len(pipeline) == 4  # the original stays
    bottom_up = [dict(type='mmpose.LoadImage'), dict(type='BottomupResize', input_size=(64, 64))]
    assert insert_perturbation(bottom_up, dict(type='SyntheticOcclusion', level='large'))[1][
        'level'] == 'large'
    with pytest.raises(ValueError, match='TopdownAffine'):
        insert_perturbation(bottom_up, dict(type='BoxPerturbation', shift=.1))
    with pytest.raises(ValueError, match='by hand'):
        insert_perturbation([dict(type='PackPoseInputs')], dict(type='SyntheticOcclusion'))
    for name, entry in get_protocol(1).items():
        if isinstance(entry, dict):
            options = dict(direction='random') if name == 'motion_blur' else {}
            TRANSFORMS.build(perturbation_config(name, entry['grid'][-1], **options))
    with pytest.raises(KeyError, match='fog'):
        perturbation_config('fog', 1.0)
