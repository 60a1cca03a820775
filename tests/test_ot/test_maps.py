import torch

from mmpose_wass.ot import barycenter, ground_cost, log_softmax_map, pixel_coordinates, softmax_map
from mmpose_wass.ot.grid import graded_axis, hat_weights


def test_softmax_runs_over_pixels_of_each_map():
    logits = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    expected = logits.exp() / logits.exp().sum(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(softmax_map(logits), expected)
    torch.testing.assert_close(log_softmax_map(logits), expected.log())


def test_barycenter_is_the_mean_of_coordinates():
    probability = softmax_map(torch.randn(3, 7, 5, dtype=torch.float64))
    expected = torch.einsum('bn,nc->bc', probability.flatten(1),
                            pixel_coordinates((7, 5), dtype=torch.float64))
    torch.testing.assert_close(barycenter(probability), expected)


def test_ground_cost_against_cdist():
    a, b = torch.rand(6, 2, dtype=torch.float64), torch.rand(4, 2, dtype=torch.float64)
    torch.testing.assert_close(ground_cost(a, b), torch.cdist(a, b))


def test_graded_axis_is_symmetric_and_widens():
    axis = graded_axis(2.0, 5.5, 63, 1.7)
    assert (axis == -axis[::-1]).all() and axis[-1] >= 63
    steps = axis[len(axis) // 2 + 1:] - axis[len(axis) // 2:-1]
    assert (steps[1:] >= steps[:-1]).all()


def test_splatting_keeps_mass_and_mean():
    import numpy as np
    axis = graded_axis(2.0, 4.0, 31, 1.7)
    offsets = np.arange(-31, 32)
    weights = hat_weights(offsets, axis)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights @ axis, offsets, atol=1e-12)
