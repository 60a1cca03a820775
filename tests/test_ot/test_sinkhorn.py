"""Entropic transport against GeomLoss, POT, dense references and finite differences."""
import math

import numpy as np
import pytest
import torch
from maps import exact_wasserstein, gaussian, one_hot
from torch.utils._python_dispatch import TorchDispatchMode

from mmpose_wass.ot import (
    SinkhornSolver,
    ground_cost,
    pixel_coordinates,
    softmax_map,
    wasserstein1,
)
from mmpose_wass.ot import sinkhorn as module

CPU = torch.device('cpu')


def pair(name):
    """Pairs of maps: noise, a displaced Gaussian, maps with empty pixels, two modes."""
    generator = torch.Generator().manual_seed(3)
    noise = softmax_map(2 * torch.randn(2, 9, 11, generator=generator, dtype=torch.float64))
    empty = noise * (noise > noise.flatten(1).median(dim=1).values[:, None, None])
    return {
        'noise': noise,
        'displaced': torch.stack([gaussian((3.2, 4.0), 1.5, (12, 16)),
                                  gaussian((11.0, 7.3), 1.5, (12, 16))]),
        'empty': empty / empty.sum(dim=(1, 2), keepdim=True),
        'modes': torch.stack([
            .7 * gaussian((3, 3), .8, (14, 14)) + .3 * gaussian((11, 9), .8, (14, 14)),
            gaussian((4.4, 3.7), 1.5, (14, 14))]),
    }[name]


PAIRS = ['noise', 'displaced', 'empty', 'modes']


def dense_cost(shape):
    return ground_cost(*[pixel_coordinates(shape, dtype=torch.float64)] * 2)


@pytest.mark.parametrize('debiased', [False, True])
@pytest.mark.parametrize('epsilon', [.3, 1.0, 3.0])
@pytest.mark.parametrize('name', PAIRS)
def test_agrees_with_geomloss(name, epsilon, debiased):
    geomloss = pytest.importorskip('geomloss')
    maps = pair(name)
    pixels = pixel_coordinates(maps.shape[1:], dtype=torch.float64)
    # Its own Euclidean cost is 1e-4 on the diagonal, hence one without that clamp. Its number of
    # iterations is that of the steps from the diameter down to epsilon: a thousand tiny ones, so
    # that its potentials, which lag behind, are within 3e-5 of those of epsilon.
    peer = geomloss.SamplesLoss(
        'sinkhorn', p=1, blur=epsilon, diameter=1.001 * epsilon, scaling=1 - 1e-6,
        debias=debiased, backend='tensorized', cost=lambda x, y: ground_cost(x[0], y[0])[None])
    weights = maps.flatten(1)[:, None].clone().requires_grad_()
    expected = peer(weights[0], pixels[None], weights[1], pixels[None])
    gradient, target_gradient = torch.autograd.grad(expected.sum(), weights)[0][:, 0]

    p, q = (one.clone().requires_grad_() for one in maps)
    value = wasserstein1(p, q, method='sinkhorn', epsilon=epsilon, debiased=debiased,
                         iterations=1000)
    value.backward()
    assert float(value.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    # The potentials are defined up to a constant, and for GeomLoss where there is mass.
    for one, ours, theirs in ((p, p.grad, gradient), (q, q.grad, target_gradient)):
        ours, theirs = ours.flatten()[one.flatten() > 0], theirs[one.flatten() > 0]
        torch.testing.assert_close(ours - ours.mean(), theirs - theirs.mean(), rtol=0, atol=5e-5)


@pytest.mark.parametrize('epsilon', [.3, 1.0, 3.0])
@pytest.mark.parametrize('name', PAIRS)
def test_agrees_with_pot(name, epsilon):
    """POT's entropy has another reference measure: the plan is the same, not the dual value."""
    ot = pytest.importorskip('ot')
    p, q = pair(name)
    rows, columns = (one.flatten() > 0 for one in (p, q))
    a, b = p.flatten()[rows], q.flatten()[columns]
    cost = dense_cost(p.shape)[rows][:, columns]
    plan = torch.from_numpy(ot.bregman.sinkhorn_log(
        a.numpy(), b.numpy(), cost.numpy(), reg=epsilon, numItermax=20000, stopThr=1e-11))

    options = dict(method='sinkhorn', epsilon=epsilon, iterations=500)
    value = wasserstein1(p, q, value='transport', **options)
    assert float(value) == pytest.approx(float((plan * cost).sum()), rel=1e-6)
    divergence = torch.special.xlogy(plan, plan / (a[:, None] * b)).sum()
    value = wasserstein1(p, q, **options)
    assert float(value) == pytest.approx(float((plan * cost).sum() + epsilon * divergence),
                                         rel=1e-6)


@pytest.mark.parametrize('debiased', [False, True])
@pytest.mark.parametrize('name', PAIRS)
def test_gradient_against_finite_differences_at_convergence(name, debiased):
    maps = pair(name)[:, 3:8, 2:8]
    maps = maps / maps.sum(dim=(1, 2), keepdim=True)
    maps = maps * .99 + .01 / 30  # there is no central difference at a pixel without mass
    logits, target = maps.log().requires_grad_()

    def value(a, b):
        return wasserstein1(softmax_map(a), softmax_map(b), method='sinkhorn', epsilon=.8,
                            debiased=debiased, iterations=300)

    gradients = torch.autograd.grad(value(logits, target), (logits, target))
    step = 1e-5
    shifts = step * torch.eye(30, dtype=torch.float64).view(30, 5, 6)
    with torch.no_grad():
        still = torch.zeros_like(shifts)
        first = value(logits + shifts, target + still) - value(logits - shifts, target + still)
        second = value(logits + still, target + shifts) - value(logits + still, target - shifts)
    for ours, numeric in zip(gradients, (first, second)):
        torch.testing.assert_close(ours.flatten(), numeric / (2 * step), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('dtype, tolerance', [(torch.float32, 5e-7), (torch.float64, 1e-13)])
@pytest.mark.parametrize('epsilon', [1e-4, .03, .1, .5, 2.0, 50.0])
def test_soft_minimum_is_the_plain_log_sum_exp(epsilon, dtype, tolerance):
    """With exponents that span what no exponential domain holds, and empty pixels and maps."""
    shape = (13, 10)
    generator = torch.Generator().manual_seed(0)
    exponents = 300 * torch.randn(4, 130, generator=generator, dtype=torch.float64)
    exponents[0, ::3] = -math.inf
    exponents[1, 1:] = -math.inf
    exponents[3] = -math.inf
    exponents = exponents.to(dtype)
    cost = dense_cost(shape) / epsilon
    expected = -epsilon * torch.logsumexp(exponents.double()[:, None] - cost, dim=2)
    expected[3] = 0
    for memory in (512, .02):  # tables kept, and blocks of rows and maps
        result = module.SoftMinimum(shape, epsilon, CPU, dtype, memory)(exponents)
        difference = (result.double() - expected).abs().amax(dim=1)
        assert (difference <= tolerance * expected.abs().amax(dim=1)).all()


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('epsilon', [1e-6, 1e-3, .1, 1.0, 100.0, 1e6])
def test_any_epsilon_stays_finite(epsilon, dtype):
    p, q = one_hot((1, 2), (10, 12), dtype), gaussian((9, 7), 1.0, (10, 12), dtype)
    for debiased in (False, True):
        result = wasserstein1(p, q, method='sinkhorn', epsilon=epsilon, debiased=debiased,
                              iterations=5, return_result=True)
        assert torch.isfinite(result.value) and torch.isfinite(result.potential).all()
    # A Dirac leaves no choice of a plan, so even after one iteration the value is exact.
    value = wasserstein1(p, q, method='sinkhorn', epsilon=epsilon, iterations=1)
    distance = torch.hypot(*(pixel_coordinates((10, 12)) - torch.tensor([1., 2.])).T)
    assert float(value) == pytest.approx(float(q.float().flatten() @ distance),
                                         rel=1e-4 if epsilon < 1e3 else .5)


@pytest.mark.parametrize('name', PAIRS)
def test_value_falls_to_the_exact_distance_with_epsilon(name):
    """The excess is at most epsilon times the mutual information, no more than an entropy."""
    p, q = pair(name)
    exact = exact_wasserstein(p, q)
    entropy = min(float(-torch.special.xlogy(one, one).sum()) for one in (p, q))
    epsilons = (2.0, .5, .1)
    excess = [float(wasserstein1(p, q, method='sinkhorn', epsilon=epsilon, iterations=600)) - exact
              for epsilon in epsilons]
    assert excess[0] > excess[1] > excess[2] > 0
    assert all(one <= epsilon * entropy for one, epsilon in zip(excess, epsilons))


def test_iterations_only_raise_the_dual_value():
    p, q = pair('displaced')
    values = [float(wasserstein1(p, q, method='sinkhorn', epsilon=.2, iterations=count))
              for count in (1, 3, 10, 30, 100)]
    assert values[0] < values[1] < values[2]
    # It has converged by then, to the last digits: those may go either way.
    assert all(b > a * (1 - 1e-12) for a, b in zip(values[2:], values[3:]))


def test_debiasing_removes_self_transport():
    q = gaussian((8, 7), 1.5, (16, 16))
    biased, debiased = (
        wasserstein1(q, q, method='sinkhorn', debiased=flag, return_result=True)
        for flag in (False, True))
    assert float(biased.value) > .5
    assert float(debiased.value) == 0 and float(debiased.potential.abs().max()) == 0


def test_float32_and_non_square_maps_in_batches():
    generator = torch.Generator().manual_seed(1)
    p = softmax_map(3 * torch.randn(2, 3, 8, 20, generator=generator))
    q = gaussian((12, 3), 1.5, (8, 20), torch.float32).expand_as(p)
    for options in (dict(), dict(debiased=True), dict(value='transport')):
        values = wasserstein1(p, q, method='sinkhorn', **options)
        assert values.dtype == torch.float32 and values.shape == (2, 3)
        alone = wasserstein1(p[1, 2].double(), q[1, 2].double(), method='sinkhorn', **options)
        assert float(values[1, 2]) == pytest.approx(float(alone), rel=2e-5)


class LargestTensor(TorchDispatchMode):
    """Remembers the size in bytes of the largest tensor that any operator returned."""

    size = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if isinstance(result, torch.Tensor) and result._base is None:
            self.size = max(self.size, result.numel() * result.element_size())
        return result


@pytest.mark.parametrize('options', [dict(), dict(debiased=True), dict(value='transport'),
                                     dict(epsilon=.001)], ids=str)
def test_memory_is_bounded_whatever_the_number_of_maps(options):
    """40 maps of 12 x 14: with all pairs of pixels at once they would need 9 MB."""
    generator = torch.Generator().manual_seed(2)
    p, q = softmax_map(torch.randn(2, 40, 12, 14, generator=generator, dtype=torch.float64))
    solve = dict(method='sinkhorn', iterations=3, **options)
    expected = wasserstein1(p, q, **solve)
    largest = []
    for memory in (512, .3):
        module.soft_minimum.cache_clear()
        with LargestTensor() as watch:
            value = wasserstein1(p, q, memory=memory, **solve)
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)
        largest.append(watch.size)
    assert largest[1] <= .3 * 2**20
    if options.get('epsilon') or options.get('value'):
        assert largest[0] > 2 * 2**20  # the watch sees what it should


def test_tables_are_cached_and_the_cache_is_bounded():
    p, q = pair('noise')
    module.soft_minimum.cache_clear()
    for _ in range(3):
        wasserstein1(p, q, method='sinkhorn', iterations=1)
    assert module.soft_minimum.cache_info().misses == 1
    for epsilon in (.5, .6, .7):
        wasserstein1(p, q, method='sinkhorn', iterations=1, epsilon=epsilon)
    assert module.soft_minimum.cache_info().currsize <= 2


def test_maps_without_mass_and_nans():
    p, q = pair('noise')
    value = wasserstein1(torch.zeros_like(p), torch.zeros_like(q), method='sinkhorn')
    assert float(value) == 0
    batch = torch.stack([p * np.nan, p])
    values = wasserstein1(batch, q.expand_as(batch), method='sinkhorn')
    assert torch.isnan(values[0]) and torch.isfinite(values[1])


@pytest.mark.parametrize('options, word', [
    (dict(epsilon=0), 'epsilon'), (dict(epsilon=math.inf), 'epsilon'),
    (dict(iterations=0), 'iterations'), (dict(value='primal'), 'value'),
    (dict(value='transport', debiased=True), 'debiased'), (dict(memory=0), 'memory')])
def test_bad_options_are_refused(options, word):
    with pytest.raises(ValueError, match=word):
        SinkhornSolver(**options)
