"""The whole way: two experiments of one epoch, trained, measured and recorded."""
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmpose.visualization import PoseLocalVisualizer
from test_evidence.small_evidence import TESTS, write_experiments
from test_reliability.tiny_training import run_forked

from mmpose_wass.evidence import queue as queue_module
from mmpose_wass.evidence import read_experiments
from mmpose_wass.evidence.measure import read_tests
from mmpose_wass.evidence.queue import Queue
from mmpose_wass.evidence.records import read_records
from mmpose_wass.evidence.work import Worker, read_curve


def forked(command, log, seconds):
    """The training in a copy of this process, which spares it the imports."""
    # A visualizer that an earlier runner made would go on writing into that runner's folder.
    PoseLocalVisualizer._instance_dict.clear()
    code, text = run_forked(Path(command[1]).name, *command[2:], cwd=log.parent)
    log.write_text(text)
    return code


def make_worker(folder, roots, lines=None):
    (folder / 'tests.py').write_text(TESTS)
    experiments = read_experiments(write_experiments(folder / 'experiments.py'))
    say = (lambda line: None) if lines is None else lines.append
    return Worker(Queue(folder / 'runs', experiments, roots),
                  *read_tests(folder / 'tests.py', roots), folder / 'results', say)


@pytest.fixture(scope='module')
def worked(rendered_300w, tmp_path_factory):
    """A folder where all has been done, and what was said."""
    folder, lines = tmp_path_factory.mktemp('work'), []
    worker = make_worker(folder, {'300w': f'{rendered_300w}/'}, lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue_module, '_call', forked)
        done, left = worker.work()
    assert worker.failed == {}, worker.failed
    assert (done, left) == (['first_seed0', 'second_seed0'], [])
    return folder, lines


def test_every_run_has_its_record(worked):
    folder, lines = worked
    first, second = read_records(folder / 'results')
    assert (first.experiment, second.experiment) == ('first', 'second')
    for record in (first, second):
        assert set(record.content['tests']) == {'clean', 'occlusion_large'}
        assert record.content['training']['tries'] == 1
        assert record.content['training']['seconds'] > 0
        curve = record.content['training']['curve']
        validation, = [point for point in curve if 'NME' in point]
        assert validation['epoch'] == 1 and 0 < validation['NME'] < 1000
        assert np.isfinite(record.faces['clean/bc']).all()
        assert {'torch', 'mmpose', 'mmpose_wass'} <= set(record.content['versions'])
    assert second.content['settings']['start'] == 'first'
    assert [line for line in lines if 'FAILED' in line] == []


def test_the_second_begins_with_the_weights_of_the_first(worked):
    folder, _ = worked
    log = (folder / 'runs/second_seed0/train.log').read_text()
    assert 'start_without_head_final_layer.pth' in log
    kept, trained = (
        torch.load(folder / 'runs/first_seed0' / name, weights_only=False)['state_dict']
        for name in ('start_without_head_final_layer.pth', 'epoch_1.pth'))
    assert set(trained) - set(kept) == {'head.final_layer.weight', 'head.final_layer.bias'}
    assert all(torch.equal(kept[name], trained[name]) for name in kept)


def test_a_second_call_does_nothing(worked, rendered_300w, monkeypatch):
    folder, _ = worked
    monkeypatch.setattr(queue_module, '_call', lambda *call: pytest.fail('trained again'))
    before = {path: path.stat().st_mtime_ns for path in (folder / 'results').iterdir()}
    worker = make_worker(folder, {'300w': f'{rendered_300w}/'})
    assert worker.work() == ([], [])
    assert {path: path.stat().st_mtime_ns for path in (folder / 'results').iterdir()} == before


def test_a_lost_record_is_measured_without_training(worked, rendered_300w, monkeypatch):
    folder, _ = worked
    record = folder / 'results' / 'second_seed0.json'
    before = record.read_text()
    record.unlink()
    monkeypatch.setattr(queue_module, '_call', lambda *call: pytest.fail('trained again'))
    worker = make_worker(folder, {'300w': f'{rendered_300w}/'})
    assert worker.work(['second']) == (['second_seed0'], [])
    tests = '"tests"'
    assert record.read_text().split(tests)[1] == before.split(tests)[1]


def test_a_recorded_start_without_weights_is_trained_again(worked, rendered_300w, monkeypatch,
                                                           tmp_path):
    """Records come with the project, weights do not."""
    done = worked[0] / 'results'
    (tmp_path / 'results').mkdir()
    kept = [Path(shutil.copy(done / f'first_seed0{suffix}', tmp_path / 'results'))
            for suffix in ('.json', '.npz')]
    before = [path.read_bytes() for path in kept]
    monkeypatch.setattr(queue_module, '_call', forked)
    lines = []
    worker = make_worker(tmp_path, {'300w': f'{rendered_300w}/'}, lines)
    assert worker.work() == (['second_seed0'], []), worker.failed
    assert any('first_seed0: recorded, but its weights are not in' in line for line in lines)
    assert [path.read_bytes() for path in kept] == before
    # Equal seeds: the start is what it was.
    first, again = (torch.load(folder / 'runs/first_seed0/epoch_1.pth', weights_only=False)
                    for folder in (worked[0], tmp_path))
    assert all(torch.equal(value, again['state_dict'][name])
               for name, value in first['state_dict'].items())


def test_a_start_that_fails_again_is_reported_once(worked, rendered_300w, monkeypatch, tmp_path):
    shutil.copytree(worked[0] / 'results', tmp_path / 'results')
    for path in (tmp_path / 'results').glob('second*'):
        path.unlink()

    def fail(command, log, seconds):
        log.write_text('the disk is full')
        return 1

    monkeypatch.setattr(queue_module, '_call', fail)
    worker = make_worker(tmp_path, {'300w': f'{rendered_300w}/'})
    assert worker.work() == ([], ['second_seed0'])
    assert list(worker.failed) == ['first_seed0']
    assert 'the disk is full' in worker.failed['first_seed0']


def test_a_failure_stops_neither_the_others_nor_is_it_lost(tmp_path, rendered_300w, monkeypatch):
    def fail(command, log, seconds):
        log.write_text('the disk is full')
        return 1

    monkeypatch.setattr(queue_module, '_call', fail)
    lines = []
    worker = make_worker(tmp_path, {'300w': f'{rendered_300w}/'}, lines)
    done, left = worker.work()
    assert (done, left) == ([], ['first_seed0', 'second_seed0'])
    assert 'the disk is full' in worker.failed['first_seed0']
    assert 'second_seed0: left, its start is not trained yet' in lines
    assert not (tmp_path / 'runs/first_seed0/claimed').exists()


def test_time_and_names(tmp_path, rendered_300w, monkeypatch):
    monkeypatch.setattr(queue_module, '_call', lambda *call: pytest.fail('there is no time'))
    worker = make_worker(tmp_path, {'300w': f'{rendered_300w}/'})
    assert worker.work(seconds=0) == ([], ['first_seed0', 'second_seed0'])
    # What a run starts from is done too.
    assert [run.name for run in worker.open_runs(['second'])] == ['first_seed0', 'second_seed0']
    with pytest.raises(KeyError, match="no experiment 'third'; there are first, second"):
        worker.work(['third'])


def test_a_run_of_another_process_is_left_to_it(tmp_path, rendered_300w, monkeypatch):
    monkeypatch.setattr(queue_module, '_call', lambda *call: pytest.fail('it was claimed'))
    worker = make_worker(tmp_path, {'300w': f'{rendered_300w}/'})
    first, _ = worker.open_runs()
    with worker.queue.claim(first):
        assert worker.work() == ([], ['first_seed0', 'second_seed0'])
    assert worker.failed == {}


def test_curves_hold_losses_and_validations(tmp_path):
    for name, text in (('1', '{"loss": 2.0, "lr": 0.1, "step": 5}\n{"face/NME": 9.0, "step": 1}\n'),
                       ('2', '{"face/NME": 8.0, "step": 2}\n')):
        folder = tmp_path / name / 'vis_data'
        folder.mkdir(parents=True)
        (folder / 'scalars.json').write_text(text)
    assert read_curve(tmp_path) == [dict(step=5, loss=2.0), dict(epoch=1, NME=9.0),
                                    dict(epoch=2, NME=8.0)]
