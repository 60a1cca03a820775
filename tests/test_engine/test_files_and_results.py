"""Checks of files beforehand, and files of results afterwards."""

from __future__ import annotations

import json
import os
import stat

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from mmpose_wass.engine.data_check import check_data_files
from mmpose_wass.engine.distributed import prepare_cpu_processes, set_process_variables
from mmpose_wass.engine.predictions_hook import PredictionsHook, write_predictions
from mmpose_wass.engine.results import atomic_write, software_versions, write_json


def dataset(root, name='a.json', **more) -> dict:
    return dict(type='Face300WDataset', data_root=str(root), ann_file=f'annotations/{name}',
                data_prefix=dict(img='images/'), **more)


@pytest.fixture
def data(tmp_path):
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'images').mkdir()
    (tmp_path / 'annotations' / 'a.json').write_text('{}')
    return tmp_path


def test_data_that_are_there(data):
    cfg = Config(dict(train_dataloader=dict(dataset=dataset(data)), val_dataloader=None))
    assert check_data_files(cfg, ('train', 'val')) == [str(data / 'annotations' / 'a.json')]


def test_every_missing_file_is_named_with_its_option(data):
    wrapped = dict(type='CombinedDataset', datasets=[
        dataset(data), dict(type='RepeatDataset', dataset=dataset(data, 'b.json'))])
    cfg = Config(dict(train_dataloader=dict(dataset=wrapped),
                      val_dataloader=dict(dataset=dataset(data / 'c'))))
    with pytest.raises(FileNotFoundError) as error:
        check_data_files(cfg, ('train', 'val'))
    message = str(error.value)
    assert str(data / 'annotations' / 'b.json') in message
    assert str(data / 'annotations' / 'a.json') not in message
    assert 'train_dataloader.dataset.datasets.1.dataset.data_root=' in message
    assert f'image folder {data}/c/images/' in message
    assert 'val_dataloader.dataset.data_root=' in message


def test_only_the_splits_asked_for_and_local_files_are_checked(data):
    cfg = Config(dict(
        train_dataloader=dict(dataset=dataset(data / 'nowhere')),
        test_dataloader=dict(dataset=dataset('s3://bucket'))))
    assert check_data_files(cfg, ('test', )) == []
    with pytest.raises(FileNotFoundError):
        check_data_files(cfg, ('train', ))


def test_json_is_strict_and_complete(tmp_path):
    file = tmp_path / 'new' / 'x.json'
    write_json(str(file), dict(a=np.float32(1.5), b=float('nan'), c=[np.inf, torch.ones(2)],
                               d=np.arange(2), e='ä', f=Config(dict(k=1))._cfg_dict, g=None))
    loaded = json.loads(file.read_text(encoding='utf-8'), parse_constant=pytest.fail)
    assert loaded == dict(a=1.5, b=None, c=[None, [1.0, 1.0]], d=[0, 1], e='ä', f=dict(k=1),
                          g=None)
    assert stat.S_IMODE(os.stat(file).st_mode) & 0o400


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / 'x.json'
    write_json(str(file), 1)
    with pytest.raises(RuntimeError), atomic_write(str(file)) as stream:
        stream.write('half')
        raise RuntimeError
    assert file.read_text() == '1\n'
    assert os.listdir(tmp_path) == ['x.json']


def test_versions():
    versions = software_versions()
    assert versions['torch'].split('+')[0] == torch.__version__.split('+')[0]
    assert set(versions) >= {'python', 'mmpose_wass', 'mmpose', 'mmcv', 'numpy'}


def sample(index: int, keypoints: int = 3, visible_axis: bool = False) -> PoseDataSample:
    generator = np.random.default_rng(index)
    visible = np.ones((1, keypoints), dtype=np.float32)
    return PoseDataSample(
        metainfo=dict(id=index, img_id=10 + index, img_path=f'{index}.png'),
        pred_instances=InstanceData(
            keypoints=generator.normal(size=(1, keypoints, 2)),
            keypoint_scores=torch.rand(1, keypoints)),
        gt_instances=InstanceData(
            bboxes=np.array([[0., 0., 4., 5.]]), keypoints=generator.normal(size=(1, keypoints, 2)),
            keypoints_visible=visible[..., None].repeat(2, -1) if visible_axis else visible))


class OneLoader:
    """Stands for a runner: its data set, and a logger."""

    def __init__(self, size):
        self.test_dataloader = self
        self.dataset = range(size)
        self.logger = self
        self.lines = []

    def info(self, line):
        self.lines.append(line)


@pytest.mark.parametrize('ending', ['json', 'npz'])
def test_predictions_of_all_batches(tmp_path, ending):
    file = tmp_path / f'p.{ending}'
    hook, runner = PredictionsHook(str(file)), OneLoader(5)
    samples = [sample(index, visible_axis=index == 2) for index in range(5)]
    for _ in range(2):  # a second test starts afresh
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, None, samples[:3])
        hook.after_test_iter(runner, 1, None, samples[3:])
        hook.after_test_epoch(runner)
    assert len(hook.records) == 5
    expected = np.concatenate([one.pred_instances.keypoints for one in samples])
    truth = np.concatenate([one.gt_instances.keypoints for one in samples])
    if ending == 'npz':
        with np.load(file, allow_pickle=False) as arrays:
            np.testing.assert_array_equal(arrays['keypoints'], expected)
            np.testing.assert_array_equal(arrays['ground_truth'], truth)
            assert arrays['keypoint_scores'].shape == (5, 3)
            assert arrays['ground_truth_visible'].shape == (5, 3)
            assert arrays['img_path'].tolist() == [f'{index}.png' for index in range(5)]
            assert 'dataset_name' not in arrays
    else:
        faces = json.loads(file.read_text())['faces']
        np.testing.assert_allclose([face['keypoints'] for face in faces], expected)
        assert [face['img_id'] for face in faces] == [10, 11, 12, 13, 14]
        assert faces[0]['bbox'] == [0, 0, 4, 5]


def test_ragged_predictions_need_json(tmp_path):
    hook, runner = PredictionsHook(), OneLoader(2)
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, None, [sample(0, 3), sample(1, 4)])
    hook.after_test_epoch(runner)
    with pytest.raises(ValueError, match=r'\[3, 4\] landmarks.*json'):
        write_predictions(str(tmp_path / 'p.npz'), hook.records)
    write_predictions(str(tmp_path / 'p.json'), hook.records)
    with pytest.raises(ValueError, match='.npz'):
        PredictionsHook('p.csv')


def test_single_processes_are_left_alone():
    cfg = Config(dict(env_cfg=dict(dist_cfg=dict(backend='nccl'))))
    assert prepare_cpu_processes(cfg, 'none') is False
    assert cfg.env_cfg.dist_cfg.backend == 'nccl' and 'model_wrapper_cfg' not in cfg


def test_launchers_are_translated(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_PORT'):
        # Set before deleting, so that monkeypatch takes back what the function sets.
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    for name, value in dict(SLURM_PROCID='3', SLURM_NTASKS='4', SLURM_LOCALID='1',
                            MASTER_ADDR='host').items():
        monkeypatch.setenv(name, value)
    set_process_variables('slurm')
    assert [os.environ[name] for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_PORT')] == [
        '3', '4', '1', '29500']
    monkeypatch.delenv('SLURM_NTASKS')
    with pytest.raises(ValueError, match='SLURM_NTASKS.*slurm_train.sh'):
        set_process_variables('slurm')
    with pytest.raises(ValueError, match='OMPI_COMM_WORLD_RANK'):
        set_process_variables('mpi')
