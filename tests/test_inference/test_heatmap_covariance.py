"""Covariances of maps: against NumPy's weighted covariance, and as ellipses."""
import numpy as np
import pytest
import torch

from mmpose_wass.inference.uncertainty import (
    PIXEL_VARIANCE,
    covariance_ellipse,
    heatmap_covariance,
    transform_covariance,
    without_target_blur,
)


def test_against_numpy():
    maps = np.random.default_rng(0).random((2, 3, 7, 5))
    maps /= maps.sum(axis=(2, 3), keepdims=True)
    found = heatmap_covariance(maps)
    y, x = np.mgrid[:7, :5]
    for place in np.ndindex(2, 3):
        expected = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=maps[place].ravel(),
                          ddof=0)
        np.testing.assert_allclose(found[place], expected, atol=1e-12)
    as_tensor = heatmap_covariance(torch.from_numpy(maps))
    assert isinstance(as_tensor, torch.Tensor)
    np.testing.assert_array_equal(as_tensor.numpy(), found)


def test_sharp_map_far_from_the_origin_in_float32():
    map_ = torch.zeros(512, 512)
    map_[500, 510], map_[501, 510] = .5, .5
    np.testing.assert_allclose(heatmap_covariance(map_).numpy(), [[0, 0], [0, .25]], atol=1e-4)


def test_blur_of_the_targets_is_removed():
    """A blurred two-point distribution has the covariance of the two points afterwards."""
    y, x = np.mgrid[:64, :64]
    map_ = sum(np.exp(-((x - a)**2 + (y - b)**2) / (2 * 1.5**2)) for a, b in ((30, 30), (34, 33)))
    spread = heatmap_covariance(map_ / map_.sum())
    expected = np.outer([2, 1.5], [2, 1.5])  # half the way between the two
    np.testing.assert_allclose(without_target_blur(spread, 1.5, least=0), expected, atol=1e-6)
    least = np.linalg.eigvalsh(without_target_blur(spread, 1.5))
    np.testing.assert_allclose(least, [PIXEL_VARIANCE, 6.25], atol=1e-6)
    np.testing.assert_allclose(without_target_blur(np.diag([5., 9.]), (1, 2), 0), np.diag([4., 5.]))


@pytest.mark.parametrize('degrees', [0, 30, 90, 135, 179])
def test_ellipse_of_a_rotated_covariance(degrees):
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    covariance = transform_covariance(np.diag([9., 4.]), rotation)
    axes, angle = covariance_ellipse(covariance[None], deviations=2)
    np.testing.assert_allclose(axes, [[6, 4]], atol=1e-9)
    assert abs((angle[0] - degrees + 90) % 180 - 90) < 1e-6


def test_share_within_the_ellipse():
    """1 - exp(-k^2 / 2), as the documentation says."""
    covariance = np.array([[5., 2.], [2., 3.]])
    sample = np.random.default_rng(0).multivariate_normal([0, 0], covariance, 40000)
    axes, angle = covariance_ellipse(covariance, deviations=1)
    turn = np.radians(angle)
    across = sample @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    inside = ((across / axes)**2).sum(axis=1) <= 1
    assert inside.mean() == pytest.approx(1 - np.exp(-.5), abs=.01)
