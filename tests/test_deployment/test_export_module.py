"""The module that is exported predicts what MMPose predicts, whatever the codec's options."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from mmpose.codecs import MSRAHeatmap
from test_deployment.deployment_models import (
    FLIP_INDICES,
    LANDMARKS,
    SIDE,
    predict_with_mmpose,
    random_images,
    small_source,
)
from torch_abilities import HAS_HALF_ON_CPU, needs_half_on_cpu

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.deployment import ExportOptions, LandmarkExportModule
from mmpose_wass.deployment.export_module import DEFAULT_OPTIONS
from mmpose_wass.deployment.fixed_coordinates import fix_coordinates
from mmpose_wass.deployment.parity import FP16_TOLERANCE


def assert_same(source, images, options=DEFAULT_OPTIONS):
    module = LandmarkExportModule(source.model, options, source.landmarks.flip_indices)
    landmarks, confidences = (part.numpy() for part in module(torch.from_numpy(images)))
    wanted, scores = predict_with_mmpose(source.model, images)
    assert landmarks.shape == (len(images), LANDMARKS, 2)
    assert np.abs(wanted[0] - wanted[1]).max() > .1  # not all in the middle
    np.testing.assert_allclose(landmarks, wanted, atol=1e-4)
    np.testing.assert_allclose(confidences, scores, atol=1e-5)


@pytest.mark.parametrize('sampling', ['barycenter', 'argmax'])
@pytest.mark.parametrize('normalization', ['softmax', 'sum'])
@pytest.mark.parametrize('coordinates', ['half_pixel', 'mmpose', 'udp'])
def test_every_option_of_the_codec(sampling, normalization, coordinates):
    source = small_source(sampling=sampling, normalization=normalization, coordinates=coordinates,
                          score_radius=2.5)
    assert_same(source, random_images())


@pytest.mark.parametrize('name', ['hrnet', 'hourglass', 'cpn'])
@pytest.mark.parametrize('estimator', ['TopdownPoseEstimator', 'CoordConvPoseEstimator'])
def test_every_model(name, estimator):
    assert_same(small_source(name, estimator), random_images())


@pytest.mark.parametrize('preprocessor', [
    dict(type='PoseDataPreprocessor', mean=[100., 110., 120.], std=[40., 50., 60.]),
    dict(type='PoseDataPreprocessor', mean=[127.5], std=[64.], bgr_to_rgb=True),
    dict(type='PoseDataPreprocessor')
])
def test_every_preprocessor(preprocessor):
    assert_same(small_source(preprocessor=preprocessor), random_images())


@pytest.mark.parametrize('test_cfg, codec', [
    (dict(flip_test=True), dict()),
    (dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True),
     dict(sampling='argmax', normalization='sum', coordinates='mmpose'))
])
def test_flip_test_in_the_graph(test_cfg, codec):
    source = small_source(test_cfg=test_cfg, **codec)
    images = random_images()
    assert_same(source, images, ExportOptions(flip_test=True))
    once = LandmarkExportModule(source.model)(torch.from_numpy(images))[0].numpy()
    assert np.abs(once - predict_with_mmpose(source.model, images)[0]).max() > .1


def test_flip_test_of_a_stock_head_averages_raw_maps():
    from mmpose.registry import MODELS
    source = small_source(test_cfg=dict(flip_test=True, shift_heatmap=False))
    decoder = source.model.head.decoder
    stock = MODELS.build(dict(type='HeatmapHead', in_channels=64, out_channels=LANDMARKS,
                              deconv_out_channels=(8, 8, 8)))
    stock.load_state_dict(source.model.head.state_dict(), strict=False)
    stock.decoder = decoder
    averaged = predict_with_mmpose(source.model, random_images())[0]
    source.model.head = stock.eval()
    assert_same(source, random_images(), ExportOptions(flip_test=True))
    assert np.abs(predict_with_mmpose(source.model, random_images())[0] - averaged).max() > .01


def test_flip_test_of_a_mirrored_image_is_the_mirrored_result():
    source = small_source()
    module = LandmarkExportModule(source.model, ExportOptions(flip_test=True), FLIP_INDICES)
    images = torch.from_numpy(random_images())
    plain, mirrored = module(images)[0], module(images.flip(-1))[0]
    mirrored = mirrored[:, list(FLIP_INDICES)]
    torch.testing.assert_close(mirrored[..., 0], SIDE - 1 - plain[..., 0], atol=1e-3, rtol=0)
    torch.testing.assert_close(mirrored[..., 1], plain[..., 1], atol=1e-3, rtol=0)


def test_only_the_chosen_landmarks_come_out():
    source = small_source(test_cfg=dict(output_keypoint_indices=[3, 1]))
    images = random_images()
    module = LandmarkExportModule(source.model)
    landmarks, confidences = module(torch.from_numpy(images))
    assert module.num_landmarks == 2
    wanted, scores = predict_with_mmpose(source.model, images)
    np.testing.assert_allclose(landmarks, wanted, atol=1e-4)
    np.testing.assert_allclose(confidences, scores, atol=1e-5)


def test_channel_order_and_type_of_the_input():
    source = small_source()
    images = torch.from_numpy(random_images())
    wanted = LandmarkExportModule(source.model)(images)[0]
    swapped = LandmarkExportModule(
        source.model, ExportOptions(channel_order='rgb', input_type='float32'))
    torch.testing.assert_close(swapped(images.flip(1).float())[0], wanted)
    assert not torch.allclose(swapped(images.float())[0], wanted, atol=.1)


@needs_half_on_cpu
def test_half_precision_is_near_and_decodes_in_float32():
    source = small_source()
    images = torch.from_numpy(random_images())
    wanted = LandmarkExportModule(source.model)(images)
    half = LandmarkExportModule(source.model, ExportOptions(precision='fp16'))
    assert half.maps(half.normalized(images)).dtype == torch.float16
    assert half.probabilities(images).dtype == torch.float32
    found = half(images)
    assert found[0].dtype == found[1].dtype == torch.float32
    assert 0 < (found[0] - wanted[0]).abs().max() < FP16_TOLERANCE


def test_the_model_itself_is_left_as_it_was():
    source = small_source('simple_baselines', 'CoordConvPoseEstimator')
    before = {name: value.clone() for name, value in source.model.state_dict().items()}
    module = LandmarkExportModule(source.model, ExportOptions(precision='fp16'))
    if HAS_HALF_ON_CPU:
        module(torch.from_numpy(random_images()))
    after = source.model.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert source.model.head.decoder is not None and source.model.head.loss_module is not None
    assert all(parameter.requires_grad for parameter in source.model.parameters())
    # Another size still has its own coordinates.
    source.model(torch.zeros(1, 3, 96, 96), None)


def test_fixed_coordinates_are_shared_between_layers_of_one_size():
    network = small_source('hrnet', 'CoordConvPoseEstimator').model
    names = fix_coordinates(network, torch.zeros(1, 3, SIDE, SIDE))
    layers = [module for name, module in network.named_modules() if name in names]
    assert len(layers) == len(names) > 20
    kept = {layer.fixed_coordinates.data_ptr(): layer.fixed_coordinates.shape[-1]
            for layer in layers}
    assert sorted(kept.values()) == sorted(set(kept.values()))
    assert not any('fixed' in name for name in network.state_dict())


@pytest.mark.parametrize('options, expected', [
    (dict(input_type='int8'), "input_type must be one of ('uint8', 'float32'), got 'int8'"),
    (dict(channel_order='gbr'), 'channel_order'), (dict(precision='bf16'), 'precision')
])
def test_unknown_options_are_refused(options, expected):
    with pytest.raises(ValueError) as caught:
        LandmarkExportModule(small_source(peaks=False).model, ExportOptions(**options))
    assert expected in str(caught.value)


class OwnCodec(BarycenterCodec):
    """Decodes in a way of its own."""

    def batch_decode(self, batch_encoded):
        raise NotImplementedError


@pytest.mark.parametrize('decoder, expected', [
    (MSRAHeatmap((SIDE, SIDE), (16, 16), 2), ["MSRAHeatmap", "sampling='argmax'", "'mmpose'"]),
    (OwnCodec((SIDE, SIDE), (16, 16)), ['OwnCodec', 'batch_decode']),
    (None, ['model.head.decoder']),
])
def test_what_cannot_be_exported_is_named_with_the_remedy(decoder, expected):
    model = small_source(peaks=False).model
    model.head.decoder = decoder
    with pytest.raises(ValueError) as caught:
        LandmarkExportModule(model)
    assert all(text in str(caught.value) for text in expected)


def test_what_the_message_recommends_for_msra_decodes_alike():
    """Arg max and a quarter pixel, times the stride; borders and ties aside."""
    maps = np.random.default_rng(0).uniform(0, 1, (6, 16, 16)).astype(np.float32)
    maps[:, [0, 1, -1]] = maps[:, :, [0, 1, -1]] = 0
    ours = BarycenterCodec((SIDE, SIDE), (16, 16), 2, sampling='argmax', normalization='sum',
                           target='peak', coordinates='mmpose')
    theirs = MSRAHeatmap((SIDE, SIDE), (16, 16), 2)
    np.testing.assert_allclose(ours.decode(maps)[0], theirs.decode(maps)[0], atol=1e-4)


def test_other_models_and_settings_are_refused():
    with pytest.raises(ValueError, match='TopdownPoseEstimator'):
        LandmarkExportModule(torch.nn.Identity())
    source = small_source(peaks=False)
    with pytest.raises(ValueError, match='flip_indices must be 5 numbers, found none'):
        LandmarkExportModule(source.model, ExportOptions(flip_test=True))
    biased = small_source(peaks=False, coordinates='mmpose')
    with pytest.raises(ValueError, match='flip test'):
        LandmarkExportModule(biased.model, ExportOptions(flip_test=True), FLIP_INDICES)
    padded = small_source(peaks=False)
    padded.model.data_preprocessor.pad_size_divisor = 48
    with pytest.raises(ValueError, match='pad_size_divisor=48'):
        LandmarkExportModule(padded.model)
