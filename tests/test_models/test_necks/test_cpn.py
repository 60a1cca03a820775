"""CPN: neck and head as in its paper, losses stage by stage."""
from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import KEYPOINT_CODECS, MODELS, TRANSFORMS
from mmpose.structures import PoseDataSample
from test_models.four_models import LANDMARKS, build_model
from torch import nn

from mmpose_wass.models.heads.probability_mixin import stage_targets
from mmpose_wass.models.losses import HardLandmarkLoss, WassersteinHeatmapLoss

CODEC = dict(type='BarycenterCodec', input_size=(64, 64), heatmap_size=(16, 16), sigma=1.5)
FLIP_INDICES = [1, 0, 2, 4, 3]


def samples(count=2, codec=CODEC):
    generator = np.random.default_rng(0)
    codec = KEYPOINT_CODECS.build(codec)
    result = []
    for _ in range(count):
        points = 16 + 32 * generator.random((1, LANDMARKS, 2))
        encoded = codec.encode(points.astype(np.float32), np.ones((1, LANDMARKS), np.float32))
        sample = PoseDataSample(metainfo=dict(
            flip_indices=FLIP_INDICES, input_size=(64, 64), input_center=np.array([32., 32.]),
            input_scale=np.array([64., 64.])))
        sample.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']))
        sample.gt_instance_labels = InstanceData(
            keypoint_weights=torch.from_numpy(encoded['keypoint_weights']))
        result.append(sample)
    return result


def cpn(**kwargs):
    torch.manual_seed(0)
    return build_model('cpn', decoder=CODEC, **kwargs)


def test_structure_is_that_of_the_paper():
    """ResNet-50 at 256 x 192: pyramid of 256 channels at strides 4 to 32, five maps of stride 4,
    bottlenecks 0, 1, 2, 3 and a last one on 1024 channels."""
    neck, head = MODELS.build(dict(type='CPNNeck')), MODELS.build(dict(type='CPNHead'))
    channels = (256, 512, 1024, 2048)
    feats = [torch.rand(1, width, 64 // 2**level, 48 // 2**level)
             for level, width in enumerate(channels)]
    with torch.no_grad():
        pyramid = neck(feats)
        maps = head(pyramid)
    assert [tuple(level.shape) for level in pyramid] == [
        (1, 256, 64 // 2**level, 48 // 2**level) for level in range(4)]
    assert [tuple(one.shape) for one in maps] == [(1, 68, 64, 48)] * 5
    assert [len(blocks) for blocks in head.refine_levels] == [0, 1, 2, 3]
    assert head.refine_merge[0].conv1.in_channels == 1024
    with torch.no_grad():
        torch.testing.assert_close(head.eval().final_stage(pyramid), head(pyramid)[-1])
    kernels = Counter(module.kernel_size for module in head.global_predictors)
    assert kernels == {(3, 3): 4} and head.refine_predictor.kernel_size == (3, 3)
    assert all(conv.conv.kernel_size == (1, 1) and conv.with_norm and conv.with_activation
               for conv in neck.lateral_convs)
    assert all(not conv.with_norm and not conv.with_activation for conv in neck.merge_convs)


def multiply_adds(layers, pixels):
    """Of all convolutions in some modules, in 2^30."""
    return sum(layer.weight.numel() for module in layers for layer in module.modules()
               if isinstance(layer, nn.Conv2d)) * pixels / 2**30


def test_refinenet_counts_as_in_the_papers_tables():
    """What parts of RefineNet add (Tables 4 and 5, 256 x 192) tells their layers: a bottleneck
    has a projection on its shortcut. GFLOPs are of 2^30, rounded to 0.01 before the difference."""
    def increments(**options):
        head = MODELS.build(dict(type='CPNHead', out_channels=17, **options))
        pixels = [64 * 48 / 4**level for level in range(4)]
        merge = head.refine_merge[0]
        # The share of one level's 256 channels in the last bottleneck.
        share = (merge.conv1.weight[:, :256].numel() +
                 merge.downsample.conv.weight[:, :256].numel()) * pixels[0] / 2**30
        blocks = [multiply_adds([level], count)
                  for level, count in zip(head.refine_levels, pixels)]
        one = [multiply_adds([head.refine_levels[1]], count) for count in pixels]
        return [sum(one), sum(blocks), *(share + block for block in blocks[1:])]

    published = [6.92 - 5.87, 6.20 - 5.87,  # one bottleneck a level, CPN; both less none
                 5.50 - 5.02, 5.88 - 5.50, 6.20 - 5.88]  # with C3, C4, C5
    assert increments() == pytest.approx(published, abs=.01)
    without = increments(projection=False)
    assert all(ours < theirs - .01 for ours, theirs in zip(without[:3], published))


def test_bottlenecks_without_projection_as_in_the_authors_later_code():
    head = MODELS.build(dict(type='CPNHead', in_channels=8, out_channels=3, projection=False))
    assert all(block.downsample is None for blocks in head.refine_levels for block in blocks)
    assert head.refine_merge[0].downsample is not None
    pyramid = [torch.rand(1, 8, 16 // 2**level, 16 // 2**level) for level in range(4)]
    assert [tuple(one.shape) for one in head(pyramid)] == [(1, 3, 16, 16)] * 5


def test_pyramid_adds_the_enlarged_level_above():
    neck = MODELS.build(dict(type='CPNNeck', in_channels=(4, 4), out_channels=4)).eval()
    fine, coarse = torch.rand(1, 4, 8, 8), torch.rand(1, 4, 4, 4)
    above = nn.functional.interpolate(neck.lateral_convs[1](coarse), size=(8, 8), mode='bilinear')
    expected = neck.lateral_convs[0](fine) + neck.merge_convs[0](above)
    torch.testing.assert_close(neck([fine, coarse])[0], expected)


def test_every_stage_has_its_loss():
    """GlobalNet's four see all landmarks, RefineNet's the hardest; each with its own weight."""
    wasserstein = dict(type='WassersteinHeatmapLoss', sigma=1.5)
    model = cpn(loss=dict(wasserstein, loss_weight=.125))
    head = model.head
    refine = HardLandmarkLoss(wasserstein, hard_landmarks=2)
    head.loss_module[-1] = refine
    feats = model.extract_feat(torch.rand(2, 3, 64, 64))
    batch = samples()
    losses = head.loss(feats, batch)
    target = torch.stack([sample.gt_fields.heatmaps for sample in batch])
    stages = head(feats)
    plain = WassersteinHeatmapLoss(sigma=1.5)
    expected = sum(.125 * plain(maps, target) for maps in stages[:4]) + refine(stages[4], target)
    torch.testing.assert_close(losses['loss_kpt'], expected)
    torch.testing.assert_close(losses['wasserstein_px'], plain(stages[4], target).detach(),
                               rtol=.01, atol=.01)
    losses['loss_kpt'].backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all()
               for p in model.parameters())  # all are used: DDP needs no search


def test_every_stage_can_have_its_own_targets():
    """Wider ones for coarser levels, by MMPose's own transforms."""
    sigmas = [2.8, 2.2, 1.8, 1.5, 1.5]
    wasserstein = [dict(type='WassersteinHeatmapLoss', sigma=sigma) for sigma in sigmas]
    head = cpn(loss=wasserstein).head
    generate = TRANSFORMS.build(dict(
        type='GenerateTarget', multilevel=True,
        encoder=[dict(CODEC, sigma=sigma) for sigma in sigmas]))
    pack = TRANSFORMS.build(dict(type='PackPoseInputs', meta_keys=()))
    generator, batch = np.random.default_rng(0), []
    for _ in range(2):
        points = (16 + 32 * generator.random((1, LANDMARKS, 2))).astype(np.float32)
        visible = np.ones((1, LANDMARKS), np.float32)
        visible[0, 0] = 0
        batch.append(pack(generate(dict(
            img=np.zeros((64, 64, 3), np.uint8), keypoints=points,
            keypoints_visible=visible)))['data_samples'])
    feats = [torch.rand(2, 16, 16 // 2**level, 16 // 2**level) for level in range(4)]
    losses = head.loss(feats, batch)
    targets = stage_targets(batch, 5)
    spread = [((target / target.sum((2, 3), keepdim=True)).square().sum((2, 3))[:, 1:]).mean()
              for target, _ in targets]
    assert spread == sorted(spread) and spread[0] < .5 * spread[-1]
    expected = 0
    for maps, (target, weights), loss in zip(head(feats), targets, wasserstein):
        assert weights.shape == (2, LANDMARKS) and (weights[:, 0] == 0).all()
        expected += MODELS.build(loss)(maps, target, weights)
    torch.testing.assert_close(losses['loss_kpt'], expected)
    with pytest.raises(ValueError, match='5 encoders, but the head has 2 stages'):
        stage_targets(batch, 2)


def build_head(**kwargs):
    return MODELS.build(dict(type='CPNHead', in_channels=8, out_channels=3, **kwargs))


def test_losses_from_a_config():
    head = build_head(
        loss=dict(type='KLHeatmapLoss', loss_weight=.25),
        refine_loss=dict(type='HardLandmarkLoss', loss=dict(type='JSHeatmapLoss')))
    kinds = [type(loss).__name__ for loss in head.loss_module]
    assert kinds == ['KLHeatmapLoss'] * 4 + ['HardLandmarkLoss']
    head = build_head(loss=[dict(type='KLHeatmapLoss')] * 4 + [
        dict(type='KeypointOHKMMSELoss', use_target_weight=True, topk=2)])
    assert [type(loss).__name__ for loss in head.loss_module][-1] == 'KeypointOHKMMSELoss'
    with pytest.raises(ValueError, match='either'):
        build_head(loss=[dict(type='KLHeatmapLoss')] * 5, refine_loss=dict(type='KLHeatmapLoss'))
    with pytest.raises(ValueError, match='num_stages'):
        build_head(loss=[dict(type='KLHeatmapLoss')] * 4)
    with pytest.raises(ValueError, match='expects 4 levels'):
        head([torch.rand(1, 8, 4, 4)])
    with pytest.raises(ValueError, match='out_indices'):
        MODELS.build(dict(type='CPNNeck'))([torch.rand(1, 8, 4, 4)])


def test_l2_variant_trains_and_predicts():
    """As the paper has it: L2 on every level, hard keypoints in RefineNet, arg max."""
    codec = dict(CODEC, target='peak', sampling='argmax', normalization='sum')
    torch.manual_seed(0)
    model = build_model('cpn', decoder=codec, loss=[
        dict(type='KeypointMSELoss', use_target_weight=True, loss_weight=.125)] * 4 + [
        dict(type='KeypointOHKMMSELoss', use_target_weight=True, topk=2)],
        test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=False))
    images, batch = torch.rand(2, 3, 64, 64), samples(codec=codec)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    values = []
    for _ in range(8):
        losses = model(images, batch, mode='loss')
        optimizer.zero_grad()
        losses['loss_kpt'].backward()
        optimizer.step()
        values.append(losses['loss_kpt'].item())
    assert values[-1] < .7 * values[0]
    model.eval()
    with torch.no_grad():
        feats = model.extract_feat(images), model.extract_feat(images.flip(-1))
        predictions = model.head.predict(list(feats), batch, model.test_cfg)
    assert predictions[0].keypoints.shape == (1, LANDMARKS, 2)


def test_coord_conv_and_group_norm_by_config():
    options = dict(conv_cfg=dict(type='CoordConv'), norm_cfg=dict(type='GN', num_groups=2))
    neck = MODELS.build(dict(type='CPNNeck', in_channels=(4, 8), out_channels=8, **options))
    head = build_head(num_levels=2, **options)
    kinds = Counter(type(m).__name__ for part in (neck, head) for m in part.modules())
    assert kinds['Conv2d'] == kinds['BatchNorm2d'] == 0
    assert kinds['CoordConv2d'] > 10 and kinds['GroupNorm'] > 5
    maps = head(neck([torch.rand(1, 4, 8, 8), torch.rand(1, 8, 4, 4)]))
    assert [tuple(one.shape) for one in maps] == [(1, 3, 8, 8)] * 3
