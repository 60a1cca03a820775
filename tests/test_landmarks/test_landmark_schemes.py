"""The scheme tables against MMPose's metainfo, and the looking up."""
import json
import pickle

import numpy as np
import pytest
from mmpose.evaluation.metrics import NME
from mmpose_abilities import mmposes_metainfo

from mmpose_wass.landmarks import (
    LandmarkScheme,
    find_scheme,
    get_scheme,
    list_schemes,
    register_scheme,
)

#: Every scheme that the package brings, with the number of points of its face.
FACES = {
    '300w': 68, '300vw': 68, '300wlp': 68, 'coco_wholebody_face': 68, 'wflw': 98, 'cofw': 29,
    'aflw': 19, 'lapa': 106, 'halpe': 68, 'coco_wholebody': 68
}


@pytest.mark.parametrize('name', FACES)
class TestTables:

    def test_agrees_with_mmpose(self, name):
        meta = mmposes_metainfo(name)
        scheme = get_scheme(name)
        assert scheme.name == meta['dataset_name'] == name
        assert scheme.num_landmarks == meta['num_keypoints']
        if name in NME.DEFAULT_KEYPOINT_INDICES:
            assert list(scheme.outer_eye_corners) == NME.DEFAULT_KEYPOINT_INDICES[name]

    def test_regions_cover_the_face_once(self, name):
        scheme = get_scheme(name)
        assert len(scheme.face_landmarks) == FACES[name]
        face = [index for index, point in mmposes_metainfo(name)['keypoint_id2name'].items()
                if point.startswith(('kpt', 'face'))]
        assert list(scheme.face_landmarks) == face

    def test_flip_maps_right_to_left(self, name):
        """Flipping takes each right region to the left one, eye pairs to each other."""
        scheme = get_scheme(name)
        flip = scheme.flip_indices()
        assert (flip[flip] == np.arange(scheme.num_landmarks)).all()
        right, left = scheme.outer_eye_corners
        assert flip[right] == left
        assert set(flip[list(scheme.pupils[0])]) == set(scheme.pupils[1])
        for region, points in scheme.regions.items():
            mirrored = region.replace('right_', 'left_') if region.startswith(
                'right_') else region.replace('left_', 'right_')
            assert set(flip[list(points)]) == set(scheme.regions[mirrored]), region

    def test_eyes_are_named_by_the_persons_own_side(self, name):
        scheme = get_scheme(name)
        for index, side in enumerate(('right', 'left')):
            eye = scheme.regions[f'{side}_eye']
            assert scheme.outer_eye_corners[index] in eye
            assert set(scheme.pupils[index]) <= set(eye)

    def test_can_be_sent_to_other_processes(self, name):
        assert pickle.loads(pickle.dumps(get_scheme(name))) == get_scheme(name)


def test_aflw_is_divided_by_the_box_and_has_eye_corners_all_the_same():
    # MMPose names no pair for AFLW: 6 to 8 are the right eye from its outer to its inner corner.
    scheme = get_scheme('aflw')
    assert scheme.default_norm_mode == 'box_width'
    assert scheme.outer_eye_corners == (6, 11)
    assert all(get_scheme(name).default_norm_mode == 'inter_ocular'
               for name in FACES if name != 'aflw')


@pytest.mark.parametrize('name, scheme_name', [('300w', '300w'), ('wflw', 'wflw'),
                                               ('cofw', 'cofw'), ('lapa', 'lapa'),
                                               ('aflw', 'aflw'), ('300wlp', '300wlp')])
def test_names_fit_real_faces(shared_dir, name, scheme_name):
    """On upright real faces each named region lies where its name says."""
    folder = shared_dir / 'data' / 'mmpose_samples' / name
    content = json.loads((folder / f'test_{name}.json').read_text())
    scheme = get_scheme(scheme_name)
    for annotation in content['annotations']:
        points = np.array(annotation['keypoints'], dtype=float).reshape(-1, 3)[:, :2]
        if np.ptp(points[list(scheme.outer_eye_corners), 0]) < .3 * np.ptp(points[:, 0]):
            continue  # a profile
        center = {region: points[list(index)].mean(axis=0)
                  for region, index in scheme.regions.items()}
        mouth = center.get('outer_mouth', center.get('mouth'))
        for side in ('right', 'left'):
            assert center[f'{side}_brow'][1] < center[f'{side}_eye'][1] < center['nose'][1]
        assert center['nose'][1] < mouth[1]
        assert center['right_eye'][0] < center['nose'][0] < center['left_eye'][0]
        pupils = [points[list(group)].mean(axis=0) for group in scheme.pupils]
        corners = points[list(scheme.outer_eye_corners)]
        # Outer corners are the outermost points of their eyes; pupils lie between them.
        assert corners[0, 0] < pupils[0][0] < pupils[1][0] < corners[1, 0]
        assert corners[0, 0] == points[list(scheme.regions['right_eye']), 0].min()
        assert corners[1, 0] == points[list(scheme.regions['left_eye']), 0].max()


def test_unknown_name_lists_the_known_ones():
    assert find_scheme('helen194') is None and find_scheme(None) is None
    with pytest.raises(KeyError) as refusal:
        get_scheme('helen194')
    assert all(name in str(refusal.value) for name in ('helen194', *FACES))
    assert set(FACES) <= set(list_schemes())


def make_scheme(**changes):
    fields = dict(
        name='scheme of this test',
        num_landmarks=3,
        outer_eye_corners=(0, 1),
        pupils=((0, ), (1, )),
        regions=dict(eyes=(0, 1)))
    return LandmarkScheme(**{**fields, **changes})


def test_registering():
    scheme = register_scheme(make_scheme(), force=True)
    assert get_scheme(scheme.name) is scheme
    assert scheme.face_landmarks == (0, 1)
    with pytest.raises(ValueError, match='registered already'):
        register_scheme(make_scheme())
    with pytest.raises(ValueError, match='names no metainfo file'):
        scheme.flip_indices()


@pytest.mark.parametrize('changes, words', [
    (dict(outer_eye_corners=(0, 3)), r'outer_eye_corners names the points \[3\]'),
    (dict(pupils=((-1, ), (1, ))), r'pupils names the points \[-1\]'),
    (dict(regions=dict(eyes=(0, 7))), r'regions names the points \[7\]'),
    (dict(regions=dict(eyes=(0, 1), mouth=(1, 2))), r'points \[1\] are in two regions'),
])
def test_wrong_tables_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        make_scheme(**changes)


def test_schemes_do_not_change():
    with pytest.raises(AttributeError):
        get_scheme('300w').num_landmarks = 5
