from unittest import mock

import numpy as np
import pytest
import torch
from maps import exact_wasserstein, gaussian
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.models.losses import KLHeatmapLoss, WassersteinHeatmapLoss
from mmpose_wass.ot import softmax_map

CODEC = dict(type='BarycenterCodec', input_size=(64, 64), heatmap_size=(16, 16), sigma=1.5)
FLIP_INDICES = [1, 0, 2]
W_AND_KL = dict(
    type='WeightedSumHeatmapLoss',
    losses=dict(
        wasserstein=dict(type='WassersteinHeatmapLoss', loss_weight=2.0),
        kl=dict(type='KLHeatmapLoss', loss_weight=.5)))


def build(kind='ProbabilityHeatmapHead', loss=W_AND_KL, codec=CODEC, seed=0):
    """A head whose forward pass hands its (last) feature map on, if it has 3 channels."""
    torch.manual_seed(seed)
    stages = dict(num_stages=2) if 'CPM' in kind else {}
    extra = dict(deconv_out_channels=None)
    return MODELS.build(
        dict(type=kind, in_channels=3, out_channels=3, loss=loss, decoder=codec, **extra, **stages))


def samples(batch=2, seed=0):
    generator = np.random.default_rng(seed)
    codec = BarycenterCodec(**{k: v for k, v in CODEC.items() if k != 'type'})
    result = []
    for _ in range(batch):
        encoded = codec.encode((16 + 32 * generator.random((1, 3, 2))).astype(np.float32))
        sample = PoseDataSample(metainfo=dict(flip_indices=FLIP_INDICES))
        sample.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']))
        sample.gt_instance_labels = InstanceData(
            keypoint_weights=torch.from_numpy(encoded['keypoint_weights']))
        result.append(sample)
    return result


def pass_through(head):
    """Let features be maps: what the tests say about averaging then is exact."""
    head.forward = (lambda feats: [feats[-1]] * 2) if hasattr(head, 'num_stages') else \
        (lambda feats: feats[-1])
    return head


def maps(seed=0, scale=3.0):
    return torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * scale


@pytest.mark.parametrize('kind', ['ProbabilityHeatmapHead', 'ProbabilityCPMHead'])
def test_flip_test_averages_probabilities(kind):
    head = pass_through(build(kind))
    plain, flipped = maps(0), maps(1)
    predictions, fields = head.predict([(plain, ), (flipped, )], samples(),
                                       dict(flip_test=True, output_heatmaps=True))
    expected = .5 * (softmax_map(plain) + softmax_map(flipped).flip(-1)[:, FLIP_INDICES])
    stacked = torch.stack([field.heatmaps for field in fields])
    torch.testing.assert_close(stacked, expected)
    torch.testing.assert_close(stacked.sum(dim=(2, 3)), torch.ones(2, 3))
    ours = np.concatenate([prediction.keypoints for prediction in predictions])
    columns = (expected.sum(dim=2) * torch.arange(16)).sum(dim=-1)
    np.testing.assert_allclose(ours[..., 0], (4 * columns + 1.5).numpy(), rtol=1e-4)

    stock = pass_through(build(kind.replace('Probability', '')))
    theirs = np.concatenate([
        prediction.keypoints for prediction in stock.predict([(plain, ), (flipped, )], samples(),
                                                             dict(flip_test=True))])
    geometric = softmax_map(.5 * (plain + flipped.flip(-1)[:, FLIP_INDICES]))
    columns = (geometric.sum(dim=2) * torch.arange(16)).sum(dim=-1)
    np.testing.assert_allclose(theirs[..., 0], (4 * columns + 1.5).numpy(), rtol=1e-4)
    assert np.abs(ours - theirs).max() > .1


def test_both_averages_agree_where_the_passes_agree():
    head, stock = pass_through(build()), pass_through(build('HeatmapHead'))
    plain = maps()
    flipped = plain[:, FLIP_INDICES].flip(-1)
    arguments = [(plain, ), (flipped, )], samples(), dict(flip_test=True)
    for ours, theirs in zip(head.predict(*arguments), stock.predict(*arguments)):
        np.testing.assert_allclose(ours.keypoints, theirs.keypoints, atol=1e-3)


def estimator(coordinates):
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='TopdownPoseEstimator',
        backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8),
        head=dict(
            type='ProbabilityHeatmapHead', in_channels=64, out_channels=3,
            deconv_out_channels=(16, 16, 16), deconv_kernel_sizes=(4, 4, 4),
            loss=W_AND_KL,
            decoder=dict(CODEC, input_size=(128, 128), heatmap_size=(32, 32),
                         coordinates=coordinates)),
        test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=False)))
    model.eval()
    with torch.no_grad():  # MMPose's tiny initial weights give flat maps
        logits = model(torch.rand(1, 3, 128, 128), None, mode='tensor')
        model.head.final_layer.weight *= 4 / logits.std(dim=(2, 3)).mean()
        model.head.final_layer.bias.zero_()
    return model


@pytest.mark.parametrize('coordinates', ['half_pixel', 'udp'])
def test_a_mirrored_image_gives_mirrored_predictions(coordinates):
    model = estimator(coordinates)
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(3)) * 4 - 2

    def predict(inputs):
        sample = PoseDataSample(metainfo=dict(
            flip_indices=FLIP_INDICES, input_center=np.array([64., 64.]),
            input_scale=np.array([128., 128.]), input_size=(128, 128)))
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        return model.predict(inputs, [sample])[0].pred_instances.keypoints[0]

    with torch.no_grad():
        plain, mirrored = predict(image), predict(image.flip(-1))
    # UDP's decoded coordinates are W / (W - 1) times input pixels, see coordinate_map.
    last = 127 if coordinates == 'half_pixel' else 128
    expected = plain[FLIP_INDICES] * [-1, 1] + [last, 0]
    np.testing.assert_allclose(mirrored, expected, atol=1e-3)
    assert plain.std(axis=0).min() > .5  # the points do differ


def test_terms_and_pixels_are_logged_and_no_pck():
    head = pass_through(build())
    batch = samples()
    with mock.patch('mmpose.models.heads.heatmap_heads.heatmap_head.pose_pck_accuracy') as pck:
        losses = head.loss((maps(), ), batch)
    pck.assert_not_called()
    assert set(losses) == {'loss_wasserstein', 'loss_kl', 'wasserstein_px'}
    target = torch.stack([sample.gt_fields.heatmaps for sample in batch])
    distance = WassersteinHeatmapLoss()(maps(), target)
    torch.testing.assert_close(losses['wasserstein_px'], distance)
    torch.testing.assert_close(losses['loss_wasserstein'], 2 * distance)
    torch.testing.assert_close(losses['loss_kl'], .5 * KLHeatmapLoss()(maps(), target))


def test_single_losses_keep_the_stock_name():
    head = pass_through(build(loss=dict(type='WassersteinHeatmapLoss')))
    losses = head.loss((maps(), ), samples())
    assert set(losses) == {'loss_kpt', 'wasserstein_px'}
    torch.testing.assert_close(losses['loss_kpt'], losses['wasserstein_px'])


@pytest.mark.parametrize('loss', [
    dict(type='KLHeatmapLoss'),
    dict(type='KeypointMSELoss'),
    dict(type='WassersteinHeatmapLoss', loss_weight=0.),
])
def test_pixels_are_logged_for_any_loss_unless_switched_off(loss):
    head = pass_through(build(loss=loss))
    target = torch.stack([sample.gt_fields.heatmaps for sample in samples()])
    losses = head.loss((maps().requires_grad_(), ), samples())
    expected = WassersteinHeatmapLoss()(maps(), target)
    torch.testing.assert_close(losses['wasserstein_px'], expected, rtol=.02, atol=1e-3)
    assert not losses['wasserstein_px'].requires_grad
    assert 'wasserstein_px' not in head.loss((maps(), ), samples(), dict(log_wasserstein=False))


@pytest.mark.parametrize('sigma', [1.5, 4.0, 14.0])
def test_pixels_are_logged_for_targets_unlike_the_decoders(sigma):
    """A hook may widen targets through a training, and any other loss may have wider ones yet."""
    head = pass_through(build(loss=dict(type='KLHeatmapLoss')))
    batch = samples()
    for sample in batch:
        sample.gt_fields.heatmaps = torch.stack(
            [gaussian((7.2 + k, 8.4), sigma, (16, 16), torch.float32) for k in range(3)])
    logits = gaussian((4.1, 6.3), 1.5, (16, 16), torch.float32).log().expand(2, 3, 16, 16)
    target = torch.stack([sample.gt_fields.heatmaps for sample in batch])
    found = head.loss((logits, ), batch)['wasserstein_px']
    p, q = softmax_map(logits.double()), target.double()
    exact = [exact_wasserstein(one, other) for one, other in
             zip(p.flatten(0, 1), (q / q.sum(dim=(2, 3), keepdim=True)).flatten(0, 1))]
    assert float(found) == pytest.approx(np.mean(exact), rel=.02)


def test_values_of_an_l2_map_are_measured_as_the_decoder_reads_them():
    codec = dict(CODEC, normalization='sum', sampling='argmax', target='peak')
    head = pass_through(build(loss=dict(type='KeypointMSELoss'), codec=codec))
    target = torch.stack([sample.gt_fields.heatmaps for sample in samples()])
    losses = head.loss((target * 7, ), samples())
    assert float(losses['wasserstein_px']) < 1e-3


def test_stages_add_up_and_may_have_losses_of_their_own():
    kl, wasserstein = dict(type='KLHeatmapLoss'), dict(type='WassersteinHeatmapLoss')
    one = pass_through(build(loss=kl)).loss((maps(), ), samples())['loss_kpt']
    two = pass_through(build('ProbabilityCPMHead', loss=kl)).loss((maps(), ), samples())
    torch.testing.assert_close(two['loss_kpt'], 2 * one)
    mixed = pass_through(build('ProbabilityCPMHead', loss=[kl, wasserstein])).loss(
        (maps(), ), samples())
    torch.testing.assert_close(mixed['loss_kpt'], one + mixed['wasserstein_px'])


@pytest.mark.parametrize('kind', ['HeatmapHead', 'CPMHead'])
@pytest.mark.parametrize('loss', [dict(type='WassersteinHeatmapLoss'), W_AND_KL])
def test_stock_heads_work_unchanged(kind, loss):
    head = build(kind, loss)
    feats = [maps().requires_grad_()] * 2 if kind == 'CPMHead' else (maps().requires_grad_(), )
    losses = head.loss(feats, samples())
    losses['loss_kpt'].backward()
    assert float(losses['loss_kpt'].detach()) > 0
    assert any(float(parameter.grad.abs().sum()) > 0 for parameter in head.parameters())
    assert len(head.predict(feats, samples())) == 2


@pytest.mark.parametrize('change, test_cfg, setting', [
    (dict(coordinates='mmpose'), {}, 'half_pixel'),
    ({}, dict(shift_heatmap=True), 'shift_heatmap=False'),
    ({}, dict(flip_mode='udp_combined'), "flip_mode='heatmap'"),
])
def test_biasing_flip_settings_are_refused_by_name(change, test_cfg, setting):
    head = pass_through(build(codec=dict(CODEC, **change)))
    with pytest.raises(ValueError, match=setting):
        head.predict([(maps(), ), (maps(), )], samples(), dict(flip_test=True, **test_cfg))


def test_without_flip_test_any_convention_predicts():
    head = pass_through(build(codec=dict(CODEC, coordinates='mmpose')))
    assert len(head.predict((maps(), ), samples(), dict(flip_test=False))) == 2


def test_other_decoders_predict_as_in_the_stock_head():
    codec = dict(CODEC, type='MSRAHeatmap')
    ours, stock = pass_through(build(codec=codec)), pass_through(build('HeatmapHead', codec=codec))
    for mine, theirs in zip(ours.predict((maps(), ), samples()),
                            stock.predict((maps(), ), samples())):
        np.testing.assert_array_equal(mine.keypoints, theirs.keypoints)
