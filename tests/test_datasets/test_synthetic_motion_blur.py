"""Blur has the direction, length and energy asked for; directions come from the frames."""
from __future__ import annotations

import math

import numpy as np
import pytest
from mmpose.registry import DATASETS, TRANSFORMS
from test_datasets.perturbation_data import (
    dataset_config,
    sample_results,
    test_pipeline,
    write_frames,
)

from mmpose_wass.datasets.perturbations import (
    BLUR_UNITS,
    blur_image,
    line_kernel,
    motion_direction,
    quantize_kernel,
)


def build(**options):
    return TRANSFORMS.build(dict(type='SyntheticMotionBlur', **options))


def measure(image):
    """Sum, length in pixels, angle in degrees [0, 180) and centre of a blurred dot, by moments."""
    image = image.astype(np.float64)
    image = image.sum(axis=2) if image.ndim == 3 else image
    total = image.sum()
    rows, columns = np.indices(image.shape)
    x, y = (image * columns).sum() / total, (image * rows).sum() / total
    xx, yy, xy = ((image * a * b).sum() / total for a, b in (
        (columns - x, columns - x), (rows - y, rows - y), (columns - x, rows - y)))
    along, across = np.linalg.eigvalsh([[xx, xy], [xy, yy]])[::-1]
    # A uniform segment of length L has the variance L^2 / 12; a dot's own is the same all round.
    length = math.sqrt(12 * (along - across))
    return total, length, math.degrees(.5 * math.atan2(2 * xy, xx - yy)) % 180, (x, y)


def angle_between(one, other):
    return abs((one - other + 90) % 180 - 90)


@pytest.mark.parametrize('length', [1.7, 3, 8.25, 20, 33.3, 90])
@pytest.mark.parametrize('angle', [0, .8, 3, 30, 44, 45, 71.3, 90, 90.5, 135, 178])
@pytest.mark.parametrize('kind', [np.float32, np.uint8])
def test_dot_tells_direction_length_and_energy(length, angle, kind):
    image = np.zeros((161, 201, 3), kind)
    if kind == np.uint8:  # a disc: a single pixel would drown in the rounding of long paths
        rows, columns = np.indices(image.shape[:2])
        image[(rows - 80)**2 + (columns - 100)**2 <= 100] = 250
    else:
        image[80, 100] = 250
    results = sample_results(image, np.zeros((68, 2)), (50, 40, 150, 120))
    results = build(length=length, direction=float(angle), region=None)(results)
    total, found_length, found_angle, centre = measure(results['img'])
    assert total == pytest.approx(image.sum(dtype=np.float64), rel=.005)
    assert found_length == pytest.approx(length, abs=.5)
    assert angle_between(found_angle, angle) < 1
    np.testing.assert_allclose(centre, (100, 80), atol=.02)


@pytest.mark.parametrize('length, angle', [(10, 0.0), (25.5, .5), (60, 2.0)])
def test_energy_is_even_along_the_path(length, angle):
    """An edge across the path becomes a ramp of just this length: the share of the path that lies
    beyond the edge."""
    image = np.zeros((161, 161), np.float64)
    rows, columns = np.indices(image.shape)
    along = (columns - 80) * math.cos(angle) + (rows - 80) * math.sin(angle)
    image = np.clip(along + .5, 0, 1)  # an edge through the middle, smooth over one pixel
    blurred = blur_image(image, length, angle)
    ramp = np.clip(along / length + .5, 0, 1)
    middle = slice(45, 116), slice(45, 116)
    clear = np.abs(np.abs(along) - length / 2) > 2  # the ends of the ramp are rounded off
    np.testing.assert_allclose(blurred[middle][clear[middle]], ramp[middle][clear[middle]],
                               atol=.1 / length + 1e-3)


@pytest.mark.parametrize('length, angle', [(0, 1.0), (.3, .2), (5, 0), (31.4, 1.1), (80, 2.9)])
def test_kernel(length, angle):
    kernel = line_kernel(length, angle)
    assert kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1 and (kernel >= 0).all()
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-15)
    np.testing.assert_allclose(kernel, line_kernel(length, angle + math.pi), atol=1e-12)
    np.testing.assert_allclose(kernel[:, ::-1], line_kernel(length, -angle), atol=1e-12)
    np.testing.assert_allclose(kernel.T, line_kernel(length, math.pi / 2 - angle), atol=1e-12)
    whole = quantize_kernel(kernel)
    assert whole.sum() == BLUR_UNITS and (whole >= 0).all()
    np.testing.assert_array_equal(whole, whole[::-1, ::-1])
    assert np.abs(whole - BLUR_UNITS * kernel).max() <= 1.5


def test_kernel_by_dense_sampling():
    """Independent: interpolate an image at many points of the path, and average."""
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 255, (41, 41))
    length, angle = 11.3, math.radians(45)  # at 45 degrees neither axis is widened further
    steps = (np.arange(20000) + .5) / 20000 * length - length / 2
    x, y = 20 + steps * math.cos(angle), 20 + steps * math.sin(angle)
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - column, y - row
    values = ((1 - fx) * (1 - fy) * image[row, column] + fx * (1 - fy) * image[row, column + 1]
              + (1 - fx) * fy * image[row + 1, column] + fx * fy * image[row + 1, column + 1])
    kernel = line_kernel(length, angle)
    half = kernel.shape[0] // 2
    window = image[20 - half:21 + half, 20 - half:21 + half]
    assert (kernel * window).sum() == pytest.approx(values.mean(), abs=1e-3)


def exact_blur(image, length, angle):
    """Convolution in whole numbers, pixel shift by pixel shift, rounded to the nearest."""
    kernel = quantize_kernel(line_kernel(length, angle))
    reach_y, reach_x = (size // 2 for size in kernel.shape)
    padded = np.pad(image.astype(np.int64), [(reach_y, reach_y), (reach_x, reach_x), (0, 0)],
                    mode='reflect')
    total = np.zeros(image.shape, np.int64)
    for (row, column), weight in np.ndenumerate(kernel):
        if weight:
            total += weight * padded[row:row + image.shape[0], column:column + image.shape[1]]
    return ((2 * total + BLUR_UNITS) // (2 * BLUR_UNITS)).astype(image.dtype)


@pytest.mark.parametrize('length, angle', [(.4, .1), (2, 0.0), (13.7, 2.2), (40, .7), (90, 1.6)])
def test_blur_is_the_rounded_exact_convolution(length, angle):
    """To the last bit, so that no processor's rounding shows."""
    rng = np.random.default_rng(1)
    for image in (rng.integers(0, 256, (83, 71, 3), dtype=np.uint8),
                  255 * rng.integers(0, 2, (64, 101, 3), dtype=np.uint8),
                  np.full((33, 35, 3), 255, np.uint8)):
        np.testing.assert_array_equal(blur_image(image, length, angle),
                                      exact_blur(image, length, angle))


@pytest.mark.parametrize('region', [
    (20, 30, 70, 60), (-15, -9, 30, 44.5), (60.2, 50, 200, 300), (0, 0, 99, 79), (45, 40, 45, 40)])
def test_region_is_as_if_all_were_blurred(region):
    image = np.random.default_rng(2).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    whole, part = (blur_image(image, 37.5, .6, where) for where in (None, region))
    left, top = max(math.floor(region[0]), 0), max(math.floor(region[1]), 0)
    right, bottom = math.ceil(region[2]) + 1, math.ceil(region[3]) + 1
    np.testing.assert_array_equal(part[top:bottom, left:right], whole[top:bottom, left:right])
    outside = np.ones(image.shape[:2], bool)
    outside[top:bottom, left:right] = False
    np.testing.assert_array_equal(part[outside], image[outside])


def test_region_outside_and_tiny_images():
    image = np.random.default_rng(2).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    np.testing.assert_array_equal(blur_image(image, 9, 0, (200, 10, 300, 60)), image)
    for shape in ((1, 1, 3), (2, 3, 3), (5, 40, 3)):
        small = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
        blurred = blur_image(small, 50, .4)
        assert blurred.shape == shape
        if min(shape[:2]) > 1:
            np.testing.assert_array_equal(blurred, exact_blur(small, 50, .4))


@pytest.mark.parametrize('kind', [np.uint16, np.float32, np.float64])
def test_other_types(kind):
    values = np.random.default_rng(3).integers(0, 256, (40, 50))
    image = values.astype(kind)
    blurred = blur_image(image, 12, 1.0)
    assert blurred.dtype == kind and blurred.shape == image.shape
    reference = blur_image(values.astype(np.uint8)[..., None], 12, 1.0)[..., 0]
    np.testing.assert_allclose(blurred, reference, atol=.501)
    with pytest.raises(ValueError, match='int64'):
        blur_image(values, 12, 1.0)


def test_crop_sees_a_fully_blurred_image(tmp_path):
    """The default region, against the whole image, through a stock test pipeline."""
    write_frames(tmp_path, {'a': range(4)}, side=200)
    step = dict(type='SyntheticMotionBlur', level='large', direction=20.0)
    crops = [
        [sample['inputs'] for sample in DATASETS.build(dataset_config(
            tmp_path, test_pipeline(dict(step, **options))))] for options in (
                {}, dict(region=None), dict(region=1.0))
    ]
    for default, whole, narrow in zip(*crops):
        assert (default == whole).all() and not (narrow == whole).all()


# --- directions from frames ---------------------------------------------------------------------


@pytest.mark.parametrize('previous, current, following, degrees, source', [
    ((0, 0), (9, 9), (2, 0), 0, 'both'),
    ((0, 0), None, (1, 1), 45, 'both'),
    ((0, 0), (0, 2), None, 90, 'previous'),
    (None, (3, 3), (2, 3), 180, 'next'),
    ((np.nan, np.nan), (3, 3), (3, 2), -90, 'next'),
    ((1, 1), (2, 1), (1, 1), 0, 'previous'),
    (None, (1, 1), None, None, 'missing'),
    ((1, 1), None, None, None, 'missing'),
    ((1, 1), (1, 1), (1, 1), None, 'still')])
def test_motion_direction(previous, current, following, degrees, source):
    points = [None if point is None else np.array(point, float)
              for point in (previous, current, following)]
    found = motion_direction(*points)
    assert found.source == source
    if degrees is None:
        assert found.angle is None
    else:
        assert math.degrees(found.angle) == pytest.approx(degrees)


def frame_sample(previous, current, following, **more):
    def landmarks(point):
        if point is None:
            return None
        points = np.zeros((1, 68, 2), np.float32)
        points[0, 33] = point
        return points

    image = np.zeros((201, 201, 3), np.float32)
    image[100, 100] = 250
    return sample_results(image, np.zeros((68, 2)), (50, 50, 150, 150),
                          prev_keypoints=landmarks(previous), frame_keypoints=landmarks(current),
                          next_keypoints=landmarks(following), **more)


@pytest.mark.parametrize('places, degrees', [
    (((10, 10), (50, 90), (13, 14)), math.degrees(math.atan2(4, 3))),
    (((10, 10), (11, 12), None), math.degrees(math.atan2(2, 1))),
    ((None, (11, 12), (15, 9)), math.degrees(math.atan2(-3, 4)))])
@pytest.mark.parametrize('level', ['medium', 'large'])
def test_blur_follows_the_nose(places, degrees, level):
    transform = build(level=level)
    results = transform(frame_sample(*places))
    total, length, angle, _ = measure(results['img'])
    assert total == pytest.approx(750, rel=.005)
    assert length == pytest.approx(100 * transform.bounds[0], abs=.5)
    assert angle_between(angle, degrees) < 1
    assert results['perturbations'][0]['angle'] == pytest.approx(degrees)


@pytest.mark.parametrize('direction, factor', [
    ('horizontal', (-1, 1)), ('vertical', (1, -1)), ('diagonal', (-1, -1))])
def test_blur_follows_flips(direction, factor):
    results = build(level='large')(frame_sample(
        (10, 10), (0, 0), (13, 14), flip=True, flip_direction=direction))
    expected = math.degrees(math.atan2(4 * factor[1], 3 * factor[0]))
    assert angle_between(measure(results['img'])[2], expected) < 1


def test_frames_without_direction():
    sample = frame_sample(None, (5, 5), None)
    results = build(level='large')(dict(sample))
    assert results['img'] is sample['img']
    assert results['perturbations'][0]['source'] == 'missing'
    with pytest.raises(ValueError, match='missing'):
        build(level='large', missing='error')(dict(sample))
    results = build(level='large', missing='random')(dict(sample))
    assert measure(results['img'])[1] > 10
    assert build(level='large')(frame_sample((1, 1), (1, 1), (1, 1)))['perturbations'][0][
        'source'] == 'still'


def test_random_directions_belong_to_images():
    image = np.zeros((101, 101, 3), np.float32)
    image[50, 50] = 250
    transform = build(severity=.4, direction='random')
    angles = []
    for index in range(200):
        results = transform(sample_results(image, np.zeros((68, 2)), (25, 25, 75, 75),
                                           f'{index}.png'))
        angles.append(results['perturbations'][0]['angle'])
        if index < 10:
            assert angle_between(measure(results['img'])[2], angles[-1]) < 1
    counts = np.histogram(angles, bins=4, range=(0, 180))[0]
    assert counts.min() > 30 and len(set(angles)) == 200


@pytest.mark.parametrize('options, message', [
    (dict(), 'exactly one'),
    (dict(level='medium', length=3), 'exactly one'),
    (dict(level='giant'), 'giant'),
    (dict(length=-3), '0 or more'),
    (dict(level='medium', direction='left'), 'left'),
    (dict(level='medium', direction=float('inf')), 'finite'),
    (dict(level='medium', missing='ignore'), 'ignore'),
    (dict(level='medium', region=0), 'region'),
    (dict(level='medium', landmark=-1), 'landmark')])
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_wrong_samples():
    image = np.zeros((60, 60, 3), np.uint8)
    still = sample_results(image, np.zeros((68, 2)), (10, 10, 50, 50))
    with pytest.raises(KeyError, match="VideoFaceDataset.*direction='random'"):
        build(level='medium')(dict(still))
    with pytest.raises(IndexError, match='landmark=70'):
        build(level='medium', landmark=70)(frame_sample((1, 1), (1, 1), (2, 2)))
    two = dict(still, bbox=np.array([[0, 0, 9, 9], [9, 9, 20, 20]], np.float32))
    with pytest.raises(ValueError, match='topdown'):
        build(level='medium', direction=0.0)(two)
    with pytest.raises(ValueError, match='finite'):
        line_kernel(float('nan'), 0)
    with pytest.raises(ValueError, match='0 or more'):
        line_kernel(-1, 0)
