"""Gradients of known size and place."""
import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import HOOKS
from mmpose.structures import PoseDataSample
from torch import nn

from mmpose_wass.engine.gradient_size_hook import GradientSizeHook, gradient_size


def samples_of(target, weights):
    found = []
    for maps, weight in zip(target, weights):
        sample = PoseDataSample()
        sample.gt_fields = PixelData(heatmaps=maps)
        sample.gt_instance_labels = InstanceData(keypoint_weights=weight[None])
        found.append(sample)
    return found


@pytest.fixture
def step():
    """A head of one layer, and what a step of it would give the hook."""
    torch.manual_seed(0)
    head = nn.Module()
    head.final_layer = nn.Conv2d(2, 3, 1)
    target = torch.zeros(4, 3, 8, 8)
    target[..., 4, 4] = 1
    scalars = {}
    runner = SimpleNamespace(
        model=SimpleNamespace(head=head), logger=logging.getLogger('gradient'),
        message_hub=SimpleNamespace(update_scalar=scalars.__setitem__))
    return runner, head, target, scalars


def test_what_is_logged_is_the_gradient_of_the_maps(step):
    runner, head, target, scalars = step
    weights = torch.ones(4, 3)
    weights[0, 0] = 0
    hook = HOOKS.build(dict(type='GradientSizeHook', radius=1.5))
    hook.before_train(runner)
    maps = head.final_layer(torch.randn(4, 2, 8, 8))
    factors = torch.randn(4, 3, 8, 8)
    (maps * factors).sum().div(12).backward()  # the mean over 12 maps: d loss / d maps is known
    hook.after_train_iter(runner, 0, dict(data_samples=samples_of(target, weights)))
    kept = factors.abs()[weights > 0]
    assert scalars['train/gradient_size'] == pytest.approx(
        kept.sum(dim=(-2, -1)).mean().item(), rel=1e-5)
    assert scalars['train/gradient_near_target'] == pytest.approx(
        kept[:, 3:6, 3:6].sum(dim=(-2, -1)).mean().item(), rel=1e-5)
    hook.after_train(runner)
    head.final_layer(torch.randn(1, 2, 8, 8))
    assert hook._maps is None


def test_training_is_not_changed(step):
    runner, head, target, _ = step
    inputs = torch.randn(4, 2, 8, 8)

    def gradient():
        head.zero_grad()
        head.final_layer(inputs).square().mean().backward()
        return head.final_layer.weight.grad.clone()

    plain = gradient()
    GradientSizeHook().before_train(runner)
    assert torch.equal(gradient(), plain)


def test_no_valid_landmark_is_no_number():
    size, near = gradient_size(torch.ones(1, 2, 4, 4), torch.ones(1, 2, 4, 4), torch.zeros(1, 2),
                               2.)
    assert size != size and near != near


def test_heads_without_the_layer_and_bad_radii_are_named(step):
    runner = SimpleNamespace(model=SimpleNamespace(head=nn.Identity()))
    with pytest.raises(ValueError, match='head with a final_layer, Identity has none'):
        GradientSizeHook().before_train(runner)
    with pytest.raises(ValueError, match='radius must be positive, got 0'):
        GradientSizeHook(radius=0)
