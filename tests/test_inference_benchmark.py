"""benchmarks/inference.py: its arithmetic, a tiny run, and the page that is written from it."""
from __future__ import annotations

import importlib
import json
import runpy
import sys

import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import write_dataset

MARKS = ('boxes', 'confidence', 'uncertainty', 'speed')


@pytest.fixture
def run(benchmarks_path, monkeypatch, capsys):

    def call(*options):
        monkeypatch.setattr(sys, 'argv', ['inference.py', *map(str, options)])
        runpy.run_path(str(benchmarks_path / 'inference.py'), run_name='__main__')
        return capsys.readouterr().out

    return call


def empty_page(path):
    path.write_text('\n'.join(f'{name}:\n<!-- begin of measured: {name} -->\nold\n'
                              f'<!-- end of measured: {name} -->' for name in MARKS))
    return path


def test_page_and_results_agree(benchmarks_path, root_dir):
    """No figure of the page is written by hand."""
    results = importlib.import_module('inference').read_results(root_dir / 'results/inference')
    module = importlib.import_module('inference_page')
    blocks = module.render(results)
    assert set(blocks) == set(MARKS)
    page = (root_dir / 'docs/inference.md').read_text(encoding='utf-8')
    assert module.put_into(page, blocks) == page, 'benchmarks/inference.py --rounds 0 --write'
    assert results['faces']['missing'] == {}


def test_results_name_no_folder_of_the_machine(root_dir):
    for path in (root_dir / 'results/inference').glob('*.json'):
        command = json.loads(path.read_text())['measured_on']['command']
        assert not [word for word in command.split() if word.startswith('/')], path


def test_a_tiny_run(run, tmp_path):
    data = tmp_path / '300w'
    write_dataset('300w', data, dict(train=1, test=3), seed=3, image_size=128)
    annotations, = (path.relative_to(data) for path in data.rglob('*valid.json'))
    page = empty_page(tmp_path / 'page.md')
    out = run('--data', data, '--annotations', annotations, '--faces', 2, '--frames', 3,
              '--rounds', 1, '--out', tmp_path / 'results', '--page', page, '--write')
    faces, film = (json.loads((tmp_path / f'results/{name}.json').read_text())
                   for name in ('faces', 'film'))
    number = len(json.loads((data / annotations).read_text())['annotations'])
    assert faces['faces'] == 2 and faces['of'] == number > 2
    assert faces['boxes']['annotated']['found'] == 2
    assert all(0 < value < 15 for value in faces['boxes']['annotated']['nme'])
    assert faces['confidence']['faces']['number'] == faces['confidence']['covered']['number'] == 2
    assert all(0 <= one <= 1 for kind in faces['coverage'].values() for one in kind.values())
    assert [one['frames'] for one in film['films']] == [3, 3, 3]
    assert all(one['frames_per_second'] > 0 < one['inference_topdown_per_second']
               for one in film['films'])
    assert str(tmp_path) not in json.dumps([faces, film])
    text = page.read_text()
    assert 'old' not in text and '| annotated | 2 of 2 |' in text and '| 1280 × 960 |' in text
    assert all(line in out for line in text.splitlines() if line.startswith('|'))


def test_results_of_a_part_are_kept(run, tmp_path):
    page = empty_page(tmp_path / 'page.md')
    with pytest.raises(SystemExit, match='holds neither faces.json nor film.json; give --data'):
        run('--rounds', 0, '--out', tmp_path, '--page', page, '--write')
    with pytest.raises(SystemExit, match=r'face_landmarks_300w_valid_common\.json: no such file'):
        run('--rounds', 0, '--out', tmp_path, '--data', tmp_path)
    assert 'old' in page.read_text()


def test_coverage_and_calibration_of_a_gaussian(benchmarks_path):
    """Errors drawn from the very covariances that are stated."""
    module = importlib.import_module('inference_faces')
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(40_000, 2, 2)) * rng.uniform(.2, 3, (40_000, 1, 1))
    covariance = factors @ factors.transpose(0, 2, 1) + .05 * np.eye(2)
    error = np.einsum('nij,nj->ni', np.linalg.cholesky(covariance), rng.normal(size=(40_000, 2)))
    found = module.describe_uncertainty(dict(error=error, covariance=covariance,
                                             heatmap_covariance=4 * covariance))
    for k in module.DEVIATIONS:
        assert found['coverage']['covariance'][str(k)] == pytest.approx(
            1 - np.exp(-k * k / 2), abs=.01)
        assert found['coverage']['heatmap_covariance'][str(k)] == pytest.approx(
            1 - np.exp(-2 * k * k), abs=.01)
    assert len(found['calibration']) == module.GROUPS
    for group in found['calibration']:
        assert group['least'] <= group['stated'] <= group['most']
        assert group['error'] == pytest.approx(group['stated'], rel=.04)


def test_boxes_beside_the_face(benchmarks_path):
    module = importlib.import_module('inference_faces')
    rng, face = np.random.default_rng(0), np.array([50., 40, 110, 100])
    for _ in range(50):
        for box in module.wrong_box(rng, (240, 320, 3), face):
            assert (box[:2] >= 0).all() and box[2] <= 320 and box[3] <= 240
            common = np.clip(np.minimum(box[2:], face[2:]) - np.maximum(box[:2], face[:2]), 0, None)
            assert common.prod() < .1 * 60 * 60 + .1 * np.prod(box[2:] - box[:2])
    assert module.wrong_box(rng, (60, 60, 3), np.array([0., 0, 60, 60])) == []


def test_half_of_a_face_in_black(benchmarks_path):
    module = importlib.import_module('inference_faces')
    image = np.full((40, 60, 3), 9, np.uint8)
    for right, columns in ((False, slice(10, 20)), (True, slice(20, 30))):
        covered = module.half_covered(image, np.array([10., 5, 30, 25]), right)
        assert (covered[5:25, columns] == 0).all() and (covered == 0).sum() == 20 * 10 * 3
    assert (image == 9).all()


def test_help_has_examples(run, capsys):
    with pytest.raises(SystemExit) as stopped:
        run('--help')
    assert stopped.value.code == 0
    assert 'python benchmarks/inference.py --data data/300w --write' in capsys.readouterr().out
