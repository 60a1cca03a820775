"""Losses, weights and maps that are NaN or infinite, and the largest numbers of fp16."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from heatmap_losses import loss_configs
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from situations import told
from tiny_training import run_forked, weights, write_training

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.codecs.barycenter import NORMALIZATIONS, SAMPLINGS
from mmpose_wass.engine import FiniteTrainingHook

LARGEST_HALF = 65504.0


@pytest.mark.parametrize('rate, epoch', [(1e30, None), (0.05, 3)], ids=['diverges', 'one-image'])
def test_training_stops_and_keeps_the_good_checkpoint(tmp_path, rate, epoch):
    changes = f"optim_wrapper['optimizer']['lr'] = {rate}\nval_evaluator = test_evaluator = []\n" \
        "default_hooks['checkpoint'].pop('save_best')\nval_cfg = val_dataloader = None\n" \
        'val_evaluator = None\n'
    if epoch is not None:
        changes += f"custom_hooks = [dict(type='SpoilHook', epoch={epoch})]\n"
    write_training(tmp_path, 'run', changes)
    status, printed = run_forked('train.py', 'run.py', cwd=tmp_path)
    assert status == 1 and 'Traceback' not in printed
    assert told('nan-loss', printed.replace('loss = inf', 'loss = nan')), printed[-2000:]
    for file in (tmp_path / 'run').glob('*.pth'):
        assert all(torch.isfinite(value).all() for value in weights(file).values()
                   if value.is_floating_point())
    if epoch is not None:
        assert (tmp_path / 'run' / 'epoch_2.pth').exists()
        assert 'epoch 3, iteration 5' in printed and 'images/train_' in printed
        assert f'To go on from {tmp_path}/run/epoch_2.pth' in printed


def step(hook, loss, scaler=False, wasserstein=1.0):
    wrapper = SimpleNamespace(loss_scaler=object()) if scaler else SimpleNamespace()
    sample = PoseDataSample(metainfo=dict(img_path='a.png'), gt_instances=InstanceData())
    hook.after_train_iter(
        SimpleNamespace(epoch=0, iter=0, work_dir='run', optim_wrapper=wrapper), 0,
        dict(data_samples=[sample] * 20), dict(
            loss=torch.tensor(loss), wasserstein_px=torch.tensor(wasserstein),
            acc_pose=torch.tensor(float('nan'))))


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_one_step_is_enough_without_a_scaler(value):
    hook = FiniteTrainingHook()
    for _ in range(3):
        step(hook, 1.0)
    with pytest.raises(FloatingPointError, match=r'a\.png.*\(20\).*clip'):
        step(hook, value)


def test_maps_that_are_none_stop_it_whatever_the_loss():
    with pytest.raises(FloatingPointError, match=r'^wasserstein_px = nan, at epoch 1'):
        step(FiniteTrainingHook(), 1.0, wasserstein=float('nan'))


def test_overflow_under_a_loss_scaler_is_borne_for_a_while():
    hook = FiniteTrainingHook(patience=3)
    for value in (np.nan, np.inf, 1.0, np.nan, np.nan, 2.0, np.nan, np.nan):
        step(hook, value, scaler=True)
    with pytest.raises(FloatingPointError, match='3 steps in a row.*without --amp'):
        step(hook, np.nan, scaler=True)
    with pytest.raises(ValueError, match='patience'):
        FiniteTrainingHook(patience=0)


def test_broken_weights_are_not_saved():
    runner = SimpleNamespace(epoch=1, iter=7, work_dir='run')
    hook = FiniteTrainingHook()
    good = dict(weight=torch.ones(3), count=torch.tensor(2))
    hook.before_save_checkpoint(runner, dict(state_dict=good))
    for value in (np.nan, np.inf):
        bad = dict(good, bias=torch.tensor([0.0, value]))
        with pytest.raises(FloatingPointError) as error:
            hook.before_save_checkpoint(runner, dict(state_dict=bad))
        assert told('nan-weights', str(error.value)) and 'bias' in str(error.value)


@pytest.mark.filterwarnings('ignore:the softmax of these maps')
@pytest.mark.parametrize('sampling', SAMPLINGS)
@pytest.mark.parametrize('normalization', NORMALIZATIONS)
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_logits_that_are_none_never_look_like_a_landmark(sampling, normalization, value):
    codec = BarycenterCodec((64, 64), (16, 16), sampling=sampling, normalization=normalization)
    maps = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = codec.batch_decode(maps)[0][0]
    maps[0, 1, 4, 5] = float(value)
    points = codec.batch_decode(maps)[0][0]
    assert np.isnan(points[0, 1]).all()
    np.testing.assert_array_equal(points[0, [0, 2]], expected[0, [0, 2]])


@pytest.mark.filterwarnings('ignore:the softmax of these maps')
def test_a_map_that_is_minus_infinity_outside_of_a_region_is_fine():
    maps = torch.full((1, 1, 16, 16), -float('inf'))
    maps[0, 0, 4, 5] = 0
    codec = BarycenterCodec((64, 64), (16, 16), coordinates='mmpose')
    np.testing.assert_allclose(codec.batch_decode(maps)[0][0][0, 0], [20, 16], atol=1e-4)


LOSSES = loss_configs()


@pytest.mark.filterwarnings('ignore:the softmax of these maps')
@pytest.mark.parametrize('kind', list(LOSSES))
@pytest.mark.parametrize('pattern', ['peak', 'opposite', 'noise', 'flat'])
def test_largest_logits_of_half_precision(kind, pattern):
    """What a head in fp16 can put out at most, before it overflows."""
    codec = BarycenterCodec((64, 64), (16, 16))
    encoded = codec.encode(np.array([[[20.0, 40.0], [33.0, 22.0]]]))
    target = torch.from_numpy(encoded['heatmaps'])[None]
    logits = torch.zeros(1, 2, 16, 16)
    if pattern == 'peak':
        logits[target > target.amax() / 2] = LARGEST_HALF
    elif pattern == 'opposite':
        logits[:] = -LARGEST_HALF
        logits[..., 0, 15] = LARGEST_HALF
    elif pattern == 'noise':
        logits = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0)) * 20000
        logits.clamp_(-LARGEST_HALF, LARGEST_HALF)
    else:
        logits[:] = LARGEST_HALF
    half = logits.half().requires_grad_()
    loss = MODELS.build(LOSSES[kind])
    value = loss(half, target, torch.from_numpy(encoded['keypoint_weights']))
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(half.grad).all()
    full = loss(half.detach().float(), target, torch.from_numpy(encoded['keypoint_weights']))
    torch.testing.assert_close(value.detach().float(), full, rtol=1e-3, atol=1e-5)
    points = [codec.batch_decode(maps)[0][0] for maps in (half.detach(), half.detach().float())]
    np.testing.assert_array_equal(*points)
    assert np.isfinite(points[0]).all()
