"""The benchmarks run at tiny sizes and write what they print."""
from __future__ import annotations

import importlib
import json
import runpy
import sys
from typing import NamedTuple

import numpy as np
import pytest
import torch
from maps import exact_wasserstein


class Finished(NamedTuple):
    """How a script ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(benchmarks_path, tmp_path, monkeypatch, capsys):
    """Runs a script in this process, which has imported what takes seconds already."""
    threads = torch.get_num_threads()

    def call(name, *options):
        script = benchmarks_path / f'{name}.py'
        monkeypatch.setattr(sys, 'argv', [str(script), *map(str, options)])
        monkeypatch.chdir(tmp_path)
        code = 0
        try:
            runpy.run_path(str(script), run_name='__main__')
        except SystemExit as finished:
            code = finished.code or 0
        return Finished(code, *capsys.readouterr())

    yield call
    torch.set_num_threads(threads)


@pytest.fixture
def benchmark(run, tmp_path):
    """Runs a script to its end; returns what it printed and its JSON."""

    def call(name, *options):
        out = tmp_path / 'results' / f'{name}.json'
        finished = run(name, '--out', out, *options)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout, json.loads(out.read_text(encoding='utf-8'))

    return call


@pytest.fixture
def pairs_module(benchmarks_path):
    """benchmarks/pairs.py."""
    return importlib.import_module('pairs')


def write_fixture(folder, pairs_module, shape=(12, 16)):
    pytest.importorskip('ot')
    pairs = list(pairs_module.random_pairs(6, shape, [1.0], np.random.default_rng(1)))
    centres = [np.array([(pair.target.sum(0) * np.arange(shape[1])).sum(),
                         (pair.target.sum(1) * np.arange(shape[0])).sum()]) for pair in pairs]
    np.savez(
        folder / 'stored.npz', logits=[pair.logits for pair in pairs], centre=centres,
        sigma=[pair.sigma for pair in pairs], category=[pair.category for pair in pairs],
        w1=[pair.exact for pair in pairs], f=[pair.potential for pair in pairs])
    return pairs


def test_accuracy_of_random_pairs(benchmark):
    pytest.importorskip('ot')
    printed, results = benchmark('loss_accuracy', '--random', 6, '--size', 16, 20, '--sigmas', 1,
                                 '--methods', 'graded', 'Dirac', '--by-category')
    assert results['pair_count'] == 6
    summary = results['summary']
    assert set(summary) >= {'graded, fast', 'Dirac target, Σ p ‖x - c‖'}
    assert 0 < summary['graded, fast']['error_median'] < .02
    assert summary['graded, fast']['cosine_median'] > .99
    assert summary['Dirac target, Σ p ‖x - c‖']['error_median'] > .02
    assert all(0 <= entry['falls'] <= entry['pairs'] for entry in summary.values())
    for label in summary:
        assert f'{label} ' in printed and f'{label}: bimodal' in printed


def test_accuracy_of_fixtures_and_own_settings(benchmark, pairs_module, tmp_path):
    pairs = write_fixture(tmp_path, pairs_module)
    own = 'graded:accuracy="fast"'
    printed, results = benchmark('loss_accuracy', '--fixtures', tmp_path, '--random', 0,
                                 '--no-step', '--markdown', '--methods', own)
    entries = {entry['pair']: entry for entry in results['pairs'][own]}
    assert len(entries) == len(pairs)
    for index, pair in enumerate(pairs):
        assert entries[f'stored[{index}]']['exact'] == pytest.approx(pair.exact)
    assert f'| {own}' in printed and '| ---' in printed


def test_exact_transport_is_exact(pairs_module):
    pytest.importorskip('ot')
    for pair in pairs_module.random_pairs(6, (10, 13), [1.0], np.random.default_rng(0)):
        p, q = torch.tensor(pair.prediction), torch.tensor(pair.target)
        assert pair.exact == pytest.approx(exact_wasserstein(p, q), rel=1e-6)
        # A feasible dual of the same value is optimal.
        steps = np.abs(np.diff(pair.potential, axis=0)).max(), np.abs(
            np.diff(pair.potential, axis=1)).max()
        assert max(steps) <= 1 + 1e-9
        assert ((p - q).numpy() * pair.potential).sum() == pytest.approx(pair.exact, rel=1e-6)


def test_drawn_pairs_are_what_they_are_called(pairs_module):
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :32]
    for category in pairs_module.CATEGORIES:
        logits, target = pairs_module.draw_pair(category, (32, 32), 1.5, random)
        assert np.isfinite(logits).all() and target.sum() == pytest.approx(1)
        p = pairs_module.softmax(logits.astype(float))
        if category == 'uniform':
            assert p.max() < .05
        if category == 'over-sharp':
            assert p.max() > 1.5 * target.max()
        if category == 'border':
            centre = np.array([(target * columns).sum(), (target * rows).sum()])
            assert min(centre.min(), (31 - centre).min()) < 3


def test_fixture_errors_name_the_file(run, tmp_path):
    options = ('loss_accuracy', '--fixtures', tmp_path, '--random', 0)
    finished = run(*options)
    assert finished.returncode == 2
    assert f'{tmp_path}: there is no .npz file' in finished.stderr
    np.savez(tmp_path / 'short.npz', logits=np.zeros((1, 8, 8)))
    finished = run(*options)
    assert finished.returncode == 2 and 'short.npz: lacks centre' in finished.stderr


def test_unknown_names_are_refused(run):
    for name in ('fastest', 'fastest:epsilon=1', 'graded:accuracy'):
        finished = run('loss_accuracy', '--methods', name)
        assert finished.returncode == 2 and name in finished.stderr, finished.stderr


def test_speed(benchmark):
    printed, results = benchmark(
        'loss_speed', '--maps', 8, '--size', 16, 16, '--sigmas', 1, '--threads', 1, '--rounds', 2,
        '--no-memory', '--skip', 'geomloss', 'pot', 'sinkhorn')
    times = {entry['method']: entry for entry in results['times']}
    assert times['softmax + MSE']['ratio'] == 1
    assert {'graded, fast', 'WassersteinHeatmapLoss'} <= set(times)
    assert all(entry['milliseconds'] > 0 for entry in times.values())
    costs = {entry['method']: entry for entry in results['costs']}
    assert costs['softmax + MSE']['flop'] == 0 < costs['graded, fast']['flop']
    assert costs['graded, fast']['operations'] > costs['softmax + MSE']['operations']
    assert 'skipped  GeomLoss' in printed or 'geomloss is not installed' in printed
    assert results['environment']['versions']['torch'] == torch.__version__.split('+')[0] or \
        torch.__version__.startswith(results['environment']['versions']['torch'])


def test_cost_model(run):
    finished = run('cost', '--size', 24, 32, '--sigmas', 1)  # fails if the model does not fit
    assert finished.returncode == 0, finished.stderr
    rows = {line.split()[0]: line.split() for line in finished.stdout.splitlines()[2:]}
    _, _, sources, sinks, _, iterations, flop, _ = rows['fast']
    assert int(sinks) == 69 and int(sources) < 24 * 32
    assert float(flop) == pytest.approx(4e-6 * int(sources) * 69 * int(iterations), abs=.006)


def test_slow_methods_are_scaled_and_memory_is_measured(benchmark):
    printed, results = benchmark(
        'loss_speed', '--maps', 128, '--size', 12, 12, '--sigmas', 1, '--threads', 1, '--rounds', 2,
        '--no-cost', '--methods', 'dense')
    entry = results['times'][1]
    assert (entry['maps'], entry['maps_measured']) == (128, 64)
    assert '~' in printed
    assert entry.get('peak_bytes') is None
    reference = results['times'][0]['peak_bytes']
    assert reference is None or reference >= 0


def test_step_overhead(benchmark):
    printed, results = benchmark(
        'step_overhead', '--batch-size', 2, '--image-size', 64, '--landmarks', 3, '--sigma', 1,
        '--rounds', 2, '--threads', 1)
    summary = results['summary']
    assert summary['mse_step_ms'] > summary['mse_alone_ms'] > 0
    assert summary['overhead_of_losses'] == pytest.approx(
        np.median(np.subtract(results['seconds']['wasserstein alone'],
                              results['seconds']['mse alone']))
        / np.median(results['seconds']['mse step']))
    assert 'WassersteinHeatmapLoss' in printed


@pytest.mark.parametrize('name', ['cost', 'loss_accuracy', 'loss_speed', 'step_overhead'])
def test_help_has_examples(run, name):
    finished = run(name, '--help')
    assert finished.returncode == 0 and f'python benchmarks/{name}.py' in finished.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason='has a GPU')
def test_missing_gpu_is_named(run):
    finished = run('loss_speed', '--device', 'cuda')
    assert finished.returncode == 2 and 'no CUDA device' in finished.stderr
