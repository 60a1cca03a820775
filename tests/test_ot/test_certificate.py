import numpy as np
import pytest
import torch
from maps import exact_wasserstein, gaussian, one_hot

from mmpose_wass.ot import (
    GradedSolver,
    SinkhornSolver,
    certificate,
    certified_lower_bound,
    certified_upper_bound,
    disc_radius,
    ground_cost,
    softmax_map,
    transport_plan,
    wasserstein1,
)
from mmpose_wass.ot.transport_plan import (
    PLACEMENT,
    Distances,
    GibbsKernel,
    conjugate,
    plan_parts,
    round_to_marginals,
    scale_kernel,
)

SHAPE = (24, 32)
# Relative; sums of some hundred thousand numbers in float64 differ by less.
ROUNDING = 1e-11


def pairs(count=4, shape=(20, 24)):
    generator = torch.Generator().manual_seed(0)
    for index in range(count):
        p = softmax_map(torch.randn(shape, generator=generator, dtype=torch.float64) * (1 + index))
        yield p, gaussian((8 + 2 * index, 9.3), 1.5, shape)


def test_the_bound_holds_for_any_potential():
    generator = torch.Generator().manual_seed(1)
    for p, q in pairs():
        exact = exact_wasserstein(p, q)
        for scale in (0, 1, 30):
            potential = scale * torch.randn(p.shape, generator=generator, dtype=torch.float64)
            assert float(certified_lower_bound(p, q, potential)) <= exact + 1e-9


def test_the_bound_is_tight_for_the_solver_s_potential():
    for p, q in pairs():
        exact = exact_wasserstein(p, q)
        bound = float(wasserstein1(p, q, return_result=True, radius=5.5).lower_bound or 0)
        assert bound == 0  # only where asked for
        potential = wasserstein1(p, q, return_result=True, radius=5.5).potential
        assert exact * .97 <= float(certified_lower_bound(p, q, potential)) <= exact + 1e-9


def test_parts_of_a_batch_equal_the_whole(monkeypatch):
    p, q = (torch.stack(maps) for maps in zip(*pairs()))
    potential = wasserstein1(p, q, return_result=True, radius=5.5).potential
    whole = certified_lower_bound(p, q, potential)
    monkeypatch.setattr('mmpose_wass.ot.certificate.CHUNK', 1)
    assert torch.equal(certified_lower_bound(p, q, potential), whole)
    assert certified_lower_bound(p[:0], q[:0], potential[:0]).shape == (0, )


def test_equal_maps_have_bound_zero():
    (p, _), *_ = pairs()
    assert float(certified_lower_bound(p, p, torch.zeros_like(p))) == 0


@pytest.mark.parametrize('bound', [certified_lower_bound, certified_upper_bound])
def test_shapes_are_checked(bound):
    maps = torch.from_numpy(np.ones((4, 4)) / 16)
    with pytest.raises(ValueError, match='one shape'):
        bound(maps, maps, maps[:2])


def mixture(*modes, floor=1e-7):
    """A sum of Gaussians (share, x, y, sigma) with a floor."""
    maps = sum(share * gaussian((x, y), sigma, SHAPE) for share, x, y, sigma in modes) + floor
    return maps / maps.sum()


def noise(scale, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return softmax_map(scale * torch.randn(SHAPE, generator=generator, dtype=torch.float64))


CATEGORIES = {
    'near': lambda x, y, sigma: mixture((1, x + .5, y - .4, 1.1 * sigma)),
    'shifted': lambda x, y, sigma: mixture((1, 31 - x, y + 5, .9 * sigma)),
    'bimodal': lambda x, y, sigma: mixture((.7, x - .4, y, sigma), (.3, 29, 3, sigma)),
    'uniform': lambda x, y, sigma: noise(.5),
    'border': lambda x, y, sigma: mixture((1, 0, y - 3, sigma)),
    'over-sharp': lambda x, y, sigma: mixture((1, x, y, .2), floor=0),
    'hot pixel': lambda x, y, sigma: one_hot((11, 9), SHAPE),
}


def draw(category, sigma=1.5):
    """A prediction and its target, at the border where the category says so."""
    x, y = (1.2, 12.3) if category == 'border' else (11.3, 13.6)
    return CATEGORIES[category](x, y, sigma), gaussian((x, y), sigma, SHAPE)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('sigma', [1, 1.5, 3])
@pytest.mark.parametrize('category', CATEGORIES)
def test_the_exact_value_is_between_a_solver_s_bounds(category, sigma, dtype):
    p, q = (maps.to(dtype) for maps in draw(category, sigma))
    exact = exact_wasserstein(p, q)
    result = GradedSolver(disc_radius(sigma))(p, q, certify=True)
    # Sums of float32 maps differ by its rounding, so that W1 itself is no better defined.
    tolerance = ROUNDING if dtype == torch.float64 else 1e-5
    assert float(result.lower_bound) <= exact * (1 + tolerance)
    assert exact * (1 - tolerance) <= float(result.upper_bound) <= exact * 1.005
    assert result.upper_bound.dtype == torch.float64


@pytest.mark.parametrize('scale', [0, 1, 1000])
@pytest.mark.parametrize('category', CATEGORIES)
def test_the_upper_bound_holds_for_any_potential(category, scale):
    p, q = draw(category)
    exact = exact_wasserstein(p, q)
    generator = torch.Generator().manual_seed(2)
    potential = scale * torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    assert exact * (1 - ROUNDING) <= float(certified_upper_bound(p, q, potential)) <= exact * 1.01


def test_the_upper_bound_holds_for_two_maps_of_noise():
    p, q = noise(2), noise(1, seed=1)
    result = SinkhornSolver(epsilon=.5, iterations=20)(p, q, certify=True)
    exact = exact_wasserstein(p, q)
    assert float(result.lower_bound) <= exact * (1 + ROUNDING)
    # Mass has to be evened out over long ways here, by more iterations than there are.
    assert exact * (1 - ROUNDING) <= float(result.upper_bound) <= exact * 1.03


def test_the_upper_bound_is_exact_where_there_is_one_plan():
    p, q = one_hot((3, 4), SHAPE), mixture((1, 20, 9, 2))
    difference = (p - q).flatten().clamp_max(0)  # all of q but what it has on the hot pixel
    rows, columns = torch.meshgrid(torch.arange(24.), torch.arange(32.), indexing='ij')
    exact = float(-difference @ torch.hypot(columns - 3, rows - 4).flatten().double())
    assert float(certified_upper_bound(p, q, torch.zeros_like(p))) == pytest.approx(
        exact, rel=1e-7)  # hypot above is in float32


def transport_problem(category='bimodal'):
    """Distances of the Jordan parts of a pair, and their masses a ``[1, X]`` and b ``[1, Y]``."""
    p, q = draw(category)
    difference = p - q
    sources, sinks = ((sign * difference > 0).nonzero().flip(1).double() for sign in (1, -1))
    a, b = difference[difference > 0], -difference[difference < 0]
    return Distances(sources[None], sinks[None]), a[None], b[None] * (a.sum() / b.sum())


def dense(kernel):
    return torch.cat([block for *_, block in kernel.blocks()], dim=1)


def test_distances_and_kernels_are_what_they_are_said_to_be(monkeypatch):
    whole, a, b = transport_problem()
    monkeypatch.setattr(transport_plan, 'PAIRS', 1000)
    distances = Distances(whole.sources, whole.sinks)
    generator = torch.Generator().manual_seed(0)
    f, g = (torch.randn(mass.shape, generator=generator).double() for mass in (a, b))
    cost = ground_cost(whole.sources[0], whole.sinks[0])[None]
    expected = ((f[..., None] + g[:, None] - cost) / .5).exp()
    assert len(list(whole.blocks())) == 1 < len(list(distances.blocks()))
    for some in (whole, distances):
        kernel = GibbsKernel(some, f, g, .5)
        torch.testing.assert_close(dense(kernel), expected)
        torch.testing.assert_close(kernel.times(b), (expected @ b[0]))
        torch.testing.assert_close(kernel.transposed_times(a), a[0] @ expected)
        plan = a[..., None] * expected * b[:, None]
        torch.testing.assert_close(kernel.cost(a, b), (plan * cost).sum(dim=(1, 2)))


def test_conjugate_potentials_are_feasible_and_touch():
    distances, a, b = transport_problem()
    generator = torch.Generator().manual_seed(0)
    f, g = conjugate(distances, a, b, 5 * torch.randn(b.shape, generator=generator).double())
    slack = ground_cost(distances.sources[0], distances.sinks[0]) - f[0, :, None] - g
    assert slack.min() >= -1e-12
    assert slack.amin(dim=0).max() < 1e-12 and slack.amin(dim=1).max() < 1e-12


def test_scaling_comes_near_to_both_marginals():
    distances, a, b = transport_problem()
    kernel = GibbsKernel(distances, torch.zeros_like(a), torch.zeros_like(b), 1.0)
    plain, relaxed = (scale_kernel(kernel, a, b, 60, relaxation) for relaxation in (1, 1.6))
    for s, t in (plain, relaxed):
        plan = (a * s)[..., None] * dense(kernel) * (b * t)[:, None]
        assert (plan.sum(dim=2) - a).abs().sum() < 1e-3 * a.sum()
        assert (plan.sum(dim=1) - b).abs().sum() < 1e-3 * b.sum()


@pytest.mark.parametrize('spread', [0, 1, 30])
def test_rounding_never_exceeds_a_marginal(spread):
    distances, a, b = transport_problem()
    generator = torch.Generator().manual_seed(0)
    f, g, log_scaling = (spread * torch.randn(mass.shape, generator=generator).double()
                         for mass in (a, b, b))
    kernel = GibbsKernel(distances, f, g, .5)
    u, w, rest_a, rest_b = round_to_marginals(kernel, a, b, log_scaling.exp())
    plan = u[..., None] * dense(kernel) * w[:, None]
    assert plan.min() >= 0 and rest_a.min() >= 0 and rest_b.min() >= 0
    torch.testing.assert_close(plan.sum(dim=2) + rest_a, a, rtol=1e-12, atol=1e-16)
    torch.testing.assert_close(plan.sum(dim=1) + rest_b, b, rtol=1e-12, atol=1e-16)
    if spread:
        assert .01 * a.sum() < rest_a.sum()  # there was something to round


@pytest.mark.parametrize('scale', [0, 30])
@pytest.mark.parametrize('category', CATEGORIES)
def test_the_plan_has_the_marginals_and_costs_the_bound(category, scale):
    distances, a, b = transport_problem(category)
    generator = torch.Generator().manual_seed(0)
    potential = scale * torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    columns, rows = distances.sinks[0].long().T
    f, g = conjugate(distances, a, b, -potential[rows, columns][None])
    parts = [u[..., None] * dense(kernel) * w[:, None]
             for kernel, u, w in plan_parts(distances, a, b, f, g)]
    assert len(parts) == len(PLACEMENT)
    plan = sum(parts)
    assert plan.min() >= 0
    torch.testing.assert_close(plan.sum(dim=2), a, rtol=1e-10, atol=1e-15)
    torch.testing.assert_close(plan.sum(dim=1), b, rtol=1e-10, atol=1e-15)
    cost = (plan * ground_cost(distances.sources[0], distances.sinks[0])).sum()
    # Not to rounding: the order of the pixels, so that of the sums, is another here.
    assert float(certified_upper_bound(*draw(category), potential)) == pytest.approx(
        float(cost), rel=1e-5)


@pytest.mark.parametrize('pairs', [1, 3000, 2**20])
@pytest.mark.parametrize('grouped', [False, True])
def test_memory_does_not_change_the_upper_bound(monkeypatch, pairs, grouped):
    p, q = (torch.stack(maps) for maps in zip(*map(draw, ['near', 'bimodal', 'hot pixel'])))
    potential = torch.zeros_like(p)
    whole = certified_upper_bound(p, q, potential)
    exact = torch.tensor([exact_wasserstein(*pair) for pair in zip(p, q)], dtype=torch.float64)
    monkeypatch.setattr(transport_plan, 'PAIRS', pairs)
    # Few stages of one iteration with blocks of a single source.
    if pairs == 1:
        monkeypatch.setattr(transport_plan, 'DESCENT', transport_plan.DESCENT[:1])
        monkeypatch.setattr(transport_plan, 'PLACEMENT', PLACEMENT[-2:])
    if grouped:  # as on a GPU
        alike = certificate._alike
        monkeypatch.setattr(certificate, '_alike', lambda counts, _: alike(counts, pairs))
    bound = certified_upper_bound(p, q, potential)
    assert (bound >= exact * (1 - ROUNDING)).all()
    if pairs > 1:
        torch.testing.assert_close(bound, whole, rtol=1e-6, atol=0)


def test_groups_hold_every_map_that_is_not_equal_once():
    counts = [[5, 3], [0, 0], [4, 7], [1, 1], [90, 2], [4, 7]]
    groups = list(certificate._alike(counts, 60))
    assert sorted(index for maps, *_ in groups for index in maps) == [0, 2, 3, 4, 5]
    for maps, sources, sinks in groups:
        assert sources == max(counts[index][0] for index in maps)
        assert sinks == max(counts[index][1] for index in maps)
        assert len(maps) == 1 or len(maps) * sources * sinks <= 60
    assert max(len(maps) for maps, *_ in groups) == 2


def test_leading_dimensions_and_equal_maps():
    pairs = [draw('near'), draw('near')[1:] * 2, draw('border'), draw('uniform')]
    p, q = (torch.stack(maps).view(2, 2, *SHAPE) for maps in zip(*pairs))
    result = GradedSolver(disc_radius(1.5))(p, q, certify=True)
    assert result.upper_bound.shape == result.lower_bound.shape == (2, 2)
    assert float(result.upper_bound[0, 1]) == float(result.lower_bound[0, 1]) == 0
    for index, pair in enumerate(pairs):
        alone = certified_upper_bound(*pair, result.potential.flatten(0, 1)[index])
        assert torch.equal(alone, result.upper_bound.flatten()[index])
    assert certified_upper_bound(p[:0], q[:0], p[:0]).shape == (0, 2)


def test_bounds_come_only_where_asked_for():
    result = wasserstein1(*draw('near'), return_result=True, radius=5.5)
    assert result.lower_bound is None and result.upper_bound is None


def test_a_map_that_is_not_finite_has_no_upper_bound():
    p, q = (torch.stack(maps) for maps in zip(draw('near'), draw('near')))
    p[1, 3, 3] = torch.nan
    bound = certified_upper_bound(p, q, torch.zeros_like(p))
    assert bound.isnan().tolist() == [False, True]
