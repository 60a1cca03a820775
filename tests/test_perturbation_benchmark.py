"""benchmarks/perturbations.py runs and writes what it prints."""
from __future__ import annotations

import json
import runpy
import sys

import cv2
import pytest
import torch


@pytest.fixture
def run(root_dir, tmp_path, monkeypatch, capsys):
    threads = torch.get_num_threads(), cv2.getNumThreads()

    def call(*options):
        script = root_dir / 'benchmarks/perturbations.py'
        monkeypatch.syspath_prepend(str(script.parent))
        monkeypatch.setattr(sys, 'argv', [str(script), *map(str, options)])
        monkeypatch.chdir(tmp_path)
        code = 0
        try:
            runpy.run_path(str(script), run_name='__main__')
        except SystemExit as finished:
            code = finished.code or 0
        return code, *capsys.readouterr()

    yield call
    sys.modules.pop('common', None)
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


def test_images_per_second(run, tmp_path):
    code, out, error = run('--images', 5, '--image-size', 128, '--region', 0, '--out',
                           tmp_path / 'results.json')
    assert code == 0, error
    summary = json.loads((tmp_path / 'results.json').read_text())['summary']
    assert set(summary) == {'occlusion, medium', 'occlusion, large', 'motion blur, medium',
                            'motion blur, large', 'box, all three'}
    assert all(entry['images_per_second'] > 0 and name in out for name, entry in summary.items())
    assert summary['motion blur, large']['config']['region'] is None


def test_wrong_options(run):
    for options in (('--box', 2), ('--images', 0), ('--device', 'tpu')):
        code, _, error = run(*options)
        assert code == 2 and options[0] in error
