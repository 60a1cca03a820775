"""MMPose 1.3.2, rtmpose/face6: its table from COFW to LaPa is wrong for the eight eye points."""
from pathlib import Path

import mmengine
import mmpose
import numpy as np
import pytest

from mmpose_wass.landmarks import get_common_landmarks, get_scheme
from mmpose_wass.landmarks.geometry import fit_per_axis

NAME = 'face_2d_keypoint/rtmpose/face6/rtmpose-s_8xb256-120e_face6-256x256.py'
#: COFW's corners and lids; its pupils have no entry in MMPose's table.
EYE_POINTS = [8, 9, 10, 11, 12, 13, 14, 15]


@pytest.fixture(scope='module')
def theirs():
    path = Path(mmpose.__file__).parent / '.mim/configs' / NAME
    if not path.is_file():
        pytest.skip(f'this MMPose has no {NAME}')
    return dict(mmengine.Config.fromfile(str(path)).mapping_cofw)


def ours():
    common = get_common_landmarks('cofw', 'lapa')
    return {model[0]: data[0] for model, data in zip(common.model_points, common.data_points)}


def gaps(table):
    """How far each of COFW's points is from where ``table`` puts it, on real mean shapes."""
    cofw, lapa = get_scheme('cofw').mean_shape, get_scheme('lapa').mean_shape
    table_here = ours()
    scale, shift = fit_per_axis(cofw[list(table_here)], lapa[list(table_here.values())])
    return {point: float(np.linalg.norm(cofw[point] * scale + shift - lapa[other]))
            for point, other in table.items()}


def test_eight_eye_points_are_wrong_upstream_and_right_here(theirs):
    assert set(EYE_POINTS) <= set(theirs)
    their_gaps, our_gaps = gaps(theirs), gaps(ours())
    # In inter-ocular units; LaPa's 60 is the base of the nose, 66 at least a corner of the eye.
    assert all(their_gaps[point] > .1 for point in EYE_POINTS)
    assert sum(their_gaps[point] > .4 for point in EYE_POINTS) >= 7
    assert max(our_gaps.values()) < .06
    regions = get_scheme('lapa').landmark_regions
    for point in EYE_POINTS:
        side = get_scheme('cofw').landmark_regions[point]
        assert regions[ours()[point]] == side
        assert theirs[point] != ours()[point]


def test_the_wrong_eight_are_wflws_indices(theirs):
    """How it came about: the eyes were copied from WFLW's numbering, which LaPa shifts."""
    to_wflw = get_common_landmarks('cofw', 'wflw')
    wflw = {model[0]: data[0] for model, data in zip(to_wflw.model_points, to_wflw.data_points)}
    assert [theirs[point] for point in EYE_POINTS] == [wflw[point] for point in EYE_POINTS]


def test_the_other_tables_of_that_config_agree_with_ours(theirs):
    config = mmengine.Config.fromfile(str(Path(mmpose.__file__).parent / '.mim/configs' / NAME))
    for name, scheme in (('mapping_wflw', 'wflw'), ('kpt_68_to_106', '300w'),
                         ('mapping_halpe', 'halpe')):
        common = get_common_landmarks(scheme, 'lapa')
        mine = {data[0]: frozenset(model) for model, data in zip(common.model_points,
                                                                 common.data_points)}
        listed = {target: frozenset(np.atleast_1d(source).tolist())
                  for source, target in config[name]}
        assert mine == listed, name
