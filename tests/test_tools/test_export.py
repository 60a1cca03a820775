"""tools/export.py from the command line."""
from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from test_tools.tiny_run import SIDE, call_tool, write_config
from torch_abilities import needs_half_on_cpu

from mmpose_wass.deployment import load_exported
from mmpose_wass.turning_on import turn_on


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder with a stock L2 config and the checkpoint of that model turned on."""
    folder = tmp_path_factory.mktemp('trained')
    config = write_config(folder / 'config.py', folder / 'data', folder / 'work')
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(turn_on(Config.fromfile(str(config)), sigma=1.5).model)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1)), folder / 'model.pth')
    return folder


@pytest.fixture
def export(trained, tmp_path, monkeypatch, capsys):
    """The tool: status, what it printed."""

    def call(*options):
        return call_tool('export.py', *options, monkeypatch=monkeypatch, capsys=capsys,
                         cwd=tmp_path)

    return call


def test_a_stock_config_with_wass(export, trained, tmp_path):
    pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    status, out, err = export(trained / 'config.py', trained / 'model.pth', '--wass', '--sigma',
                              '1.5', '--out', 'new/model.onnx', '--report', 'report.json')
    assert status == 0, err
    assert '--wass changes' in out and 'agrees with PyTorch (float32)' in out
    loaded = load_exported(tmp_path / 'new/model.onnx')
    landmarks, confidences = loaded.predict(np.zeros((2, 3, SIDE, SIDE), np.uint8))
    assert landmarks.shape == (2, 68, 2) and confidences.shape == (2, 68)
    assert loaded.metadata['scheme'] == '300w' and loaded.metadata['codec']['sigma'] == 1.5
    assert loaded.metadata['landmark_names'][30] == 'nose_tip'
    assert len(loaded.metadata['checkpoint_sha256']) == 64
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['parity']['agrees'] and report['parity']['max_px'] < 1e-3
    assert report['metadata'] == loaded.metadata and report['bytes'] > 0
    status, out, err = export('--show', 'new/model.onnx')
    assert status == 0 and 'scheme             300w' in out


def test_options_reach_the_graph(export, trained, tmp_path):
    status, out, err = export(trained / 'config.py', trained / 'model.pth', '--wass', '--sampling',
                              'argmax', '--flip-test', '--input-type', 'float32',
                              '--channel-order', 'rgb', '--out', 'model.pt')
    assert status == 0, err
    metadata = load_exported(tmp_path / 'model.pt').metadata
    assert metadata['flip_test'] and metadata['codec']['sampling'] == 'argmax'
    assert metadata['input']['type'] == 'float32' and metadata['input']['channel_order'] == 'rgb'


def test_without_wass_the_codec_is_refused(export, trained, tmp_path):
    status, out, err = export(trained / 'config.py', trained / 'model.pth', '--out', 'model.pt')
    assert status == 1 and 'codec MSRAHeatmap cannot be exported' in err
    assert not list(tmp_path.iterdir())


@needs_half_on_cpu
def test_too_strict_a_tolerance_exits_with_an_error(export, trained, tmp_path):
    status, out, err = export(trained / 'config.py', trained / 'model.pth', '--wass', '--out',
                              'model.pt', '--precision', 'fp16', '--tolerance', '1e-9')
    assert status == 1 and 'DISAGREES' in err and 'model.rejected.pt' in err
    assert not (tmp_path / 'model.pt').exists()


@pytest.mark.parametrize('options, expected', [
    (['CONFIG', 'CHECKPOINT'], '--out FILE is wanted'),
    (['CONFIG', '--out', 'a.onnx'], 'its checkpoint is wanted too'),
    (['CONFIG', 'CHECKPOINT', '--out', 'a.tflite'], 'must end in .onnx'),
    (['CONFIG', 'CHECKPOINT', '--out', 'a.pt', '--opset', '17'], 'are for .onnx'),
    (['CONFIG', 'CHECKPOINT', '--out', 'a.onnx', '--opset', '9'], 'makes 13 to 20'),
    (['CONFIG', 'CHECKPOINT', '--out', 'a.onnx', '--batch-size', '0'], 'at least 1'),
    (['CONFIG', 'CHECKPOINT', '--out', 'a.onnx', '--tolerance', '-1'], 'must be positive'),
    (['CONFIG', 'CHECKPOINT', '--out', 'a.onnx', '--report', 'r.txt'], 'must end in .json'),
])
def test_options_that_do_not_fit(options, expected, export, trained):
    places = dict(CONFIG=trained / 'config.py', CHECKPOINT=trained / 'model.pth')
    status, out, err = export(*(places.get(option, option) for option in options))
    assert status == 2 and expected in err


def test_a_missing_checkpoint_is_named(export, trained):
    status, out, err = export(trained / 'config.py', 'none.pth', '--wass', '--out', 'a.onnx')
    assert status == 1 and 'none.pth: no such file' in err


def test_another_models_checkpoint_is_refused(export, trained, tmp_path):
    weights = torch.load(trained / 'model.pth')['state_dict']
    weights.pop('backbone.conv1.weight')
    torch.save(dict(state_dict=weights), tmp_path / 'part.pth')
    status, out, err = export(trained / 'config.py', 'part.pth', '--wass', '--out', 'a.onnx')
    assert status == 1 and 'lacks 1 weights, such as backbone.conv1.weight' in err
