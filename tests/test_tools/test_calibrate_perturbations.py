"""tools/calibrate_perturbations.py measures, solves, and goes on where it stopped."""
from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from test_tools.tiny_run import call_tool, write_config, write_faces

from mmpose_wass.datasets.perturbations import get_protocol
from mmpose_wass.datasets.perturbations.calibration import errors_rise, solve_severity
from mmpose_wass.engine import severity_curve


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A config and a checkpoint; nothing in them has learnt anything."""
    root = tmp_path_factory.mktemp('run')
    write_faces(root, 6, 'test')
    write_faces(root, 2, 'train')
    config = write_config(root / 'config.py', root, root / 'work')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), root / 'model.pth')
    return config, root / 'model.pth'


@pytest.fixture
def calibrate(trained, tmp_path, monkeypatch, capsys):
    def call(*options):
        return call_tool('calibrate_perturbations.py', *trained, '--out', tmp_path / 'curve.json',
                         *options, monkeypatch=monkeypatch, capsys=capsys, cwd=tmp_path)

    return call


@pytest.mark.parametrize('severities, errors, growth, expected', [
    ([0, .5, 1], [2, 3, 5], 1.5, .5),
    ([1, 0, .5], [5, 2, 3], 2, .75),  # in any order
    ([0, .2, .4, .6], [1, 2, 1.2, 3], 1.5, .1),  # the first crossing
    ([0, .5], [2, 3], 1.6, None),
    ([0, .5], [2, np.inf], 1.6, .5)])
def test_solve_severity(severities, errors, growth, expected):
    found = solve_severity(severities, errors, growth)
    assert found == (None if expected is None else pytest.approx(expected))


def test_solving_needs_a_clean_error():
    for severities, errors in (([.1, .2], [1, 2]), ([0, 1], [0, 2]), ([], [])):
        with pytest.raises(ValueError, match='severity 0'):
            solve_severity(severities, errors, 1.5)
    assert errors_rise([0, 2, 1], [1, 3, 2]) and not errors_rise([0, 1], [2, 1])


def test_levels_are_found_and_kept(calibrate, tmp_path, monkeypatch):
    """With a known curve in the model's place: NME = 3 (1 + s^2), so s = sqrt(growth - 1)."""
    calls = []

    def known(model, loader, metric=None, progress=True):
        steps = [step for step in loader['dataset']['pipeline']
                 if step['type'] == 'SyntheticOcclusion']
        severity = steps[0]['severity'] if steps else 0.0
        calls.append(severity)
        return {'face/NME': 3 * (1 + severity**2), 'face/FR_L@0.10': 10 * severity}

    monkeypatch.setattr(severity_curve, 'evaluate_model', known)
    status, out, error = calibrate('--refine', 6)
    assert status == 0, error
    content = json.loads((tmp_path / 'curve.json').read_text())
    for level, growth in get_protocol()['occlusion']['growth'].items():
        found = content['levels']['occlusion'][level]
        assert found['growth_measured'] == pytest.approx(growth, rel=.005)
        assert found['severity'] == pytest.approx(np.sqrt(growth - 1), rel=.05)
        assert f'occlusion, {level}: severity {found["severity"]:g}' in out
    grid = set(get_protocol()['occlusion']['grid'])
    assert grid <= set(calls) and len(calls) == len(set(calls)) <= len(grid) + 12
    assert (tmp_path / 'curve.png').stat().st_size > 5000

    # Once more, with two measurements lost: only these are made.
    content['curves']['occlusion'] = [
        point for point in content['curves']['occlusion'] if point['severity'] not in (.2, .8)]
    (tmp_path / 'curve.json').write_text(json.dumps(content))
    calls.clear()
    assert calibrate('--refine', 6)[0] == 0 and calls == [.2, .8]
    again = json.loads((tmp_path / 'curve.json').read_text())
    assert again['levels'] == content['levels']

    status, out, error = calibrate('--severities', .1, '--limit', 3)
    assert status == 1 and 'limit differ' in error and '--overwrite' in error
    status, out, error = calibrate('--severities', .1, '--refine', 0, '--overwrite')
    assert status == 0 and 'not reached' in out
    (tmp_path / 'curve.json').write_text('[]')
    status, out, error = calibrate()
    assert status == 1 and 'curve.json' in error


def test_interrupted_measurement_keeps_the_rest(calibrate, tmp_path, monkeypatch):
    calls = []

    def stops(model, loader, metric=None, progress=True):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(1)
        return {'face/NME': 3.0 + len(calls)}

    monkeypatch.setattr(severity_curve, 'evaluate_model', stops)
    with pytest.raises(KeyboardInterrupt):
        calibrate()
    assert len(json.loads((tmp_path / 'curve.json').read_text())['curves']['occlusion']) == 3


def test_a_real_model(calibrate, tmp_path):
    status, out, error = calibrate(
        '--perturbations', 'occlusion', 'motion_blur', 'box_rotation', '--direction', 'random',
        '--severities', .3, '--refine', 0)
    assert status == 0, error
    curves = json.loads((tmp_path / 'curve.json').read_text())['curves']
    assert set(curves) == {'occlusion', 'motion_blur', 'box_rotation'}
    for points in curves.values():
        assert [point['severity'] for point in points] == [0, .3]
        assert points[0]['face/NME'] == curves['occlusion'][0]['face/NME'] > 0
        assert points[1]['face/NME'] != points[0]['face/NME']


def test_still_images_have_no_motion(calibrate):
    status, _, error = calibrate('--perturbations', 'motion_blur', '--severities', .1)
    assert status == 1 and 'sequence' in error and 'test_0.png' in error


@pytest.mark.parametrize('options, message', [
    (('--out', 'curve.txt'), '.json'), (('--severities', -1), '0 or more'),
    (('--refine', -1), '--refine'), (('--direction', 'up'), 'up'),
    (('--perturbations', 'fog'), 'fog')])
def test_wrong_options(calibrate, options, message):
    status, _, error = calibrate(*options)
    assert status == 2 and message in error


def test_help_has_examples(calibrate):
    status, out, _ = calibrate('--help')
    assert status == 0 and 'python tools/calibrate_perturbations.py' in out
