"""What every heatmap loss of the package promises, read from the registry."""
import pytest
import torch
from heatmap_losses import ARGUMENTS, loss_configs
from maps import gaussian
from mmpose.registry import MODELS

import mmpose_wass.models.losses as package

CONFIGS = loss_configs()
SHAPE = (16, 16)


def batch():
    """Logits ``[2, 3, 16, 16]`` and targets."""
    logits = torch.randn(2, 3, *SHAPE, generator=torch.Generator().manual_seed(0))
    centres = [[(4, 5), (9, 8), (11, 6)], [(7, 7), (5, 10), (10, 10)]]
    target = torch.stack([torch.stack([gaussian(centre, 1.5, SHAPE, torch.float32)
                                       for centre in row]) for row in centres])
    return logits, target


def value_and_gradient(config, logits, target, **others):
    logits = logits.clone().requires_grad_()
    value = MODELS.build(config)(logits, target, **others)
    value.backward()
    return value.detach(), logits.grad


def test_all_are_here():
    """The base class has no distance of its own; everything else the package exports is a loss."""
    assert set(CONFIGS) == set(package.__all__) - {'SoftmaxHeatmapLoss'}
    assert set(ARGUMENTS) <= set(CONFIGS)


@pytest.mark.parametrize('name', list(CONFIGS))
@pytest.mark.parametrize('spoilt', ['nan', 'inf', 'map of nan', 'map of inf', 'map of -inf'])
def test_a_map_that_is_none_never_has_a_finite_value(name, spoilt):
    """Else one step makes all weights NaN while the log shows a loss like any other."""
    logits, target = batch()
    place = (1, 2) if spoilt.startswith('map') else (1, 2, 3, 12)  # far from the target
    logits[place] = float(spoilt.split()[-1])
    value, gradient = value_and_gradient(CONFIGS[name], logits, target)
    assert not torch.isfinite(value)
    # The loss may leave out maps (the hardest alone count), but none that is spoilt.
    assert torch.isnan(gradient[1, 2]).any()


@pytest.mark.parametrize('name', list(CONFIGS))
def test_a_pixel_of_minus_infinity_is_a_pixel_of_no_mass(name):
    """As a mask makes it: value and gradient are those of a logit that is very small."""
    logits, target = batch()
    target[1, 2, 3, 12] = 0  # where there is any, the KL divergence is infinite by definition
    logits[1, 2, 3, 12] = -float('inf')
    small = logits.clone().clamp_min(-300.)  # exp(-300) is 0 in float32
    value, gradient = value_and_gradient(CONFIGS[name], logits, target)
    expected, slope = value_and_gradient(CONFIGS[name], small, target)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(gradient, slope)
    assert torch.isfinite(value) and gradient[1, 2, 3, 12] == 0


@pytest.mark.parametrize('name', list(CONFIGS))
@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_ignored_landmarks_may_hold_anything(name, value):
    logits, target = batch()
    weights = torch.ones(2, 3)
    weights[1, 2] = 0
    expected, slope = value_and_gradient(CONFIGS[name], logits, target, target_weights=weights)
    logits[1, 2] = float(value)
    found, gradient = value_and_gradient(CONFIGS[name], logits, target, target_weights=weights)
    assert found == expected and torch.equal(gradient, slope)
    assert (gradient[1, 2] == 0).all()
