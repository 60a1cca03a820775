"""A data set in 300W's layout and a model, both so small that whole runs take seconds."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
SIDE = 64


def write_faces(root: Path, count: int, name: str, seed: int = 0) -> None:
    """Write images of noise with 68 landmarks each, all inside the face box."""
    generator = np.random.default_rng(seed)
    (root / 'images').mkdir(parents=True, exist_ok=True)
    (root / 'annotations').mkdir(exist_ok=True)
    images, annotations = [], []
    for index in range(count):
        file = f'{name}_{index}.png'
        pixels = generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        assert cv2.imwrite(str(root / 'images' / file), pixels)
        points = generator.uniform(12, SIDE - 12, (68, 2))
        points[[36, 45]] = [[18, 30], [46, 30]]
        keypoints = np.concatenate([points, np.full((68, 1), 1)], axis=1)
        images.append(dict(id=index, file_name=file, width=SIDE, height=SIDE))
        annotations.append(dict(
            id=index, image_id=index, category_id=1, iscrowd=0, area=SIDE * SIDE,
            num_keypoints=68, keypoints=keypoints.ravel().tolist(), bbox=[0, 0, SIDE, SIDE],
            center=[SIDE / 2, SIDE / 2], scale=SIDE / 200 / 1.25))
    content = dict(
        images=images, annotations=annotations,
        categories=[dict(id=1, name='person', keypoints=[], skeleton=[])])
    (root / 'annotations' / f'{name}.json').write_text(json.dumps(content))


def write_config(file: Path, root: Path, work_dir: Path, **changes) -> Path:
    """Write a stock-like config: ResNet-18's first stage at 64x64 -> 16x16, frozen norm layers,
    no augmentation, SGD, 20 steps.

    Args:
        file: Where to write it.
        root: The data's folder.
        work_dir: The run's folder.
        **changes: Values of the top-level names below.
    """
    values = dict(
        train_batch=8, test_batch=4, epochs=10, seed=0, loss="dict(type='KeypointMSELoss')",
        init_cfg=None, learning_rate=0.1)
    values.update(changes)
    file.write_text(f"""
default_scope = 'mmpose'
work_dir = {str(work_dir)!r}
train_cfg = dict(by_epoch=True, max_epochs={values['epochs']}, val_interval={values['epochs']})
val_cfg = dict()
test_cfg = dict()
randomness = dict(seed={values['seed']})
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr={values['learning_rate']}, momentum=0.9))
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    checkpoint=dict(type='CheckpointHook', interval={values['epochs']}, save_best='NME',
                    rule='less'))
env_cfg = dict(
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=1), dist_cfg=dict(backend='nccl'))
codec = dict(type='MSRAHeatmap', input_size=({SIDE}, {SIDE}), heatmap_size=(16, 16), sigma=1.5)
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='ResNet', depth=18, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,),
        norm_cfg=dict(type='BN', requires_grad=False), norm_eval=True,
        init_cfg={values['init_cfg']!r}),
    head=dict(
        type='HeatmapHead', in_channels=64, out_channels=68, deconv_out_channels=None,
        loss={values['loss']}, decoder=codec),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True))
data_root = {str(root)!r}
train_pipeline = [
    dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec), dict(type='PackPoseInputs')]
val_pipeline = [
    dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']), dict(type='PackPoseInputs')]
train_dataloader = dict(
    batch_size={values['train_batch']}, num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='Face300WDataset', data_root=data_root, data_mode='topdown',
        ann_file='annotations/train.json', data_prefix=dict(img='images/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size={values['test_batch']}, num_workers=0, drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='Face300WDataset', data_root=data_root, data_mode='topdown', test_mode=True,
        ann_file='annotations/test.json', data_prefix=dict(img='images/'),
        pipeline=val_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='NME', norm_mode='keypoint_distance')
test_evaluator = val_evaluator
""")
    return file


def run_tool(*arguments, cwd: Path, processes: int = 0, check: bool = True,
             timeout: int = 300) -> subprocess.CompletedProcess:
    """Run ``tools/<first argument>`` in another folder, with torchrun for several processes."""
    tool, *options = [str(one) for one in arguments]
    environment = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1',
                       PYTHON=sys.executable)
    environment['PYTHONPATH'] = os.pathsep.join(
        [str(REPOSITORY), environment.get('PYTHONPATH', '')]).rstrip(os.pathsep)
    if processes:
        # A free port each time: test sessions may run side by side.
        environment['PORT'] = str(free_port())
        command = ['bash', str(REPOSITORY / 'tools' / f'dist_{Path(tool).stem}.sh')]
        position = 1 if tool == 'train.py' else 2
        command += [*options[:position], str(processes), *options[position:]]
    else:
        command = [sys.executable, str(REPOSITORY / 'tools' / tool), *options]
    result = subprocess.run(
        command, cwd=cwd, env=environment, text=True, capture_output=True, timeout=timeout)
    if check and result.returncode != 0:
        raise AssertionError(
            f'{command} failed ({result.returncode})\n{result.stdout[-4000:]}\n'
            f'{result.stderr[-6000:]}')
    return result


def call_tool(*arguments, monkeypatch, capsys, cwd: Path) -> tuple[int, str, str]:
    """Run ``tools/<first argument>`` inside this process: for what ends before anything is built.

    Returns:
        tuple[int, str, str]: Exit status, standard output, standard error.
    """
    tool, *options = [str(one) for one in arguments]
    for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', [tool, *options])
    monkeypatch.chdir(cwd)
    status, message = 0, ''
    try:
        runpy.run_path(str(REPOSITORY / 'tools' / tool), run_name='__main__')
    except SystemExit as end:
        if isinstance(end.code, str):  # as the interpreter does
            status, message = 1, end.code
        else:
            status = end.code or 0
    captured = capsys.readouterr()
    return status, captured.out, captured.err + message


def free_port() -> int:
    """Return a port that nothing listens to at the moment."""
    import socket
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]
