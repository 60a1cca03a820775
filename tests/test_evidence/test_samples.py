"""The picture of predictions: by the tool, from a run of the queue."""
import runpy
import sys

import cv2
import pytest
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


def test_samples_are_drawn(tool, tmp_path, capsys):
    experiments = read_experiments(CONFIG_ROOT / 'evidence/cpu.py')
    run = Queue(tmp_path, experiments, {}).run_of(experiments['js'], 0)
    run.folder.mkdir()
    config, checkpoint = default_model()
    Config.fromfile(config).dump(run.config_file)
    run.checkpoint.symlink_to(checkpoint)
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
