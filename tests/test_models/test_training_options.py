"""The Wasserstein loss with what people train with: AMP, clipping, EMA, resume, compile."""
from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner
from test_tools.tiny_run import write_config, write_faces

from mmpose_wass.turning_on import turn_on


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


@pytest.fixture
def config(tmp_path):
    """A config that trains 4 steps of W and KL, and validates."""
    write_faces(tmp_path / 'data', 16, 'train')
    write_faces(tmp_path / 'data', 4, 'test', seed=1)
    path = write_config(tmp_path / 'config.py', tmp_path / 'data', tmp_path / 'work', epochs=2,
                        learning_rate=.01)
    cfg = turn_on(Config.fromfile(str(path)), loss='wasserstein+kl', sigma=1.5)
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    cfg.train_cfg.val_interval = 2
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


def test_compiled_model_trains_alike(config):
    """``compile=dict(backend='eager')`` of MMEngine: the graph is taken, nothing is generated."""
    plain = train(config, 'plain')[1]
    runner, record = train(config, 'compiled', compile=dict(backend='eager'))
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


def test_every_parameter_takes_part(config):
    """DDP with ``find_unused_parameters=False`` needs a gradient for every parameter."""
    cfg = copy.deepcopy(config)
    runner, record = train(cfg, 'all')
    trained = [p for p in runner.model.parameters() if p.requires_grad]
    assert len(record.gradients[0]) == len(trained)
    assert not config.get('find_unused_parameters', False)
