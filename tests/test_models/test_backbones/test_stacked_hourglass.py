import pytest
import torch
from mmpose.registry import MODELS
from test_models.four_models import LANDMARKS, build_model
from torch import nn


def build(**kwargs):
    torch.manual_seed(0)
    options = dict(out_channels=LANDMARKS, num_stacks=2, channels=16, depth=2)
    model = MODELS.build(dict(type='StackedHourglass', **dict(options, **kwargs)))
    model.eval()  # returns nothing in MMPose's backbones
    return model


def test_structure_is_that_of_the_paper():
    """Per stack 13 residual blocks in the hourglass (4 halvings: skip, down, up each; one in the
    middle) and one after it; three before the first; each with three convolutions."""
    model = MODELS.build(dict(type='StackedHourglass', out_channels=16, num_stacks=2))
    residuals = [m for m in model.modules() if type(m).__name__ == 'Residual']
    assert len(residuals) == 3 + 2 * (13 + 1)
    assert all(sum(isinstance(m, nn.Conv2d) for m in one.block) == 3 for one in residuals)
    maps = model(torch.rand(1, 3, 128, 192))
    assert [tuple(one.shape) for one in maps] == [(1, 16, 32, 48)] * 2


def test_maps_of_a_stack_feed_the_next():
    model = build()
    image = torch.rand(1, 3, 32, 32)
    first, second = model(image)
    with torch.no_grad():
        model.predictors[0].bias += 1
    moved, other = model(image)
    torch.testing.assert_close(moved, first + 1)
    assert (other - second).abs().max() > 1e-4
    assert list(model.map_consumers().values()) == list(model.merge_maps)


def test_sides_must_fit():
    with pytest.raises(ValueError, match='multiples of 16'):
        build()(torch.rand(1, 3, 40, 32))


def test_every_parameter_is_used_with_deep_supervision():
    model = build_model('hourglass')
    maps = model(torch.rand(2, 3, 64, 64), None, mode='tensor')
    sum(one.square().mean() for one in maps).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_head_has_no_layers_of_its_own():
    model = build_model('hourglass', loss=[dict(type='KLHeatmapLoss'),
                                           dict(type='WassersteinHeatmapLoss')])
    assert not list(model.head.parameters())
