"""The tables of docs/deployment.md are those of the records in results/export."""
from __future__ import annotations

import copy
import importlib.util
import json
import re
import sys

import pytest
from documentation import ROOT

from mmpose_wass.deployment.parity import FP16_TOLERANCE, FP32_TOLERANCE


@pytest.fixture(scope='module')
def tables():
    path = ROOT / 'docs/deployment_tables.py'
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


@pytest.fixture(scope='module')
def parity(tables):
    return tables.read(tables.RESULTS, 'parity')


@pytest.fixture(scope='module')
def speed(tables):
    return tables.read(tables.RESULTS, 'speed')


def test_the_page_shows_the_records(tables, capsys):
    assert tables.main(['--check']) == 0, capsys.readouterr().out


def test_every_model_was_exported_to_every_format(tables, parity):
    """The trained one agrees with PyTorch as far as tools/export.py asks for.

    Random weights multiply rounding, so that PyTorch's own difference between two sets of kernels
    is the measure there: both are the largest of as many landmarks, about equal when nothing is
    wrong.
    """
    import export_speed  # the folder that `tables` has put on the path
    assert set(parity['exports']) == set(export_speed.MODELS)
    for name, found in parity['exports'].items():
        assert set(found) >= {'onnx', 'onnx_fp16', 'torchscript', 'torch_export'}, name
        for kind, one in found.items():
            assert not one['error'], f'{name}, {kind}: {one["error"]}'
            if parity['checkpoints'][name]:
                limit = FP16_TOLERANCE if kind.endswith('fp16') else FP32_TOLERANCE
            elif kind.endswith('fp16'):
                continue
            else:
                limit = max(FP32_TOLERANCE, 3 * parity['own_rounding_px'][name])
            assert one['max_px'] <= limit, f'{name}, {kind}'
    assert parity['checkpoints']['compact'] == 'face68_compact.pth'


def test_speed_is_of_both_models_and_enough_rounds(speed):
    assert set(speed['milliseconds_an_image']) == {'compact', 'hrnet'}
    for by_batch in speed['milliseconds_an_image'].values():
        for measured in by_batch.values():
            assert {'test_step', 'eager', 'onnx', 'torchscript'} <= set(measured)
            assert all(len(times) >= 7 for times in measured.values())


def test_a_changed_record_changes_the_page(tables, parity, speed, tmp_path):
    """And so does a changed page: the comparison is no formality."""
    page = tables.PAGE.read_text(encoding='utf-8')
    changed = copy.deepcopy(parity)
    changed['exports']['compact']['onnx']['megabytes'] += 100
    for name, content in (('parity', changed), ('speed', speed)):
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
    assert tables.written(page, tmp_path) != page == tables.written(page)
    assert tables.written(re.sub(r'(?m)^\| compact.*\n', '', page)) == page


def test_missing_records_and_marks_are_named(tables, tmp_path):
    with pytest.raises(FileNotFoundError, match='parity.json is missing: python benchmarks'):
        tables.written(tables.PAGE.read_text(encoding='utf-8'), tmp_path)
    (tmp_path / 'speed.json').write_text('{"milliseconds_an_image": {}}')
    with pytest.raises(ValueError, match='speed.json: milliseconds_an_image is empty'):
        tables.read(tmp_path, 'speed')
    with pytest.raises(ValueError, match='needs the marks <!-- parity -->'):
        tables.written('a page')
