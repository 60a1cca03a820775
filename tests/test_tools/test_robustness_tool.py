"""tools/robustness.py from the outside: killed and started again, and its messages."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from robustness_data import write_faces, write_model
from test_tools.tiny_run import REPOSITORY, call_tool, run_tool


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('robustness')
    write_faces(folder)
    return folder


@pytest.fixture(scope='module')
def models(root):
    return [*write_model(root, 'heatmap', 'first'), '--against',
            *write_model(root, 'probability', 'second')]


def options(root, out):
    return ['--data', str(root / 'video.py'), str(root / 'others.py'), '--data-dir', str(root),
            '--only', 'clean', 'occlusion', '--faces', '1', '--resamples', '100',
            '--device', 'cpu', '--out', str(out)]


def numbers(folder: Path) -> dict:
    content = json.loads((folder / 'results.json').read_text())
    return {key: content[key] for key in ('protocols', 'curves', 'not_run', 'models')}


def entries(folder: Path) -> dict:
    return {path.parent.name: path.stat().st_mtime_ns
            for path in (folder / 'cache').glob('*/entry.json')}


def test_killed_and_started_again(root, models, tmp_path):
    command = [sys.executable, str(REPOSITORY / 'tools' / 'robustness.py'), *models,
               *options(root, tmp_path / 'killed')]
    environment = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1',
                       PYTHONPATH=str(REPOSITORY))
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 200
    while len(entries(tmp_path / 'killed')) < 3 and process.poll() is None:
        assert time.monotonic() < limit, 'no measurement was finished'
        time.sleep(.02)
    assert process.poll() is None, 'it ended before it could be killed'
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = entries(tmp_path / 'killed')
    assert before and not (tmp_path / 'killed' / 'report.html').exists()

    again = run_tool('robustness.py', *models, *options(root, tmp_path / 'killed'), cwd=tmp_path)
    after = entries(tmp_path / 'killed')
    assert f'{len(after) - len(before)} measured, {len(before)} were there, 0 failed' \
        in again.stdout
    assert {name: after[name] for name in before} == before  # not made again
    run_tool('robustness.py', *models, *options(root, tmp_path / 'whole'), cwd=tmp_path)
    assert set(entries(tmp_path / 'whole')) == set(after)
    assert numbers(tmp_path / 'whole') == numbers(tmp_path / 'killed')
    for name in ('report.html', 'report.md', 'results.json'):
        assert str(tmp_path / 'killed' / name) in again.stdout


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    def run(*arguments):
        return call_tool('robustness.py', *arguments, monkeypatch=monkeypatch, capsys=capsys,
                         cwd=tmp_path)
    return run


def test_dry_run_says_what_would_be_done(call, root, models, tmp_path):
    status, out, _ = call(*models, *options(root, tmp_path / 'dry'), '--dry-run')
    assert status == 0
    assert 'first: Clean: ' in out and 'second: Occlusion, large: ' in out
    assert 'measurements to make, on' in out and "Not run:\n" in out
    assert not entries(tmp_path / 'dry')


@pytest.mark.parametrize('more, message', [
    (['--limit', '1'], '--limit must be at least 2'),
    (['--name', 'a', 'b', 'c'], '3 names for 2 models'),
    (['--boxes-overlap', '0'], '--boxes-overlap must lie in (0, 1]'),
    (['--only', 'rain'], "invalid choice: 'rain'"),
    (['--boxes', 'nowhere.json'], 'nowhere.json'),
    (['--name', 'a', 'a'], "two models are called 'a'"),
    (['--cfg-options', 'test_dataloader.dataset.data_root=/nowhere'], '--cfg-options'),
    (['--cfg-options', 'test_dataloader.dataset.bbox_file=boxes.json'],
     'test_dataloader.dataset.bbox_file=\'boxes.json\' is refused'),
])
def test_wrong_options_are_named(call, models, root, tmp_path, more, message):
    status, _, error = call(*models, *options(root, tmp_path / 'wrong'), *more)
    assert status != 0 and message in error


def test_missing_checkpoint(call, models, tmp_path):
    status, _, error = call(models[0], 'nowhere.pth', '--out', str(tmp_path / 'no'))
    assert status == 1 and 'checkpoint nowhere.pth: no such file' in error


def test_weights_of_another_model_end_it_before_anything_runs(call, root, tmp_path):
    config, _ = write_model(root, 'simcc')
    _, weights = write_model(root, 'heatmap')
    status, out, error = call(config, weights, *options(root, tmp_path / 'other'))
    assert status == 1 and 'measured' not in out
    assert f'checkpoint {weights} does not fit the model of {config}' in error


def test_help_has_examples(call):
    status, out, _ = call('--help')
    assert status == 0 and 'examples:' in out and '--boxes' in out
