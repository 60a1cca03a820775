"""Values and gradients against closed forms and an exact linear program."""
import math

import numpy as np
import pytest
import torch
from exact_pairs import both, exact_pairs
from maps import exact_wasserstein, gaussian, one_hot

from mmpose_wass.ot import (
    GradedSolver,
    check_targets,
    disc_radius,
    find_discs,
    jordan_split,
    moment_outside,
    softmax_map,
    wasserstein1,
)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('source, sink', [((5, 9), (8, 13)), ((0, 0), (63, 63)), ((40, 7), (40, 8)),
                                          ((3, 60), (50, 2))])
def test_diracs_are_their_distance_apart(source, sink, dtype):
    value = wasserstein1(one_hot(source, dtype=dtype), one_hot(sink, dtype=dtype))
    assert value.dtype == dtype
    assert float(value) == pytest.approx(math.dist(source, sink), rel=.01)


@pytest.mark.parametrize('sigma', [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize('distance', [.5, 1.0, 3.0, 8.0, 20.0])
def test_translation_costs_its_length(sigma, distance):
    angle = .6
    centre = np.array([30.3, 28.8])
    moved = centre + distance * np.array([math.cos(angle), math.sin(angle)])
    value = wasserstein1(gaussian(moved, sigma), gaussian(centre, sigma), radius=disc_radius(sigma))
    assert float(value) == pytest.approx(distance, rel=.01)


@pytest.mark.parametrize('sigma', [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize('sharpness', [.2, .4, .7, None])
def test_predictions_sharper_than_the_target(sigma, sharpness):
    generator = np.random.default_rng(int(10 * sigma))
    for _ in range(2):
        centre = 16 + generator.uniform(-.5, .5, 2)
        place = centre + generator.normal(0, .4, 2)
        p = one_hot(place.round().astype(int), (32, 32)) if sharpness is None else \
            gaussian(place, sharpness, (32, 32))
        q = gaussian(centre, sigma, (32, 32))
        value = wasserstein1(p.float(), q.float(), radius=disc_radius(sigma))
        assert float(value) == pytest.approx(exact_wasserstein(p, q), rel=.02)


@pytest.mark.parametrize('accuracy, median, largest', [('fast', .03, .2), ('accurate', .01, .15)])
def test_gradients_of_predictions_sharper_than_the_target(accuracy, median, largest):
    """In pixels: where hot pixels cost alike the gradient vanishes, and has no direction."""
    generator = np.random.default_rng(3)
    differences = []
    for trial in range(24):
        centre = 16 + generator.uniform(-.5, .5, 2)
        q = gaussian(centre, (1.0, 1.5)[trial % 2], (32, 32))
        if trial < 12:
            p = gaussian(centre + generator.normal(0, .4, 2), (.2, .4, .7)[trial % 3], (32, 32))
        else:
            p = 1e-4 * gaussian(centre, 3.0, (32, 32))
            for x, y in generator.integers(-1, 2, (3, 2)) + centre.round().astype(int):
                p[y, x] += generator.uniform(.3, 1)
        p = p / p.sum()
        potentials = (wasserstein1(p, q, method='exact', return_result=True).potential,
                      GradedSolver(disc_radius(1.5), accuracy)(p.float(), q.float()).potential)
        exact, found = (p * (f - (p * f).sum()) for f in potentials)
        differences.append(float((found - exact).norm()))
    assert np.median(differences) <= median and max(differences) <= largest


def test_equal_maps_have_distance_zero_and_a_calm_gradient():
    q = gaussian((20.2, 33.1), 1.5)
    logits = (q + 1e-12).log().requires_grad_()
    value = wasserstein1(softmax_map(logits), q)
    value.backward()
    assert float(value.detach()) < 1e-6
    assert float(logits.grad.norm()) < 1e-3


def random_case(seed, size=12):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(size, size, generator=generator, dtype=torch.float64) * 1.5
    centre = 4 + 4 * torch.rand(2, generator=generator, dtype=torch.float64)
    return logits, gaussian(centre.numpy(), 1.0 + .2 * (seed % 3), (size, size))


@pytest.mark.parametrize('seed', range(4))
def test_gradient_against_finite_differences_of_the_exact_value(seed):
    """Scattered maps, the solver's hardest: 12 x 12 pixels of noise everywhere."""
    logits, q = random_case(seed)
    logits.requires_grad_()
    value = wasserstein1(softmax_map(logits), q)
    value.backward()
    exact = exact_wasserstein(softmax_map(logits.detach()), q)
    assert float(value.detach()) == pytest.approx(exact, rel=.02)
    step, numeric = 1e-4, torch.zeros_like(q)
    base = logits.detach()
    for index in np.ndindex(*q.shape):
        shift = torch.zeros_like(q)
        shift[index] = step
        above, below = (exact_wasserstein(softmax_map(base + sign * shift), q) for sign in (1, -1))
        numeric[index] = (above - below) / (2 * step)
    cosine = torch.cosine_similarity(numeric.flatten(), logits.grad.flatten(), dim=0)
    assert float(cosine) > .99
    assert float(logits.grad.norm() / numeric.norm()) == pytest.approx(1, rel=.1)


@both
@pytest.mark.parametrize('size', [64, 32])
@pytest.mark.parametrize('accuracy', ['fast', 'accurate'])
def test_exact_fixtures(whole, size, accuracy):
    """Measured: fast .0014 / .0080 and .0028 / .0086, accurate .0006 / .0025 and .0011 / .0032."""
    median, largest, cosine = {
        ('fast', 64): (.0025, .009, .988),
        ('fast', 32): (.004, .013, .988),
    }.get((accuracy, size), (.002, .004, .995))
    data = exact_pairs(whole, size)
    errors, cosines = [], []
    for index, exact in enumerate(data['w1']):
        sigma = float(data['sigma'][index])
        q = gaussian(data['centre'][index], sigma, (size, size), torch.float32)
        logits = torch.tensor(data['logits'][index], dtype=torch.float32, requires_grad=True)
        result = GradedSolver(disc_radius(sigma), accuracy)(softmax_map(logits), q, certify=True)
        result.value.backward()
        errors.append(abs(float(result.value.detach()) - exact) / exact)
        # The fixture's q is of float64: float32 maps have a W1 of their own, nearly the same.
        assert exact * .97 - 1e-3 < float(result.lower_bound) <= exact * (1 + 1e-4) + 1e-5
        p = softmax_map(torch.tensor(data['logits'][index], dtype=torch.float64))
        potential = torch.tensor(data['f'][index], dtype=torch.float64)
        gradient = p * (potential - (p * potential).sum())
        ours = logits.grad.double()
        assert float((gradient * ours).sum()) > 0
        cosines.append(float(torch.cosine_similarity(gradient.flatten(), ours.flatten(), dim=0)))
    assert np.median(errors) <= median and max(errors) <= largest
    assert np.median(cosines) >= .999 and min(cosines) >= cosine


def test_maps_of_a_batch_do_not_see_each_other():
    generator = torch.Generator().manual_seed(0)
    p = softmax_map(torch.randn(3, 4, 20, 24, generator=generator) * 3)
    q = torch.stack([gaussian((x, 9.4), 1.5, (20, 24), torch.float32) for x in (7, 9.5, 12, 15)])
    q = q.expand_as(p)
    together = wasserstein1(p, q, radius=5.5)
    assert together.shape == (3, 4)
    alone = torch.stack([wasserstein1(a, b, radius=5.5) for a, b in zip(p[1], q[1])])
    torch.testing.assert_close(together[1], alone, rtol=1e-5, atol=1e-6)


def test_non_square_maps():
    p, q = one_hot((3, 4), (12, 40)), one_hot((35, 9), (12, 40))
    assert float(wasserstein1(p, q)) == pytest.approx(math.dist((3, 4), (35, 9)), rel=.01)


def test_gradient_of_the_target_is_the_negative_potential():
    p, q = gaussian((20, 20), 2.0), gaussian((26, 23), 1.5).requires_grad_()
    result = wasserstein1(p, q, return_result=True)
    result.value.backward()
    shifted = q.grad + result.potential
    assert float((shifted - shifted.mean()).abs().max()) < .02 * float(result.potential.abs().max())


def test_half_precision_is_computed_in_float32():
    p, q = gaussian((20, 20), 2.0), gaussian((26, 23), 1.5)
    value = wasserstein1(p.half(), q.half())
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(float(wasserstein1(p, q)), rel=.01)


def test_wide_discs_stay_finite():
    p, q = one_hot((3, 60), (96, 96)), gaussian((50, 40), 6.0, (96, 96))
    value = wasserstein1(p.float(), q.float())
    assert float(value) == pytest.approx(exact_wasserstein(p, q), rel=.02)


def test_disc_of_a_target():
    q = gaussian((0.2, 31.7), 1.5)[None]
    assert find_discs(q).centre.tolist() == [[1, 32]]  # a border moves the barycentre inwards
    inner = gaussian((30, 30), 2.0)[None]
    discs = find_discs(inner)
    assert float(discs.radius) == pytest.approx(7.0, abs=.02)
    off_grid = gaussian((200.5, 30.45), 2.0, (64, 256), torch.float32)[None]
    assert float(find_discs(off_grid).radius) == pytest.approx(7.0, abs=.02)
    assert float(moment_outside(inner, discs.centre, 7.0)) < .05
    two = .5 * (gaussian((10, 10), 1.0) + gaussian((50, 50), 1.0))[None]
    assert float(moment_outside(two, find_discs(two).centre, 7.0)) == pytest.approx(28.3, rel=.02)
    empty = find_discs(torch.zeros(1, 8, 8))
    assert empty.centre.tolist() == [[0, 0]] and float(empty.radius) == 2


def test_stray_mass_of_a_target_is_refused_not_dropped():
    p = gaussian((10, 10), 1.5)
    q = .97 * p + .03 * gaussian((58, 58), 1.5)
    assert exact_wasserstein(p, q) > 2
    with pytest.raises(ValueError, match='one mode'):
        wasserstein1(p, q)


@pytest.mark.parametrize('sigma', [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize('centre', [(0., 0.), (1.3, 30.), (63., 31.5), (-.4, 63.4)])
def test_gaussians_at_a_border_are_compact_enough(sigma, centre):
    check_targets(gaussian(centre, sigma)[None], disc_radius(sigma))


def test_jordan_split_restores_the_difference():
    r = torch.randn(5, 5)
    surplus, deficit = jordan_split(r)
    assert (surplus * deficit == 0).all()
    torch.testing.assert_close(surplus - deficit, r)


def test_bad_input_is_refused():
    p = gaussian((8, 8), 1.5, (16, 16))
    with pytest.raises(ValueError, match=r'one shape \[\.\.\., H, W\]'):
        wasserstein1(p, p[:8])
    with pytest.raises(ValueError, match='method'):
        wasserstein1(p, p, method='magic')
    with pytest.raises(ValueError, match='radius'):
        wasserstein1(p, p, radius=-3)
    wide = torch.full((96, 96), 1 / 96**2)
    with pytest.raises(ValueError, match='compact'):
        wasserstein1(wide, wide)
