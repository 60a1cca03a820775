"""Two processes on CPUs do what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny_run import REPOSITORY, free_port, run_tool, write_config, write_faces

from mmpose_wass.datasets.perturbations import insert_perturbation
from mmpose_wass.engine.checkpoint import allow_mmengine_checkpoints

SAFELY = allow_mmengine_checkpoints()
# W1 + KL learns from random weights; the paper's loss is its first term.
LOSS = ("dict(type='WeightedSumHeatmapLoss', losses=dict("
        "wasserstein=dict(type='WassersteinHeatmapLoss'), kl=dict(type='KLHeatmapLoss')))")


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Twenty steps with one process and with two, from the same seed: 16 images, batches of 8."""
    folder = tmp_path_factory.mktemp('distributed')
    write_faces(folder / 'data', 16, 'train')
    # An odd number, and batches that do not divide it: processes get unequal shares.
    write_faces(folder / 'data', 11, 'test', seed=1)
    config = write_config(folder / 'tiny.py', folder / 'data', folder / 'one', loss=LOSS)
    run_tool('train.py', config, '--wass', '--loss', 'wasserstein+kl', cwd=folder)
    run_tool('train.py', config, '--wass', '--loss', 'wasserstein+kl', '--work-dir',
             folder / 'two', '--cfg-options', 'train_dataloader.batch_size=4', cwd=folder,
             processes=2)
    return folder


def weights(file) -> dict[str, torch.Tensor]:
    return torch.load(file, weights_only=SAFELY)['state_dict']


def test_training_gives_the_same_parameters(runs):
    one, two = weights(runs / 'one' / 'epoch_10.pth'), weights(runs / 'two' / 'epoch_10.pth')
    assert torch.load(runs / 'two' / 'epoch_10.pth', weights_only=SAFELY)['meta']['iter'] == 20
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=0, atol=1e-5, msg=name)


def test_training_moved_the_parameters(runs, tmp_path):
    """Else the test above would hold for a run that does nothing."""
    config = write_config(tmp_path / 'tiny.py', runs / 'data', tmp_path / 'start', loss=LOSS,
                          epochs=1, learning_rate=0.0)
    run_tool('train.py', config, '--wass', '--loss', 'wasserstein+kl', cwd=tmp_path)
    start, end = weights(tmp_path / 'start' / 'epoch_1.pth'), weights(runs / 'one' / 'epoch_10.pth')
    moved = {name: float((end[name] - start[name]).abs().max()) for name in start
             if 'num_batches' not in name}
    assert moved['head.final_layer.weight'] > 1e-2
    assert moved['backbone.conv1.weight'] > 1e-3


def test_evaluation_is_identical_to_the_last_digit(runs):
    results = {}
    for processes in (0, 2):
        name = f'processes_{processes}'
        run_tool('test.py', runs / 'one' / 'tiny.py', runs / 'one' / 'epoch_10.pth', '--out',
                 runs / f'{name}.json', '--out-predictions', runs / f'{name}.npz', '--work-dir',
                 runs / name, cwd=runs, processes=processes)
        results[processes] = (json.loads((runs / f'{name}.json').read_text()),
                              dict(np.load(runs / f'{name}.npz')))
    one, two = results[0], results[2]
    assert (one[0]['processes'], two[0]['processes']) == (1, 2)
    assert 'face/NME' in one[0]['metrics'] and 'NME' in one[0]['metrics']
    assert one[0]['metrics'] == two[0]['metrics']
    assert one[0]['data'] == two[0]['data']
    assert one[0]['data']['faces'] == 11
    assert one[1].keys() == two[1].keys()
    for name in one[1]:
        np.testing.assert_array_equal(one[1][name], two[1][name], err_msg=name)


def test_perturbed_faces_are_the_same_in_two_processes(runs):
    """Predictions are: the pixels behind them must be, however the samples are shared out."""
    cfg = Config.fromfile(runs / 'one' / 'tiny.py')
    dataset = cfg.test_dataloader.dataset
    dataset.pipeline = insert_perturbation(
        dataset.pipeline, dict(type='SyntheticOcclusion', level='large'))
    cfg.dump(runs / 'occluded.py')
    predictions = {}
    for name, config, processes in (('clean', runs / 'one' / 'tiny.py', 0),
                                    ('one', runs / 'occluded.py', 0),
                                    ('two', runs / 'occluded.py', 2)):
        file = runs / f'occluded_{name}.npz'
        run_tool('test.py', config, runs / 'one' / 'epoch_10.pth', '--out-predictions', file,
                 '--work-dir', runs / f'occluded_{name}', cwd=runs, processes=processes)
        predictions[name] = np.load(file)['keypoint_scores']
    np.testing.assert_array_equal(predictions['one'], predictions['two'])
    assert (predictions['one'] != predictions['clean']).any(axis=1).all()


@pytest.mark.parametrize('tool', ['train.py', 'test.py'])
def test_nothing_holds_the_process_group_at_the_end(runs, tmp_path, tool):
    """A wrapped model would, and gloo's threads then abort some processes at exit, after the work.

    One process is enough to see it, and sees it always.
    """
    arguments = [runs / 'one' / 'tiny.py', '--launcher', 'pytorch', '--work-dir', tmp_path]
    arguments[1:1] = [runs / 'one' / 'epoch_10.pth'] if tool == 'test.py' else []
    script = tmp_path / 'watch.py'
    script.write_text(
        'import gc, runpy, sys\n'
        'from torch.nn.parallel import DistributedDataParallel as Wrapped\n'
        'made, wrap = [], Wrapped.__init__\n'
        'def count(self, *args, **kwargs):\n'
        '    made.append(1)\n'
        '    wrap(self, *args, **kwargs)\n'
        'Wrapped.__init__ = count\n'
        'del sys.argv[0]\n'
        'runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'left = sum(isinstance(one, Wrapped) for one in gc.get_objects())\n'
        'print(f"{len(made)} made, {left} left")\n', encoding='utf-8')
    variables = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1', RANK='0',
                     LOCAL_RANK='0', WORLD_SIZE='1', MASTER_ADDR='127.0.0.1',
                     MASTER_PORT=str(free_port()))
    variables['PYTHONPATH'] = os.pathsep.join(
        [str(REPOSITORY), os.environ.get('PYTHONPATH', '')]).rstrip(os.pathsep)
    result = subprocess.run(
        [sys.executable, str(script), str(REPOSITORY / 'tools' / tool), *map(str, arguments)],
        cwd=tmp_path, env=variables, text=True, capture_output=True, timeout=300)
    assert result.returncode == 0, result.stderr[-4000:]
    assert result.stdout.splitlines()[-1] == '1 made, 0 left'
