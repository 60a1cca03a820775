"""DDP as MMEngine sets it up, ``find_unused_parameters=False``, on the models of the zoo.

Two processes with half of a batch each must do what one does with the whole batch.
"""
from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import KEYPOINT_CODECS
from mmpose.structures import PoseDataSample
from test_models.four_models import FOUR_MODELS, LANDMARKS, build_model
from torch import multiprocessing

CODEC = dict(type='BarycenterCodec', input_size=(64, 64), heatmap_size=(16, 16), sigma=1.5)
LOSS = dict(type='WassersteinHeatmapLoss', sigma=1.5)
# With two losses a model that leaves parameters out fails at the second step at the latest.
STEPS, FACES, TIMEOUT = 2, 4, 120
KINDS = [(name, estimator) for name in FOUR_MODELS
         for estimator in ('TopdownPoseEstimator', 'CoordConvPoseEstimator')]


def build(name, estimator):
    """One of the models with the paper's loss on every stage, gradients large enough to see."""
    init_default_scope('mmpose')
    torch.manual_seed(0)
    stages = {'hourglass': [LOSS] * 2}.get(name, LOSS)
    model = build_model(name, estimator, loss=copy.deepcopy(stages), decoder=CODEC,
                        data_preprocessor=dict(type='PoseDataPreprocessor'))
    return model.eval()  # statistics of half a batch are not those of the whole one


def faces():
    """Images and samples."""
    generator = np.random.default_rng(0)
    codec = KEYPOINT_CODECS.build(CODEC)
    images, samples = [], []
    for _ in range(FACES):
        points = (16 + 32 * generator.random((1, LANDMARKS, 2))).astype(np.float32)
        encoded = codec.encode(points, np.ones((1, LANDMARKS), np.float32))
        sample = PoseDataSample(gt_fields=PixelData(heatmaps=torch.from_numpy(
            encoded['heatmaps'])))
        sample.gt_instance_labels = InstanceData(
            keypoint_weights=torch.from_numpy(encoded['keypoint_weights']))
        images.append(torch.from_numpy(generator.random((3, 64, 64), np.float32)))
        samples.append(sample)
    return images, samples


def steps(model, place=slice(None)):
    """A few training steps as MMEngine does them; the weights after them."""
    images, samples = faces()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=.02))
    for _ in range(STEPS):
        model.train_step(dict(inputs=images[place], data_samples=samples[place]), wrapper)
    return {name: value.clone() for name, value in model.state_dict().items()}


def one_of_two(rank, folder):
    """What each process does."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2)
    for name, estimator in KINDS:
        model = MMDistributedDataParallel(build(name, estimator), broadcast_buffers=False)
        assert not model.find_unused_parameters
        torch.save(steps(model, slice(rank, None, 2)), f'{folder}/{name}_{estimator}_{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder with what two processes made of every model."""
    folder = tmp_path_factory.mktemp('two')
    context = multiprocessing.get_context('fork')  # everything is imported already
    processes = [context.Process(target=one_of_two, args=(rank, folder)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(TIMEOUT)
    hanging = [process for process in processes if process.is_alive()]
    for process in hanging:
        process.kill()
    assert not hanging and not any(process.exitcode for process in processes)
    return folder


@pytest.mark.parametrize(('name', 'estimator'), KINDS)
def test_two_processes_do_what_one_does(trained, name, estimator):
    model = build(name, estimator)
    start = {key: value.clone() for key, value in model.state_dict().items()}
    alone = steps(model)
    moved = [key for key in alone if not torch.equal(alone[key], start[key])]
    assert {key.split('.')[0] for key in moved} == {key.split('.')[0] for key in alone}
    for rank in range(2):
        both = torch.load(f'{trained}/{name}_{estimator}_{rank}.pth')
        for key, value in alone.items():
            torch.testing.assert_close(both[f'module.{key}'], value, rtol=1e-4, atol=1e-5, msg=key)


def test_a_model_that_leaves_parameters_out_is_found_out(tmp_path):
    """Else the test above would hold for any model: here GlobalNet's maps have no loss."""
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/rendezvous', rank=0, world_size=1)
    try:
        model = build('cpn', 'TopdownPoseEstimator')
        model.head.forward = lambda feats: [model.head.final_stage(feats)]
        with pytest.raises(RuntimeError, match='Expected to have finished reduction'):
            steps(MMDistributedDataParallel(model, broadcast_buffers=False))
    finally:
        torch.distributed.destroy_process_group()
