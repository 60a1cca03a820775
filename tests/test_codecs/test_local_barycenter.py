"""The barycentre of the mass about the mode."""
import numpy as np
import pytest
import torch
from maps import gaussian

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.codecs.decoding import local_barycenter
from mmpose_wass.ot import barycenter

SHAPE, SIGMA = (32, 40), 1.5
CENTRES = [(12.3, 9.8), (25.5, 20.), (18.01, 15.49)]


def maps_at(centres, sigma=SIGMA):
    return torch.stack([gaussian(centre, sigma, SHAPE) for centre in centres])


@pytest.mark.parametrize('radius', [4 * SIGMA, 5.5 * SIGMA])
def test_of_one_compact_mode_it_is_the_barycentre(radius):
    maps = maps_at(CENTRES)
    found = local_barycenter(maps, radius)
    torch.testing.assert_close(found, barycenter(maps), rtol=0, atol=.01)
    torch.testing.assert_close(found, torch.tensor(CENTRES, dtype=torch.float64), rtol=0, atol=.01)


def test_at_the_default_radius_it_is_as_exact_for_any_place_in_a_pixel():
    """3 sigma: the window's edge cuts pixels off unevenly, by a hundredth of a pixel at most."""
    generator = torch.Generator().manual_seed(0)
    centres = 8 + 16 * torch.rand(200, 2, generator=generator, dtype=torch.float64)
    found = local_barycenter(maps_at(centres.tolist()), 3 * SIGMA)
    assert float((found - centres).norm(dim=1).max()) < .02


@pytest.mark.parametrize('share', [.02, .2, .45])
def test_a_second_mode_far_away_has_no_say(share):
    maps = (1 - share) * maps_at(CENTRES) + share * maps_at([(33, 27)] * 3)
    found = local_barycenter(maps, 3 * SIGMA)
    assert float((found - torch.tensor(CENTRES)).norm(dim=1).max()) < .03
    assert float((barycenter(maps) - torch.tensor(CENTRES)).norm(dim=1).min()) > 6 * share


def test_faint_mass_all_over_the_map_hardly_counts():
    maps = .9 * maps_at(CENTRES) + .1 / (SHAPE[0] * SHAPE[1])
    truth = torch.tensor(CENTRES, dtype=torch.float64)
    near = (local_barycenter(maps, 3 * SIGMA) - truth).norm(dim=1)
    far = (barycenter(maps) - truth).norm(dim=1)
    # The middle one lies near the map's middle, where both are right.
    assert float(near.max()) < .05 and float(far.max()) > .8


def test_a_mirrored_map_gives_the_mirrored_point():
    generator = torch.Generator().manual_seed(2)
    maps = (3 * torch.randn(20, *SHAPE, generator=generator, dtype=torch.float64)).exp()
    maps = maps / maps.sum(dim=(1, 2), keepdim=True)
    found = local_barycenter(maps, 4.)
    size = torch.tensor([SHAPE[1] - 1., 0.], dtype=torch.float64)
    mirrored = local_barycenter(maps.flip(-1), 4.)
    torch.testing.assert_close(mirrored, size + torch.tensor([-1., 1.]) * found)


def test_a_moved_map_gives_the_moved_point():
    maps = maps_at([(15, 12)])
    first = local_barycenter(maps, 4.2)
    moved = local_barycenter(maps.roll((3, 5), dims=(1, 2)), 4.2)
    torch.testing.assert_close(moved - first, torch.tensor([[5., 3.]], dtype=torch.float64),
                               rtol=0, atol=1e-6)


@pytest.mark.parametrize('pixel', [(0, 0), (39, 31), (0, 15)])
def test_at_the_border_it_stays_in_the_map(pixel):
    maps = torch.zeros(1, *SHAPE)
    maps[0, pixel[1], pixel[0]] = 1
    assert local_barycenter(maps, 3.)[0].tolist() == list(map(float, pixel))


def test_the_codec_reads_with_it():
    options = dict(input_size=(160, 128), heatmap_size=(40, 32), sigma=SIGMA)
    local, whole = (BarycenterCodec(**options, sampling=sampling)
                    for sampling in ('local_barycenter', 'barycenter'))
    assert local.window_radius == 3 * SIGMA
    assert BarycenterCodec(**options, window_radius=7.).window_radius == 7
    with pytest.raises(ValueError, match='window_radius must be positive and finite, got 0'):
        BarycenterCodec(**options, window_radius=0)
    keypoints = np.array([[[60.7, 50.2], [100.1, 71.9]]])
    heatmaps = local.encode(keypoints)['heatmaps']
    with np.errstate(divide='ignore'):
        decoded, scores = local.decode(np.log(heatmaps))
    np.testing.assert_allclose(decoded, keypoints, atol=.05)
    assert (scores > .95).all()
    # Another mode moves the barycentre, and lowers the score of both.
    two = .7 * heatmaps + .3 * local.encode(np.array([[[140., 20.]] * 2]))['heatmaps']
    found, scores = local.decode(np.log(two + 1e-30))
    np.testing.assert_allclose(found, keypoints, atol=.1)
    np.testing.assert_allclose(scores, .7, atol=.03)
    assert np.abs(whole.decode(np.log(two + 1e-30))[0] - keypoints).max() > 10
