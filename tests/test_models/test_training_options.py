"""The main config with what people train with: AMP, clipping, EMA, resume, compile.

It is ``hrnet_w18_300w_wass``, the paper's loss alone, with a narrow HRNet and small input, on
rendered faces. DDP is in test_two_processes.py.
"""
from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner
from test_configs.zoo import FACE, load, shrink
from test_models.four_models import BRANCHES, NARROW
from torch_abilities import needs_compiler

from mmpose_wass.datasets.synthetic import write_dataset


class Record(Hook):
    """What every step gave."""

    def __init__(self):
        self.losses, self.gradients, self.types = [], [], []

    def before_train(self, runner):
        runner.model.head.final_layer.register_forward_hook(
            lambda module, inputs, output: self.types.append(output.dtype))
        # MMEngine zeroes the gradients right after the step.
        runner.optim_wrapper.optimizer.register_step_pre_hook(
            lambda *step: self.gradients.append([
                p.grad.norm().item() for p in runner.model.parameters() if p.grad is not None]))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append({name: value.item() for name, value in outputs.items()})


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """Folder of a few rendered faces in 300W's layout."""
    folder = tmp_path_factory.mktemp('faces') / '300w'
    write_dataset('300w', folder, dict(train=16, test=4), image_size=64)
    return folder


@pytest.fixture
def config(tmp_path, faces):
    """The main config, small; it trains 4 steps and validates."""
    cfg = shrink(load(FACE / 'hrnet_w18_300w_wass.py'), lambda data_root: faces)
    cfg.model.backbone.extra = BRANCHES
    cfg.model.head.update(in_channels=60, conv_out_channels=(60, ))
    # MMEngine starts a resumed run's augmentation anew.
    pipeline = [step for step in cfg.train_pipeline if not step.type.startswith('Random')]
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].update(num_workers=0, persistent_workers=False)
    cfg.train_dataloader.update(batch_size=8)
    cfg.train_dataloader.dataset.update(pipeline=pipeline)
    cfg.train_cfg.update(max_epochs=2, val_interval=2)
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    cfg.work_dir = str(tmp_path / 'work')
    cfg.randomness = dict(seed=0)
    return cfg


def train(cfg, name, **changes):
    cfg = copy.deepcopy(cfg)
    for key, value in changes.items():
        cfg.merge_from_dict({key.replace('__', '.'): value})
    cfg.experiment_name = f'{name}_{np.random.default_rng().integers(1 << 60)}'
    cfg.work_dir = f'{cfg.work_dir}_{name}'
    runner = Runner.from_cfg(cfg)
    record = Record()
    runner.register_hook(record)
    runner.train()
    return runner, record


def test_automatic_mixed_precision_with_clipping(config, monkeypatch):
    if not torch.cuda.is_available():
        # MMEngine's wrapper wants an accelerator; autocast itself works on a CPU too.
        module = AmpOptimWrapper.__module__
        monkeypatch.setattr(f'{module}.is_cuda_available', lambda: True)
    amp = dict(type='AmpOptimWrapper', dtype='bfloat16', loss_scale=1.0,
               clip_grad=dict(max_norm=.05), optimizer=config.optim_wrapper.optimizer)
    runner, record = train(config, 'amp', optim_wrapper=dict(_delete_=True, **amp))
    assert isinstance(runner.optim_wrapper, AmpOptimWrapper)
    assert set(record.types[:4]) == {torch.bfloat16}
    assert len(record.losses) == 4
    assert all(np.isfinite(list(step.values())).all() for step in record.losses)
    for gradients in record.gradients:
        assert np.linalg.norm(gradients) == pytest.approx(.05, rel=.01)
    plain = train(config, 'float', optim_wrapper__clip_grad=dict(max_norm=.05))[1]
    assert record.losses[0]['loss'] == pytest.approx(plain.losses[0]['loss'], rel=.02)
    assert record.losses[0]['wasserstein_px'] == pytest.approx(
        plain.losses[0]['wasserstein_px'], rel=.05)


def test_moving_average_is_what_is_validated(config):
    hook = dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=.1, gamma=2, priority=49)
    runner, record = train(config, 'ema', custom_hooks=[hook])
    assert len(record.losses) == 4
    checkpoint = torch.load(f'{runner.work_dir}/epoch_2.pth')
    name = 'head.final_layer.weight'
    trained = checkpoint['ema_state_dict'][f'module.{name}']
    averaged = checkpoint['state_dict'][name]
    assert not torch.equal(trained, averaged) and torch.isfinite(averaged).all()
    assert runner.message_hub.get_scalar('val/face/NME').current() > 0


def test_resumed_training_goes_on_where_it_was(config):
    whole, record = train(config, 'whole')
    half = dict(train_cfg__max_epochs=1, train_cfg__val_interval=5)
    first = train(config, 'half', **half)[0]
    second, rest = train(config, 'rest', load_from=f'{first.work_dir}/epoch_1.pth', resume=True)
    assert len(rest.losses) == 2
    for ours, theirs in zip(rest.losses, record.losses[2:]):
        assert ours == pytest.approx(theirs, rel=1e-4)
    for a, b in zip(whole.model.state_dict().values(), second.model.state_dict().values()):
        torch.testing.assert_close(a, b)


@needs_compiler
def test_compiled_model_trains_alike(config):
    """Forward and backward graph of head and loss are taken by PyTorch's compiler, and run as they
    are: generating code is the compiler's business. Tracing HRNet would take a minute."""
    config.model.pop('neck')
    config.model.backbone = dict(NARROW, num_stages=1, strides=(1, ), dilations=(1, ),
                                 out_indices=(0, ))
    config.model.head.update(in_channels=8, conv_out_channels=(8, ))
    short = dict(train_cfg__max_epochs=1, train_cfg__val_interval=5)
    plain = train(config, 'plain', **short)[1]
    runner, record = train(config, 'compiled', compile=dict(backend='aot_eager'), **short)
    assert len(record.losses) == 2
    for ours, theirs in zip(record.losses, plain.losses):
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_coord_conv_model_trains_from_a_plain_checkpoint_and_not_back(config):
    first = train(config, 'plain', train_cfg__max_epochs=1, train_cfg__val_interval=5)[0]
    checkpoint = f'{first.work_dir}/epoch_1.pth'
    runner, record = train(config, 'coord', load_from=checkpoint,
                           model__type='CoordConvPoseEstimator')
    layer = runner.model.head.final_layer
    assert type(layer).__name__ == 'CoordConv2d'
    assert layer.split_weight()[1].abs().max() > 0  # coordinates are learnt
    saved = f'{runner.work_dir}/epoch_2.pth'
    with pytest.raises(ValueError, match='of a CoordConv model'):
        train(config, 'back', load_from=saved, custom_hooks=[dict(type='CoordConvCheckHook')])
    again = train(config, 'again', load_from=saved, model__type='CoordConvPoseEstimator',
                  custom_hooks=[dict(type='CoordConvCheckHook')])[1]
    assert len(again.losses) == 4
