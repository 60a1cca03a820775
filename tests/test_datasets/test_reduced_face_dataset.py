"""A data set whose annotation is reduced to another scheme while it is read."""
from __future__ import annotations

import numpy as np
import pytest
from mmpose.registry import DATASETS

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.landmarks import get_common_landmarks, get_scheme


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('wflw')
    write_dataset('wflw', root, dict(train=3, test=2), image_size=64)
    return root


def build(root, scheme=None, annotated='wflw', pipeline=(), **options):
    kind = dict(type='WFLWDataset') if scheme is None else dict(
        type='ReducedFaceDataset', scheme=scheme, annotated=annotated)
    return DATASETS.build(dict(
        kind, data_root=str(root), data_mode='topdown', data_prefix=dict(img='images/'),
        ann_file='annotations/face_landmarks_wflw_train.json', pipeline=list(pipeline), **options))


@pytest.mark.parametrize(('scheme', 'count'), [('300w', 68), ('paper17', 17)])
def test_landmarks_are_those_of_the_conversion(root, scheme, count):
    plain, reduced = build(root), build(root, scheme)
    common = get_common_landmarks(scheme, 'wflw')
    assert len(reduced) == len(plain) == 3
    for before, after in zip(plain, reduced):
        points, _ = common.data_landmarks(before['keypoints'])
        order = [group[0] for group in common.model_points]
        assert after['keypoints'].shape == (1, count, 2)
        np.testing.assert_allclose(after['keypoints'][:, order], points, atol=1e-4)
        assert after['keypoints_visible'].tolist() == [[1.0] * count]
        np.testing.assert_array_equal(after['bbox'], before['bbox'])
        assert after['img_path'] == before['img_path']


@pytest.mark.parametrize('scheme', ['300w', 'paper17'])
def test_it_is_a_data_set_of_the_other_scheme(root, scheme):
    """Also left and right, which MMPose's KeypointConverter leaves behind."""
    dataset = build(root, scheme)
    assert dataset.metainfo['dataset_name'] == scheme
    assert dataset.metainfo['flip_indices'] == list(get_scheme(scheme).flip_indices())
    assert dataset[0]['flip_indices'] == list(get_scheme(scheme).flip_indices())


def test_a_flip_mirrors_the_reduced_landmarks(root):
    plain, flipped = (build(root, '300w', pipeline=[
        dict(type='LoadImage'), dict(type='RandomFlip', direction='horizontal', prob=prob)])[0]
        for prob in (0.0, 1.0))
    mirrored = plain['keypoints'][:, get_scheme('300w').flip_indices()]
    mirrored[..., 0] = 63 - mirrored[..., 0]
    np.testing.assert_allclose(flipped['keypoints'], mirrored, atol=1e-4)


def test_an_annotation_that_lacks_landmarks_is_refused(root):
    with pytest.raises(ValueError, match="'aflw' cannot give every landmark of '300w'"):
        build(root, '300w', 'aflw')


def test_an_annotation_of_another_scheme_is_refused(root):
    with pytest.raises(ValueError, match='294 numbers in keypoints, but .* needs 87'):
        build(root, 'paper17', 'cofw')
