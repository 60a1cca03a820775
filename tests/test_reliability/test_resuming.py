"""Which checkpoint a run goes on from, and what is said where it cannot go on exactly."""
from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop
from situations import told

from mmpose_wass.engine import RandomStateHook, find_resumable
from mmpose_wass.engine.resume_hooks import RANDOM_STATES


def save(folder, *epochs, last=None):
    folder.mkdir(exist_ok=True)
    for epoch in epochs:
        torch.save(dict(meta=dict(epoch=epoch), state_dict={}), folder / f'epoch_{epoch}.pth')
    if last is not None:
        (folder / 'last_checkpoint').write_text(str(last))


def test_a_new_run_has_none(tmp_path):
    assert find_resumable(str(tmp_path / 'nowhere')) is None
    assert find_resumable(str(tmp_path)) is None


def test_the_noted_one_comes_first(tmp_path):
    save(tmp_path, 1, 2, 10, last=tmp_path / 'epoch_2.pth')
    assert find_resumable(str(tmp_path)) == str(tmp_path / 'epoch_2.pth')


@pytest.mark.parametrize('note', ['', 'gone.pth', None])
def test_without_a_note_the_newest_counts(tmp_path, note):
    """A crash may come between the file and its note; ten comes after nine."""
    save(tmp_path, 1, 9, 10, last=note)
    torch.save({}, tmp_path / 'best_NME_epoch_11.pth')
    assert find_resumable(str(tmp_path)) == str(tmp_path / 'epoch_10.pth')


def test_a_folder_that_was_moved(tmp_path):
    save(tmp_path / 'old', 1, 2, last=tmp_path / 'old' / 'epoch_1.pth')
    (tmp_path / 'old').rename(tmp_path / 'new')
    assert find_resumable(str(tmp_path / 'new')) == str(tmp_path / 'new' / 'epoch_1.pth')


@pytest.mark.parametrize('damage', [lambda data: data[:100], lambda data: b'',
                                    lambda data: bytes(len(data))], ids=['cut', 'zero', 'zeros'])
def test_the_newest_whole_checkpoint_is_taken(tmp_path, damage):
    save(tmp_path, 1, 2, last=tmp_path / 'epoch_2.pth')
    file = tmp_path / 'epoch_2.pth'
    file.write_bytes(damage(file.read_bytes()))
    lines = []
    assert find_resumable(str(tmp_path), lines.append) == str(tmp_path / 'epoch_1.pth')
    assert len(lines) == 1 and told('resume-damaged', lines[0])


def test_nothing_whole_is_an_error(tmp_path):
    save(tmp_path, 1, 2)
    for epoch in (1, 2):
        (tmp_path / f'epoch_{epoch}.pth').write_bytes(b'x')
    with pytest.raises(ValueError) as error:
        find_resumable(str(tmp_path), lambda line: None)
    assert told('resume-all-damaged', str(error.value))


class Lines(list):
    warning = info = list.append


def runner(persistent=False):
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    loop.dataloader = SimpleNamespace(persistent_workers=persistent)
    return SimpleNamespace(epoch=2, train_loop=loop, logger=Lines())


def draw():
    return random.random(), np.random.random(), float(torch.rand(1))


def test_random_numbers_go_on():
    saving, loading, checkpoint = RandomStateHook(), RandomStateHook(), {}
    saving.before_save_checkpoint(None, checkpoint)
    expected = [draw() for _ in range(3)]
    draw()
    loading.after_load_checkpoint(None, checkpoint)
    loading.before_train(runner())
    assert [draw() for _ in range(3)] == expected


def test_random_states_load_safely(tmp_path):
    checkpoint = {}
    RandomStateHook().before_save_checkpoint(None, checkpoint)
    torch.save(checkpoint, tmp_path / 'x.pth')
    loaded = torch.load(tmp_path / 'x.pth', weights_only=True)
    assert loaded[RANDOM_STATES][0]['python'] == checkpoint[RANDOM_STATES][0]['python']


@pytest.mark.parametrize('states, persistent', [(None, False), ([], False), (2, False), (1, True)])
def test_what_cannot_be_set_back_is_said(states, persistent):
    hook, checkpoint, one = RandomStateHook(), {}, runner(persistent)
    hook.before_save_checkpoint(None, checkpoint)
    if isinstance(states, int):
        checkpoint[RANDOM_STATES] *= states
    else:
        checkpoint[RANDOM_STATES] = states
    hook.after_load_checkpoint(None, checkpoint)
    hook.before_train(one)
    assert len(one.logger) == 1 and told('resume-workers', one.logger[0])
