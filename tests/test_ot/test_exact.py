"""The linear program against another solver, its own optimality conditions and fixtures."""
import builtins
import math

import numpy as np
import pytest
import torch
from exact_pairs import both, exact_pairs
from maps import gaussian, one_hot

from mmpose_wass.ot import ExactSolver, ground_cost, pixel_coordinates, softmax_map, wasserstein1

pytest.importorskip('ot')


def random_maps(seed, shape=(7, 9), scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    return softmax_map(scale * torch.randn(2, *shape, generator=generator, dtype=torch.float64))


def test_against_another_linear_program():
    from scipy.optimize import linprog
    p, q = random_maps(0, (5, 6))
    total = p.numel()
    cost = ground_cost(*[pixel_coordinates((5, 6), dtype=torch.float64)] * 2).numpy()
    rows = np.kron(np.eye(total), np.ones(total))
    columns = np.kron(np.ones(total), np.eye(total))
    answer = linprog(cost.ravel(), A_eq=np.vstack([rows, columns])[:-1],
                     b_eq=np.concatenate([p.flatten(), q.flatten()])[:-1])
    assert float(wasserstein1(p, q, method='exact')) == pytest.approx(answer.fun, rel=1e-9)


@pytest.mark.parametrize('seed', range(4))
def test_potential_is_feasible_and_optimal(seed):
    p, q = random_maps(seed, (10, 8), scale=seed)
    q = gaussian((3.3, 4.1), 1.2, (10, 8)) if seed % 2 else q
    result = wasserstein1(p, q, method='exact', return_result=True)
    potential = result.potential.flatten()
    pixels = pixel_coordinates((10, 8), dtype=torch.float64)
    slope = potential[:, None] - potential - ground_cost(pixels, pixels)
    assert float(slope.max()) < 1e-9
    assert float(((p - q) * result.potential).sum()) == pytest.approx(float(result.value), abs=1e-9)


@pytest.mark.parametrize('seed', range(3))
def test_gradient_against_finite_differences(seed):
    p, q = random_maps(seed, (4, 5))
    inputs = p.log().requires_grad_(), q.log().requires_grad_()

    def value(a, b):
        return wasserstein1(softmax_map(a), softmax_map(b), method='exact')

    assert torch.autograd.gradcheck(value, inputs, eps=1e-6, atol=1e-6)


@both
@pytest.mark.parametrize('size', [32, 64])
def test_exact_fixtures(whole, size):
    """At 64 pixels only every fourth, and none of the slow ones: the rest are like them."""
    data = exact_pairs(whole, size)
    chosen = np.arange(40) if size == 32 else \
        [index for index in range(0, len(data['w1']), 4) if data['category'][index] != 'uniform']
    assert len(chosen) >= 3
    for index in chosen:
        p = softmax_map(torch.tensor(data['logits'][index], dtype=torch.float64))
        q = gaussian(data['centre'][index], data['sigma'][index], (size, size))
        result = wasserstein1(p, q, method='exact', return_result=True)
        assert float(result.value) == pytest.approx(data['w1'][index], rel=1e-6)
        expected = p * torch.tensor(data['f'][index], dtype=torch.float64)
        expected = expected - p * expected.sum()
        gradient = p * (result.potential - (p * result.potential).sum())
        cosine = torch.cosine_similarity(gradient.flatten(), expected.flatten(), dim=0)
        assert float(cosine) > .9999


def test_equal_maps_batches_and_precision():
    a, b = one_hot((3, 4), (16, 20)), one_hot((9, 12), (16, 20))
    p, q = torch.stack([a, a, b]).float().view(3, 1, 16, 20), torch.stack([b, a, b]).float()
    result = wasserstein1(p, q[:, None], method='exact', return_result=True)
    assert result.value.dtype == torch.float32 and result.potential.shape == p.shape
    assert result.value.flatten().tolist() == [10, 0, 0]
    assert float(result.potential[1:].abs().max()) == 0


def test_float32_maps_whose_sums_are_not_quite_equal():
    p, q = gaussian((20, 20), 9.0), gaussian((40, 25), 1.5)
    value = wasserstein1((p * (1 + 1e-6)).float(), q.float(), method='exact')
    assert float(value) == pytest.approx(math.hypot(20, 5), rel=.05)
    exact = wasserstein1(p, q, method='exact')
    assert float(value) == pytest.approx(float(exact), rel=1e-5)


def test_an_unsolved_program_and_bad_maps_are_refused():
    p, q = random_maps(0)
    with pytest.warns(UserWarning, match='numItermax'), \
            pytest.raises(RuntimeError, match='raise iterations'):
        wasserstein1(p, q, method='exact', iterations=1)
    with pytest.raises(ValueError, match='finite'):
        wasserstein1(p * math.nan, q, method='exact')


def test_without_pot_the_error_names_the_remedy(monkeypatch):
    genuine = builtins.__import__

    def without_pot(name, *arguments, **options):
        if name == 'ot':
            raise ImportError(name)
        return genuine(name, *arguments, **options)

    monkeypatch.setattr(builtins, '__import__', without_pot)
    with pytest.raises(ImportError, match=r'pip install "POT>=0.9"'):
        ExactSolver()
