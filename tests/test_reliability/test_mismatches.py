"""Model, data and checkpoint of different numbers of landmarks."""
from __future__ import annotations

import pytest
import torch
from mmengine.runner import Runner
from situations import told
from test_tools.tiny_run import call_tool, write_config, write_faces

from mmpose_wass.engine import CheckpointFitHook, CheckpointMismatch, check_landmark_counts
from mmpose_wass.engine.config_loading import load_config


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('mismatches')
    write_faces(folder / 'data', 2, 'train')
    write_faces(folder / 'data', 2, 'test', seed=1)
    config = write_config(folder / 'tiny.py', folder / 'data', folder / 'run')
    text = config.read_text()
    (folder / 'wide.py').write_text(text.replace('out_channels=68', 'out_channels=98'))
    (folder / 'deep.py').write_text(text.replace('deconv_out_channels=None',
                                                 'deconv_out_channels=(32, ), '
                                                 'deconv_kernel_sizes=(4, )'))
    runner = Runner.from_cfg(load_config(str(config)))
    torch.save(dict(meta={}, state_dict=runner.model.state_dict()), folder / 'tiny.pth')
    return folder


@pytest.fixture()
def call(folder, monkeypatch, capsys):
    def run(*arguments):
        return call_tool(*arguments, monkeypatch=monkeypatch, capsys=capsys, cwd=folder)
    return run


@pytest.mark.parametrize('command', [
    ('train.py', 'wide.py', '--dry-run'), ('train.py', 'wide.py', '--wass', '--dry-run'),
], ids=['train', 'wass'])
def test_model_and_data(call, command):
    status, _, errors = call(*command)
    assert status == 1 and told('fit-config', errors) and errors.count('error:') == 1
    status, _, errors = call(*command, '--cfg-options', 'model.head.out_channels=68')
    assert status == 0, errors


def test_model_and_test_data(call):
    status, _, errors = call('test.py', 'wide.py', 'tiny.pth')
    assert status == 1
    assert told('fit-config', errors.replace('test_dataloader', 'train_dataloader'))


@pytest.mark.parametrize('change', [
    "pipeline.insert(1, dict(type='KeypointConverter', num_keypoints=98, mapping=[(0, 0)]))",
    "pipeline.append(dict(type='ModelLandmarkLayout', model='wflw'))",
], ids=['converter', 'layout'])
def test_data_that_are_converted_are_not_judged(folder, change):
    cfg = load_config(str(folder / 'wide.py'))
    with pytest.raises(ValueError, match='out_channels = 98'):
        check_landmark_counts(cfg, ('train', ))
    exec(change, dict(pipeline=cfg.train_dataloader.dataset.pipeline))
    check_landmark_counts(cfg, ('train', ))


@pytest.mark.parametrize('wrapper', [
    lambda one: dict(type='RepeatDataset', times=2, dataset=one),
    lambda one: dict(type='ConcatDataset', datasets=[one, one]),
], ids=['repeat', 'concat'])
def test_wrapped_data_are_found(folder, wrapper):
    cfg = load_config(str(folder / 'wide.py'))
    cfg.train_dataloader.dataset = wrapper(cfg.train_dataloader.dataset)
    with pytest.raises(ValueError, match=r'train_dataloader\.dataset\.dataset'):
        check_landmark_counts(cfg, ('train', ))


def test_combined_data_count_as_what_they_are_combined_to(folder):
    cfg = load_config(str(folder / 'wide.py'))
    inner = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='CombinedDataset', metainfo=dict(from_file='configs/_base_/datasets/wflw.py'),
        datasets=[inner])
    check_landmark_counts(cfg, ('train', ))
    cfg.model.head.out_channels = 68
    with pytest.raises(ValueError, match='has 98 landmarks'):
        check_landmark_counts(cfg, ('train', ))


class OneModel:
    def __init__(self, model):
        self.model = model


@pytest.fixture(scope='module')
def models(folder):
    return {name: Runner.from_cfg(load_config(str(folder / f'{name}.py'))).model
            for name in ('tiny', 'wide', 'deep')}


def load(models, folder, name, **changes):
    checkpoint = torch.load(folder / 'tiny.pth', weights_only=True)
    checkpoint['state_dict'].update(changes)
    CheckpointFitHook('tiny.pth', f'{name}.py').after_load_checkpoint(
        OneModel(models[name]), checkpoint)


def test_a_checkpoint_that_fits(models, folder):
    load(models, folder, 'tiny')
    load(models, folder, 'tiny', unexpected=torch.zeros(1))
    counters = [name for name in models['tiny'].state_dict() if 'num_batches' in name]
    checkpoint = torch.load(folder / 'tiny.pth', weights_only=True)
    weights = {f'module.{name}': value for name, value in checkpoint['state_dict'].items()
               if name not in counters}
    assert len(weights) < len(checkpoint['state_dict'])
    CheckpointFitHook().after_load_checkpoint(OneModel(models['tiny']), dict(state_dict=weights))


def test_checkpoint_of_another_scheme(models, folder):
    with pytest.raises(CheckpointMismatch) as error:
        load(models, folder, 'wide')
    assert told('fit-checkpoint', f'error: {error.value}')


def test_checkpoint_of_another_model(models, folder):
    with pytest.raises(CheckpointMismatch) as error:
        load(models, folder, 'deep')
    assert told('fit-model', f'error: {error.value}')
    with pytest.raises(CheckpointMismatch, match='of another shape; backbone.conv1.weight is'):
        load(models, folder, 'tiny', **{'backbone.conv1.weight': torch.zeros(1)})


def test_the_test_tool_refuses_it(call):
    status, _, errors = call('test.py', 'deep.py', 'tiny.pth')
    assert status == 1 and told('fit-model', errors) and 'Traceback' not in errors
