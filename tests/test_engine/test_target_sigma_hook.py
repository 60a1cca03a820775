"""Sigma of the targets over the epochs."""
import logging
from types import SimpleNamespace

import numpy as np
import pytest
from mmpose.datasets.transforms import GenerateTarget
from mmpose.registry import HOOKS

from mmpose_wass.engine.target_sigma_hook import TargetSigmaHook

CODEC = dict(type='BarycenterCodec', input_size=(64, 64), heatmap_size=(64, 64), sigma=9.)


def pipeline(**codec):
    return SimpleNamespace(transforms=[object(), GenerateTarget(encoder=dict(CODEC, **codec))])


def runner_of(dataset, epoch=0, workers=0, persistent=False):
    loader = SimpleNamespace(dataset=dataset, num_workers=workers, persistent_workers=persistent)
    return SimpleNamespace(train_dataloader=loader, epoch=epoch,
                           logger=logging.getLogger('sigma'))


def drawn_sigma(dataset):
    """Standard deviation of a target as the pipeline draws it."""
    results = dict(
        keypoints=np.array([[[32., 32.]]]), keypoints_visible=np.ones((1, 1)),
        transformed_keypoints=np.array([[[32., 32.]]], dtype=np.float32))
    heatmap = dataset.pipeline.transforms[-1](results)['heatmaps'][0]
    columns = np.arange(64)
    share = heatmap.sum(axis=0) / heatmap.sum()
    return float(np.sqrt(share @ (columns - share @ columns)**2))


def test_targets_are_drawn_with_the_sigma_of_the_epoch():
    dataset = SimpleNamespace(pipeline=pipeline())
    hook = HOOKS.build(dict(type='TargetSigmaHook', sigma_at_epoch={0: 3., 2: 2., 4: 1.}))
    found = []
    for epoch in range(6):
        hook.before_train_epoch(runner_of(dataset, epoch))
        found.append(drawn_sigma(dataset))
    np.testing.assert_allclose(found, [3, 3, 2, 2, 1, 1], rtol=.01)


def test_a_resumed_training_has_the_sigma_of_its_epoch():
    dataset = SimpleNamespace(pipeline=pipeline())
    TargetSigmaHook({0: 3, 4: 1.5}).before_train_epoch(runner_of(dataset, 7))
    assert drawn_sigma(dataset) == pytest.approx(1.5, rel=.01)


@pytest.mark.parametrize('keys', [{0: 3, 4: 1}, {4: 1, 0: 3}, {'0': 3, '4': '1'}])
def test_order_and_types_of_keys_do_not_matter(keys):
    hook = TargetSigmaHook(keys)
    assert [hook.sigma(epoch) for epoch in (0, 3, 4, 50)] == [3, 3, 1, 1]


def test_wrapped_and_joined_data_sets_are_all_reached():
    members = [SimpleNamespace(pipeline=pipeline()) for _ in range(3)]
    joined = SimpleNamespace(datasets=members[:2], pipeline=SimpleNamespace(transforms=[]))
    repeated = SimpleNamespace(dataset=SimpleNamespace(datasets=[joined, members[2]]))
    TargetSigmaHook({0: 2.5}).before_train_epoch(runner_of(repeated))
    assert [member.pipeline.transforms[-1].encoder.sigma for member in members] == [2.5] * 3


def test_workers_that_live_on_are_refused_others_not():
    dataset = SimpleNamespace(pipeline=pipeline())
    hook = TargetSigmaHook({0: 3})
    with pytest.raises(ValueError, match='persistent_workers=False'):
        hook.before_train_epoch(runner_of(dataset, workers=2, persistent=True))
    hook.before_train_epoch(runner_of(dataset, workers=2))
    assert dataset.pipeline.transforms[-1].encoder.sigma == 3


@pytest.mark.parametrize('transforms', [
    [], [GenerateTarget(encoder=dict(type='RegressionLabel', input_size=(64, 64)))]])
def test_pipelines_without_sigma_are_refused(transforms):
    dataset = SimpleNamespace(pipeline=SimpleNamespace(transforms=transforms))
    with pytest.raises(ValueError, match='no GenerateTarget whose encoder has a sigma'):
        TargetSigmaHook({0: 3}).before_train_epoch(runner_of(dataset))


@pytest.mark.parametrize('keys, message', [
    ({}, 'epoch 0 begins'), ({1: 2.}, 'epoch 0 begins'),
    ({0: 2., 3: 0.}, r'sigma_at_epoch\[3\] must be positive'),
    ({0: float('nan')}, r'sigma_at_epoch\[0\] must be positive')])
def test_wrong_settings_are_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        TargetSigmaHook(keys)
