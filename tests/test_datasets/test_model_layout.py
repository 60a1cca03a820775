"""Left and right of the model in the flip test, whatever the data set's scheme."""
from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from mmpose.datasets.transforms import KeypointConverter, PackPoseInputs
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import TRANSFORMS
from mmpose_abilities import mmposes_metainfo

from mmpose_wass.datasets import ModelLandmarkLayout


def sample(scheme, flip_indices=None):
    """What a data set hands to its pipeline, as far as packing needs it."""
    info = mmposes_metainfo(scheme)
    count = info['num_keypoints']
    return dict(
        img=np.zeros((8, 8, 3), np.uint8),
        keypoints=np.zeros((1, count, 2)),
        keypoints_visible=np.ones((1, count)),
        flip_indices=list(info['flip_indices']) if flip_indices is None else flip_indices,
        dataset_name=scheme)


def wflw_to_300w():
    mapping = [*range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 60), 60, 61, 63, 64, 65,
               67, 68, 69, 71, 72, 73, 75, *range(76, 96)]
    return KeypointConverter(68, [(source, target) for target, source in enumerate(mapping)])


def cofw_to_aflw():
    mapping = [0, (4, 5), 2, 3, (6, 7), 1, 8, 16, 10, 11, 17, 9, 18, 20, 19, 22, (25, 26), 23, 28]
    return KeypointConverter(19, [(source, target) for target, source in enumerate(mapping)])


@pytest.mark.parametrize('model, data', [('300w', 'wflw'), ('wflw', '300w'), ('cofw', 'aflw'),
                                         ('300w', '300vw')])
@pytest.mark.parametrize('packed', [False, True], ids=['before_packing', 'after_packing'])
def test_the_packed_sample_flips_as_the_model_does(model, data, packed):
    layout = TRANSFORMS.build(dict(type='ModelLandmarkLayout', scheme=model))
    results = sample(data)
    if packed:
        results = layout(PackPoseInputs()(results))
    else:
        results = PackPoseInputs()(layout(results))
    packed_sample = results['data_samples']
    assert packed_sample.metainfo['flip_indices'] == mmposes_metainfo(model)['flip_indices']
    # The annotation stays what it is.
    count = mmposes_metainfo(data)['num_keypoints']
    assert packed_sample.gt_instances.keypoints.shape == (1, count, 2)
    if packed:
        assert packed_sample.metainfo['model_scheme'] == model


def test_samples_share_no_list():
    layout = ModelLandmarkLayout('300w')
    first, second = layout(sample('wflw')), layout(sample('wflw'))
    first['flip_indices'][0] = -1
    assert second['flip_indices'][0] == 16


@pytest.mark.parametrize('scheme', ['300w', '300vw', 'wflw', 'cofw', 'aflw', 'lapa',
                                    'coco_wholebody_face'])
def test_flipping_twice_changes_nothing(scheme):
    flipped = np.array(ModelLandmarkLayout(scheme).flip_indices)
    assert len(flipped) == mmposes_metainfo(scheme)['num_keypoints']
    assert (flipped[flipped] == np.arange(len(flipped))).all() and (flipped != 0).sum() > 1


def test_an_unknown_scheme_is_named():
    with pytest.raises(KeyError, match='no landmark scheme named \'300x\''):
        ModelLandmarkLayout('300x')


class TestUpstreamKeypointConverter:
    """MMPose 1.3: converting an annotation leaves ``flip_indices`` wrong.

    These tests say what upstream does; should one fail after an update, the workaround may go.
    """

    def test_single_points_keep_the_indices_of_the_old_scheme(self):
        converted = wflw_to_300w()(sample('wflw'))
        assert converted['keypoints'].shape == (1, 68, 2)
        assert list(converted['flip_indices']) == mmposes_metainfo('wflw')['flip_indices']
        with pytest.raises(AssertionError):
            flip_heatmaps(torch.zeros(1, 68, 4, 4), converted['flip_indices'], shift_heatmap=False)

    def test_pairs_of_points_get_indices_of_the_right_length_and_wrong_value(self):
        converted = cofw_to_aflw()(sample('cofw'))
        found = list(converted['flip_indices'])
        assert len(found) == 19
        assert found != mmposes_metainfo('aflw')['flip_indices']
        # So nothing stops, and the two passes of a flip test disagree.
        maps, mirrored = perfect_maps('aflw')
        wrong = flip_heatmaps(mirrored, found, shift_heatmap=False)
        assert not torch.equal(wrong, maps)

    @pytest.mark.parametrize('converter, data, model', [(wflw_to_300w, 'wflw', '300w'),
                                                        (cofw_to_aflw, 'cofw', 'aflw')])
    def test_the_models_layout_mends_a_converted_sample(self, converter, data, model):
        results = ModelLandmarkLayout(model)(converter()(sample(data)))
        maps, mirrored = perfect_maps(model)
        assert torch.equal(
            flip_heatmaps(mirrored, results['flip_indices'], shift_heatmap=False), maps)

    @pytest.mark.parametrize('converter, data, model', [(wflw_to_300w, 'wflw', '300w'),
                                                        (cofw_to_aflw, 'cofw', 'aflw')])
    def test_no_conversion_is_needed_at_all(self, converter, data, model):
        """Our road: the annotation stays in its scheme, the model in its own."""
        results = ModelLandmarkLayout(model)(sample(data))
        maps, mirrored = perfect_maps(model)
        assert torch.equal(
            flip_heatmaps(mirrored, results['flip_indices'], shift_heatmap=False), maps)


def perfect_maps(scheme):
    """One map for each landmark, and those that a model gives for the mirrored face."""
    flip_indices = mmposes_metainfo(scheme)['flip_indices']
    maps = torch.rand(1, len(flip_indices), 4, 6, generator=torch.Generator().manual_seed(0))
    # The landmark k of the mirrored face is the mirrored landmark that changes places with k.
    return maps, copy.deepcopy(maps)[:, flip_indices].flip(-1)
