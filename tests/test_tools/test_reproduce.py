"""tools/reproduce.py: what it lists, runs, resumes, refuses; and that it invents no number."""
from __future__ import annotations

import json
import sys
import time

import pytest
from reproduction_data import write_report
from test_tools.tiny_run import call_tool, run_tool

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.reproduction import TABLES, find_table
from mmpose_wass.reproduction.profiles import Profile, reduced_profile
from mmpose_wass.reproduction.run import Job, Workspace, parse_budget

STEM = 'td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-256x256'
SIZE = ('--reduced', '--input', '64', '--epochs', '1', '--train-faces', '16')


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """Rendered faces in 300W's layout, as 300W without its challenging subset."""
    root = tmp_path_factory.mktemp('data') / '300w'
    write_dataset('300w', root, dict(train=20, test=4), image_size=64)
    (root / 'annotations/face_landmarks_300w_valid_challenge.json').unlink()
    return root


@pytest.fixture
def tool(monkeypatch, capsys, tmp_path):
    def call(*arguments):
        return call_tool('reproduce.py', *arguments, monkeypatch=monkeypatch, capsys=capsys,
                         cwd=tmp_path)
    return call


def test_a_table_runs_end_to_end_and_goes_on(tmp_path, faces, tool):
    command = ['reproduce.py', '--table', '2', '--row', 'l2-sigma1', *SIZE, '--data-root',
               f'300w={faces}', '--work-dir', tmp_path / 'runs']
    first = run_tool(*command, cwd=tmp_path).stdout
    # One training, two ways of reading its maps.
    assert '[3/3] test' in first and '[1/3] train' in first
    (folder, ) = (tmp_path / 'runs').iterdir()
    assert folder.name == 'reduced_64_1e_16faces_seed0'
    (content, ) = json.loads((folder / 'tables.json').read_text())
    measured = {row['config'].split('/')[-1][:-3]: [number['measured'] for number in row['numbers']]
                for row in content['rows']}
    for stem in (STEM, STEM.replace('sigma1', 'sigma1-getbc')):
        report = json.loads((folder / f'results/{stem}.json').read_text())
        assert measured.pop(stem) == [report['metrics'][f'full/face/{name}']
                                      for name in ('NME', 'FR_L@0.05')]
    # What was not run has no number.
    assert len(measured) == 2 and all(values == [None, None] for values in measured.values())
    setting = content['rows'][0]['numbers'][0]['setting']
    for part in ('compact ResNet-18', '64×64', '1 epochs', 'random weights', '16 training faces',
                 '4 faces of face_landmarks_300w_valid_common', 'WITHOUT challenge in full',
                 'seed 0'):
        assert part in setting
    assert content['rows'][0]['numbers'][0]['full_size'] is False
    assert setting in first

    status, again, _ = tool(*command[1:])
    assert status == 0
    assert 'train' not in again.split('###')[0]
    assert again.split('###')[1] == first.split('###')[1]

    _, listed, _ = tool('--list', '--table', '2', *SIZE, '--data-root', f'300w={faces}',
                        '--work-dir', tmp_path / 'runs')
    states = [line.split()[0] for line in listed.splitlines() if '300w/td-hm' in line]
    assert states == ['measured', 'measured', 'can', 'can']


def test_a_failed_job_is_told_and_the_others_run(tmp_path):
    workspace = fake(tmp_path, {'a': 'import sys; print("no luck"); sys.exit(3)', 'b': 'pass'})
    lines = []
    outcome = workspace.run([Job('train', 'a', 'a'), Job('test', 'a', 'a'), Job('train', 'b', 'b')],
                            say=lines.append)
    assert outcome.ran == ['train b'] and set(outcome.failed) == {'train a', 'test a'}
    assert 'no luck' in outcome.failed['train a']
    assert outcome.failed['test a'] == 'its training failed'
    assert any('failed with status 3' in line for line in lines)
    record = json.loads((workspace.folder / 'last_run.json').read_text())
    assert record['ran'] == ['train b'] and set(record['failed']) == {'train a', 'test a'}


def fake(folder, programs) -> Workspace:
    """A workspace whose jobs are small programs."""

    class Fake(Workspace):
        def command(self, job):
            return [sys.executable, '-c', programs[job.config]]

        def checkpoint(self, training):
            return self.folder / training

    return Fake(str(folder / 'fake'), Profile())


def test_the_budget_ends_a_training_and_leaves_the_rest(tmp_path):
    workspace = fake(tmp_path, {'a': 'import time; time.sleep(60)', 'b': 'pass'})
    begun, lines = time.monotonic(), []
    outcome = workspace.run([Job('train', 'a', 'a'), Job('test', 'a', 'a'), Job('train', 'b', 'b')],
                            budget=1.0, say=lines.append)
    assert time.monotonic() - begun < 30
    assert outcome.left == ['train a', 'test a', 'train b']
    assert not outcome.ran and not outcome.failed
    assert 'stopped by the budget' in lines[-1]


def test_jobs_done_or_impossible_are_not_run(tmp_path):
    workspace = fake(tmp_path, {})
    outcome = workspace.run([Job('train', 'a', 'a', done=True),
                             Job('train', 'b', 'b', problem='no data')])
    assert not (outcome.ran or outcome.failed or outcome.left)


def test_each_training_once_and_tests_after_it(tmp_path, faces):
    workspace = Workspace(str(tmp_path), reduced_profile(), {'300w': str(faces)}, stand_in=True)
    jobs = workspace.jobs([row for key in ('2', '10') for row in find_table(key, TABLES).systems])
    trainings = [job.training for job in jobs if job.kind == 'train']
    assert len(trainings) == len(set(trainings)) == 6
    for place, job in enumerate(jobs):
        assert job.training in [other.training for other in jobs[:place + 1]
                                if other.kind == 'train']
    assert [job.kind for job in jobs].count('test') == 14
    assert not any(job.problem for job in jobs)
    assert sum(bool(job.stand_in) for job in jobs) == 10
    honest = Workspace(str(tmp_path), reduced_profile(), {'300w': str(faces)})
    jobs = honest.jobs(find_table('10', TABLES).systems)
    assert all('is not there' in job.problem for job in jobs if job.kind == 'test')


def test_the_reduced_size_keeps_loss_head_and_targets(tmp_path):
    full, small = (Workspace(str(tmp_path), profile) for profile in (
        Profile(), reduced_profile(epochs=3, seed=5)))
    for row in find_table('10', TABLES).systems[:5]:
        before, after = full.load(row.training_config), small.load(row.training_config)
        assert after.model.head.loss == before.model.head.loss
        assert after.model.head.type == before.model.head.type
        assert after.model.type == before.model.type
        decoder = dict(before.model.head.decoder, input_size=(128, 128), heatmap_size=(32, 32))
        assert after.model.head.decoder == decoder == after.codec
        assert after.train_dataloader.dataset.pipeline[-2].encoder == decoder
        assert after.train_cfg.max_epochs == 3 and after.randomness.seed == 5
        assert after.param_scheduler[-1].end == 3
        assert 'init_cfg' not in after.model.backbone
        assert before.model.backbone.type == 'HRNet' and before.train_cfg.max_epochs == 60


def test_fewer_epochs_stretch_the_schedule(tmp_path):
    cfg = Workspace(str(tmp_path), Profile(epochs=12)).load(f'300w/{STEM}.py')
    (scheduler, ) = cfg.param_scheduler
    assert scheduler.milestones == [6, 10] and scheduler.end == 12


def test_results_that_exist_are_collected(tool, tmp_path):
    write_report(tmp_path / 'found', STEM, {'full/face/NME': 3.5})
    status, out, err = tool('--table', '2', '--no-run', '--collect', tmp_path / 'found')
    assert status == 0, err
    assert '| 3.34 | 3.50 | +0.16 | [1] |' in out
    assert out.count('| – | – | – |') == 7
    assert (tmp_path / 'work_dirs/reproduce/full_seed0/tables.md').is_file()


def test_nothing_is_run_without_data(tool, tmp_path):
    status, out, _ = tool('--table', '11')
    assert status == 0
    assert 'cannot train' in out and 'data/wflw/annotations/face_landmarks_wflw_train.json' in out
    assert 'Nothing of this has been measured.' in out
    status, out, _ = tool('--table', '11', '--dry-run')
    assert out.count('cannot: ') == 12


@pytest.mark.parametrize(('arguments', 'message'), [
    ([], 'say what to do'),
    (['--dry-run'], 'need a --table'),
    (['--table', '12'], 'there is no table'),
    (['--table', '2', '--budget', 'soon'], 'a budget is a time such as'),
    (['--table', '2', '--data-root', '300w=nowhere'], 'there is no folder nowhere'),
    (['--table', '2', '--data-root', 'faces=.'], 'is no data set of the zoo'),
    (['--table', '2', '--input', '100'], 'multiple of 64'),
    (['--table', '2', '--epochs', '0'], 'epochs must be 1 or more'),
    (['--table', '2', '--row', 'hourglass'], 'no row has this'),
    (['--table', '2', '--no-run', '--collect', 'nowhere'], 'no folder or file nowhere'),
])
def test_refusals(tool, arguments, message):
    status, _, err = tool(*arguments)
    assert status != 0 and message in err


@pytest.mark.parametrize('text', ['0', '-1h', 'inf', '1d', '', 'nan'])
def test_budgets_that_are_none(text):
    with pytest.raises(ValueError, match='a budget is a time'):
        parse_budget(text)
