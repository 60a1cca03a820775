"""benchmarks/l2_to_wasserstein.py on a tiny model: it compares starts, and goes on where it was."""
from __future__ import annotations

import json
import runpy
import sys

import pytest
import torch
from mmengine.config import Config
from test_tools.test_convert_checkpoint import overfit
from test_tools.tiny_run import write_config, write_faces

from mmpose_wass.turning_on import turn_on


@pytest.fixture
def compare(tmp_path, root_dir, monkeypatch, capsys):
    """The script, a config with the Wasserstein loss and the checkpoint of an L2 model."""
    write_faces(tmp_path / 'data', 16, 'train')
    write_faces(tmp_path / 'data', 4, 'test', seed=1)
    stock = write_config(tmp_path / 'stock.py', tmp_path / 'data', tmp_path / 'work')
    overfit(stock, tmp_path / 'l2.pth')
    turn_on(Config.fromfile(str(stock)), sigma=1.5).dump(tmp_path / 'wass.py')
    folder = root_dir / 'benchmarks'
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()

    def call(*options):
        monkeypatch.setattr(sys, 'argv', [
            'l2_to_wasserstein.py', 'l2.pth', '--out', 'starts.json', *map(str, options)])
        runpy.run_path(str(folder / 'l2_to_wasserstein.py'), run_name='__main__')
        return capsys.readouterr().out, json.loads((tmp_path / 'starts.json').read_text())

    yield call
    torch.set_num_threads(threads)
    for script in folder.glob('*.py'):
        sys.modules.pop(script.stem, None)


def test_starts_are_compared_and_finished_runs_kept(compare, tmp_path):
    options = ['--config', 'wass.py', '--epochs', 1, '--learning-rates', 1e-3, '--batches', 1]
    out, content = compare(*options, '--starts', 'converted', 'l2')
    converted, plain = content['runs']
    assert (converted['start'], plain['start']) == ('converted', 'l2')
    for run in content['runs']:
        # Before the first step and after the epoch: two steps of eight faces.
        assert len(run['nme']) == 2 and len(run['wasserstein_px']) == 1 and run['steps'] == 2
    assert len(converted['logit_scale']) == 68 and plain['logit_scale'] == []
    assert converted['wasserstein_px'][0] < plain['wasserstein_px'][0]
    assert f'{converted["nme"][-1]:.2f} %' in out
    assert content['settings']['train'] == 'train.json'

    out, content = compare(*options, '--starts', 'converted', 'l2', 'random')
    assert content['runs'][:2] == [converted, plain]
    assert content['runs'][2]['start'] == 'random' and 'random weights, learning rate' in out

    with pytest.raises(SystemExit, match='runs of other settings .epochs.'):
        compare(*options, '--epochs', 2)
    with pytest.raises(SystemExit, match='needs a BarycenterCodec'):
        compare('--config', 'stock.py')
