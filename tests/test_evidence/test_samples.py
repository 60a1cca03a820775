"""What the tool makes of a run of the queue: the picture of predictions, a model for a package."""
import runpy
import sys
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.config import Config

from mmpose_wass.assets import default_model
from mmpose_wass.evidence import read_experiments
from mmpose_wass.evidence.queue import Queue
from mmpose_wass.project import CONFIG_ROOT, ROOT


@pytest.fixture
def tool(monkeypatch):
    def call(*arguments):
        monkeypatch.setattr(sys, 'argv', ['evidence.py', *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(ROOT / 'tools/evidence.py'), run_name='__main__')
        return end.value.code
    return call


@pytest.fixture
def run(tmp_path):
    """A run whose model is the package's."""
    experiments = read_experiments(CONFIG_ROOT / 'evidence/cpu.py')
    run = Queue(tmp_path, experiments, {}).run_of(experiments['js'], 0)
    run.folder.mkdir()
    config, checkpoint = default_model()
    Config.fromfile(config).dump(run.config_file)
    run.checkpoint.symlink_to(checkpoint)
    return run


def test_a_model_is_shipped(tool, run, tmp_path, capsys):
    assert tool('ship', 'js', '--work-dir', str(tmp_path), '--out', str(tmp_path / 'mine')) == 0
    config, weights = capsys.readouterr().out.split()[-2:]
    shipped = Config.fromfile(config)
    assert 'load_from' not in shipped and shipped.data_mode == 'topdown'
    assert 'ship js`, seed 0' in Path(config).read_text().splitlines()[0]
    found, given = (torch.load(path, weights_only=True)['state_dict']
                    for path in (weights, run.checkpoint))
    assert all(torch.equal(value, given[name]) for name, value in found.items())
    assert {value.dtype for value in found.values() if value.is_floating_point()} == {
        torch.float16}
    assert 'python tools/evidence.py run js_rate8' in tool(
        'ship', 'js_rate8', '--work-dir', str(tmp_path), '--out', 'nowhere')


def test_samples_are_drawn(tool, run, tmp_path, capsys):
    picture = tmp_path / 'faces.jpg'
    assert tool('samples', 'js=JS', '--faces', '2', '--work-dir', str(tmp_path),
                '--out', str(picture)) == 0
    assert capsys.readouterr().out.split()[-1] == str(picture)
    height, width = cv2.imread(str(picture)).shape[:2]
    assert height > 3 * 140 and 2 * 140 < width < 3 * 140


def test_what_is_missing_is_named(tool, tmp_path):
    assert "no experiment 'jss'" in tool('samples', 'jss')
    message = tool('samples', 'js', '--work-dir', str(tmp_path))
    assert str(tmp_path) in message and 'js_seed0' in message
