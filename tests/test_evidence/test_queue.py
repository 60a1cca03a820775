"""A queue trains once, goes on after a cut, and keeps processes off each other's runs."""
import json
import subprocess
import sys

import pytest
import torch
from test_evidence.small_evidence import write_experiments

from mmpose_wass.evidence import queue as queue_module
from mmpose_wass.evidence import read_experiments
from mmpose_wass.evidence.queue import Queue, keep_weights, read_seconds


@pytest.fixture
def queue(tmp_path):
    experiments = read_experiments(write_experiments(tmp_path / 'experiments.py'))
    return Queue(tmp_path / 'runs', experiments, {'300w': 'data/300w/'})


def run_of(queue, name, seed=0):
    return queue.run_of(queue.experiments[name], seed)


def save(file, **weights):
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict={name: torch.tensor(value) for name, value in weights.items()},
                    optimizer=dict(), meta=dict(epoch=1)), file)


class Training:
    """In place of the process: records commands, and does what it is told."""

    def __init__(self, run, *ends):
        self.run, self.ends, self.commands = run, list(ends), []

    def __call__(self, command, log, seconds):
        self.commands.append(list(command))
        end = self.ends.pop(0)
        with open(log, 'a') as file:
            file.write(f'try {len(self.commands)}\n')
        if end in ('cut', 'done'):
            (self.run.folder / 'last_checkpoint').write_text('somewhere')
        if end == 'done':
            save(self.run.checkpoint, weight=1.)
        return dict(cut=None, done=0).get(end, end)


def test_a_cut_training_goes_on_and_is_counted(queue, monkeypatch):
    run = run_of(queue, 'first')
    training = Training(run, 'cut', 'done')
    monkeypatch.setattr(queue_module, '_call', training)
    assert not queue.train(run, 5) and not run.is_trained
    assert queue.train(run, 5) and run.is_trained
    # Nothing to resume at first: MMEngine would leave out the weights that it starts from.
    assert ['--resume' in command for command in training.commands] == [False, True]
    assert len(read_seconds(run)) == 2 and run.config_file.is_file()
    assert (run.folder / 'train.log').read_text() == 'try 1\ntry 2\n'


@pytest.mark.parametrize('end', [3, 0])
def test_a_failed_training_is_reported_with_its_log(queue, monkeypatch, end):
    """Also one that ends well without its last checkpoint."""
    run = run_of(queue, 'first')
    monkeypatch.setattr(queue_module, '_call', Training(run, end))
    with pytest.raises(RuntimeError, match=r'first_seed0 failed, see .*train.log:\n  try 1'):
        queue.train(run)


def test_a_run_waits_for_its_start_and_takes_its_weights_without_the_dropped(queue):
    first, second = run_of(queue, 'first'), run_of(queue, 'second')
    assert queue.start_file(first) is None
    with pytest.raises(FileNotFoundError, match='second_seed0 starts from first_seed0.*not'):
        queue.prepare(second)
    save(first.checkpoint, **{'backbone.w': 1., 'head.final_layer.w': 2., 'head.final_layer.b': 3.})
    queue.prepare(second)
    start = queue.start_file(second)
    content = torch.load(start, weights_only=True)
    assert list(content['state_dict']) == ['backbone.w'] and 'optimizer' not in content
    assert str(start) in second.config_file.read_text()


def test_weights_to_drop_must_be_there(tmp_path):
    save(tmp_path / 'w.pth', **{'backbone.w': 1.})
    with pytest.raises(ValueError, match="no weight of .*w.pth begins with 'neck'"):
        keep_weights(tmp_path / 'w.pth', tmp_path / 'kept.pth', ('neck', ))
    assert not (tmp_path / 'kept.pth').exists()


def test_a_claim_keeps_others_off_while_its_process_lives(queue):
    run = run_of(queue, 'first')
    with queue.claim(run) as mine:
        assert mine
        with queue.claim(run) as again:
            assert not again
        # Whoever was refused leaves the claim in place.
        with queue.claim(run) as again:
            assert not again
    with queue.claim(run) as mine:
        assert mine


def test_the_claim_of_a_dead_process_is_taken_over(queue):
    run = run_of(queue, 'first')
    dead = subprocess.Popen(['true'])
    dead.wait()
    run.folder.mkdir(parents=True)
    (run.folder / 'claimed').write_text(str(dead.pid))
    with queue.claim(run) as mine:
        assert mine
        with queue.claim(run) as again:
            assert not again
    assert not (run.folder / 'claimed').exists()


def test_a_claim_ends_with_an_error(queue):
    run = run_of(queue, 'first')
    with pytest.raises(KeyboardInterrupt), queue.claim(run):
        raise KeyboardInterrupt
    with queue.claim(run) as mine:
        assert mine


def test_a_process_is_ended_when_its_time_is_over(tmp_path):
    log = tmp_path / 'log'
    pid = tmp_path / 'pid'
    program = ('import os, time; print("begun", flush=True); '
               f'open({str(pid)!r}, "w").write(str(os.getpid())); time.sleep(60)')
    assert queue_module._call([sys.executable, '-S', '-c', program], log, 1.5) is None
    assert log.read_text() == 'begun\n'
    with pytest.raises(ProcessLookupError):
        import os
        os.kill(int(pid.read_text()), 0)
    program = 'import sys; print("why", file=sys.stderr); sys.exit(4)'
    assert queue_module._call([sys.executable, '-S', '-c', program], log, None) == 4
    assert log.read_text() == 'begun\nwhy\n'


def test_seconds_are_a_list(queue):
    run = run_of(queue, 'first')
    assert read_seconds(run) == []
    run.folder.mkdir(parents=True)
    run.timing_file.write_text(json.dumps([1.5, 2.]))
    assert read_seconds(run) == [1.5, 2.]
