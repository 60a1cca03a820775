"""tools/landmarks.py: tables, pictures and files for a person to look at."""
import csv
import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from mmpose_wass.datasets.synthetic import project_landmarks, sample_face_parameters, to_scheme
from mmpose_wass.landmarks import get_common_landmarks, get_scheme
from mmpose_wass.landmarks.mean_shape import shipped_shape

ROOT = Path(__file__).resolve().parents[2]
SCHEME_FILE = str(ROOT / 'configs/face/_base_/schemes/imm73.py')


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('landmarks_tool', ROOT / 'tools/landmarks.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tool, capsys):

    def call(*arguments):
        code = tool.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope='module')
def annotations(tmp_path_factory):
    """Files of the same 12 rendered faces in 300W's and COFW's scheme; COFW has two faces less."""
    folder = tmp_path_factory.mktemp('annotated')
    random = np.random.default_rng(5)
    faces = [project_landmarks(sample_face_parameters(random, (0, 30), 0.), 256)
             for _ in range(12)]
    found = {}
    for scheme, count in (('300w', 12), ('cofw', 10)):
        records = []
        for index, face in enumerate(faces[:count]):
            points = to_scheme(face, scheme)
            flags = np.ones((len(points), 1))
            flags[0] = index != 0  # the first face's first point is not labelled
            records.append(dict(id=index, image_id=index, keypoints=np.concatenate(
                [points, flags], axis=1).ravel().tolist()))
        found[scheme] = folder / f'{scheme}.json'
        found[scheme].write_text(json.dumps(dict(
            images=[dict(id=index, file_name=f'{index}.png') for index in range(count)],
            annotations=records)))
    return found


def picture(path):
    image = cv2.imread(str(path))
    assert image is not None and image.std() > 10, path
    return image


def test_list(run):
    code, out, _ = run('list', '--common', '--scheme-file', SCHEME_FILE)
    assert code == 0
    for words in ('300w                   68 landmarks', 'imm73', 'brow_means',
                  '300w     - cofw                 means'):
        assert words in out
    row = next(line for line in out.splitlines() if line.startswith('cofw  '))
    assert row.split()[1:].count('29') >= 7


def test_show(run, tmp_path):
    code, out, _ = run('show', 'aflw', '--out', tmp_path / 'aflw.png')
    assert code == 0
    assert '    6    11  right_eye      right_eye_outer_corner' in out
    picture(tmp_path / 'aflw.png')


def test_check_writes_what_it_measured(run, tmp_path):
    code, out, err = run('check', '300w', 'cofw', '--out', tmp_path, '--rendered', 5)
    assert code == 0, err
    stem = tmp_path / '300w_cofw_means'
    shapes, rendered = picture(f'{stem}.png'), picture(f'{stem}_rendered.png')
    assert shapes.shape[1] > 1500 and rendered.shape[1] > 1000
    with open(f'{stem}.csv', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    common = get_common_landmarks('300w', 'cofw')
    assert [row['landmark'] for row in rows] == list(common.names)
    assert rows[5]['300w'] == '17, 21' and rows[5]['named_equal'] == 'False'
    report, = json.loads((tmp_path / 'residuals.json').read_text())
    assert report['landmarks'] == 29
    values = [float(row['mean shapes']) for row in rows]
    assert report['residuals']['mean shapes']['max'] == pytest.approx(max(values), abs=1e-6)
    assert f'{max(values):.4f}' in out
    assert max(float(row['rendered, max']) for row in rows if row['named_equal'] == 'True') < .02


def test_check_of_every_variant_and_of_a_subset(run, tmp_path):
    code, out, _ = run('check', 'wflw', '300w', '--rendered', 0)
    assert code == 0 and out.count('68 common landmarks') == 4
    code, out, _ = run('check', 'wflw', 'cofw', '--rendered', 3, '--subset', 'paper17')
    assert code == 0 and out.count('17 common landmarks') == 1
    code, out, _ = run('check', '300w', 'imm73', '--scheme-file', SCHEME_FILE)
    assert code == 0 and 'rendered faces are not annotated in both' in out


def test_check_on_ones_own_annotations(run, annotations):
    code, out, err = run('check', '300w', 'cofw', '--rendered', 0, '--annotations',
                         f'300w={annotations["300w"]}', '--annotations',
                         f'cofw={annotations["cofw"]}')
    assert code == 0, err
    assert '10 images are annotated in both schemes, 2 faces in one only' in out
    row = next(line for line in out.splitlines() if ' right_eye_outer_corner' in line)
    assert row.split()[-2:] == ['0.0000', '0.0000']
    code, out, err = run('check', '300w', 'cofw', '--annotations', f'cofw={annotations["300w"]}')
    assert code == 1 and 'cofw has 29 landmarks, the file 68' in err


def test_metainfo_can_be_read_by_mmpose(run, tmp_path):
    path = tmp_path / 'imm73_metainfo.py'
    code, _, err = run('metainfo', 'imm73', '--scheme-file', SCHEME_FILE, '--out', path)
    assert code == 0, err
    meta = parse_pose_metainfo(dict(from_file=str(path)))
    scheme = get_scheme('imm73')
    assert meta['dataset_name'] == 'imm73' and meta['num_keypoints'] == 73
    assert meta['flip_indices'] == scheme.flip_indices().tolist()
    assert meta['keypoint_id2name'][67] == 'chin'


def test_mean_shape_of_annotations(run, annotations, tmp_path):
    out_file = tmp_path / 'shapes.json'
    for _ in range(2):  # an entry is replaced, others stay
        code, _, err = run('mean-shape', '300w', '--annotations', annotations['300w'], '--source',
                           'rendered', '--out', out_file)
        assert code == 0, err
    assert run('mean-shape', 'cofw', '--annotations', annotations['cofw'], '--out',
               out_file)[0] == 0
    entries = json.loads(out_file.read_text())
    assert set(entries) == {'300w', 'cofw'}
    assert entries['300w']['source'].startswith('rendered; Procrustes mean of 12')
    shape = np.array(entries['300w']['points'])
    np.testing.assert_allclose(shape[[36, 45]], [[-.5, 0], [.5, 0]], atol=1e-4)
    assert np.linalg.norm(shape - get_scheme('300w').mean_shape, axis=1).mean() < .12


def test_mean_shape_of_a_published_face(run, tmp_path):
    """Squeezed into a box, shifted: the aspect comes back."""
    text = tmp_path / 'face.txt'
    shape = get_scheme('wflw').mean_shape
    text.write_text(' '.join(f'{value:.6f}' for value in (shape * [.3, .45] + .5).ravel()))
    code, _, err = run('mean-shape', 'wflw', '--mean-face', text, '--out', tmp_path / 'out.json')
    assert code == 0, err
    points = np.array(json.loads((tmp_path / 'out.json').read_text())['wflw']['points'])
    np.testing.assert_allclose(points, shape, atol=.005)


@pytest.mark.parametrize('name, arguments', [
    ('paper17', ['--from-scheme', '300w']),
    ('aflw21', ['--from-scheme', 'aflw', '--stand-in', '12=300w:0', '16=300w:16'])])
def test_the_shipped_derived_shapes_are_what_the_tool_makes(run, tmp_path, name, arguments):
    assert run('mean-shape', name, *arguments, '--out', tmp_path / 'out.json')[0] == 0
    points = json.loads((tmp_path / 'out.json').read_text())[name]['points']
    np.testing.assert_allclose(points, shipped_shape(name), atol=2e-4)


def test_the_shipped_shape_of_300w_is_what_the_tool_makes(run, tmp_path, shared_dir):
    path = shared_dir / 'data/300w/annotations/face_landmarks_300w_train.json'
    assert run('mean-shape', '300w', '--annotations', path, '--out', tmp_path / 'out.json')[0] == 0
    points = json.loads((tmp_path / 'out.json').read_text())['300w']['points']
    np.testing.assert_allclose(points, shipped_shape('300w'), atol=2e-4)


@pytest.mark.parametrize('arguments, words', [
    (['show', 'nowhere'], 'no landmark scheme named'),
    (['check', '300w'], 'name two schemes or none'),
    (['check', '--variant', 'points'], 'need two schemes'),
    (['check', '300w', 'cofw', '--annotations', 'wflw=a.json'], 'write SCHEME=FILE with one of'),
    (['check', '300w', 'cofw', '--annotations', 'cofw=none.json'], 'no such annotation file'),
    (['show', '300w', '--scheme-file', 'none.py'], 'no such scheme file'),
    (['show', '300w', '--out', 'picture.txt'], 'picture.txt: a plot is written as'),
    (['new', 'mine', '--annotations', 'none.json', '--outer-eye-corners', '1', '2', '--out',
      'a.py'], 'no such annotation file'),
    (['mean-shape', 'aflw21', '--from-scheme', 'aflw', '--out', 'a.json'],
     r'aflw has nothing for the points [12, 16] of aflw21'),
    (['mean-shape', 'aflw21', '--from-scheme', 'aflw', '--stand-in', '12', '--out', 'a.json'],
     'write POINT=SCHEME:POINT'),
])
def test_mistakes_are_explained(run, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments)
    assert code == 1 and words in err
    assert err.startswith('error: ') and not list(tmp_path.iterdir())


@pytest.mark.parametrize('text, words', [
    ('{', 'not JSON'),
    ('[]', 'an object with the fields images and annotations'),
    ('{"images": [], "annotations": []}', 'same number of landmarks, found no face'),
    ('{"images": [], "annotations": [{"keypoints": [1, 2]}]}', 'must hold 3 numbers for each'),
    ('{"images": [], "annotations": [{"keypoints": [1, 2, 1]}, {"keypoints": [1, 2, 1, 3, 4, 1]}]}',
     r'same number of landmarks, found [1, 2]')])
def test_annotation_files_that_are_none(run, tmp_path, text, words):
    path = tmp_path / 'broken.json'
    path.write_text(text)
    code, _, err = run('check', '300w', 'cofw', '--annotations', f'cofw={path}')
    assert code == 1 and words in err and str(path) in err
