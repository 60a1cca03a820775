"""A model that outputs the truth of its own scheme makes no error on data of another scheme.

For every ready protocol, through ``tools/test.py``, with and without flip test, drawing pictures.
"""
from __future__ import annotations

import json
import pickle
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from oracle import OracleEstimator, truth_of
from tiny_run import call_tool, run_tool

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.landmarks import get_common_landmarks, get_scheme, load_scheme_file
from mmpose_wass.turning_on.config_walk import find_typed

FOLDER = Path(__file__).resolve().parents[2] / 'configs/face/cross_dataset'
PROTOCOLS = sorted(path.stem for path in FOLDER.glob('*.py'))
COUNTS, SEED, SIDE, FRAMES = dict(train=1, test=4), 9, 96, 3
# The annotation files round to 1e-4 px; the maps and what is read off them are float32.
EXACT = 1e-3  # px
CONFIG_METAINFO = 'configs/_base_/datasets/{}.py'
EXPECTED = ['300w_to_300vw', '300w_to_aflw', '300w_to_cofw', '300w_to_imm73', '300w_to_wflw',
            'cofw_to_aflw', 'wflw_to_300vw', 'wflw_to_300w']


def test_the_ready_protocols_are_these():
    assert PROTOCOLS == EXPECTED


def schemes_of(protocol):
    return protocol.split('_to_')


@pytest.fixture(scope='session')
def rendered(tmp_path_factory):
    """Folder of a rendered data set by its scheme, drawn when first asked for."""
    root = tmp_path_factory.mktemp('rendered')

    def draw(scheme):
        folder = root / scheme
        if not folder.exists():
            if scheme == 'imm73':
                imm73_from_300w(draw('300w'), folder)
            else:
                write_dataset(scheme, folder, COUNTS, seed=SEED, image_size=SIDE, frames=FRAMES)
        return folder

    return draw


def imm73_from_300w(source, folder):
    """Rendered faces of 300W, annotated with the points that 300W and the other scheme share."""
    load_scheme_file(FOLDER.parent / '_base_/schemes/imm73.py')
    common = get_common_landmarks('300w', 'imm73')
    shutil.copytree(source / 'images', folder / 'images')
    content = json.loads(
        (source / 'annotations/face_landmarks_300w_valid_common.json').read_text())
    for annotation in content['annotations']:
        points = np.array(annotation['keypoints']).reshape(-1, 3)
        placed = np.zeros((get_scheme('imm73').num_landmarks, 3))
        for model_group, data_group in zip(common.model_points, common.data_points):
            assert len(model_group) == len(data_group) == 1
            placed[data_group[0]] = points[model_group[0]]
        annotation.update(keypoints=placed.ravel().tolist(), num_keypoints=len(common))
    (folder / 'annotations').mkdir()
    (folder / 'annotations/imm73_all.json').write_text(json.dumps(content))


def write_run(folder, protocol, data_root, flip_test, layout=True):
    """The ready config with the oracle in the place of its model, as a file of its own."""
    model_scheme, data_scheme = schemes_of(protocol)
    truth = truth_of('300w' if data_scheme == 'imm73' else data_scheme, model_scheme, COUNTS, SEED,
                     SIDE, FRAMES)
    folder.mkdir(parents=True)
    np.savez(folder / 'truth.npz', **truth)
    cfg = Config.fromfile(FOLDER / f'{protocol}.py')
    # That the flip test was on is part of what is tested; the models' configs leave it off.
    cfg.model.test_cfg.flip_test = flip_test
    cfg.model.update(
        type='OracleEstimator',
        truth=str(folder / 'truth.npz'),
        metainfo_file=CONFIG_METAINFO.format(model_scheme),
        neck=None)
    cfg.model.backbone = dict(type='OracleBackbone')  # update() would merge into the old one
    cfg.model.head.update(
        in_channels=1, conv_out_channels=None, conv_kernel_sizes=None, final_layer=None)
    cfg.custom_imports.imports.append('oracle')
    for _, node in find_typed(cfg.test_dataloader):
        if 'data_root' in node:
            node['data_root'] = f'{data_root}/'
        if not layout and 'pipeline' in node:
            node['pipeline'] = [transform for transform in node['pipeline']
                                if transform['type'] != 'ModelLandmarkLayout']
    for _, node in find_typed(cfg.test_evaluator):
        if node['type'] == 'FaceLandmarkMetric':
            node['outfile_prefix'] = str(folder / 'faces')
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False, batch_size=4)
    cfg.work_dir = str(folder / 'run')
    cfg.dump(folder / f'{protocol}.py')
    torch.save(dict(meta={}, state_dict={}), folder / 'oracle.pth')
    return folder / f'{protocol}.py'


def arguments(run, folder):
    return ('test.py', run, folder / 'oracle.pth', '--show-dir', 'pictures', '--out',
            folder / 'metrics.json', '--out-predictions', folder / 'predictions.json')


@pytest.mark.parametrize('flip_test', [False, True], ids=['plain', 'flip_test'])
@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_the_truth_of_one_scheme_has_no_error_in_the_other(protocol, flip_test, rendered, tmp_path,
                                                           monkeypatch, capsys):
    model_scheme, data_scheme = schemes_of(protocol)
    folder = tmp_path / 'run'
    run = write_run(folder, protocol, rendered(data_scheme), flip_test)
    passes = OracleEstimator.mirrored_passes
    status, _, errors = call_tool(
        *arguments(run, folder), monkeypatch=monkeypatch, capsys=capsys, cwd=tmp_path)
    assert status == 0, errors[-3000:]
    assert (OracleEstimator.mirrored_passes > passes) == flip_test
    check_results(folder, model_scheme, data_scheme)
    check_pictures(folder)


def check_results(folder, model_scheme, data_scheme):
    common = get_common_landmarks(model_scheme, data_scheme)
    equal = np.array(common.named_equal)
    results = sorted(folder.glob('*.errors.npz'))
    assert results
    for path in results:
        with np.load(path) as content:
            gap = np.linalg.norm(content['predictions'] - content['targets'], axis=-1)
            valid, errors = content['valid'], content['errors']
            names = tuple(str(name) for name in content['landmark_names'])
        assert names == common.names
        assert valid[:, equal].all() and len(valid) >= 1
        assert gap[:, equal].max() < EXACT
        assert np.nanmax(errors[:, equal]) < EXACT / 5  # no face has eyes 5 px apart
        # Points that only stand for each other are near, but need not be equal.
        assert np.nanmean(errors) < 0.08
    metrics = json.loads((folder / 'metrics.json').read_text())['metrics']
    means = {name: value for name, value in metrics.items() if name.endswith('face/NME')}
    assert len(means) == len(results)
    if equal.all():
        assert max(means.values()) < 100 * EXACT / 5  # per cent


def check_pictures(folder):
    """One picture of each sample, drawn on; what is drawn is tested with the visualizer."""
    (pictures, ) = (folder / 'run').glob('*/pictures')
    samples = json.loads((folder / 'predictions.json').read_text())['faces']
    assert len(samples) == len(list(pictures.iterdir())) > 0
    for place, sample in enumerate(samples):
        stem = Path(sample['img_path']).stem
        before = sum(Path(other['img_path']).stem == stem for other in samples[:place])
        picture = cv2.imread(str(pictures / f'{stem}_{before}.jpg')).astype(int)
        gap = np.abs(picture - cv2.imread(sample['img_path'])).max(axis=-1)
        assert (gap > 80).sum() > 40


def test_without_the_models_layout_the_flip_test_is_wrong(rendered, tmp_path, monkeypatch, capsys):
    """What makes the test above able to fail: MMPose's own way, in both of its forms."""
    # Another number of landmarks: an assertion.
    folder = tmp_path / 'stops'
    run = write_run(folder, '300w_to_wflw', rendered('wflw'), flip_test=True, layout=False)
    with pytest.raises(AssertionError, match='^$'):
        call_tool(*arguments(run, folder), monkeypatch=monkeypatch, capsys=capsys, cwd=tmp_path)


def test_through_the_command_line(rendered, tmp_path, monkeypatch):
    """Once from the outside, for what a process of its own could change."""
    folder = tmp_path / 'run'
    run = write_run(folder, 'cofw_to_aflw', rendered('aflw'), flip_test=True)
    monkeypatch.setenv('PYTHONPATH', str(Path(__file__).resolve().parents[1]))
    result = run_tool(*arguments(run, folder), cwd=tmp_path)
    check_results(folder, 'cofw', 'aflw')
    check_pictures(folder)
    for name in ('full/face/NME', 'frontal/face/NME'):
        value = float(re.search(rf'{name}: *([\d.e+-]+)', result.stdout).group(1))
        assert value < 1


def test_dump_holds_the_samples_of_all_test_sets(rendered, tmp_path, monkeypatch, capsys):
    folder = tmp_path / 'run'
    run = write_run(folder, 'wflw_to_300w', rendered('300w'), flip_test=False)
    status, _, errors = call_tool(
        'test.py', run, folder / 'oracle.pth', '--dump', folder / 'all.pkl',
        monkeypatch=monkeypatch, capsys=capsys, cwd=tmp_path)
    assert status == 0, errors[-3000:]
    with open(folder / 'all.pkl', 'rb') as file:
        samples = pickle.load(file)
    counts = [len(np.load(path)['errors']) for path in folder.glob('faces_*.errors.npz')
              if 'full' not in path.name]
    assert len(samples) == sum(counts) > max(counts)


def test_badcase_names_the_tool_that_works(rendered, tmp_path, monkeypatch, capsys):
    folder = tmp_path / 'run'
    run = write_run(folder, '300w_to_wflw', rendered('wflw'), flip_test=False)
    status, _, errors = call_tool(
        'test.py', run, folder / 'oracle.pth', '--badcase',
        monkeypatch=monkeypatch, capsys=capsys, cwd=tmp_path)
    assert status and 'tools/failures.py' in errors
