"""Ellipses lie where they should, hide what they cover and nothing else."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
from mmpose.registry import DATASETS, TRANSFORMS
from test_datasets.perturbation_data import (
    dataset_config,
    sample_results,
    test_pipeline,
    write_frames,
)

from mmpose_wass.datasets.perturbations import Ellipse, fill_ellipse, hidden_points


def build(**options):
    return TRANSFORMS.build(dict(type='SyntheticOcclusion', **options))


def outline(ellipse, count=4000):
    """The border as a polygon, from the parametric form."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    u, v = ellipse.width / 2 * np.cos(t), ellipse.height / 2 * np.sin(t)
    c, s = np.cos(ellipse.angle), np.sin(ellipse.angle)
    return np.stack([ellipse.x + c * u - s * v, ellipse.y + s * u + c * v], axis=1)


@pytest.mark.parametrize('ellipse', [
    Ellipse(40.3, 30.7, 30, 11, .7), Ellipse(20, 20, 12, 12, 0), Ellipse(33.3, 41.1, 8, 50, 2.5),
    Ellipse(3, 60, 40, 20, 1.2)])
def test_filled_pixels_and_hidden_points_match_the_polygon(ellipse):
    """The independent test: OpenCV's point-in-polygon with signed distance."""
    polygon = outline(ellipse).astype(np.float32)
    image = np.full((70, 64, 3), 200, np.uint8)
    fill_ellipse(image, ellipse)
    rng = np.random.default_rng(0)
    near = outline(ellipse, 500) + rng.normal(0, .3, (500, 2))
    points = np.concatenate([near, rng.uniform(-5, 75, (500, 2))])
    found = hidden_points(points, ellipse)
    distances = np.array([cv2.pointPolygonTest(polygon, tuple(map(float, point)), True)
                          for point in points])
    clear = np.abs(distances) > 1e-3
    assert clear.sum() > 950 and 0 < found[clear].sum() < clear.sum()
    np.testing.assert_array_equal(found[clear], distances[clear] > 0)
    rows, columns = np.mgrid[:70, :64]
    inside = np.array([[cv2.pointPolygonTest(polygon, (float(x), float(y)), True)
                        for x, y in zip(*line)] for line in zip(columns, rows)])
    black = (image == 0).all(axis=2)
    sure = np.abs(inside) > 1e-3
    np.testing.assert_array_equal(black[sure], inside[sure] > 0)
    assert (image[~black] == 200).all()


def test_border_belongs_to_the_ellipse():
    ellipse = Ellipse(10, 10, 8, 4, 0)
    points = np.array([[14, 10], [14 + 1e-6, 10], [10, 12], [10, 12.001], [np.nan, 10]])
    assert hidden_points(points, ellipse).tolist() == [True, False, True, False, False]
    assert not hidden_points(points, Ellipse(14, 10, 0, 0, 0)).any()


@pytest.mark.parametrize('level, low, high', [('medium', .055, .165), ('large', .3, .6)])
def test_sizes_and_places(level, low, high):
    box = (100, 50, 300, 250)
    transform = build(level=level)
    expected = np.array(transform.bounds)  # a level is one severity
    assert expected[0] == expected[1]
    drawn = []
    image = np.full((300, 400, 3), 255, np.uint8)
    for index in range(800):
        results = transform(sample_results(image, [[1, 1]], box, f'{index}.png'))
        drawn.append(results['perturbations'][0]['ellipses'][0])
    assert (image == 255).all()  # the input is not written to
    x, y, width, height, angle = np.array(drawn).T
    assert 100 <= x.min() < 105 and 295 < x.max() <= 300
    assert 50 <= y.min() < 55 and 245 < y.max() <= 250
    from mmpose_wass.datasets.perturbations import occlusion_sizes
    for axis in (width / 200, height / 200):
        bounds = occlusion_sizes(expected[0])
        assert bounds[0] <= axis.min() < bounds[0] + .02 * bounds[1]
        assert bounds[1] * .98 < axis.max() <= bounds[1]
        assert axis.mean() == pytest.approx(expected[0], rel=.05)
    assert 0 <= angle.min() < .02 and 3.12 < angle.max() <= np.pi
    assert np.abs(np.corrcoef(np.array(drawn).T) - np.eye(5)).max() < .12
    explicit = build(size_range=(low, high))(sample_results(image, [[1, 1]], box))
    side = np.array(explicit['perturbations'][0]['ellipses'][0][2:4]) / 200
    assert (side >= low).all() and (side <= high).all()


def test_severity_grows_in_place():
    image = np.full((200, 200, 3), 255, np.uint8)
    box, masks, ellipses = (50, 50, 150, 150), [], []
    for severity in (0, .1, .2, .45, .8):
        results = build(severity=severity)(sample_results(image, [[1, 1]], box))
        masks.append((results['img'] == 0).all(axis=2))
        ellipses += results['perturbations'][0]['ellipses']
    assert not masks[0].any()
    for smaller, larger in zip(masks, masks[1:]):
        assert (larger >= smaller).all() and larger.sum() > smaller.sum()
    assert len({(x, y, angle) for x, y, _, _, angle in ellipses}) == 1


def test_marks():
    rng = np.random.default_rng(0)
    points = rng.uniform(50, 150, (68, 2)).astype(np.float32)
    image = np.full((200, 200, 3), 255, np.uint8)
    results = build(level='large')(sample_results(image, points, (50, 50, 150, 150)))
    assert results['occluded'].shape == (1, 68) and results['occluded'].dtype == bool
    np.testing.assert_array_equal(results['keypoints'][0], points)
    np.testing.assert_array_equal(results['keypoints_visible'], np.ones((1, 68)))
    assert 0 < results['occluded'].sum() < 68
    black = (results['img'] == 0).all(axis=2)
    for point, hidden in zip(points, results['occluded'][0]):
        x, y = np.round(point).astype(int)
        around = black[y - 1:y + 2, x - 1:x + 2]
        if around.all() or not around.any():  # clear of the border
            assert hidden == around.all()
    # Marks from before (of the data set, or of an earlier ellipse) are kept.
    before = np.zeros((1, 68), bool)
    before[0, np.flatnonzero(~results['occluded'][0])[0]] = True
    again = build(level='large')(
        sample_results(image, points, (50, 50, 150, 150), occluded=before))
    np.testing.assert_array_equal(again['occluded'], results['occluded'] | before)
    untouched = build(severity=0)(sample_results(image, points, (50, 50, 150, 150)))
    assert not untouched['occluded'].any() and untouched['img'] is image


def test_without_landmarks_and_float_images():
    image = np.full((60, 60, 3), 9, np.float32)
    results = sample_results(image, [[1, 1]], (10, 10, 50, 50))
    del results['keypoints']
    results = build(level='large', color=(1, 2, 3))(results)
    assert 'occluded' not in results
    changed = results['img'] != 9
    assert results['img'].dtype == np.float32 and changed.any()
    assert set(map(tuple, results['img'][changed.all(axis=2)])) == {(1, 2, 3)}


def test_prob_and_fresh_numbers():
    image = np.full((60, 60, 3), 255, np.uint8)
    half = build(level='large', prob=.5)
    hit = [bool(half(sample_results(image, [[1, 1]], (10, 10, 50, 50), f'{i}'))[
        'perturbations'][0]['ellipses']) for i in range(300)]
    assert 110 < sum(hit) < 190
    fresh = build(severity=(.1, .6), random=True)
    np.random.seed(0)
    results = [fresh(sample_results(image, [[1, 1]], (10, 10, 50, 50))) for _ in range(20)]
    assert len({one['img'].tobytes() for one in results}) == 20
    np.random.seed(0)
    again = fresh(sample_results(image, [[1, 1]], (10, 10, 50, 50)))
    np.testing.assert_array_equal(again['img'], results[0]['img'])
    assert not build(level='large', prob=0.0)(
        sample_results(image, [[1, 1]], (10, 10, 50, 50)))['perturbations'][0]['ellipses']


@pytest.mark.parametrize('options, message', [
    (dict(), 'exactly one'),
    (dict(level='medium', severity=.1), 'exactly one'),
    (dict(level='tiny'), 'tiny'),
    (dict(severity=-.1), '0 or more'),
    (dict(severity=float('nan')), 'finite'),
    (dict(size_range=(.5, .2)), 'low, high'),
    (dict(size_range='ab'), 'low, high'),
    (dict(level='medium', prob=2), 'prob'),
    (dict(level='medium', seed=.5), 'seed')])
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_wrong_samples():
    image = np.zeros((60, 60, 3), np.uint8)
    good = sample_results(image, [[1, 1]], (10, 10, 50, 50))
    transform = build(level='medium')
    for change, error, message in [
        (dict(bbox=None), KeyError, 'bbox'),
        (dict(bbox=np.array([[5, 5, 5, 9]])), ValueError, 'empty'),
        (dict(bbox=np.array([5, 5, 9, 9])), ValueError, r'\[n, 4\]'),
        (dict(img=[image]), ValueError, 'one image'),
        (dict(input_center=np.zeros(2)), ValueError, 'before TopdownAffine'),
        (dict(occluded=np.zeros((1, 5), bool)), ValueError, 'layout')]:
        with pytest.raises(error, match=message):
            transform({**good, **change})
    with pytest.raises(KeyError, match='LoadImage'):
        transform({key: value for key, value in good.items() if key != 'img'})


def test_packed_marks(tmp_path):
    """The project's packing hands the marks to the metric."""
    write_frames(tmp_path, {'a': range(3)})
    pipeline = test_pipeline(dict(type='SyntheticOcclusion', level='large'))
    pipeline[-1] = dict(type='PackFaceInputs')
    dataset = DATASETS.build(dataset_config(tmp_path, pipeline))
    packed = [sample['data_samples'].gt_instances.occluded for sample in dataset]
    assert all(np.asarray(one).shape == (1, 68) for one in packed)
    assert any(np.asarray(one).any() for one in packed)
