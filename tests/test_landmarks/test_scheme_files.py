"""A scheme of one's own: from a file, from a config's entry, from annotations."""
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from mmpose_wass.landmarks import (
    get_common_landmarks,
    get_scheme,
    list_conversions,
    load_scheme_file,
    register_scheme_entry,
)
from mmpose_wass.landmarks.check import check_on_shapes

EXAMPLE = Path(__file__).resolve().parents[2] / 'configs/face/_base_/schemes/imm73.py'

#: A face of seven points: eyes, nose, mouth.
SHAPE = [[-.5, 0.], [-.2, .01], [.2, 0.], [.5, 0.], [0., .4], [-.3, .8], [.3, .8]]
NAMES = ['right_eye_outer_corner', 'right_eye_inner_corner', 'left_eye_inner_corner',
         'left_eye_outer_corner', 'nose_tip', 'right_mouth_corner', 'left_mouth_corner']


def entry(own_name, **changes):
    scheme = dict(name=own_name, shape=SHAPE, landmark_names=NAMES, pupils=[[0, 1], [2, 3]],
                  regions=dict(eyes='0-3', nose=[4], mouth='5, 6'))
    conversions = [dict(to='300w', points=[[0, 36], [3, 45], [4, 30], [[0, 1], [37, 41]]],
                        names=['one', 'two', 'three', 'four'])]
    scheme.update(changes)
    return dict(scheme=scheme, conversions=conversions)


def test_the_example():
    scheme = load_scheme_file(EXAMPLE)
    assert scheme is get_scheme('imm73') and load_scheme_file(str(EXAMPLE)) is scheme
    assert scheme.num_landmarks == 73 and len(scheme.face_landmarks) == 73
    assert scheme.outer_eye_corners == (16, 24) and scheme.pupils == ((32, ), (33, ))
    common = get_common_landmarks('300w', 'imm73')
    assert len(common) == 14 and all(common.named_equal)
    assert check_on_shapes(common).residuals.max() < .08
    # By way of 300W it meets all other schemes.
    assert len(get_common_landmarks('wflw', 'imm73')) == 14
    assert len(get_common_landmarks('imm73', 'aflw')) >= 9
    order = common.flip_indices()
    assert order[order].tolist() == list(range(14))


def test_flip_pairs_of_the_example_come_from_its_shape():
    scheme = load_scheme_file(EXAMPLE)
    flip = scheme.flip_indices()
    assert (flip == np.arange(73)).nonzero()[0].tolist() == [39, 45, 49, 54, 57, 60, 67]
    np.testing.assert_allclose(scheme.mean_shape[flip], scheme.mean_shape * [-1, 1], atol=2e-3)
    for index, name in enumerate(scheme.landmark_names):
        if name.startswith('right_'):
            assert scheme.landmark_names[flip[index]] == name.replace('right_', 'left_')


def test_the_example_fits_its_annotations(shared_dir):
    """The real faces: 14 points of 120 people against 300W, and flip pairs found in each half."""
    from mmpose_wass.landmarks.annotations import read_annotated_faces
    from mmpose_wass.landmarks.geometry import find_flip_pairs
    from mmpose_wass.landmarks.mean_shape import mean_shape_of_faces
    scheme = load_scheme_file(EXAMPLE)
    faces = read_annotated_faces(shared_dir / 'data/imm73/annotations/imm73_all.json')
    flip = scheme.flip_indices()
    for half in (faces.points[:60], faces.points[60:]):
        shape = mean_shape_of_faces(half, None, scheme.outer_eye_corners)
        found = find_flip_pairs(shape)
        assert len(found) == 33 and all(flip[first] == second for first, second in found)
        assert check_on_shapes(get_common_landmarks('300w', 'imm73'),
                               data_shape=shape).residuals.max() < .08


@pytest.mark.parametrize('suffix', ['.json', '.py'])
def test_file_and_entry_say_the_same(tmp_path, suffix):
    content = entry(f'own {suffix}')
    path = tmp_path / f'scheme{suffix}'
    if suffix == '.json':
        path.write_text(json.dumps(content))
    else:
        path.write_text('\n'.join(f'{key} = {value!r}' for key, value in content.items()))
    scheme = load_scheme_file(path)
    assert scheme.regions == dict(eyes=(0, 1, 2, 3), nose=(4, ), mouth=(5, 6))
    assert scheme.outer_eye_corners == (0, 3) and scheme.num_landmarks == 7
    assert scheme.flip_indices().tolist() == [3, 2, 1, 0, 4, 6, 5]
    common = get_common_landmarks('300w', scheme.name)
    assert common.names == ('one', 'two', 'three', 'four')
    assert common.named_equal == (True, True, True, False)
    assert common.model_points[3] == (37, 41)
    other = register_scheme_entry({**content['scheme'], 'name': f'flat {suffix}',
                                   'conversions': content['conversions']})
    assert other.shape == scheme.shape
    assert get_common_landmarks('300w', other.name).model_points == common.model_points


def test_weights_and_partial_names(tmp_path):
    content = entry('weighted', landmark_names={'0': 'right_eye_outer_corner',
                                                '3': 'left_eye_outer_corner'},
                    flip_pairs='from_shape')
    content['conversions'] = [dict(to='300w', points=[[{'0': .75, '1': .25}, 37]],
                                   variant='quarter')]
    path = tmp_path / 'weighted.json'
    path.write_text(json.dumps(content))
    scheme = load_scheme_file(path)
    assert scheme.landmark_names[4] == 'landmark_4'
    common = get_common_landmarks('weighted', '300w', 'quarter')
    points = np.arange(14.).reshape(1, 7, 2)
    np.testing.assert_allclose(common.model_landmarks(points)[0][0, 0],
                               .75 * points[0, 0] + .25 * points[0, 1])


def test_loading_again(tmp_path):
    path = tmp_path / 'again.json'
    path.write_text(json.dumps(entry('again')))
    first = load_scheme_file(path)
    before = list_conversions()
    assert load_scheme_file(path) is first and list_conversions() == before
    # An edited file takes the place of what it said before.
    changed = entry('again', source='edited')
    changed['conversions'][0]['points'][0] = [0, 17]
    path.write_text(json.dumps(changed))
    assert load_scheme_file(path).source == 'edited'
    assert get_common_landmarks('again', '300w').data_points[0] == (17, )
    assert len(list_conversions()) == len(before)


def scheme_with(**changes):
    return entry('refused', **changes)


def with_conversion(**changes):
    content = entry('refused')
    content['conversions'][0].update(changes)
    return content


@pytest.mark.parametrize('content, error, words', [
    ([], ValueError, 'a dict with scheme and conversions is needed, found list'),
    (dict(scheme=dict()), ValueError, 'scheme must be a dict with name'),
    (scheme_with(landmarks=3), ValueError, 'unknown fields landmarks; known are name, num_land'),
    (scheme_with(shape=None, landmark_names=None), ValueError, 'num_landmarks must be a number'),
    (scheme_with(num_landmarks=8), ValueError, 'landmark_names must be 8 names, found 7'),
    (scheme_with(landmark_names=None), ValueError,
     'outer_eye_corners are not given, and no landmark is named right_eye_outer_corner'),
    (scheme_with(landmark_names={9: 'chin'}), ValueError, r'landmark_names names the points \[9\]'),
    (scheme_with(landmark_names=[*NAMES[:-1], NAMES[0]]), ValueError, 'right_eye_outer_corner twi'),
    (scheme_with(outer_eye_corners=[0]), ValueError, 'outer_eye_corners must be two indices'),
    (scheme_with(pupils=None), ValueError, 'scheme.pupils is missing: two lists'),
    (scheme_with(pupils=[[0]]), ValueError, 'pupils must be two lists of indices, found 1'),
    (scheme_with(regions=dict(eyes='0 to 3')), ValueError, r"regions\['eyes'\]: indices are a li"),
    (scheme_with(regions=dict(eyes='0-9')), ValueError, r'regions names the points \[7, 8, 9\]'),
    (scheme_with(shape=[[0, 0]] * 6, num_landmarks=7), ValueError,
     r'shape must be \[7, 2\], found \[6, 2\]'),
    (scheme_with(flip_pairs='guess'), ValueError, "indices or 'from_shape', found 'guess'"),
    (scheme_with(flip_pairs='from_shape', shape=None, num_landmarks=7), ValueError,
     'needs scheme.shape'),
    (scheme_with(flip_pairs='from_shape', shape=[*SHAPE[:-1], [.9, .1]]), ValueError,
     r'no mirror image was found for the points \[.*5.*6.*\]'),
    (scheme_with(flip_pairs=[[0, 3], [3, 1]]), ValueError, r'points \[3\] are in two flip_pairs'),
    (scheme_with(name='300w'), ValueError, "named '300w' is registered already"),
    (with_conversion(to='nowhere'), KeyError, r'conversions\[0\]: no landmark scheme named'),
    (with_conversion(points=[[0, 99]], names=None), ValueError,
     r'conversions\[0\]: .*entry 0 names the points \[99\] of 300w'),
    (with_conversion(points=[[0]]), ValueError, r'points\[0\] must be a pair \(points of refused'),
    (with_conversion(colour='red'), ValueError, 'unknown fields colour'),
])
def test_refusals_name_the_file_and_the_field(tmp_path, content, error, words):
    path = tmp_path / 'refused.json'
    path.write_text(json.dumps(content))
    with pytest.raises(error, match=words) as refusal:
        load_scheme_file(path)
    assert str(path) in str(refusal.value)


def test_a_refused_file_can_be_mended(tmp_path):
    path = tmp_path / 'mended.json'
    wrong = entry('mended')
    wrong['conversions'][0]['to'] = 'nowhere'
    path.write_text(json.dumps(wrong))
    with pytest.raises(KeyError):
        load_scheme_file(path)
    path.write_text(json.dumps(entry('mended')))
    assert load_scheme_file(path).name == 'mended'
    assert len(get_common_landmarks('mended', '300w')) == 4


def test_a_file_of_conversions_only(tmp_path):
    path = tmp_path / 'conversions.json'
    table = dict(of='300w', to='wflw', variant='corners', points=[[36, 60], [45, 72]])
    for points in ([[36, 60], [45, 72]], [[36, 60]]):  # and edited
        path.write_text(json.dumps(dict(conversions=[{**table, 'points': points}])))
        assert load_scheme_file(path) is None
        assert len(get_common_landmarks('wflw', '300w', 'corners')) == len(points)
    assert len(get_common_landmarks('300w', 'wflw')) == 68
    for changes, words in ((dict(variant='points'), "a variant 'points' already"),
                           (dict(of='nowhere'), 'nowhere'), (dict(of=None), 'None')):
        path.write_text(json.dumps(dict(conversions=[{**table, **changes}])))
        with pytest.raises((ValueError, KeyError), match=words):
            load_scheme_file(path)
    del table['of']
    path.write_text(json.dumps(dict(conversions=[table])))
    with pytest.raises(ValueError, match='a conversion is a dict with of'):
        load_scheme_file(path)


def test_content_may_stand_in_a_config():
    """Whatever takes scheme_file takes the content, too."""
    scheme = load_scheme_file(entry('in a config'))
    assert get_scheme('in a config') is scheme and load_scheme_file(entry('in a config')) is scheme


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such scheme file'):
        load_scheme_file(tmp_path / 'none.py')
    for name, text, words in (('a.json', '{', 'not JSON'), ('a.py', 'scheme = (', 'not Python'),
                              ('a.txt', '', r'ends in \.py or \.json')):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=words):
            load_scheme_file(tmp_path / name)


@pytest.fixture(scope='module')
def tool():
    path = Path(__file__).resolve().parents[2] / 'tools/landmarks.py'
    spec = importlib.util.spec_from_file_location('landmarks_tool_for_scheme_files', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_new_scheme_from_annotations(tmp_path, tool, capsys):
    """From the annotations of an unknown scheme to flip pairs and a conversion: WFLW disguised."""
    from mmpose_wass.datasets.synthetic import project_landmarks, sample_face_parameters, to_scheme
    random = np.random.default_rng(3)
    order = np.random.default_rng(4).permutation(98)
    faces = [to_scheme(project_landmarks(sample_face_parameters(random, (0, 15), 0.), 256), 'wflw')
             for _ in range(60)]
    annotations = tmp_path / 'unknown.json'
    annotations.write_text(json.dumps(dict(
        images=[dict(id=index, file_name=f'{index}.png') for index in range(60)],
        annotations=[dict(id=index, image_id=index, keypoints=np.concatenate(
            [face[order], np.ones((98, 1))], axis=1).ravel().tolist())
            for index, face in enumerate(faces)])))
    corners = [int(np.flatnonzero(order == corner)[0]) for corner in (60, 72)]
    out = tmp_path / 'unknown.py'
    assert tool.main(['new', 'unknown98', '--annotations', str(annotations), '--out', str(out),
                      '--outer-eye-corners', *map(str, corners)]) == 0
    printed = capsys.readouterr().out
    # The chin, nose, lips: 51 to 54, 57, 79, 85, 90, 94 and 16 lie in the middle.
    assert '98 landmarks, 44 flip pairs' in printed
    scheme = load_scheme_file(out)
    flip = get_scheme('wflw').flip_indices()
    assert (order[scheme.flip_indices()] == flip[order]).all()
    fitted = scheme.mean_shape[np.argsort(order)]
    assert np.linalg.norm(fitted - get_scheme('wflw').mean_shape, axis=1).mean() < .15
