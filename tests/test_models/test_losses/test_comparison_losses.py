"""The losses that the paper compares the Wasserstein loss with."""
import numpy as np
import pytest
import torch
from maps import gaussian
from mmpose.models.losses import KeypointOHKMMSELoss
from mmpose.registry import MODELS
from scipy.spatial.distance import jensenshannon

from mmpose_wass.models.losses import (
    HardLandmarkLoss,
    JSHeatmapLoss,
    KLHeatmapLoss,
    SoftArgmaxLoss,
    STARHeatmapLoss,
    WassersteinHeatmapLoss,
)
from mmpose_wass.ot import softmax_map

KINDS = [JSHeatmapLoss, SoftArgmaxLoss, STARHeatmapLoss]
SHAPE = (24, 20)


def batch(batch_size=2, landmarks=3, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch_size, landmarks, *SHAPE, generator=generator).to(dtype) * 2
    centres = torch.rand(batch_size, landmarks, 2, generator=generator) * 8 + 6
    target = torch.stack([
        torch.stack([gaussian(centre.numpy(), 1.5, SHAPE, dtype) for centre in row])
        for row in centres
    ])
    return logits.requires_grad_(), target


def normalised(target):
    return target / target.sum(dim=(2, 3), keepdim=True)


def test_js_is_scipys():
    logits, target = batch(dtype=torch.float64)
    p = softmax_map(logits.detach()).flatten(2).numpy()
    expected = jensenshannon(p, target.flatten(2).numpy(), axis=-1)**2
    values = JSHeatmapLoss(reduction='none')(logits, target)
    np.testing.assert_allclose(values.detach().numpy(), expected, rtol=1e-10)


def test_js_lies_between_0_and_log_2_and_is_symmetric():
    p, q = (softmax_map(batch(seed=seed)[0].detach() * 4) for seed in (0, 1))
    loss = JSHeatmapLoss(reduction='none')
    there, back = loss(p.log(), q), loss(q.log(), p)
    torch.testing.assert_close(there, back)
    assert (there > 0).all() and (there < np.log(2)).all()
    far = torch.full((1, 1, 8, 8), -1e4)
    target = torch.zeros(1, 1, 8, 8)
    far[..., 0, 0], target[..., 7, 7] = 0, 1
    assert float(loss(far, target)) == pytest.approx(np.log(2), rel=1e-6)


def test_js_gradient_where_maps_are_far_apart_or_empty():
    """Underflow, masks and empty pixels must not make it NaN."""
    logits = torch.zeros(1, 2, 8, 8)
    logits[0, 0, 0, 0], logits[0, 1, 3, 3] = 1e4, 200.
    logits.requires_grad_()
    target = torch.zeros(1, 2, 8, 8)
    target[..., 7, 7] = target[..., 3, 3] = 1
    mask = torch.ones(8, 8)
    mask[:2] = 0
    JSHeatmapLoss()(logits, target, mask=mask).backward()
    assert torch.isfinite(logits.grad).all() and (logits.grad[..., :2, :] == 0).all()


@pytest.mark.parametrize('norm', ['l1', 'l2', 'smooth'])
def test_soft_argmax_is_numpys(norm):
    logits, target = batch(dtype=torch.float64)
    p, q = (maps.numpy() for maps in (softmax_map(logits.detach()), normalised(target)))
    rows, columns = np.mgrid[:SHAPE[0], :SHAPE[1]]
    difference = np.stack(
        [((p - q) * axis).sum(axis=(2, 3)) for axis in (columns, rows)], axis=-1)
    beta, size = 2., np.abs(difference)
    expected = dict(
        l1=size.sum(-1), l2=np.sqrt((difference**2).sum(-1)),
        smooth=np.where(size < beta, .5 * size**2 / beta, size - .5 * beta).sum(-1))[norm]
    loss = SoftArgmaxLoss(norm, beta=beta, reduction='none')
    np.testing.assert_allclose(loss(logits, target).detach().numpy(), expected, rtol=1e-9)


def test_soft_argmax_is_a_lower_bound_of_wasserstein():
    logits, target = batch()
    bound = SoftArgmaxLoss('l2', reduction='none')(logits, target)
    distance = WassersteinHeatmapLoss(method='exact', reduction='none')(logits, target)
    assert (bound <= distance + 1e-4).all()


def test_soft_argmax_gradient_at_the_target_is_finite():
    _, target = batch()
    for norm in ('l1', 'l2', 'smooth'):
        logits = target.clamp_min(1e-30).log().requires_grad_()
        value = SoftArgmaxLoss(norm)(logits, target)
        value.backward()
        assert abs(float(value.detach())) < 1e-4 and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize('kind', KINDS)
def test_shared_behaviour(kind):
    """Scale of the target, weights, ignored landmarks, temperature, AMP: as the base says."""
    logits, target = batch()
    loss = kind()
    torch.testing.assert_close(loss(logits, 37.5 * target), loss(logits, target))
    torch.testing.assert_close(kind(temperature=2.0)(logits, target), loss(logits / 2, target))
    weights = torch.tensor([[1., .5, 0.], [2., 0., 1.]])
    values = kind(reduction='none')(logits, target, weights)
    assert (values[weights == 0] == 0).all() and (values[weights > 0] > 0).all()
    expected = (weights * values).sum() / weights.sum()
    torch.testing.assert_close(loss(logits, target, weights), expected)
    poisoned = logits.detach().clone()
    poisoned[weights == 0] = float('nan')
    poisoned.requires_grad_()
    loss(poisoned, target, weights).backward()
    assert (poisoned.grad[weights == 0] == 0).all() and (poisoned.grad[0, 0] != 0).any()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(logits.bfloat16(), target)
    assert value.dtype == torch.float32
    mask = torch.zeros(SHAPE)
    mask[4:20, 3:18] = 1
    cut = loss(logits[..., 4:20, 3:18], target[..., 4:20, 3:18])
    if kind is not STARHeatmapLoss:  # it counts in sides of the map
        torch.testing.assert_close(loss(logits, target, mask=mask), cut, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_descent_reaches_the_target(kind):
    logits = torch.zeros(1, 1, 16, 16, requires_grad=True)
    target = gaussian((5, 9), 1.5, (16, 16), torch.float32)[None, None]
    optimizer = torch.optim.Adam([logits], lr=.1)
    loss = kind()
    start = float(loss(logits, target).detach())
    for _ in range(300):
        optimizer.zero_grad()
        value = loss(logits, target)
        value.backward()
        optimizer.step()
    assert float(value.detach()) < .05 * start


@pytest.mark.parametrize('norm', ['l1', 'smooth'])
def test_star_is_numpys(norm):
    logits, target = batch(dtype=torch.float64)
    loss = STARHeatmapLoss(norm, beta=.05, restriction_weight=.7, reduction='none')
    values = loss(logits, target).detach().numpy().ravel()
    p, q = (maps.flatten(0, 1).numpy() for maps in (softmax_map(logits.detach()),
                                                    normalised(target)))
    rows, columns = (axis.ravel() / (side - 1) for axis, side in zip(np.mgrid[:SHAPE[0],
                                                                              :SHAPE[1]], SHAPE))
    points = np.stack([columns, rows])
    for value, predicted, wanted in zip(values, p.reshape(len(p), -1), q.reshape(len(q), -1)):
        covariance = np.cov(points, aweights=predicted, ddof=0)
        variances, axes = np.linalg.eigh(covariance)
        along = np.abs(axes.T @ (points @ (wanted - predicted)))
        size = along if norm == 'l1' else np.where(
            along < .05, .5 * along**2 / .05, along - .025)
        expected = (size / np.sqrt(variances)).sum() + .7 * variances.sum()
        assert value == pytest.approx(expected, rel=1e-9)


def test_star_forgives_errors_along_the_long_axis():
    wide = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    rows, columns = torch.meshgrid(torch.arange(32.), torch.arange(32.), indexing='ij')
    wide[0, 0] = -((columns - 15)**2 / (2 * 16) + (rows - 15)**2 / 2)
    loss = STARHeatmapLoss('l1', restriction_weight=0)
    across, along = (float(loss(wide, gaussian(place, 1., (32, 32), torch.float64)[None, None]))
                     for place in ((15, 18), (18, 15)))
    if along > across:  # whichever order the places have
        across, along = along, across
    assert across == pytest.approx(4 * along, rel=.02)


def test_star_gradient_where_both_axes_are_alike():
    logits = torch.zeros(1, 2, 9, 9)
    logits[0, 1, 4, 4] = 300.  # a single pixel
    logits.requires_grad_()
    target = torch.zeros(1, 2, 9, 9)
    target[..., 2, 6] = 1
    STARHeatmapLoss()(logits, target).backward()
    assert torch.isfinite(logits.grad).all() and (logits.grad[0, 0] != 0).any()


def test_options_are_checked():
    with pytest.raises(ValueError, match='norm'):
        STARHeatmapLoss('l2')
    with pytest.raises(ValueError, match='restriction_weight'):
        STARHeatmapLoss(restriction_weight=-1)
    with pytest.raises(ValueError, match='norm'):
        SoftArgmaxLoss('l3')
    with pytest.raises(ValueError, match='beta'):
        SoftArgmaxLoss(beta=0)
    with pytest.raises(ValueError, match='reduction'):
        SoftArgmaxLoss(reduction='sum')


def hard(count, loss=None):
    return HardLandmarkLoss(loss or dict(type='KLHeatmapLoss'), hard_landmarks=count)


def test_mining_takes_the_hardest_of_each_image():
    logits, target = batch(4, 6)
    values = KLHeatmapLoss(reduction='none')(logits, target).detach().numpy()
    value = hard(2)(logits, target)
    hardest = np.sort(values, axis=1)[:, -2:]
    assert float(value.detach()) == pytest.approx(hardest.mean(), rel=1e-6)
    value.backward()
    touched = (logits.grad.abs().sum(dim=(2, 3)) > 0).numpy()
    np.testing.assert_array_equal(touched, values >= hardest[:, :1])


def test_mining_leaves_ignored_landmarks_out():
    logits, target = batch(2, 4)
    weights = torch.tensor([[1., 0., 1., 1.], [0., 0., 2., 0.]])
    empty = target.clone()
    empty[0, 2] = 0
    values = KLHeatmapLoss(reduction='none')(logits, empty, weights)
    value = hard(2)(logits, empty, weights)
    expected = (values[0, 0] + values[0, 3] + 2 * values[1, 2]) / 4
    torch.testing.assert_close(value, expected)
    nothing = hard(2)(logits, target, torch.zeros(2, 4))
    assert float(nothing.detach()) == 0 and nothing.requires_grad


def test_mining_of_all_is_the_plain_loss():
    logits, target = batch()
    weights = torch.tensor([[1., .5, 0.], [2., 0., 1.]])
    plain = KLHeatmapLoss()(logits, target, weights)
    torch.testing.assert_close(hard(1.0)(logits, target, weights[..., None]), plain)


def test_mining_counts_as_mmposes_does():
    """MMPose's has no weights in its mean; with all landmarks valid both choose alike."""
    logits, target = batch(3, 5)
    theirs = KeypointOHKMMSELoss(topk=2)(softmax_map(logits), normalised(target), None)
    mean_square = (softmax_map(logits) - normalised(target)).square().mean(dim=(2, 3))
    peak = normalised(target).amax(dim=(2, 3))
    ours = MODELS.build(dict(type='SoftmaxMSEHeatmapLoss', reduction='none'))(logits, target)
    torch.testing.assert_close(ours, mean_square / peak**2)
    torch.testing.assert_close(theirs, mean_square.topk(2, dim=1).values.mean())


def test_mining_a_sum_chooses_by_the_sum():
    logits, target = batch(1, 3)
    config = dict(type='WeightedSumHeatmapLoss', losses=dict(
        wasserstein=dict(type='WassersteinHeatmapLoss', sigma=1.5),
        kl=dict(type='KLHeatmapLoss', loss_weight=3.)))
    total = WassersteinHeatmapLoss(sigma=1.5, reduction='none')(logits, target) + \
        KLHeatmapLoss(loss_weight=3., reduction='none')(logits, target)
    torch.testing.assert_close(hard(1, config)(logits, target), total.max())
    assert 'reduction' not in config['losses']['kl']  # the caller's config stays as it was


def test_mining_share_is_that_of_the_paper():
    loss = HardLandmarkLoss(dict(type='KLHeatmapLoss'))
    for landmarks, count in ((17, 8), (68, 32), (98, 47)):
        logits = torch.randn(1, landmarks, 4, 4, requires_grad=True)
        loss(logits, torch.ones(1, landmarks, 4, 4)).backward()
        assert int((logits.grad.abs().sum(dim=(2, 3)) > 0).sum()) == count


def test_mining_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match='KeypointOHKMMSELoss'):
        hard(2, dict(type='KeypointMSELoss'))
    with pytest.raises(ValueError, match='reduces itself'):
        hard(2, dict(type='KLHeatmapLoss', reduction='mean'))
    for count in (0, -1, 1.5, True, 0.):
        with pytest.raises(ValueError, match='hard_landmarks'):
            hard(count)
    logits, target = batch()
    with pytest.raises(ValueError, match='there are 3 landmarks'):
        hard(4)(logits, target)
