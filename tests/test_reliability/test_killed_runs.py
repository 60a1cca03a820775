"""Whatever kills a run, it resumes to the result of an uninterrupted one."""
from __future__ import annotations

import signal

import pytest
import torch
from situations import told
from tiny_training import EPOCHS, final_metrics, run_forked, weights, write_training

from mmpose_wass.engine import find_resumable


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('killed')


@pytest.fixture(scope='module')
def uninterrupted(folder):
    write_training(folder, 'whole')
    status, printed = run_forked('train.py', 'whole.py', cwd=folder)
    assert status == 0, printed
    run = folder / 'whole'
    assert len({float(one['head.final_layer.bias'][0]) for one in (
        weights(run / f'epoch_{epoch}.pth') for epoch in range(1, EPOCHS + 1))}) == EPOCHS
    return run


def check_same(run, uninterrupted):
    assert final_metrics(run) == final_metrics(uninterrupted)
    ours, theirs = weights(run / f'epoch_{EPOCHS}.pth'), weights(
        uninterrupted / f'epoch_{EPOCHS}.pth')
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


PLACES = {  # situation, place, epoch, signal, checkpoint that is left
    'training-1': ('kill-train', 'train', 1, signal.SIGKILL, None),
    'training-3': ('kill-train', 'train', 3, signal.SIGKILL, 'epoch_2.pth'),
    'validation': ('kill-val', 'val', 2, signal.SIGKILL, 'epoch_2.pth'),
    'last-validation': ('kill-last-val', 'val', EPOCHS, signal.SIGKILL, f'epoch_{EPOCHS}.pth'),
    'first-checkpoint': ('kill-write', 'write', 1, signal.SIGXFSZ, None),
    'checkpoint': ('kill-write', 'write', 3, signal.SIGXFSZ, 'epoch_2.pth'),
    'best-checkpoint': ('kill-write', 'best', 1, signal.SIGXFSZ, 'epoch_1.pth'),
}
QUICK = [('training-3', -1), ('last-validation', 1), ('checkpoint', 1)]


@pytest.mark.parametrize('key, place, epoch, killed_by, left, keep', [
    pytest.param(*PLACES[place], keep, id=f'{place}-keep-{"one" if keep == 1 else "all"}',
                 marks=[] if (place, keep) in QUICK else pytest.mark.stress)
    for keep in (-1, 1) for place in PLACES])
def test_killed_and_resumed(folder, uninterrupted, key, place, epoch, killed_by, left, keep):
    name = f'{place}_{epoch}_{keep + 1}'
    write_training(folder, name, f"default_hooks['checkpoint']['max_keep_ckpts'] = {keep}\n"
                                 f"custom_hooks = [dict(type='KillHook', place={place!r}, "
                                 f'epoch={epoch})]\n')
    status, printed = run_forked('train.py', f'{name}.py', cwd=folder)
    assert status == -killed_by, printed
    found = find_resumable(str(folder / name))
    assert found == (left and str(folder / name / left))
    # Nothing half written bears the name of a checkpoint.
    for file in (folder / name).glob('*.pth'):
        assert weights(file)
    write_training(folder, name, f"default_hooks['checkpoint']['max_keep_ckpts'] = {keep}\n")
    status, printed = run_forked('train.py', f'{name}.py', '--resume', cwd=folder)
    assert status == 0, printed
    assert (f'resumed epoch: {epoch - (left is None or place == "train" or place == "write")}'
            in printed) == (left is not None)
    assert told('kill-val', printed) == (place in ('val', 'best'))
    check_same(folder / name, uninterrupted)
    if keep == 1:
        assert [file.name for file in (folder / name).glob('epoch_*.pth')] == [
            f'epoch_{EPOCHS}.pth']
    assert len(list((folder / name).glob('best_*.pth'))) == 1
