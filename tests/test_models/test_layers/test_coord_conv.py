import copy
import io

import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, build_conv_layer, build_upsample_layer, fuse_conv_bn
from mmengine.runner.checkpoint import load_state_dict as mmengine_load
from mmpose.registry import MODELS
from test_models.four_models import FOUR_MODELS, build_model
from torch import nn
from torch_abilities import needs_compiler, needs_torch_export

from mmpose_wass.models.layers import (
    CoordConv2d,
    CoordConvTranspose2d,
    check_coordinate_channels,
    convert_to_coord_conv,
    coordinate_maps,
)
from mmpose_wass.models.layers import coordinates as coordinates_module


def concatenated(layer, features):
    """A textbook CoordConv: concatenate the coordinates in every group, convolve once."""
    batch, channels, height, width = features.shape
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width),
                          indexing='ij')
    maps = [x, y] + ([(x**2 + y**2)**.5] if layer.radius else [])
    maps = torch.stack(maps).expand(batch, layer.groups, -1, -1, -1)
    grouped = features.view(batch, layer.groups, -1, height, width)
    joined = torch.cat([grouped, maps], dim=2).flatten(1, 2)
    if isinstance(layer, CoordConvTranspose2d):
        return F.conv_transpose2d(joined, layer.weight, layer.bias, layer.stride, layer.padding,
                                  layer.output_padding, layer.groups, layer.dilation)
    if layer.padding_mode != 'zeros':
        joined = F.pad(joined, layer._reversed_padding_repeated_twice, mode=layer.padding_mode)
        return F.conv2d(joined, layer.weight, layer.bias, layer.stride, 0, layer.dilation,
                        layer.groups)
    return F.conv2d(joined, layer.weight, layer.bias, layer.stride, layer.padding,
                    layer.dilation, layer.groups)


@pytest.mark.parametrize('options', [
    dict(kernel_size=1), dict(kernel_size=3, padding=1, stride=2, bias=False),
    dict(kernel_size=3, padding='same', dilation=2), dict(kernel_size=(3, 5), groups=2),
    dict(kernel_size=3, padding=1, groups=4, radius=True),
    dict(kernel_size=3, padding=1, padding_mode='reflect', radius=True)
])
def test_convolution_is_that_of_concatenated_coordinates(options):
    torch.manual_seed(0)
    layer = CoordConv2d(4, 8, **options)
    features = torch.randn(2, 4, 9, 12)
    torch.testing.assert_close(layer(features), concatenated(layer, features))


@pytest.mark.parametrize('options', [
    dict(kernel_size=4, stride=2, padding=1, bias=False),
    dict(kernel_size=3, stride=2, padding=1, output_padding=1, groups=2, radius=True),
    dict(kernel_size=2, stride=2, groups=4)
])
def test_transposed_convolution_likewise(options):
    torch.manual_seed(0)
    layer = CoordConvTranspose2d(4, 8, **options)
    features = torch.randn(2, 4, 5, 6)
    torch.testing.assert_close(layer(features), concatenated(layer, features))
    plain = nn.ConvTranspose2d(4, 8, **{k: v for k, v in options.items() if k != 'radius'})
    size = plain(features).shape
    assert layer(features, output_size=size[-2:]).shape == size


def test_registered_as_mmcv_layers():
    layer = build_conv_layer(dict(type='CoordConv', radius=True), 4, 8, 3, padding=1)
    assert isinstance(layer, CoordConv2d) and layer.weight.shape == (8, 7, 3, 3)
    assert layer.in_channels == 4
    module = ConvModule(4, 8, 3, padding=1, conv_cfg=dict(type='CoordConv'),
                        norm_cfg=dict(type='BN'))
    assert isinstance(module.conv, CoordConv2d)
    up = build_upsample_layer(dict(type='CoordDeconv', in_channels=4, out_channels=8,
                                   kernel_size=4, stride=2, padding=1))
    assert up(torch.rand(1, 4, 3, 3)).shape == (1, 8, 6, 6)


def test_mirroring_negates_x_to_the_last_bit():
    for width in (1, 2, 7, 48, 64, 91):
        x, y, radius = coordinate_maps(torch.zeros(1, 1, 5, width), radius=True)[0]
        assert torch.equal(x.flip(-1), -x) and torch.equal(y.flip(-1), y)
        assert torch.equal(radius.flip(-1), radius)
        assert x.abs().max() == (1 if width > 1 else 0)


def test_cache_is_bounded_and_serves_training_after_inference():
    coordinates_module._cached.cache_clear()
    for size in range(1, 2 * coordinates_module.CACHE_SIZE):
        coordinate_maps(torch.zeros(1, 1, 2, size))
    assert coordinates_module._cached.cache_info().currsize == coordinates_module.CACHE_SIZE
    layer = CoordConv2d(3, 2, 3)
    with torch.inference_mode():
        layer(torch.rand(1, 3, 8, 8))
    layer(torch.rand(1, 3, 8, 8)).sum().backward()
    assert layer.weight.grad[:, 3:].abs().sum() > 0
    kept = coordinate_maps(torch.zeros(1, 1, 8, 8))
    assert kept is coordinate_maps(torch.zeros(4, 2, 8, 8))


@pytest.mark.parametrize('radius', [False, True])
@pytest.mark.parametrize('name', list(FOUR_MODELS))
def test_converted_model_gives_the_same_output(name, radius):
    torch.manual_seed(0)
    plain = build_model(name)
    converted = copy.deepcopy(plain)
    names = convert_to_coord_conv(converted, radius=radius)
    kinds = nn.Conv2d, nn.ConvTranspose2d
    assert len(names) == sum(isinstance(module, kinds) for module in plain.modules())
    assert not any(type(module) in kinds for module in converted.modules())
    images = torch.randn(2, 3, 64, 64)
    for before, after in zip(*(_as_list(model(images, None, mode='tensor'))
                               for model in (plain, converted))):
        assert before.std() > 0
        torch.testing.assert_close(after, before, rtol=0, atol=1e-6)


@pytest.mark.parametrize('name', list(FOUR_MODELS))
def test_estimator_loads_plain_weights_and_the_reverse_is_refused(name):
    torch.manual_seed(0)
    plain = build_model(name)
    model = build_model(name, 'CoordConvPoseEstimator')
    assert all(not layer.split_weight()[1].any() for layer in _coord_convs(model))
    weights = plain.state_dict()
    shapes = {key: value.shape for key, value in weights.items()}
    model.load_state_dict(weights)  # strict
    assert shapes == {key: value.shape for key, value in weights.items()}
    images = torch.randn(1, 3, 64, 64)
    for before, after in zip(*(_as_list(one(images, None, mode='tensor'))
                               for one in (plain, model))):
        torch.testing.assert_close(after, before, rtol=0, atol=1e-6)
    for layer in _coord_convs(model):
        layer.weight.data.normal_()
    again = build_model(name, 'CoordConvPoseEstimator')
    mmengine_load(again, model.state_dict(), strict=True)
    assert torch.equal(again.state_dict()['backbone.' + _first(again)],
                       model.state_dict()['backbone.' + _first(model)])
    check_coordinate_channels(again, model.state_dict())
    check_coordinate_channels(plain, plain.state_dict())
    with pytest.raises(RuntimeError, match='size mismatch'):
        plain.load_state_dict(model.state_dict())
    with pytest.raises(ValueError, match="CoordConvPoseEstimator'"):
        check_coordinate_channels(plain, model.state_dict())


def test_pretrained_coordinates_survive_the_initialisation(tmp_path):
    first = build_model('simple_baselines', 'CoordConvPoseEstimator')
    for layer in _coord_convs(first.backbone):
        layer.weight.data.normal_()
    file = str(tmp_path / 'backbone.pth')
    torch.save(dict(state_dict=first.backbone.state_dict()), file)
    config = dict(FOUR_MODELS['simple_baselines'])
    config['backbone'] = dict(config['backbone'],
                              init_cfg=dict(type='Pretrained', checkpoint=file))
    second = MODELS.build(dict(type='CoordConvPoseEstimator', **config))
    second.init_weights()
    assert torch.equal(second.backbone.conv1.weight, first.backbone.conv1.weight)
    assert all(not layer.split_weight()[1].any() for layer in _coord_convs(second.head))


def test_radius_of_a_checkpoint_must_fit():
    weights = CoordConv2d(4, 2, 3, radius=True).state_dict()
    with pytest.raises(ValueError, match='radius=True'):
        CoordConv2d(4, 2, 3).load_state_dict(weights)
    with pytest.raises(RuntimeError, match='size mismatch'):
        CoordConv2d(8, 2, 3).load_state_dict(weights)
    plain = nn.Conv2d(4, 4, 3, groups=2)
    grouped = CoordConv2d(4, 4, 3, groups=2)
    grouped.load_state_dict(plain.state_dict())
    features = torch.rand(1, 4, 6, 6)
    assert torch.equal(grouped(features), plain(features))


def test_conversion_reports_skips_and_refuses():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.Conv2d(4, 4, 1)))
    with pytest.raises(ValueError, match='does not have'):
        convert_to_coord_conv(model, skip=['2'])
    assert convert_to_coord_conv(model, skip=['1']) == ['0']
    assert type(model[1][0]) is nn.Conv2d
    with pytest.raises(ValueError, match='no convolution'):
        convert_to_coord_conv(nn.Linear(2, 2))
    with pytest.raises(TypeError, match='0 is a Conv1d'):
        convert_to_coord_conv(nn.Sequential(nn.Conv1d(2, 2, 1)))


def test_conversion_keeps_sharing_freezing_types_and_random_numbers():
    shared = nn.Conv2d(4, 4, 3, padding=1).double()
    shared.weight.requires_grad_(False)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    convert_to_coord_conv(model)
    assert torch.equal(torch.rand(1), expected)
    assert model[0] is model[2] and model[0].weight.dtype == torch.float64
    assert not model[0].weight.requires_grad and model[0].bias.requires_grad


def test_fusing_with_the_normalisation_stays_exact():
    torch.manual_seed(0)
    model = nn.Sequential(CoordConv2d(3, 4, 3), nn.BatchNorm2d(4))
    for _ in range(3):
        model(torch.randn(4, 3, 8, 8) + 1)
    model.eval()
    images = torch.randn(1, 3, 8, 8)
    expected = model(images)
    torch.testing.assert_close(fuse_conv_bn(model)(images), expected)


@pytest.mark.parametrize('amp', [False, True])
def test_learns_a_position_that_plain_convolution_cannot(amp):
    """The same constant image every time; the target is one pixel of it."""
    image = torch.ones(1, 1, 16, 16)
    target = torch.tensor([5 * 16 + 11])

    def final_loss(model):
        optimizer = torch.optim.Adam(model.parameters(), lr=.03)
        for _ in range(150):
            with torch.autocast('cpu', dtype=torch.bfloat16, enabled=amp):
                logits = model(image).flatten(1)
            loss = F.cross_entropy(logits.float(), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return float(loss.detach()), int(logits.argmax())

    def network():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 16, 1), nn.ReLU(), nn.Conv2d(16, 16, 1), nn.ReLU(),
                             nn.Conv2d(16, 1, 1))

    loss, place = final_loss(network())
    assert loss == pytest.approx(torch.tensor(256.).log().item(), abs=1e-3)  # log of 16 x 16
    converted = network()
    convert_to_coord_conv(converted)
    loss, place = final_loss(converted)
    assert loss < 1 and place == int(target)


def test_flip_test_sees_the_mirrored_face_where_it_lies():
    """Coordinates belong to the network's input, not to the face: the mirrored pass is what
    the model says of the mirrored image."""
    torch.manual_seed(0)
    model = build_model('simple_baselines', 'CoordConvPoseEstimator',
                        test_cfg=dict(flip_test=True, flip_mode='heatmap'))
    for layer in _coord_convs(model):
        layer.weight.data += .1 * torch.randn_like(layer.weight)
    image = torch.randn(1, 3, 64, 64)
    both = model.extract_feat(image), model.extract_feat(image.flip(-1))
    with torch.no_grad():
        plain, mirrored = (model.head.forward(feats) for feats in both)
        stand_alone = model(image.flip(-1), None, mode='tensor')
    assert torch.equal(mirrored, stand_alone)
    assert (plain - mirrored.flip(-1)).abs().max() > 1e-3  # x has a say


def test_kernels_without_x_stay_equivariant_to_mirroring():
    torch.manual_seed(0)
    layer = CoordConv2d(2, 3, 3, padding=1, radius=True)
    with torch.no_grad():
        layer.weight.copy_(.5 * (layer.weight + layer.weight.flip(-1)))
        layer.weight[:, 2] = 0  # x; y and the radius are the same on both sides
    features = torch.randn(1, 2, 6, 7)
    torch.testing.assert_close(layer(features.flip(-1)), layer(features).flip(-1))


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(CoordConv2d(3, 4, 3, padding=1, radius=True),
                         CoordConvTranspose2d(4, 2, 2, 2)).eval()


def test_traced_graph_follows_the_size():
    model = small_network()
    exported = torch.jit.trace(model, torch.rand(1, 3, 8, 8))
    file = io.BytesIO()
    torch.jit.save(exported, file)
    file.seek(0)
    other = torch.rand(1, 3, 12, 9)
    torch.testing.assert_close(torch.jit.load(file)(other), model(other))


@needs_torch_export
def test_exported_graph_follows_the_size_and_leaves_the_cache_alone():
    model = small_network()
    coordinates_module._cached.cache_clear()
    sizes = {axis: torch.export.Dim(name, min=2, max=64)
             for axis, name in ((2, 'height'), (3, 'width'))}
    exported = torch.export.export(model, (torch.rand(1, 3, 8, 9), ), dynamic_shapes=(sizes, ))
    assert coordinates_module._cached.cache_info().currsize == 0  # nothing unreal is kept
    other = torch.rand(1, 3, 12, 10)
    torch.testing.assert_close(exported.module()(other), model(other))


@needs_compiler
def test_compiled():
    model = small_network()
    compiled = torch.compile(model, backend='eager', fullgraph=True)
    image = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(compiled(image), model(image))


def _coord_convs(model):
    return [m for m in model.modules() if isinstance(m, (CoordConv2d, CoordConvTranspose2d))]


def _first(model):
    return next(name for name, module in model.backbone.named_modules()
                if isinstance(module, CoordConv2d)) + '.weight'


def _as_list(maps):
    return maps if isinstance(maps, (list, tuple)) else [maps]
