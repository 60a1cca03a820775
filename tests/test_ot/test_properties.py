"""What makes a distance one, for every method where it holds, on drawn maps."""
import math

import pytest
import torch
from maps import exact_wasserstein, gaussian

from mmpose_wass.ot import softmax_map, wasserstein1

pytest.importorskip('ot')
hypothesis = pytest.importorskip('hypothesis')
st = hypothesis.strategies

SHAPE = (12, 14)
METHODS = {
    'graded': dict(method='graded', radius=6.0),
    'sliced': dict(method='sliced'),
    'exact': dict(method='exact'),
    'sinkhorn': dict(method='sinkhorn', iterations=60),
    'debiased': dict(method='sinkhorn', iterations=300, debiased=True),
}
DISTANCES = ['graded', 'sliced', 'exact', 'debiased']  # 0 at p = q; entropic transport is not
SYMMETRIC = ['sliced', 'exact', 'sinkhorn', 'debiased']  # the graded one tells p and q apart
GRADED_ERROR = .02

drawn = hypothesis.settings(derandomize=True, deadline=None, max_examples=12)


def methods(names=tuple(METHODS)):
    return pytest.mark.parametrize('name', names)


def distance(name, p, q, **options):
    return wasserstein1(p, q, **METHODS[name], **options)


@st.composite
def targets(draw, margin=0):
    """A Gaussian within the map."""
    x = draw(st.floats(margin, SHAPE[1] - 1 - margin))
    y = draw(st.floats(margin, SHAPE[0] - 1 - margin))
    return gaussian((x, y), draw(st.floats(.8, 1.6)), SHAPE)


@st.composite
def logits(draw):
    """Of scattered, peaked, displaced and near-uniform maps."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    noise = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    peak = draw(targets()).clamp_min(1e-12).log()
    return draw(st.floats(0, 2)) * noise + draw(st.sampled_from([0., .3, 1., 3.])) * peak


predictions = logits().map(softmax_map)


@st.composite
def patches(draw):
    """Maps with mass on 6 x 8 pixels at the upper left, so that they can be shifted."""
    p, q = draw(predictions), gaussian(
        (draw(st.floats(2, 5)), draw(st.floats(2, 3))), draw(st.floats(.8, 1.2)), SHAPE)
    cut = torch.zeros_like(p)
    cut[:6, :8] = 1
    return tuple(one * cut / (one * cut).sum() for one in (p, q))


offsets = st.tuples(st.integers(0, SHAPE[0] - 6), st.integers(0, SHAPE[1] - 8))


def shifted(one, offset):
    return torch.roll(one, offset, dims=(0, 1))


@methods()
@drawn
@hypothesis.given(p=predictions, q=targets())
def test_non_negative(name, p, q):
    assert float(distance(name, p, q)) >= 0


@methods(DISTANCES)
@drawn
@hypothesis.given(p=predictions, q=targets())
def test_zero_if_and_only_if_equal(name, p, q):
    assert float(distance(name, q, q)) <= 1e-9
    hypothesis.assume(float((p - q).abs().sum()) > 1e-6)
    assert float(distance(name, p, q)) > 1e-9


@drawn
@hypothesis.given(p=predictions, q=targets())
def test_graded_is_exact_to_its_tolerance(p, q):
    exact = exact_wasserstein(p, q)
    assert abs(float(distance('graded', p, q)) - exact) <= GRADED_ERROR * exact + 1e-9


@drawn
@hypothesis.given(p=predictions, q=predictions)
def test_slices_never_exceed_the_exact_distance(p, q):
    """But for their finite number; and the entropic dual is never below it once converged."""
    exact = exact_wasserstein(p, q)
    assert float(distance('sliced', p, q)) <= 1.0017 * exact + 1e-9
    assert float(distance('sinkhorn', p, q)) >= exact


@methods(SYMMETRIC)
@drawn
@hypothesis.given(p=predictions, q=predictions)
def test_symmetric(name, p, q):
    """Sinkhorn's alternating updates end on one side, so it is symmetric once converged."""
    tolerance = 1e-4 if name == 'sinkhorn' else 1e-9
    assert float(distance(name, p, q)) == pytest.approx(float(distance(name, q, p)), rel=tolerance)


@methods()
@drawn
@hypothesis.given(maps=patches(), offset=offsets)
def test_shifting_both_maps_changes_nothing(name, maps, offset):
    p, q = maps
    moved = distance(name, shifted(p, offset), shifted(q, offset))
    # The graded far nodes end where the map ends.
    tolerance = 1e-3 if name == 'graded' else 1e-9
    assert float(moved) == pytest.approx(float(distance(name, p, q)), rel=tolerance)


@methods(['graded', 'sliced', 'exact'])
@drawn
@hypothesis.given(maps=patches(), offset=offsets)
def test_shifting_a_map_costs_the_way(name, maps, offset):
    """Exactly so from where it was; from anywhere else, no more than that."""
    p, q = maps
    way = math.hypot(*offset)
    slack = {'exact': 1e-9, 'sliced': .0033, 'graded': GRADED_ERROR}[name]
    assert float(distance(name, shifted(q, offset), q)) == pytest.approx(way, rel=slack, abs=1e-9)
    before, after = float(distance(name, p, q)), float(distance(name, shifted(p, offset), q))
    assert abs(after - before) <= way * (1 + slack) + slack * (before + after) + 1e-9


@methods(DISTANCES[:3])
@drawn
@hypothesis.given(p=predictions, q=targets(), r=predictions)
def test_triangle_inequality_against_exact_values(name, p, q, r):
    bound = exact_wasserstein(p, r) + exact_wasserstein(r, q)
    slack = {'exact': 1e-9, 'sliced': .0017, 'graded': GRADED_ERROR}[name]
    assert float(distance(name, p, q)) <= (1 + slack) * bound + 1e-9


@drawn
@hypothesis.given(p=predictions, q=predictions, r=predictions)
def test_triangle_inequality_of_slices(p, q, r):
    """They are a distance of their own."""
    ways = [float(distance('sliced', *pair)) for pair in ((p, q), (p, r), (r, q))]
    assert ways[0] <= ways[1] + ways[2] + 1e-9


@methods()
@drawn
@hypothesis.given(scores=logits(), q=targets(), constant=st.floats(-50, 50))
def test_a_constant_added_to_the_logits_changes_nothing(name, scores, q, constant):
    plain, moved = scores.clone().requires_grad_(), (scores + constant).requires_grad_()
    values = [distance(name, softmax_map(one), q) for one in (plain, moved)]
    assert float(values[0].detach()) == pytest.approx(float(values[1].detach()), rel=1e-6, abs=1e-9)
    values[0].backward()
    assert abs(float(plain.grad.sum())) <= 1e-9


@methods()
@drawn
@hypothesis.given(maps=st.lists(st.tuples(predictions, targets()), min_size=2, max_size=5))
def test_maps_of_a_batch_are_independent(name, maps):
    p, q = (torch.stack(part).requires_grad_() for part in zip(*maps))
    together = distance(name, p, q)
    gradient = torch.autograd.grad(together.sum(), p)[0]
    for index, (one, other) in enumerate(maps):
        one = one.clone().requires_grad_()
        alone = distance(name, one, other)
        alone.backward()
        assert float(together[index].detach()) == pytest.approx(float(alone.detach()), rel=1e-6)
        torch.testing.assert_close(gradient[index], one.grad, rtol=0, atol=1e-6)
