import copy

import numpy as np
import pytest
import torch
from maps import gaussian
from scipy.optimize import minimize_scalar
from test_models.four_models import FOUR_MODELS, LANDMARKS, build_model

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.engine import logit_scale
from mmpose_wass.engine.logit_scale import (
    convert_model,
    fold_logit_scale,
    load_weights,
    map_convolutions,
)
from mmpose_wass.engine.logit_scale_fit import (
    TOLERANCE,
    choose_logit_scale,
    divergences,
    fit_logit_scale,
)
from mmpose_wass.ot import barycenter, softmax_map


def l2_like(images=6, landmarks=3, shape=(16, 16), seed=0, leakage=.02):
    """Maps as an L2 model gives them, peaks of about 1 in noise, and targets of sigma 1.5."""
    generator = np.random.default_rng(seed)
    maps, targets = [], []
    for _ in range(images):
        for _ in range(landmarks):
            centre = generator.uniform(4, 12, 2)
            targets.append(gaussian(centre, 1.5, shape, torch.float64))
            peak = gaussian(centre + generator.normal(0, .3, 2), 1.5, shape, torch.float64)
            noise = torch.from_numpy(generator.normal(0, leakage, shape))
            maps.append(peak / peak.max() + noise)
    size = images, landmarks, *shape
    return torch.stack(maps).view(size), torch.stack(targets).view(size)


def same(found, expected):
    """Two fits to the same maps: each stops within its tolerance of the optimum, and the last bits
    of what it is given, which differ with versions of NumPy, decide where."""
    torch.testing.assert_close(found, expected, rtol=2 * TOLERANCE, atol=0)


def reference_divergence(scale, maps, target):
    p = torch.softmax((scale * maps).flatten(-2), -1).clamp_min(1e-300)
    q = target.flatten(-2) / target.flatten(-2).sum(-1, keepdim=True)
    return float((torch.xlogy(q, q) - q * p.log()).sum(-1).mean())


def test_fit_is_scipys_minimum():
    maps, target = l2_like()
    scale = fit_logit_scale(maps, 37 * target)
    shared = fit_logit_scale(maps, target, shared=True)
    for landmark in range(3):
        found = minimize_scalar(
            reference_divergence, bounds=(.01, 200), method='bounded', options=dict(xatol=1e-8),
            args=(maps[:, landmark], target[:, landmark]))
        assert float(scale[landmark]) == pytest.approx(found.x, rel=1e-3)
        ours = divergences(scale[None, :, None, None] * maps, target)[landmark]
        assert float(ours) == pytest.approx(found.fun, rel=1e-6)
    found = minimize_scalar(reference_divergence, bounds=(.01, 200), method='bounded',
                            args=(maps, target), options=dict(xatol=1e-8))
    np.testing.assert_allclose(shared.numpy(), found.x, rtol=1e-3)


def test_softmax_of_l2_maps_is_uniform_before_and_peaked_after():
    maps, target = l2_like(shape=(32, 32))
    scale = choose_logit_scale(maps, target)
    off = [(barycenter(softmax_map(one)) - barycenter(target)).norm(dim=-1).mean()
           for one in (maps, scale[None, :, None, None] * maps)]
    middle = (barycenter(target) - 15.5).norm(dim=-1).mean()
    assert off[0] > .9 * middle and off[1] < .5 * middle  # what noise is left still pulls
    assert divergences(scale[None, :, None, None] * maps, target).mean() < 1.5
    assert 5 < scale.median() < 50


def test_weights_and_invalid_landmarks():
    maps, target = l2_like()
    weights = torch.ones(6, 3)
    weights[3:, 0] = 0
    weights[:, 2] = 0
    spoilt = maps.clone()
    spoilt[3:, 0] = -spoilt[3:, 0]
    scale = fit_logit_scale(spoilt, target, weights)
    torch.testing.assert_close(scale[:1], fit_logit_scale(maps[:3, :1], target[:3, :1]))
    assert torch.isnan(scale[2])
    chosen = choose_logit_scale(maps, target, weights)
    shared = fit_logit_scale(maps, target, weights, shared=True)
    same(chosen[2], shared[2])
    assert torch.isfinite(chosen).all()
    with pytest.raises(ValueError, match='no landmark is valid'):
        fit_logit_scale(maps, target, torch.zeros(6, 3))
    with pytest.raises(ValueError, match=r'\[N, K, H, W\]'):
        fit_logit_scale(maps[0], target)
    with pytest.raises(ValueError, match=r'\[N, K\]'):
        fit_logit_scale(maps, target, weights[:2])


def test_a_landmark_has_its_own_factor_only_where_that_helps():
    maps, target = l2_like(images=16)
    maps[:, 1] *= .2  # a landmark whose peaks are low
    chosen = choose_logit_scale(maps, target)
    own = fit_logit_scale(maps, target)
    same(chosen[1], own[1])
    assert chosen[1] > 3 * own[0]
    generator = torch.Generator().manual_seed(0)
    p = softmax_map(torch.randn(2, 40, 12, 12, generator=generator, dtype=torch.float64))
    few = choose_logit_scale(p.log() / 9, p)  # two images: nothing to tell them apart with
    assert (few == few[0]).all()


@pytest.mark.parametrize('shared', [False, True])
def test_maps_without_relation_to_the_targets_are_refused(shared):
    maps, target = l2_like()
    with pytest.raises(ValueError, match='nothing to do with the targets.*Is the checkpoint'):
        choose_logit_scale(-maps, target, shared=shared)
    for flat in (1e-6 * maps, torch.ones_like(maps)):
        with pytest.raises(ValueError, match='hardly differ.*beyond 10000.*Is the checkpoint'):
            choose_logit_scale(flat, target, shared=shared)
    for value in (np.nan, np.inf):
        spoilt = maps.clone()
        spoilt[2, 1, 3, 3] = value
        with pytest.raises(ValueError, match='NaN or infinite.*Is the checkpoint'):
            choose_logit_scale(spoilt, target, shared=shared)


def test_a_shared_factor_is_one_for_all():
    maps, target = l2_like(images=16)
    maps[:, 1] *= .2
    chosen = choose_logit_scale(maps, target, shared=True)
    same(chosen, fit_logit_scale(maps, target, shared=True))
    assert (chosen == chosen[0]).all()


@pytest.mark.parametrize('factor', [-1, 1e-6])
def test_a_landmark_whose_own_factor_is_at_an_end_shares(factor):
    maps, target = l2_like(images=16, landmarks=5)
    maps[:, 1] *= factor
    chosen = choose_logit_scale(maps, target)
    same(chosen[1], fit_logit_scale(maps, target, shared=True)[1])


@pytest.mark.parametrize('shared', [False, True])
def test_conversion_checks_every_stage_either_way(shared, monkeypatch):
    maps, target = l2_like()
    good, bad = (maps, target, None), (-maps, target, None)
    model = build_model('hourglass')
    model.head.decoder = BarycenterCodec((64, 64), (16, 16))
    before = copy.deepcopy(model.state_dict())
    monkeypatch.setattr(logit_scale, 'collect_maps', lambda *_: [good, bad])
    with pytest.raises(ValueError, match='nothing to do'):
        convert_model(model, [], 1, shared)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize('estimator', ['TopdownPoseEstimator', 'CoordConvPoseEstimator'])
@pytest.mark.parametrize('name', list(FOUR_MODELS))
def test_folding_multiplies_the_maps_and_nothing_else(name, estimator):
    torch.manual_seed(0)
    model = build_model(name, estimator)
    for module in model.modules():  # all weights have a say, also those of coordinates
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data += .05 * torch.randn_like(module.weight)
    images = torch.randn(2, 3, 64, 64)
    layers = map_convolutions(model)
    scales = [torch.rand(LANDMARKS) * 20 + 1 for _ in layers]
    scaled = copy.deepcopy(model)
    fold_logit_scale(scaled, scales)
    with torch.no_grad():
        before, after = (model(images, None, mode='tensor'), scaled(images, None, mode='tensor'))
    before, after = (one if isinstance(one, list) else [one] for one in (before, after))
    assert len(before) == len(layers)
    for plain, new, scale in zip(before, after, scales):
        torch.testing.assert_close(new, scale[None, :, None, None] * plain, rtol=1e-4, atol=1e-4)


def test_wrong_scales_and_heads_are_refused():
    model = build_model('hourglass')
    with pytest.raises(ValueError, match='2 stages, but 1'):
        fold_logit_scale(model, [torch.ones(LANDMARKS)])
    with pytest.raises(ValueError, match=r'shape \[5\]'):
        fold_logit_scale(model, [torch.ones(3)] * 2)
    del model.backbone.predictors
    with pytest.raises(ValueError, match='not known'):
        map_convolutions(model)


def test_weights_must_fit():
    model = build_model('simple_baselines')
    weights = model.state_dict()
    load_weights(model, dict(state_dict=weights), 'a.pth')
    with pytest.raises(ValueError, match='a.pth.*lacks 1 weights.*final_layer.bias'):
        load_weights(model, {k: v for k, v in weights.items() if k != 'head.final_layer.bias'},
                     'a.pth')
    with pytest.raises(ValueError, match='has besides 1 weights'):
        load_weights(model, dict(weights, extra=torch.zeros(1)), 'a.pth')
    with pytest.raises(ValueError, match='size mismatch for head.final_layer.bias'):
        load_weights(model, dict(weights, **{'head.final_layer.bias': torch.zeros(7)}), 'a.pth')
