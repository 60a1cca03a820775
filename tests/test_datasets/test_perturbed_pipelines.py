"""The transforms stand in MMPose's own pipelines, for training and testing."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmpose.registry import TRANSFORMS
from test_datasets.perturbation_data import sample_results

from mmpose_wass.datasets.perturbations import insert_perturbation
from mmpose_wass.datasets.synthetic import render_face, sample_face_parameters, to_scheme
from mmpose_wass.engine import load_config

STOCK = 'mmpose::face_2d_keypoint/topdown_heatmap/300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256'


@pytest.fixture(scope='module')
def rendered(tmp_path_factory):
    """A rendered face as MMPose's 300W data set would hand it to a pipeline."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    face = render_face(sample_face_parameters(np.random.default_rng(4), yaw_range=(0, 10)), 256)
    points = to_scheme(face.landmarks, '300w')
    low, high = points.min(axis=0), points.max(axis=0)
    center, half = (low + high) / 2, (high - low).max() / 2
    path = tmp_path_factory.mktemp('faces') / 'face.png'
    assert cv2.imwrite(str(path), face.image)
    results = sample_results(face.image, points, (*(center - half), *(center + half)))
    del results['img'], results['img_shape']
    metainfo = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/300w.py'))
    return dict(
        results, img_path=str(path), image_identity='face.png', id=0, img_id=0,
        bbox_score=np.ones(1, np.float32), bbox_center=center[None].astype(np.float32),
        bbox_scale=np.full((1, 2), 2 * half, np.float32),
        flip_indices=metainfo['flip_indices'], flip_pairs=metainfo['flip_pairs'],
        dataset_keypoint_weights=metainfo['dataset_keypoint_weights'])


@pytest.mark.parametrize('step', [
    dict(type='SyntheticOcclusion', level='large'),
    dict(type='SyntheticMotionBlur', level='large', direction='random'),
    dict(type='BoxPerturbation', shift=.2, scale=.2, rotation=20)], ids=lambda step: step['type'])
@pytest.mark.parametrize('split', ['train', 'val'])
def test_stock_pipelines(rendered, step, split):
    cfg = load_config(STOCK)
    pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
    perturbed = insert_perturbation(pipeline, step)
    packed = []
    for steps in (pipeline, perturbed):
        np.random.seed(0)
        packed.append(Compose(steps)(dict(rendered)))
    plain, changed = packed
    assert changed['inputs'].shape == plain['inputs'].shape == (3, 256, 256)
    share = (changed['inputs'] != plain['inputs']).float().mean()
    assert .02 < share <= 1
    if step['type'] != 'BoxPerturbation':  # landmarks, targets and metadata are untouched
        one, other = plain['data_samples'], changed['data_samples']
        np.testing.assert_array_equal(one.gt_instances.keypoints, other.gt_instances.keypoints)
        assert set(one.metainfo) == set(other.metainfo)
        if split == 'train':
            assert (one.gt_fields.heatmaps == other.gt_fields.heatmaps).all()


def test_perturbations_between_load_and_box(rendered):
    """Also directly after LoadImage, before GetBBoxCenterScale; the crop is the same."""
    step = dict(type='SyntheticOcclusion', level='large')
    crop = dict(type='TopdownAffine', input_size=(128, 128))
    early = [dict(type='LoadImage'), step, dict(type='GetBBoxCenterScale'), crop]
    late = [dict(type='LoadImage'), dict(type='GetBBoxCenterScale'), step, crop]
    images = [Compose(steps)(dict(rendered))['img'] for steps in (early, late)]
    np.testing.assert_array_equal(*images)


def test_all_three_together(rendered):
    steps = [dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
             dict(type='SyntheticMotionBlur', level='medium', direction=30.0),
             dict(type='SyntheticOcclusion', level='medium'),
             dict(type='BoxPerturbation', shift=.1)]
    results = Compose(steps)(dict(rendered))
    assert [one['name'] for one in results['perturbations']] == [
        'SyntheticMotionBlur', 'SyntheticOcclusion', 'BoxPerturbation']
    assert results['perturbations'][0]['angle'] == pytest.approx(30)


def test_augmentation_fragment(root_dir, rendered):
    folder = root_dir / 'configs/face'
    fragment = Config.fromfile(folder / '_base_/augmentations/perturbations.py')
    steps = [*fragment.image_perturbations, *fragment.box_perturbations]
    assert {step['type'] for step in steps} == {
        'SyntheticOcclusion', 'SyntheticMotionBlur', 'BoxPerturbation'}
    assert all(step['random'] and 0 < step['prob'] < 1 for step in steps)
    for step in steps:
        TRANSFORMS.build(step)
    cfg = Config.fromfile(folder / 'hrnet_w18_300w_wass_perturbed.py')
    pipeline = cfg.train_dataloader.dataset.pipeline
    kinds = [step['type'] for step in pipeline]
    assert kinds.index('RandomFlip') < kinds.index('SyntheticOcclusion') < kinds.index(
        'BoxPerturbation') < kinds.index('TopdownAffine')
    assert not any('Synthetic' in step['type'] or 'Perturb' in step['type']
                   for step in cfg.val_dataloader.dataset.pipeline)
    np.random.seed(1)
    train = Compose(pipeline)
    seen = {train(dict(rendered))['inputs'].numpy().tobytes() for _ in range(8)}
    assert len(seen) == 8  # fresh each time
