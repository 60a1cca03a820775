"""Pretrained weights that cannot be had: the error says what to do, soon."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import torch
from mmengine.config import Config
from mmengine.runner.checkpoint import CheckpointLoader

from mmpose_wass.engine.pretrained import (
    PretrainedWeightsError,
    fetch_pretrained_weights,
    find_pretrained,
)


def config(checkpoint: str, **backbone) -> Config:
    return Config(dict(model=dict(
        backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint), **backbone))))


def test_finds_weights_in_all_places():
    model = dict(
        init_cfg=[dict(type='Constant', val=1), dict(type='Pretrained', checkpoint='whole')],
        backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='back', prefix='backbone.')),
        neck=[dict(init_cfg=dict(type='Pretrained', checkpoint='neck'))],
        head=dict(pretrained='old-style', init_cfg=None))
    assert sorted(find_pretrained(model)) == [
        ('model.backbone.init_cfg', 'back'), ('model.head.pretrained', 'old-style'),
        ('model.init_cfg', 'whole'), ('model.neck.0.init_cfg', 'neck')]


def test_nothing_to_fetch():
    assert fetch_pretrained_weights(Config(dict(model=dict(backbone=dict(init_cfg=None))))) == []


def test_local_weights_load(tmp_path):
    file = str(tmp_path / 'weights.pth')
    torch.save(dict(state_dict={}), file)
    assert fetch_pretrained_weights(config(file)) == [file]


def test_missing_local_weights(tmp_path):
    with pytest.raises(PretrainedWeightsError, match=r'--cfg-options model.backbone.init_cfg=None'):
        fetch_pretrained_weights(config(str(tmp_path / 'nothing.pth')))


def fail_with(error):
    def load(*args, **kwargs):
        raise error
    return load


@pytest.mark.parametrize('error', [
    __import__('urllib.error').error.URLError('Name or service not known'),
    __import__('urllib.error').error.HTTPError('http://x', 403, 'Forbidden', None, None),
    TimeoutError('timed out'), ConnectionResetError('reset by peer'),
    __import__('http.client').client.RemoteDisconnected('closed'),
    RuntimeError('invalid hash value'),
], ids=lambda error: type(error).__name__)
def test_every_kind_of_failure_names_the_option(error, monkeypatch):
    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint', fail_with(error))
    with pytest.raises(PretrainedWeightsError) as raised:
        fetch_pretrained_weights(config('open-mmlab://msra/hrnetv2_w18'))
    message = str(raised.value)
    assert '--cfg-options model.backbone.init_cfg=None' in message
    assert 'open-mmlab://msra/hrnetv2_w18' in message
    assert str(getattr(error, 'reason', None) or error) in message


def test_a_server_that_never_answers_does_not_hang(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        kept = []
        threading.Thread(target=lambda: kept.append(server.accept()), daemon=True).start()
        before, start = socket.getdefaulttimeout(), time.monotonic()
        with pytest.raises(PretrainedWeightsError, match='timed out'):
            fetch_pretrained_weights(
                config(f'http://127.0.0.1:{server.getsockname()[1]}/w.pth'), timeout=0.5)
        assert time.monotonic() - start < 10
        assert socket.getdefaulttimeout() == before


def test_only_the_first_process_fetches(monkeypatch):
    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint', fail_with(AssertionError('fetched')))
    monkeypatch.setenv('RANK', '1')
    assert fetch_pretrained_weights(config('torchvision://resnet18')) == []
