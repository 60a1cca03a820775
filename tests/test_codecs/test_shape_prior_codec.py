"""Decoding with the shipped prior of shapes."""
import numpy as np
import pytest
import torch

from mmpose_wass.codecs import BarycenterCodec, ShapePriorCodec
from mmpose_wass.landmarks import get_scheme

SIZES = dict(input_size=(128, 128), heatmap_size=(32, 32), sigma=1.5)


@pytest.fixture(scope='module')
def face():
    """The mean face in the middle of the input."""
    return (get_scheme('300w').mean_shape * 45 + [64, 52])[None].astype(np.float32)


@pytest.fixture(scope='module')
def maps(face):
    return torch.from_numpy(np.log(BarycenterCodec(**SIZES).encode(face)['heatmaps'] + 1e-12))[None]


def test_perfect_maps_of_a_usual_face_stay(face, maps):
    points, scores = ShapePriorCodec(**SIZES).batch_decode(maps)
    assert np.abs(points[0] - face).max() < .6
    assert scores[0].min() > .9


def test_a_hidden_landmark_is_found_from_the_others(face, maps):
    hidden = maps.clone()
    hidden[0, 30] = 0.  # the nose tip's map says nothing: its barycentre is the middle
    hidden[0, 8] = 0.
    plain, _ = BarycenterCodec(**SIZES).batch_decode(hidden)
    refined, _ = ShapePriorCodec(**SIZES).batch_decode(hidden)
    assert np.linalg.norm(plain[0][0, 8] - face[0, 8]) > 20
    assert np.linalg.norm(refined[0][0, [8, 30]] - face[0, [8, 30]], axis=1).max() < 3


def test_it_is_built_by_name_and_refuses_other_landmarks(maps):
    from mmpose.registry import KEYPOINT_CODECS
    codec = KEYPOINT_CODECS.build(dict(type='ShapePriorCodec', sampling='local_barycenter',
                                       **SIZES))
    assert len(codec.batch_decode(maps)[0]) == 1
    with pytest.raises(ValueError, match='68 landmarks'):
        codec.batch_decode(maps[:, :29])
    with pytest.raises(ValueError, match='least_variance'):
        ShapePriorCodec(least_variance=0., **SIZES)
