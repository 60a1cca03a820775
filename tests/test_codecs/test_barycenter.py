import warnings

import numpy as np
import pytest
import torch
from mmpose.registry import KEYPOINT_CODECS

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.codecs.coordinates import CONVENTIONS, coordinate_map

SIZES = dict(input_size=(256, 192), heatmap_size=(64, 48))


def points(count=20, margin=60, seed=0):
    generator = np.random.default_rng(seed)
    size = np.array(SIZES['input_size'])
    return (margin + (size - 2 * margin) * generator.random((1, count, 2))).astype(np.float32)


def to_image(codec, keypoints):
    """What MMPose does with decoded points, for a box that covers the image exactly."""
    size = np.array(SIZES['input_size'])
    if codec.coordinates == 'udp':
        return keypoints / size * (size - 1)  # the crop had multiplied by (W - 1) / W
    return keypoints


@pytest.mark.parametrize('coordinates', CONVENTIONS)
@pytest.mark.parametrize('sigma', [1.0, 1.5, 3.0])
@pytest.mark.parametrize('target', ['probability', 'peak'])
def test_round_trip_is_exact_away_from_the_border(coordinates, sigma, target):
    codec = BarycenterCodec(**SIZES, sigma=sigma, coordinates=coordinates, target=target)
    keypoints = points()
    encoded = codec.encode(keypoints)
    with np.errstate(divide='ignore'):
        decoded, scores = codec.decode(np.log(encoded['heatmaps']))
    np.testing.assert_allclose(to_image(codec, decoded), keypoints, atol=.01)
    assert ((scores > .9) & (scores <= 1)).all()


def test_targets_are_distributions_or_have_peak_one():
    keypoints = points()
    heatmaps = BarycenterCodec(**SIZES, sigma=3.0).encode(keypoints)['heatmaps']
    assert heatmaps.shape == (20, 48, 64) and heatmaps.dtype == np.float32
    np.testing.assert_allclose(heatmaps.sum(axis=(1, 2)), 1, rtol=1e-5)
    on_pixel = np.array([[[101.5, 61.5]]])  # half_pixel: column 25, row 15
    peak = BarycenterCodec(**SIZES, sigma=3.0, target='peak').encode(on_pixel)['heatmaps']
    assert peak[0, 15, 25] == peak.max() == 1
    rows, columns = np.mgrid[:48, :64]
    expected = np.exp(-((columns - 25)**2 + (rows - 15)**2) / 18)
    np.testing.assert_allclose(peak[0], expected, atol=1e-6)


def test_landmarks_outside_the_map_get_weight_zero():
    codec = BarycenterCodec(**SIZES)
    keypoints = np.array([[[-3, 50], [100, 50], [300, 50], [np.nan, 5], [100, 191]]])
    visible = np.array([[1, .5, 1, 1, 0]], dtype=np.float32)
    encoded = codec.encode(keypoints, visible)
    assert encoded['keypoint_weights'].tolist() == [[0, .5, 0, 0, 0]]
    assert (encoded['heatmaps'].sum(axis=(1, 2)) > 0).tolist() == [False, True, False, False, False]
    assert np.isfinite(encoded['heatmaps']).all()


@pytest.mark.parametrize('coordinates', ['half_pixel', 'udp'])
def test_mirroring_the_input_mirrors_the_target(coordinates):
    codec = BarycenterCodec(**SIZES, coordinates=coordinates)
    keypoints = points()
    mirrored = keypoints * [-1, 1] + [SIZES['input_size'][0] - 1, 0]
    np.testing.assert_allclose(
        codec.encode(mirrored)['heatmaps'],
        codec.encode(keypoints)['heatmaps'][..., ::-1],
        atol=1e-6)


def test_the_stock_convention_is_msra_heatmap_s():
    stock = KEYPOINT_CODECS.build(dict(type='MSRAHeatmap', **SIZES, sigma=2, unbiased=True))
    codec = BarycenterCodec(**SIZES, sigma=2, coordinates='mmpose', target='peak')
    keypoints = points()
    np.testing.assert_allclose(
        codec.encode(keypoints)['heatmaps'], stock.encode(keypoints)['heatmaps'], atol=.012)


def test_the_udp_convention_is_udp_heatmap_s():
    stock = KEYPOINT_CODECS.build(
        dict(type='UDPHeatmap', input_size=(256, 192), heatmap_size=(64, 48), sigma=2))
    codec = BarycenterCodec(**SIZES, sigma=2, coordinates='udp', sampling='argmax')
    keypoints = points()
    heatmaps = codec.encode(keypoints)['heatmaps']
    ours, _ = BarycenterCodec(**SIZES, sigma=2, coordinates='udp').decode(np.log(heatmaps + 1e-38))
    theirs, _ = stock.decode(heatmaps / heatmaps.max())
    np.testing.assert_allclose(ours, theirs, atol=.6)  # its refinement blurs the map first


def test_argmax_with_quarter_pixel_equals_mmpose():
    stock = KEYPOINT_CODECS.build(dict(type='MSRAHeatmap', **SIZES, sigma=2))
    codec = BarycenterCodec(**SIZES, coordinates='mmpose', sampling='argmax', normalization='sum')
    maps = np.random.default_rng(1).random((20, 48, 64)).astype(np.float32)
    np.testing.assert_allclose(codec.decode(maps)[0], stock.decode(maps)[0], atol=1e-4)


def test_argmax_of_a_corner_is_not_refined():
    maps = np.zeros((1, 48, 64), dtype=np.float32)
    maps[0, 47, 0] = 5
    codec = BarycenterCodec(**SIZES, coordinates='mmpose', sampling='argmax')
    assert codec.decode(maps)[0].tolist() == [[[0, 188]]]


def test_score_is_the_mass_near_the_point():
    maps = np.zeros((1, 48, 64), dtype=np.float32)
    maps[0, 10, 10], maps[0, 40, 50] = .75, .25
    codec = BarycenterCodec(**SIZES, normalization='sum', sampling='argmax', score_radius=4)
    assert codec.decode(maps)[1].tolist() == [[.75]]
    spread = BarycenterCodec(**SIZES, normalization='sum', score_radius=4)
    assert spread.decode(maps)[1].tolist() == [[0]]  # the barycentre lies between the two


def test_sum_ignores_negative_values_and_survives_empty_maps():
    codec = BarycenterCodec(**SIZES, normalization='sum', coordinates='mmpose')
    maps = np.full((2, 48, 64), -.1, dtype=np.float32)
    maps[0, 20, 30] = .8
    keypoints, scores = codec.decode(maps)
    np.testing.assert_allclose(keypoints[0], [[120, 80], [126, 94]], rtol=1e-5)
    assert scores[0, 0] == 1 and scores[0, 1] < .05


def test_softmax_over_an_l2_map_warns():
    values = BarycenterCodec(**SIZES, target='peak').encode(points())['heatmaps']
    with pytest.warns(UserWarning, match="normalization='sum'"):
        BarycenterCodec(**SIZES).decode(values)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        BarycenterCodec(**SIZES, normalization='sum').decode(values)
        BarycenterCodec(**SIZES, sampling='argmax').decode(values)
        BarycenterCodec(**SIZES).decode(np.log(values + 1e-9))


def test_batch_equals_single_and_takes_half_precision():
    codec = BarycenterCodec(**SIZES, sigma=2)
    assert codec.support_batch_decoding
    maps = torch.randn(3, 5, 48, 64, generator=torch.Generator().manual_seed(0)) * 4
    keypoints, scores = codec.batch_decode(maps)
    for index in range(3):
        alone = codec.decode(maps[index].numpy())
        np.testing.assert_allclose(keypoints[index], alone[0], rtol=1e-5)
        np.testing.assert_allclose(scores[index], alone[1], rtol=1e-5)
        assert keypoints[index].shape == (1, 5, 2) and scores[index].shape == (1, 5)
    half, _ = codec.batch_decode(maps.half())
    np.testing.assert_allclose(np.stack(half), np.stack(keypoints), atol=.2)


@pytest.mark.parametrize('normalization', ['softmax', 'sum'])
def test_maps_of_probabilities_restore_them(normalization):
    codec = BarycenterCodec(**SIZES, normalization=normalization, temperature=2.0)
    probability = codec.probabilities(torch.rand(2, 3, 48, 64) * 5)
    torch.testing.assert_close(codec.probabilities(codec.maps_of(probability)), probability)


def test_coordinate_maps_restore_heatmap_points():
    inside = np.random.default_rng(0).random((9, 2)) * [63, 47]
    for convention in ('half_pixel', 'mmpose'):
        mapping = coordinate_map(convention, *SIZES.values())
        np.testing.assert_allclose(mapping.to_heatmap(mapping.to_input(inside)), inside, atol=1e-12)


def test_bad_options_are_refused():
    for option, value in (('sampling', 'mean'), ('normalization', 'l2'), ('target', 'sum'),
                          ('coordinates', 'dark'), ('sigma', 0), ('temperature', -1),
                          ('score_radius', 0)):
        with pytest.raises(ValueError, match=option):
            BarycenterCodec(**SIZES, **{option: value})
    with pytest.raises(ValueError, match='heatmap_size'):
        BarycenterCodec(input_size=(256, 192), heatmap_size=(64, 0))
    with pytest.raises(ValueError, match=r'\[1, K, 2\]'):
        BarycenterCodec(**SIZES).encode(np.zeros((2, 5, 2)))
    with pytest.raises(ValueError, match=r'\[B, K, 48, 64\]'):
        BarycenterCodec(**SIZES).decode(np.zeros((5, 64, 48), dtype=np.float32))
