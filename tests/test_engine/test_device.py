"""Devices are checked before anything is built on them."""
from __future__ import annotations

import pytest
import torch
from test_tools.tiny_run import call_tool

from mmpose_wass.engine.device import find_device


def test_what_there_is():
    assert find_device('cpu') == 'cpu'
    assert torch.empty(1, device=find_device()).device.type == find_device().split(':')[0]


@pytest.mark.parametrize('name', ['foo', 'meta', 'cuda:99', '', 'xpu:7'])
def test_what_there_is_not(name):
    with pytest.raises(ValueError, match=rf"device '{name}': torch .* cannot use it here \(.+\); "
                                         'choose cpu.*, or leave --device'):
        find_device(name)


@pytest.mark.parametrize('arguments', [
    ('calibrate_perturbations.py', 'none.py', 'none.pth', '--out', 'a.json'),
    ('convert_checkpoint.py', 'none.py', 'none.pth', 'new.pth'),
    ('robustness.py', 'none.py', 'none.pth'),
    ('visualize.py', 'heatmaps', 'none.py', 'none.pth', '--out', 'a.png'),
], ids=lambda arguments: arguments[0])
def test_every_tool_says_so_first(tmp_path, monkeypatch, capsys, arguments):
    status, _, errors = call_tool(*arguments, '--device', 'foo', monkeypatch=monkeypatch,
                                  capsys=capsys, cwd=tmp_path)
    assert status == 1 and "error: device 'foo': torch" in errors, errors
    assert 'Traceback' not in errors
