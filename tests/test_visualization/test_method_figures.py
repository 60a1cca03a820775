"""Figures of the method show what the method does."""
from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.patches import Circle

from mmpose_wass.visualization.figures import (
    displaced_losses,
    draw_targets,
    error_scale_figure,
    loss_landscape_figure,
    target_map,
    targets_figure,
)
from mmpose_wass.visualization.heatmaps.faces import frontal_face

STEPS = [0., 2., 6., 15., 20., 26.]


def test_losses_of_two_gaussians_that_drift_apart():
    sigma = 2.0
    found = displaced_losses(STEPS, 48, sigma, ['l2', 'wasserstein', 'kl', 'js'])
    steps = np.array(STEPS)
    # Equal shapes: W1 is the distance, KL is d^2 / (2 sigma^2), JS ends at ln 2, L2 at twice the
    # integral of the squared density, 1 / (4 pi sigma^2).
    np.testing.assert_allclose(found['wasserstein'], steps, atol=0.1)
    np.testing.assert_allclose(found['kl'], steps**2 / (2 * sigma**2), rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(found['js'][3:], math.log(2), rtol=1e-3)
    limit = 2 / (4 * math.pi * sigma**2)
    np.testing.assert_allclose(found['l2'][3:], limit, rtol=1e-3)
    assert all(abs(values[0]) < 1e-3 for values in found.values())


def test_the_solver_agrees_with_a_linear_program():
    pytest.importorskip('ot')
    steps = [3., 11.]
    exact, solver = (displaced_losses(steps, 32, 1.5, ['wasserstein'], method)['wasserstein']
                     for method in ('exact', 'graded'))
    np.testing.assert_allclose(solver, exact, rtol=0.01)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(KeyError, match='hinge'):
        displaced_losses([1], losses=['hinge'])
    with pytest.raises(ValueError, match='displacements'):
        displaced_losses([60], 64)
    with pytest.raises(ValueError, match='too small'):
        loss_landscape_figure(size=24, sigma=3)


@pytest.mark.parametrize('losses', [['wasserstein'], ['l2', 'kl', 'js'],
                                    ['l2', 'wasserstein', 'kl', 'js']])
def test_a_panel_for_each_loss(losses):
    figure = loss_landscape_figure(losses, size=32, sigma=1.2)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    curves = [axes for axes in shown if axes.lines]
    assert len(curves) == len(losses) and len(shown) == 2 + len(losses)
    for axes in curves:
        values = axes.lines[-1].get_ydata()
        # It rises; where nothing overlaps some stay as they are, to rounding.
        assert (np.diff(values) > -1e-3 * values.max()).all() and values[-1] > values[0]


def test_targets_are_the_codecs():
    for sigma in (1, 1.5, 3):
        heat = target_map((64, 64), (20, 30), sigma)
        assert heat.sum() == pytest.approx(1, abs=1e-5)
        assert heat.max() == heat[30, 20] == pytest.approx(1 / (2 * math.pi * sigma**2), rel=0.02)
    assert not target_map((8, 8), (20, 4), 1).any()


def test_a_panel_for_each_sigma_and_one_for_profiles(tmp_path):
    figure = targets_figure([0.5, 2], size=32)
    maps = [axes for axes in figure.axes if axes.images]
    assert len(maps) == 2 and len(figure.axes) == 3
    for axes, sigma in zip(maps, (0.5, 2)):
        ring, = axes.patches
        assert ring.get_radius() == 3 * sigma
        array = axes.images[0].get_array()
        row, column = np.unravel_index(np.argmax(array), array.shape)
        assert np.hypot(column - ring.center[0], row - ring.center[1]) <= 1
    assert len(figure.axes[-1].lines) == 2
    assert draw_targets([str(tmp_path / 't.png')])[0].endswith('t.png')
    for wrong in ([], [1, 0], [-1]):
        with pytest.raises(ValueError, match='sigmas'):
            targets_figure(wrong)


def test_circles_are_as_wide_as_the_errors():
    face = frontal_face(200)
    points = face.results['keypoints'][0].astype(float)
    unit = np.hypot(*(points[36] - points[45]))
    figure = error_scale_figure(face.results['img'], points, 39, (36, 45), [0.2, 0.05])
    whole, near = (axes for axes in figure.axes if axes.images)
    for axes in (whole, near):
        circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
        np.testing.assert_allclose([circle.get_radius() for circle in circles],
                                   [0.05 * unit, 0.2 * unit])
        np.testing.assert_allclose([circle.center for circle in circles], [points[39]] * 2)
        # All circles are in sight.
        low, high = axes.get_xlim()
        assert low < points[39, 0] - 0.2 * unit and high > points[39, 0] + 0.2 * unit
    legend = next(axes.get_legend() for axes in figure.axes if axes.get_legend())
    assert [text.get_text() for text in legend.get_texts()] == ['5 %', '20 %', 'annotation']
    points[45] = np.nan
    with pytest.raises(ValueError, match='45'):
        error_scale_figure(face.results['img'], points, 39, (36, 45))
