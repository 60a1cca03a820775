"""The benchmark of large evaluations runs, small, and measures the same thing both ways."""
import argparse
import json
import subprocess
import sys

import pytest


@pytest.fixture
def benchmark(root_dir, monkeypatch):
    monkeypatch.syspath_prepend(str(root_dir / 'benchmarks'))
    import evaluation_scale
    yield evaluation_scale
    for name in ('evaluation_scale', 'common'):
        sys.modules.pop(name, None)


@pytest.mark.parametrize('files', [False, True])
def test_measurements(benchmark, files):
    args = argparse.Namespace(faces=70, landmarks=[68], batch_size=32, seed=0, files=files)
    metric = benchmark.measure_metric(args)
    functions = benchmark.measure_functions(argparse.Namespace(faces=70, landmarks=[68], seed=0))
    for result in (metric, functions):
        assert 0 < result['total_s'] < 30
        assert 50 < result['libraries_mib'] <= result['peak_mib']
        assert result['measures']
    assert metric['measures']['face/excluded'] == 0
    # Both measure the same kind of faces.
    for name in ('NME', 'FR_L@0.10', 'AUC@0.10'):
        assert metric['measures'][f'face/{name}'] == pytest.approx(
            functions['measures'][name], rel=.5)


def test_command(root_dir, tmp_path):
    out = tmp_path / 'scale.json'
    finished = subprocess.run(
        [sys.executable, str(root_dir / 'benchmarks' / 'evaluation_scale.py'), '--faces', '50',
         '--landmarks', '29', '--ways', 'functions', '--out', str(out), '--markdown'],
        capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert '| 50 × 29' in finished.stdout
    (result, ) = json.loads(out.read_text())['results']
    assert (result['faces'], result['landmarks'], result['way']) == (50, 29, 'functions')
    assert result['peak_mib'] > 0
