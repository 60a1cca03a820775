"""Targets that the graded solver does not hold are refused, and none that it does."""
import itertools
import math

import numpy as np
import pytest
import torch
from maps import gaussian

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.models.losses import WassersteinHeatmapLoss
from mmpose_wass.ot import (
    GradedSolver,
    NotCompactError,
    disc_radius,
    find_discs,
    find_radius,
    moment_outside,
    wasserstein1,
)
from mmpose_wass.ot.targets import tolerated_moment


def loss_of(p, q, **options):
    """Of one landmark, in pixels."""
    logits = p.clamp_min(1e-30).log().float()
    return float(WassersteinHeatmapLoss(check_interval=1, **options)(
        logits[None, None], q.float()[None, None]))


@pytest.mark.parametrize('weight', [3e-4, .002, .01, .03, .3])
@pytest.mark.parametrize('distance', [4, 9, 22, 33])
@pytest.mark.parametrize('sigma', [1.0, 3.0])
@pytest.mark.parametrize('told', [False, True])
def test_a_stray_mode_of_a_target_is_seen_or_refused(weight, distance, sigma, told):
    """From q without its stray mode to q, exactly that mode travels: weight times distance."""
    p = gaussian((24, 30), sigma)
    q = (1 - weight) * p + weight * torch.roll(p, distance, dims=1)
    exact = weight * distance
    allowed = tolerated_moment(disc_radius(sigma))
    outside = float(moment_outside(q[None], find_discs(q[None]).centre, disc_radius(sigma)))
    try:
        value = loss_of(p, q, **(dict(sigma=sigma) if told else {}))
    except NotCompactError:
        assert outside > .75 * allowed, 'refused for next to nothing'
        return
    assert abs(value - exact) <= .02 * exact + min(outside, allowed) + 1e-4


def test_modes_that_change_the_variance_by_little():
    near, far, wide = (gaussian((x, 30), 1.0) for x in (30, 60, 52))
    for q, options in ((.97 * near + .03 * far, {}), (.98 * near + .02 * wide, dict(sigma=3.0))):
        with pytest.raises(NotCompactError):
            loss_of(near, q, **options)
        for radius in (4.0, 10.0):
            with pytest.raises(NotCompactError):
                wasserstein1(near, q, radius=radius)
    broad = gaussian((30, 30), 3.0)
    q = .99 * broad + .01 * gaussian((45, 30), 3.0)
    with pytest.raises(NotCompactError):
        loss_of(broad, q, sigma=3.0)
    # A disc that may grow holds it.
    assert loss_of(broad, q) == pytest.approx(.15, abs=tolerated_moment(10))


def gaussians_everywhere(sigma, size):
    """Also as a landmark's outside the map leaves them, and between pixels."""
    places = [*np.arange(-2.9, 1.6, .75) * sigma, size / 2 - .5, size / 2 + .25, size - 1]
    return torch.stack([gaussian(place, sigma, (size, size), torch.float32)
                        for place in itertools.product(places, places)])


@pytest.mark.parametrize('size', [32, 64])
@pytest.mark.parametrize('sigma', [1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
def test_gaussians_at_any_place_are_held(sigma, size):
    q = gaussians_everywhere(sigma, size)
    outside = moment_outside(q, find_discs(q).centre, disc_radius(sigma))
    assert float(outside.max()) < tolerated_moment(disc_radius(sigma))
    # And those alone, whose variance says less than their sigma.
    assert find_radius(q) <= disc_radius(sigma) + .5
    for one in q[::5]:
        assert find_radius(one[None]) <= disc_radius(sigma) + .5


@pytest.mark.parametrize('size', [32, 64])
@pytest.mark.parametrize('sigma', [1.0, 1.5, 2.0, 3.0, 6.0])
@pytest.mark.parametrize('told', [False, True])
def test_what_an_encoder_makes_is_never_refused(sigma, size, told):
    generator = np.random.default_rng(int(10 * sigma) + size)
    codec = BarycenterCodec(input_size=(4 * size, 4 * size), heatmap_size=(size, size), sigma=sigma)
    loss = WassersteinHeatmapLoss(check_interval=1, **(dict(sigma=sigma) if told else {}))
    corners = 4 * size * np.array([[0, 0], [1, 0], [0, 1], [1, 1], [.5, 0], [1, .4]])
    for batch in range(3):
        points = generator.normal(corners, 8 * sigma)
        if batch == 1:
            points[:3] = generator.uniform(0, 4 * size, (3, 2))
        encoded = codec.encode(points[None].astype(np.float32))
        target = torch.from_numpy(encoded['heatmaps'])[None]
        weights = torch.from_numpy(encoded['keypoint_weights'])
        assert torch.isfinite(loss(torch.zeros_like(target), target, weights))


@pytest.mark.parametrize('dtype, noise', [(torch.float32, 2e-3), (torch.float64, 1e-9)])
@pytest.mark.parametrize('sigma', [1.0, 3.0])
def test_what_is_watched_bounds_the_moment_outside(sigma, dtype, noise):
    """It reads the disc's pixels alone: the rest is what the moments leave, here in any place."""
    radius = disc_radius(sigma)
    tails = gaussians_everywhere(sigma, 64).to(dtype)
    stray = .97 * tails + .03 * torch.roll(tails, (19, -23), dims=(1, 2))
    geometry = GradedSolver(radius)._geometry(tails[:1], radius)
    for q, slack in ((tails, 1.1), (stray, 1.5)):
        discs = find_discs(q)
        found = geometry.moment_outside(q, geometry.place(discs.centre), *discs[2:])
        moment = moment_outside(q, discs.centre, radius)
        assert (found >= moment - noise).all() and (found <= slack * moment + noise).all()


def test_inertia_is_the_second_moment_about_the_centre():
    q = gaussians_everywhere(2.0, 32).double()
    discs = find_discs(q)
    rows, columns = torch.meshgrid(torch.arange(32.), torch.arange(32.), indexing='ij')
    squares = (columns - discs.centre[:, 0, None, None])**2 + (
        rows - discs.centre[:, 1, None, None])**2
    torch.testing.assert_close(discs.inertia, (q * squares).sum(dim=(1, 2)))


def test_where_looking_waits_for_the_device_it_is_done_at_times():
    solver = GradedSolver(radius=5.5, check_interval=3)
    fits, wide = torch.tensor([5.5, 4.0]), torch.tensor([5.5, 19.0])
    little, much = torch.tensor([.001, 0.]), torch.tensor([.001, .4])
    solver._watch(fits, little, waits=True)
    solver._watch(wide, little, waits=True)  # seen, not yet looked at
    solver._watch(fits, little, waits=True)
    with pytest.raises(NotCompactError, match='disc of 19.0 px'):
        solver._watch(fits, little, waits=True)
    solver._watch(fits, much, waits=True)
    solver._watch(fits, little, waits=True)
    with pytest.raises(NotCompactError, match='0.4 px'):
        solver._watch(fits, little, waits=True)
    for seen in ((wide, little), (fits, much)):
        with pytest.raises(NotCompactError):
            GradedSolver(radius=5.5, check_interval=1)._watch(*seen, waits=True)
    nothing = torch.tensor([math.nan, 5.5])
    solver._watch(nothing, nothing, waits=False)  # the value is not a number either


def test_one_function_call_after_another_counts_on():
    """So that a training through `wasserstein1` does not wait for the device at each call."""
    from mmpose_wass.ot.wasserstein import solver_of
    p = gaussian((10, 10), 1.0, (20, 20))
    before = solver_of('graded', radius=4.0)
    wasserstein1(p, p, radius=4.0)
    assert solver_of('graded', radius=4.0) is before and before.check_interval > 1
    assert solver_of('graded', radius=4.5) is not before


def test_a_disc_that_was_found_grows_with_the_targets():
    corner, inner, wider = (gaussian(*case, dtype=torch.float32)[None, None]
                            for case in (((0, 0), 3.0), ((30, 31), 3.0), ((30, 31), 4.0)))
    logits = gaussian((20, 25), 3.0, dtype=torch.float32).clamp_min(1e-30).log()[None, None]
    loss = WassersteinHeatmapLoss(check_interval=1)
    radii = []
    for target in (corner, inner, wider, corner):
        value = loss(logits, target)
        radii.append(loss._solver.radius)
        expected = wasserstein1(logits.flatten(2).softmax(dim=2).view_as(logits), target,
                                method='sliced', directions=64)
        assert float(value) == pytest.approx(float(expected), rel=.02)
    assert radii[0] < 9.5 and radii[1:] == [10.0, 13.0, 13.0]
    # But not for what no disc holds, nor past what was said.
    two = .6 * inner + .4 * corner
    with pytest.raises(NotCompactError):
        loss(logits, two)
    assert loss._solver.radius == 13.0
    with pytest.raises(NotCompactError, match='larger sigma'):
        WassersteinHeatmapLoss(sigma=3.0)(logits, wider)


def test_a_disc_grows_for_a_batch_that_has_gone_by():
    """On a GPU the batch at hand may be a narrow one when another is found to have been wide."""
    narrow = gaussian((30, 31), 1.5, dtype=torch.float32)[None, None]
    loss = WassersteinHeatmapLoss(check_interval=1)
    loss(torch.zeros_like(narrow), narrow)
    solver, radius = loss._solver, loss._solver.radius
    solver._watch = lambda needed, outside, waits: GradedSolver._watch(
        solver, needed + 4.5, outside, waits)
    assert torch.isfinite(loss(torch.zeros_like(narrow), narrow))
    assert loss._solver.radius == radius + 4.5
