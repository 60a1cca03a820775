"""The paper's four models have the size that was published, and the benchmark says so."""
from __future__ import annotations

import importlib
import json
import sys

import pytest


@pytest.fixture
def model_cost(root_dir, monkeypatch):
    """The benchmark as a module."""
    folder = root_dir / 'benchmarks'
    monkeypatch.syspath_prepend(str(folder))
    yield importlib.import_module('model_cost')
    for script in folder.glob('*.py'):
        sys.modules.pop(script.stem, None)


def differences(model_cost, model, kind):
    for entry in model_cost.PUBLISHED:
        if entry.model == model and getattr(entry, kind) is not None:
            yield abs(model_cost.compare(entry)[f'{kind}_difference'])


@pytest.mark.parametrize('model', ['hrnet', 'simple_baselines', 'cpn', 'hourglass'])
def test_parameters_are_within_2_per_cent_of_a_published_count(model_cost, model, monkeypatch):
    def parameters(built, size, tested=False):  # tracing takes seconds and says the same
        return dict(params=sum(p.numel() for p in built.parameters()), macs=0)

    monkeypatch.setattr(model_cost, 'count', parameters)
    assert any(one < .02 for one in differences(model_cost, model, 'params'))


@pytest.mark.parametrize('model', ['hrnet', 'simple_baselines', 'cpn', 'hourglass'])
def test_flops_are_within_2_per_cent_of_a_published_count(model_cost, model):
    assert any(one < .02 for one in differences(model_cost, model, 'flops'))


def test_a_test_of_cpn_leaves_out_globalnets_predictions(model_cost):
    model = model_cost.build_model('cpn', 17)
    trained, tested = (model_cost.count(model, (256, 192), one) for one in (False, True))
    pixels = sum(64 * 48 / 4**level for level in range(4))
    # A 1 x 1 and a 3 x 3 convolution on every level, besides normalisation and enlargement.
    left_out = pixels * (256 * 256 + 9 * 256 * 17)
    assert trained['macs'] - tested['macs'] == pytest.approx(left_out, rel=.01)
    assert trained['params'] == tested['params']


def test_hourglass_counts_as_its_layers_do(model_cost):
    """A count by hand from the paper's description, for 17 maps."""
    def norm(channels):
        return 2 * channels

    def conv(inputs, outputs, size=1):
        return outputs * (inputs * size**2 + 1)

    def residual(inputs, outputs):
        half = outputs // 2
        skip = conv(inputs, outputs) if inputs != outputs else 0
        return (norm(inputs) + conv(inputs, half) + norm(half) + conv(half, half, 3) + norm(half)
                + conv(half, outputs) + skip)

    stem = conv(3, 64, 7) + norm(64) + residual(64, 128) + residual(128, 128) + residual(128, 256)
    stack = 14 * residual(256, 256) + conv(256, 256) + norm(256) + conv(256, 17)
    between = conv(256, 256) + conv(17, 256)
    model = model_cost.build_model('hourglass', 17)
    assert sum(p.numel() for p in model.parameters()) == stem + 8 * stack + 7 * between


def test_script_writes_what_it_prints(model_cost, tmp_path, monkeypatch, capsys):
    out = tmp_path / 'cost.json'
    monkeypatch.setattr(sys, 'argv', [
        'model_cost.py', '--models', 'hrnet', '--image-size', '64', '--batch-size', '1',
        '--rounds', '1', '--landmarks', '5', '--out', str(out)])
    monkeypatch.setattr(model_cost, 'PUBLISHED', model_cost.PUBLISHED[:1])
    model_cost.main()
    printed = capsys.readouterr().out
    cost = json.loads(out.read_text())['costs']['hrnet']
    assert f'{cost["params"] / 1e6:.2f}' in printed
    # x and y for every output channel of every kernel.
    assert 1 < cost['coord_conv_params'] / cost['params'] < 1.05
    assert 1 < cost['coord_conv_macs'] / cost['macs'] < 1.1
    assert cost['step'] > 0 and cost['coord_conv_step'] > 0
