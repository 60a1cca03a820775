"""Heatmaps lie over the face where they belong, and the lightest spot is the highest value."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.codecs.coordinates import CONVENTIONS, coordinate_map
from mmpose_wass.visualization.heatmaps import FaceView, overlay_heat, place_heat, relative_heat
from mmpose_wass.visualization.heatmaps.face_view import enlarge, probabilities_of
from mmpose_wass.visualization.heatmaps.overlay import heat_colors

RANDOM = np.random.default_rng(0)


def a_view(points, target, maps=None, **changes):
    points, target = (np.asarray(one, dtype=float) for one in (points, target))
    picture = RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    options = dict(name='a', picture=picture, zoom=np.ones(2), points=points, target=target,
                   unit=20.0, unit_name='inter-ocular distance', maps=maps,
                   places=coordinate_map('half_pixel', (64, 64), (16, 16)), radius=4.5)
    return FaceView(**{**options, **changes})


@pytest.mark.parametrize('convention', CONVENTIONS)
@pytest.mark.parametrize('zoom', [(1., 1.), (3., 2.5)])
def test_a_map_is_placed_as_its_codec_says(convention, zoom):
    places = coordinate_map(convention, (64, 48), (16, 12))
    size = int(64 * zoom[0]), int(48 * zoom[1])
    for pixel in ((3, 2), (11, 9), (8, 6)):
        heat = np.zeros((12, 16))
        heat[pixel[1], pixel[0]] = 1
        placed = place_heat(heat, places, zoom, size)
        assert placed.shape == size[::-1]
        # The bilinear bump about one pixel is symmetric: its mean is the pixel's place.
        rows, columns = np.indices(placed.shape)
        found = np.array([(placed * columns).sum(), (placed * rows).sum()]) / placed.sum()
        # OpenCV resamples at 1/32 of a (heatmap) pixel.
        np.testing.assert_allclose(found, places.to_input(np.array(pixel)) * zoom,
                                   atol=(places.decode_scale * zoom).max() / 32)


def test_the_lightest_pixel_is_the_maps_highest_on_any_picture():
    for _ in range(20):
        picture = RANDOM.choice([0, 255, 128], (40, 56, 3)).astype(np.uint8)
        heat = RANDOM.random((40, 56)) * 0.9
        place = tuple(RANDOM.integers(0, (40, 56)))
        heat[place] = 1
        grey = cv2.cvtColor(overlay_heat(picture, heat), cv2.COLOR_BGR2GRAY)
        assert np.unravel_index(grey.argmax(), grey.shape) == place


def test_no_heat_leaves_the_picture_grey_and_dark():
    picture = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    plain = overlay_heat(picture, np.zeros((8, 8)))
    assert (plain == plain[..., :1]).all()
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    assert (plain[..., 0] <= grey).all() and plain.std() > 0
    with pytest.raises(ValueError, match=r'heat must be \[8, 8\]'):
        overlay_heat(picture, np.zeros((8, 9)))


def test_relative_heat_survives_what_a_network_may_say():
    maps = np.array([[[0.25, 1.0], [np.nan, -3.0]], [[0.0, 0.0], [0.0, 0.0]]])
    heat = relative_heat(maps)
    np.testing.assert_allclose(heat[0], [[0.5, 1], [0, 0]])
    assert not heat[1].any()
    np.testing.assert_allclose(relative_heat(maps, gamma=1)[0], [[0.25, 1], [0, 0]])


def test_the_colour_bar_has_the_overlays_scale():
    norm, _ = heat_colors(0.5)
    maps = np.array([[0.01, 0.25], [0.5, 1.0]])
    np.testing.assert_allclose(relative_heat(maps, 0.5), norm(maps), atol=1e-6)


def test_overlay_of_a_view_is_lightest_at_the_mode():
    codec = BarycenterCodec((64, 64), (16, 16), sigma=1.0)
    points = np.array([[[20., 44.], [41., 9.]]])
    maps = codec.encode(points)['heatmaps']
    view = a_view(points[0], points[0], maps, places=codec.coordinate_map)
    view.picture, view.zoom = cv2.resize(view.picture, (256, 256)), np.full(2, 4.0)
    for landmark in (0, 1):
        grey = cv2.cvtColor(view.overlay(landmark), cv2.COLOR_BGR2GRAY)
        row, column = np.unravel_index(grey.argmax(), grey.shape)
        # The highest pixel of the map lies within half a pixel of the landmark.
        assert np.abs(np.array([column, row]) / 4 - points[0, landmark]).max() <= 2 + 0.5
    both = view.heat(None, gamma=1)
    np.testing.assert_allclose(both, np.maximum(view.heat(0, 1), view.heat(1, 1)), atol=1e-4)


def test_errors_and_stray_mass():
    maps = np.zeros((3, 16, 16), np.float32)
    maps[0, 4, 4], maps[0, 12, 12] = 0.75, 0.25
    maps[1, 8, 8] = 1
    maps[2] = 1 / 256
    corner, middle, other = (coordinate_map('half_pixel', (64, 64), (16, 16)).to_input(
        np.array(pixel)) for pixel in ((4, 4), (8, 8), (12, 12)))
    view = a_view([corner, middle + [3, 4], [np.nan, 0]], [corner, middle, other], maps)
    np.testing.assert_allclose(view.errors, [0, 5 / 20, np.inf])
    assert view.mean_error == np.inf
    assert view.stray_mass(0) == pytest.approx(0.25)
    assert view.stray_mass(1) == pytest.approx(0)
    # Counted by hand: pixels of a uniform map beyond 4.5 px of (12, 12).
    rows, columns = np.indices((16, 16))
    assert view.stray_mass(2) == pytest.approx(
        (np.hypot(rows - 12, columns - 12) > 4.5).mean(), abs=1e-6)
    # Without annotation the prediction is what mass strays from.
    blind = a_view([corner, other, middle], np.full((3, 2), np.nan), maps)
    assert np.isnan(blind.mean_error) and np.isnan(blind.errors).all()
    assert blind.stray_mass(0) == pytest.approx(0.25)
    assert blind.stray_mass(1) == pytest.approx(1)


def test_maps_of_other_codecs_are_values_and_not_logits():
    maps = RANDOM.normal(size=(4, 8, 8)).astype(np.float32)
    found = probabilities_of(None, maps)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1, rtol=1e-5)
    np.testing.assert_array_equal(found > 0, maps > 0)
    logits = probabilities_of(BarycenterCodec((32, 32), (8, 8)), maps)
    np.testing.assert_allclose(np.log(logits[0] / logits[0, 0, 0]), maps[0] - maps[0, 0, 0],
                               atol=1e-5)
    np.testing.assert_array_equal(probabilities_of(None, found, normalised=True), found)


def test_enlarging_keeps_a_point_at_its_multiple():
    crop = np.zeros((20, 30, 3), np.uint8)
    crop[7, 21] = 255
    picture, zoom = enlarge(crop, 120)
    assert picture.shape == (80, 120, 3) and zoom.tolist() == [4, 4]
    row, column = np.unravel_index(picture[..., 0].argmax(), picture.shape[:2])
    assert (column, row) == (21 * 4, 7 * 4)
    same, zoom = enlarge(crop, 30)
    assert same is crop and zoom.tolist() == [1, 1]
