import math

import numpy as np
import pytest
import torch
from maps import exact_wasserstein, gaussian, one_hot
from mmpose.registry import MODELS

from mmpose_wass.models.losses import (
    KLHeatmapLoss,
    SoftmaxMSEHeatmapLoss,
    WassersteinHeatmapLoss,
    WeightedSumHeatmapLoss,
)
from mmpose_wass.ot import softmax_map, wasserstein1

LOSSES = [WassersteinHeatmapLoss, KLHeatmapLoss, SoftmaxMSEHeatmapLoss]


def batch(batch_size=2, landmarks=3, shape=(24, 20), seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch_size, landmarks, *shape, generator=generator) * 2
    centres = torch.rand(batch_size, landmarks, 2, generator=generator) * 8 + 6
    target = torch.stack([
        torch.stack([gaussian(centre.numpy(), 1.5, shape, torch.float32) for centre in row])
        for row in centres
    ])
    return logits.requires_grad_(), target


def test_none_returns_pixels_times_weight():
    logits, target = batch()
    loss = WassersteinHeatmapLoss(reduction='none', loss_weight=3.0, sigma=1.5)
    expected = wasserstein1(softmax_map(logits), target, radius=5.5)
    torch.testing.assert_close(loss(logits, target), 3 * expected)


def test_near_diracs():
    p, q = one_hot((2, 3), (16, 16)), one_hot((10, 9), (16, 16))
    loss = WassersteinHeatmapLoss()
    value = loss((p * 60)[None, None], q[None, None])
    assert float(value) == pytest.approx(math.dist((2, 3), (10, 9)), rel=.01)


@pytest.mark.parametrize('kind', LOSSES)
def test_scale_of_the_target_does_not_matter(kind):
    logits, target = batch()
    loss = kind()
    torch.testing.assert_close(loss(logits, 37.5 * target), loss(logits, target))


@pytest.mark.parametrize('kind', LOSSES)
def test_mean_is_weighted(kind):
    logits, target = batch()
    weights = torch.tensor([[1., .5, 0.], [2., 0., 1.]])
    values = kind(reduction='none')(logits, target, weights)
    assert (values[weights == 0] == 0).all() and (values[weights > 0] > 0).all()
    expected = (weights * values).sum() / weights.sum()
    torch.testing.assert_close(kind()(logits, target, weights), expected)
    torch.testing.assert_close(kind()(logits, target, weights[..., None]), expected)
    unweighted = kind(use_target_weight=False)(logits, target, weights)
    torch.testing.assert_close(unweighted, kind()(logits, target))


@pytest.mark.parametrize('kind', LOSSES)
@pytest.mark.parametrize('how', ['weight', 'empty target', 'empty mask'])
def test_ignored_landmarks_contribute_exactly_nothing(kind, how):
    logits, target = batch()
    weights, mask = torch.ones(2, 3), None
    if how == 'weight':
        weights[0, 1] = 0
    elif how == 'empty target':
        target[0, 1] = 0
    else:
        mask = torch.ones(2, 3, 24, 20)
        mask[0, 1] = 0
    loss = kind()
    value = loss(logits, target, weights, mask)
    value.backward()
    gradient = logits.grad.clone()
    assert (gradient[0, 1] == 0).all() and (gradient[1] != 0).any()

    poisoned = logits.detach().clone()
    poisoned[0, 1] = float('nan')
    poisoned.requires_grad_()
    again = loss(poisoned, target, weights, mask)
    again.backward()
    assert float(again) == float(value)
    assert torch.equal(poisoned.grad, gradient)


@pytest.mark.parametrize('kind', LOSSES)
def test_no_valid_landmark_gives_zero_with_a_graph(kind):
    logits, target = batch()
    value = kind()(logits, target, torch.zeros(2, 3))
    value.backward()
    assert float(value) == 0 and (logits.grad == 0).all()


@pytest.mark.parametrize('kind', LOSSES)
def test_mask_equals_cutting_the_pixels_out(kind):
    logits, target = batch()
    mask = torch.zeros(24, 20)
    mask[4:20, 3:18] = 1
    masked = kind()(logits, target, mask=mask)
    masked.backward()
    assert (logits.grad[..., :3] == 0).all()
    cut = kind()(logits[..., 4:20, 3:18].detach(), target[..., 4:20, 3:18])
    if kind is SoftmaxMSEHeatmapLoss:  # a mean over pixels
        cut = cut * (16 * 15) / (24 * 20)
    tolerance = .02 if kind is WassersteinHeatmapLoss else 1e-4  # another coarse grid
    assert float(masked.detach()) == pytest.approx(float(cut), rel=tolerance)


@pytest.mark.parametrize('kind', LOSSES)
def test_temperature_divides_the_logits(kind):
    logits, target = batch()
    torch.testing.assert_close(kind(temperature=2.0)(logits, target), kind()(logits / 2, target))


@pytest.mark.parametrize('kind', LOSSES)
def test_zero_at_the_target(kind):
    _, target = batch()
    loss = kind()(target.clamp_min(1e-30).log(), target)
    assert abs(float(loss)) < 1e-4


def test_kl_gradient_is_p_minus_q():
    logits, target = batch(1, 1)
    KLHeatmapLoss()(logits, target).backward()
    torch.testing.assert_close(logits.grad, softmax_map(logits.detach()) - target)


@pytest.mark.parametrize('kind', LOSSES)
def test_bfloat16_autocast_inputs(kind):
    logits, target = batch()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = kind()(logits.bfloat16(), target)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, kind()(logits.bfloat16().float(), target))


def test_target_beyond_the_disc_is_refused_by_name():
    logits, target = batch(1, 1)
    two_modes = torch.zeros_like(target)
    two_modes[..., 4, 3] = two_modes[..., 20, 16] = 1
    loss = WassersteinHeatmapLoss(sigma=1.5)
    with pytest.raises(ValueError, match='several modes'):
        loss(logits, two_modes)


def test_targets_are_checked_later_too():
    logits, target = batch(1, 1, (64, 64))
    wide = gaussian((30, 30), 6.0, dtype=torch.float32)[None, None]
    loss = WassersteinHeatmapLoss(sigma=1.5, check_interval=3)
    loss(logits, target)
    with pytest.raises(ValueError, match='larger sigma'):
        loss(logits, wide)


def test_weighted_sum():
    logits, target = batch()
    weights = torch.tensor([[1., 1., 0.], [1., 0., 1.]])
    config = dict(
        type='WeightedSumHeatmapLoss',
        losses=dict(
            wasserstein=dict(type='WassersteinHeatmapLoss', loss_weight=.5),
            mse=dict(type='KeypointMSELoss', use_target_weight=True, loss_weight=2.)))
    loss = MODELS.build(config)
    terms = loss.terms(logits, target, weights)
    torch.testing.assert_close(
        terms['wasserstein'], .5 * WassersteinHeatmapLoss()(logits, target, weights))
    torch.testing.assert_close(loss(logits, target, weights), terms['wasserstein'] + terms['mse'])
    with pytest.raises(ValueError, match='at least one term'):
        WeightedSumHeatmapLoss({})


def test_wrong_shapes_and_options_are_refused():
    logits, target = batch()
    loss = WassersteinHeatmapLoss()
    with pytest.raises(ValueError, match=r'\[B, K, H, W\]'):
        loss(logits[0], target[0])
    with pytest.raises(ValueError, match=r'target_weights must have shape \[B, K\]'):
        loss(logits, target, torch.ones(2, 4))
    with pytest.raises(ValueError, match='mask must expand'):
        loss(logits, target, mask=torch.ones(7, 7))
    with pytest.raises(ValueError, match='reduction'):
        WassersteinHeatmapLoss(reduction='sum')
    with pytest.raises(ValueError, match='method'):
        WassersteinHeatmapLoss(method='magic')
    with pytest.raises(ValueError, match='radius'):
        WassersteinHeatmapLoss(sigma=15)
    with pytest.raises(ValueError, match='epsilon is no option'):
        WassersteinHeatmapLoss(epsilon=1.0)
    with pytest.raises(ValueError, match='accuracy'):
        WassersteinHeatmapLoss(accuracy='perfect')
    with pytest.raises(ValueError, match='temperature'):
        WassersteinHeatmapLoss(temperature=0)


@pytest.mark.parametrize('kind', LOSSES)
def test_an_empty_batch_gives_zero(kind):
    empty = torch.zeros(0, 3, 24, 20, requires_grad=True)
    value = kind()(empty, torch.zeros(0, 3, 24, 20))
    value.backward()
    assert float(value.detach()) == 0


def test_non_finite_logits_raise_in_debug_mode_and_else_spoil_the_gradient():
    logits, target = batch()
    spoilt = logits.detach().clone()
    spoilt[1, 2, 5, 5] = float('nan')
    spoilt.requires_grad_()
    value = WassersteinHeatmapLoss()(spoilt, target)
    value.backward()
    assert torch.isnan(value) and torch.isnan(spoilt.grad[1, 2]).any()
    with pytest.raises(ValueError, match='1 of 6 landmarks .* index 5'):
        WassersteinHeatmapLoss(debug=True)(spoilt, target)
    mask = torch.ones(24, 20)
    mask[:3] = 0
    WassersteinHeatmapLoss(debug=True)(logits, target, mask=mask)


def test_accurate_is_closer_to_the_exact_value():
    logits, target = batch(1, 3)
    exact = [exact_wasserstein(p, q) for p, q in
             zip(softmax_map(logits.detach().double())[0], target[0].double())]
    errors = [
        np.abs(WassersteinHeatmapLoss(reduction='none', sigma=1.5, accuracy=accuracy)(
            logits, target).detach().numpy()[0] / exact - 1).max()
        for accuracy in ('fast', 'accurate')
    ]
    assert errors[1] < .004 and errors[1] < errors[0] < .02


@pytest.mark.parametrize('method', ['sinkhorn', 'sliced'])
def test_other_methods_stand_in_and_take_any_target(method):
    logits, target = batch(1, 2)
    loss = WassersteinHeatmapLoss(method=method, reduction='none')
    graded = WassersteinHeatmapLoss(reduction='none')(logits, target)
    torch.testing.assert_close(loss(logits, target), graded, rtol=.15, atol=0)
    two_modes = target + target.flip(-1)
    loss(logits, two_modes).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_further_options_reach_the_solver():
    logits, target = batch(1, 2)
    for method, options in (('sinkhorn', dict(iterations=7, debiased=True)),
                            ('sinkhorn', dict(value='transport', memory=16)),
                            ('sliced', dict(directions=5)), ('exact', dict(iterations=10**6)),
                            ('graded', dict(bfloat16_tables=True))):
        loss = WassersteinHeatmapLoss(method=method, reduction='none', solver_options=options)
        given = dict(options, radius=5.5) if method == 'graded' else options
        expected = wasserstein1(softmax_map(logits), target, method=method, **given)
        torch.testing.assert_close(loss(logits, target), expected, rtol=1e-4, atol=1e-5)
        for name, value in options.items():
            assert getattr(loss._solver, name, value) == value


@pytest.mark.parametrize('method, options, message', [
    ('sliced', dict(iterations=3), "method='sliced' has no option 'iterations'; there is direct"),
    ('sinkhorn', dict(epsilon=1.0), "give epsilon as the loss's own argument"),
    ('graded', dict(radius=4.0), "give sigma as the loss's own argument"),
    ('graded', dict(check_interval=4), "give check_interval as the loss's own"),
    ('sinkhorn', dict(iterations=0), 'iterations must be at least 1'),
    ('sinkhorn', dict(iterations='many'), "method='sinkhorn' with"),
    ('sliced', dict(directions=0), 'directions must be at least 1'),
])
def test_wrong_options_of_the_solver_are_refused_at_once(method, options, message):
    with pytest.raises(ValueError, match=message):
        WassersteinHeatmapLoss(method=method, solver_options=options)


@pytest.mark.parametrize('method', ['graded', 'sliced', 'sinkhorn'])
def test_second_derivatives_are_refused_not_taken_for_zero(method):
    logits, target = batch(1, 1)
    value = WassersteinHeatmapLoss(method=method)(logits, target)
    with pytest.raises(RuntimeError, match='no second derivative'):
        torch.autograd.grad(value, logits, create_graph=True)
    p = softmax_map(logits)
    with pytest.raises(RuntimeError, match='create_graph=True'):
        wasserstein1(p, target, method=method).sum().backward(create_graph=True)
