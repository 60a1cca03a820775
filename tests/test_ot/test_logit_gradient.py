"""The gradient with respect to logits: exact by default, and off the plateau by choice."""
import pytest
import torch
from maps import gaussian

from mmpose_wass.models.losses import WassersteinHeatmapLoss
from mmpose_wass.ot import (
    LOGIT_GRADIENTS,
    ExactSolver,
    GradedSolver,
    LogitGradient,
    softmax_map,
    softmax_wasserstein1,
)

SHAPE, SIGMA = (16, 18), 1.0
RADIUS = 3 * SIGMA + 1
CHOICES = dict(LOGIT_GRADIENTS, power=LogitGradient(power=.5),
               both=LogitGradient(target_share=.2, power=.7))


def pairs(count=4, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(count, *SHAPE, generator=generator, dtype=dtype)
    target = torch.stack([gaussian((5 + 2 * k, 6 + k), SIGMA, SHAPE, dtype)
                          for k in range(count)])
    return logits, target


def value_and_gradient(logits, target, choice, solver=None, **options):
    logits = logits.clone().requires_grad_()
    values = softmax_wasserstein1(logits, target, solver or GradedSolver(radius=RADIUS),
                                  logit_gradient=choice, **options)
    values.sum().backward()
    return values.detach(), logits.grad


def descend(logits, target, choice, steps, rate=1.):
    """Plain gradient descent; mass within 3 sigma of the target before each step, and the end."""
    near = target > target.max() * torch.exp(torch.tensor(-4.5))
    masses, solver = [], GradedSolver(radius=RADIUS)
    for _ in range(steps):
        masses.append(float((softmax_map(logits) * near).sum()))
        logits = logits - rate * value_and_gradient(logits, target, choice, solver)[1]
    return masses, logits


@pytest.mark.parametrize('temperature', [1.0, 2.5])
def test_exact_is_the_slope_of_the_value(temperature):
    """Against finite differences of POT's exact linear program, which knows no potential."""
    logits, target = pairs(2)
    solver = ExactSolver()
    _, gradient = value_and_gradient(logits, target, LOGIT_GRADIENTS['exact'], solver,
                                     temperature=temperature)
    direction = torch.randn(logits.shape, generator=torch.Generator().manual_seed(3),
                            dtype=torch.float64)
    step = 1e-5
    ahead, behind = (softmax_wasserstein1(logits + sign * step * direction, target, solver,
                                          temperature) for sign in (1, -1))
    slope = (ahead - behind) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(dim=(1, 2)), slope, rtol=1e-4, atol=1e-6)


def test_exact_is_autograd_through_the_softmax():
    logits, target = pairs()
    logits.requires_grad_()
    expected, = torch.autograd.grad(
        GradedSolver(radius=RADIUS)(softmax_map(logits), target).value.sum(), logits)
    _, found = value_and_gradient(logits.detach(), target, LogitGradient())
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-12)
    # Neither is that of the others.
    for name in ('mixture', 'power'):
        _, other = value_and_gradient(logits.detach(), target, CHOICES[name])
        assert float((other - expected).abs().sum()) > .1 * float(expected.abs().sum())


@pytest.mark.parametrize('name', CHOICES)
def test_components_sum_to_zero(name):
    logits, target = pairs()
    _, gradient = value_and_gradient(logits, target, CHOICES[name])
    assert (gradient.abs().sum(dim=(1, 2)) > .1).all()
    torch.testing.assert_close(gradient.sum(dim=(1, 2)), torch.zeros(4, dtype=torch.float64),
                               rtol=0, atol=1e-10)


@pytest.mark.parametrize('name', CHOICES)
def test_the_value_is_untouched(name):
    logits, target = pairs(dtype=torch.float32)
    exact, _ = value_and_gradient(logits, target, LogitGradient())
    values, _ = value_and_gradient(logits, target, CHOICES[name])
    assert torch.equal(values, exact)


@pytest.mark.parametrize('name', CHOICES)
def test_it_vanishes_at_the_target(name):
    _, target = pairs(dtype=torch.float32)
    logits = target.clamp_min(1e-30).log()
    values, gradient = value_and_gradient(logits, target, CHOICES[name])
    assert (values < 1e-3).all()
    assert (gradient.abs().sum(dim=(1, 2)) < 1e-3).all()


@pytest.mark.parametrize('name', CHOICES)
def test_a_step_down_is_a_step_nearer(name):
    """A small step lowers the distance, whichever gradient it follows."""
    logits, target = pairs()
    values, gradient = value_and_gradient(logits, target, CHOICES[name])
    after, _ = value_and_gradient(logits - .05 * gradient, target, CHOICES[name])
    assert (after < values).all()


def test_mixture_reaches_the_target_from_uniform_in_fewer_steps():
    target = gaussian((12, 4), SIGMA, SHAPE)[None]
    start = torch.zeros(1, *SHAPE, dtype=torch.float64)
    first = {}
    for name in ('exact', 'mixture'):
        masses, _ = descend(start, target, LOGIT_GRADIENTS[name], 60)
        first[name] = next((step for step, mass in enumerate(masses) if mass > .5), 60)
    assert first['mixture'] < .6 * first['exact']


def test_mixture_leaves_a_far_wrong_mode_where_exact_starves():
    """Exact gathers the wrong mass on a wrong pixel, where its gradient is gone: the plateau."""
    target = gaussian((14, 3), SIGMA, SHAPE)[None]
    wrong = gaussian((3, 12), 1.5, SHAPE)[None]
    start = (.98 * wrong + .02 / wrong[0].numel()).log()
    masses, end = descend(start, target, LOGIT_GRADIENTS['exact'], 120)
    values, gradient = value_and_gradient(end, target, LOGIT_GRADIENTS['exact'])
    assert max(masses) < .02 and values > 8 and gradient.abs().sum() < .2
    masses, end = descend(start, target, LOGIT_GRADIENTS['mixture'], 120)
    values, _ = value_and_gradient(end, target, LOGIT_GRADIENTS['exact'])
    assert masses[-1] > .5 and values < 4


def test_maps_that_do_not_count_and_temperature():
    logits, target = pairs()
    valid = torch.tensor([True, False, True, True])
    _, plain = value_and_gradient(logits, target, CHOICES['mixture'])
    _, found = value_and_gradient(logits, target, CHOICES['mixture'], valid=valid)
    assert (found[1] == 0).all() and torch.equal(found[valid], plain[valid])
    _, warm = value_and_gradient(3 * logits, target, CHOICES['mixture'], temperature=3.)
    torch.testing.assert_close(3 * warm, plain, rtol=1e-9, atol=1e-12)


def test_the_loss_takes_names_and_options():
    logits, target = pairs(dtype=torch.float32)
    for given, choice in (('exact', CHOICES['exact']), ('mixture', CHOICES['mixture']),
                          (dict(power=.5), CHOICES['power']),
                          (dict(target_share=.2, power=.7), CHOICES['both'])):
        maps = logits[None].clone().requires_grad_()
        loss = WassersteinHeatmapLoss(sigma=SIGMA, logit_gradient=given)
        loss(maps, target[None]).backward()
        solver = loss._solver
        _, expected = value_and_gradient(logits, target, choice, solver)
        torch.testing.assert_close(4 * maps.grad[0], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('given, message', [
    ('mixed', "one of .*'exact', 'mixture'.* got 'mixed'"),
    (dict(share=.5), "no option 'share'"), (dict(power=0.), r'power must be in \(0, 1\]'),
    (dict(power=2.), 'power'), (dict(target_share=1.5), r'target_share must be in \[0, 1\]'),
    (dict(target_share=float('nan')), 'target_share')])
def test_wrong_options_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        WassersteinHeatmapLoss(logit_gradient=given)
