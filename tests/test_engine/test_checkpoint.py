"""Checkpoints load with safe loading on, and stay safe."""

from __future__ import annotations

import http.server
import io
import os
import pickle
import threading
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from mmpose_wass.engine import checkpoint as checkpoint_module
from mmpose_wass.engine.checkpoint import (
    allow_mmengine_checkpoints,
    check_checkpoint,
    history_statistic,
    load_checkpoint,
    safe_checkpoint_globals,
    safe_loading,
)

pytestmark = pytest.mark.skipif(
    not allow_mmengine_checkpoints(), reason='this torch has no list of safe classes')


class Line(BaseModel):
    """y = a x."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, inputs, mode='loss'):
        return dict(loss=self.layer(inputs).square().mean(), error=torch.tensor(0.5))


class Numbers(torch.utils.data.Dataset):
    """Eight numbers, with a table of arrays as MMPose's data sets have."""

    metainfo = dict(
        sigmas=np.array([0.1, 0.2], dtype=np.float32), flip_indices=[1, 0],
        colors=np.zeros((0, 3), dtype=np.uint8), count=np.int64(2), names=np.array(['a', 'bc']))

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.full((1, ), float(index))


def make_runner(folder, epochs, **options) -> Runner:
    loader = DataLoader(
        Numbers(), batch_size=2, collate_fn=lambda rows: dict(inputs=torch.stack(rows)))
    return Runner(
        model=Line(), work_dir=str(folder), train_dataloader=loader,
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.01)),
        param_scheduler=dict(type='MultiStepLR', milestones=[1]),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        experiment_name=f'line_{os.path.basename(folder)}_{epochs}', **options)


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    make_runner(folder, 2).train()
    return folder


def test_checkpoint_of_a_runner_loads_safely(run):
    checkpoint = torch.load(run / 'epoch_2.pth', weights_only=True)
    assert checkpoint['meta']['epoch'] == 2
    np.testing.assert_array_equal(
        checkpoint['meta']['dataset_meta']['sigmas'], Numbers.metainfo['sigmas'])
    history = checkpoint['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer)
    assert history.mean() == pytest.approx(np.mean(history.data[0]))
    assert history.statistics('max') == np.max(history.data[0])


def test_checkpoint_says_what_it_is(run):
    says = check_checkpoint(str(run / 'epoch_1.pth'))
    assert says['epoch'] == 1 and says['iter'] == 4 and 'mmengine_version' in says


def test_resume(run, tmp_path):
    runner = make_runner(tmp_path, 3, load_from=str(run / 'epoch_2.pth'), resume=True)
    runner.train()
    assert runner.epoch == 3
    assert runner.iter == 12
    assert not (tmp_path / 'epoch_2.pth').exists(), 'training started over'
    assert len(runner.message_hub.log_scalars['train/loss'].data[0]) == 12


class Attack:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class Statistics(HistoryBuffer):
    """Not the class that is allowed."""


@pytest.mark.parametrize('attack', [
    lambda marker: Attack(os.system, f'touch {marker}'),
    lambda marker: Attack(eval, f'open({str(marker)!r}, "w")'),
    lambda marker: Attack(exec, f'open({str(marker)!r}, "w")'),
    lambda marker: Attack(getattr, HistoryBuffer, '__init__'),
    lambda marker: Attack(getattr, HistoryBuffer, '__class__'),
    lambda marker: Attack(getattr, np.ndarray, 'tofile'),
    lambda marker: Attack(Attack, os.system),
    lambda marker: Statistics([1.0], [1]),
], ids=['system', 'eval', 'exec', 'getattr-init', 'getattr-class', 'getattr-array', 'own-class',
        'subclass'])
@pytest.mark.parametrize('place', ['alone', 'beside', 'inside'])
def test_crafted_files_are_refused(attack, place, tmp_path):
    marker = tmp_path / 'marker'
    crafted = attack(marker)
    if place == 'beside':
        crafted = dict(meta=dict(epoch=1), history=HistoryBuffer([1.0], [1]), more=crafted)
    elif place == 'inside':
        history = HistoryBuffer([1.0], [1])
        history.more = crafted
        crafted = dict(history=history)
    file = tmp_path / 'crafted.pth'
    torch.save(crafted, file)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file, weights_only=True)
    with pytest.raises(ValueError, match='refused by safe loading'):
        check_checkpoint(str(file))
    assert not marker.exists()


def test_files_of_either_numpy_load(tmp_path):
    """NumPy 2 calls its package numpy._core, NumPy 1 numpy.core; files live longer than either."""
    content = dict(history=HistoryBuffer([1.0, 3.0], [1, 1]), scalar=np.float64(2.5),
                   array=np.arange(3))
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    data = file.getvalue()
    own = b'numpy._core' if b'numpy._core' in data else b'numpy.core'
    assert own in data
    for name in (b'numpy.core', b'numpy._core'):
        # The legacy format is a plain pickle, and protocol 2 spells names as text lines.
        changed = io.BytesIO(data.replace(b'c' + own + b'.', b'c' + name + b'.'))
        assert b'c' + name + b'.multiarray' in changed.getvalue()
        loaded = torch.load(changed, weights_only=True)
        assert loaded['history'].mean() == 2.0
        assert loaded['scalar'] == 2.5
        np.testing.assert_array_equal(loaded['array'], [0, 1, 2])


def test_torch_that_goes_by_names_alone(run, tmp_path, monkeypatch):
    """torch 2.4 and 2.5 take no pairs of an object and the name that files call it."""
    monkeypatch.setattr(checkpoint_module, '_names_allowed', lambda: False)
    entries = safe_checkpoint_globals()
    assert not any(isinstance(entry, tuple) for entry in entries)
    assert entries == safe_checkpoint_globals()  # their list grows with each call
    known = {f'{entry.__module__}.{entry.__name__}': entry for entry in entries}
    monkeypatch.setattr(torch._weights_only_unpickler, '_get_user_allowed_globals', lambda: known)
    assert checkpoint_module._histories_load.__wrapped__()
    test_checkpoint_of_a_runner_loads_safely(run)
    test_files_of_either_numpy_load(tmp_path)
    file = tmp_path / 'crafted.pth'
    torch.save(Attack(getattr, HistoryBuffer, '__init__'), file)
    with pytest.raises(pickle.UnpicklingError, match='not allowed in a checkpoint'):
        torch.load(file, weights_only=True)


def test_torch_that_cannot_load_safely_warns_once(run, monkeypatch):
    asked, load = [], torch.load
    monkeypatch.setattr(torch, 'load', lambda *args, weights_only=None: (
        asked.append(weights_only), load(*args, weights_only=False))[1])
    checkpoint_module._warn_of_unsafe_loading.cache_clear()
    monkeypatch.delattr(torch.serialization, 'add_safe_globals')
    assert not allow_mmengine_checkpoints()
    with pytest.warns(UserWarning, match='can run any code.*only files that you trust') as caught:
        for _ in range(2):
            assert check_checkpoint(str(run / 'epoch_2.pth'))['epoch'] == 2
    assert len([one for one in caught if 'any code' in str(one.message)]) == 1
    assert asked == [False, False]
    checkpoint_module._warn_of_unsafe_loading.cache_clear()


def test_loading_is_safe_whoever_loads(tmp_path, monkeypatch):
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    marker, file = tmp_path / 'marker', tmp_path / 'crafted.pth'
    torch.save(Attack(os.system, f'touch {marker}'), file)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        with pytest.raises(pickle.UnpicklingError), safe_loading(), safe_loading() as safely:
            assert safely
            torch.load(file, weights_only=False)
    assert not marker.exists() and 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ
    torch.load(file, weights_only=False)
    assert marker.exists()


@pytest.fixture
def address(tmp_path, monkeypatch):
    """Address of the folder ``files``, and a cache of downloads of the test's own."""
    (tmp_path / 'files').mkdir()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('no_proxy', '127.0.0.1')

    class Quiet(http.server.SimpleHTTPRequestHandler):

        def log_message(self, *args):
            pass

    handler = partial(Quiet, directory=str(tmp_path / 'files'))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_address[1]}'
        server.shutdown()


def test_downloads_are_loaded_safely(run, tmp_path, address):
    """torch.hub, through which MMEngine downloads, asks for unsafe loading."""
    (tmp_path / 'files/good.pth').write_bytes((run / 'epoch_2.pth').read_bytes())
    assert check_checkpoint(f'{address}/good.pth')['epoch'] == 2
    assert load_checkpoint(f'{address}/good.pth')['meta']['epoch'] == 2
    marker = tmp_path / 'marker'
    torch.save(Attack(os.system, f'touch {marker}'), tmp_path / 'files/evil.pth')
    with pytest.raises(ValueError, match='evil.pth: refused by safe loading'):
        check_checkpoint(f'{address}/evil.pth')
    assert not marker.exists()
    with pytest.raises(ValueError, match='none.pth: cannot be downloaded.*404'):
        check_checkpoint(f'{address}/none.pth')


def test_stand_in_for_getattr_knows_four_names():
    assert history_statistic(HistoryBuffer, 'mean') is HistoryBuffer.mean
    for owner, name in ((HistoryBuffer, '__init__'), (np.ndarray, 'mean'), (os, 'system')):
        with pytest.raises(pickle.UnpicklingError):
            history_statistic(owner, name)


def test_missing_checkpoint_names_what_is_there(run):
    with pytest.raises(FileNotFoundError, match=r'epoch_9\.pth: no such file.*epoch_1\.pth'):
        check_checkpoint(str(run / 'epoch_9.pth'))
    with pytest.raises(FileNotFoundError, match='folder .*nowhere'):
        check_checkpoint(str(run / 'nowhere' / 'x.pth'))


def test_damaged_checkpoint(run, tmp_path):
    file = tmp_path / 'cut.pth'
    file.write_bytes((run / 'epoch_1.pth').read_bytes()[:500])
    with pytest.raises(ValueError, match='cut.pth.*damaged'):
        check_checkpoint(str(file))
    file.write_text('no checkpoint at all')
    with pytest.raises(ValueError, match='cut.pth'):
        check_checkpoint(str(file))
