"""Rendered faces, and models of every kind so small that a whole report takes seconds."""
from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from test_engine.test_cross_dataset_models import IMAGE, MODELS_BY_NAME, SIDE

from mmpose_wass.datasets.synthetic import write_dataset

FACES = 'annotations/face_landmarks_300w_valid.json'
#: COFW is drawn with its own loader, which needs only ``bbox``.
DATA_FILE = """
data_cofw = dict(test_sets=dict(full=dict(
    type='COFWDataset', data_root={root!r} + '/cofw', data_mode='topdown',
    ann_file='annotations/cofw_test.json', data_prefix=dict(img='images/'))))
data_aflw = dict(test_sets=dict(full=dict(
    type='AFLWDataset', data_root={root!r} + '/aflw', data_mode='topdown',
    ann_file='annotations/face_landmarks_aflw_test.json', data_prefix=dict(img='images/'))))
"""
VIDEO_FILE = """
data_300vw = dict(test_sets=dict(scenario_3=dict(
    type='Face300VWDataset', data_root={root!r} + '/300vw', data_mode='topdown',
    ann_file='anno_300vw_test_3.json', data_prefix=dict(img=''))))
"""


def write_faces(root: Path) -> None:
    """300W and COFW (AFLW is missing), and frames of a video; configs that describe them."""
    write_dataset('300w', root / '300w', dict(train=1, test=4), seed=3, image_size=96)
    write_dataset('cofw', root / 'cofw', dict(train=1, test=3), seed=3, image_size=96)
    write_dataset('300vw', root / '300vw', dict(train=1, test=6), seed=3, image_size=96, frames=6)
    (root / 'others.py').write_text(DATA_FILE.format(root=str(root)))
    (root / 'video.py').write_text(VIDEO_FILE.format(root=str(root)))


def write_model(root: Path, kind: str, name: str = '', seed: int = 0, head=None,
                **changes) -> tuple:
    """Write config and checkpoint of an untrained model; returns their paths.

    Args:
        root: Folder that :func:`write_faces` filled.
        kind: Of ``MODELS_BY_NAME``.
        name: Of the files; default: the kind.
        seed: Of its weights.
        head: Config of another head.
        **changes: Into the config's top level.
    """
    usual, neck, flip = MODELS_BY_NAME[kind]
    model = dict(
        type='TopdownPoseEstimator', data_preprocessor=IMAGE,
        backbone=dict(type='ResNet', depth=18, num_stages=1, strides=(1, ), dilations=(1, ),
                      out_indices=(0, ), norm_cfg=dict(type='BN', requires_grad=False)),
        head=head or usual, test_cfg=dict(flip_test=True, **flip))
    if neck is not None:
        model['neck'] = neck
    loader = dict(
        batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='Face300WDataset', data_root=str(root / '300w'), data_mode='topdown',
            ann_file=FACES, data_prefix=dict(img='images/'), test_mode=True,
            pipeline=[dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
                      dict(type='TopdownAffine', input_size=(SIDE, SIDE),
                           use_udp=kind.startswith('udp')),
                      dict(type='PackPoseInputs')]))
    content = dict(
        default_scope='mmpose', model=model, test_dataloader=loader, test_cfg=dict(),
        test_evaluator=dict(type='NME', norm_mode='keypoint_distance'))
    content.update(changes)
    config = root / f'{name or kind}.py'
    Config(content).dump(str(config))
    init_default_scope('mmpose')  # also before the fixture that does it for each test
    torch.manual_seed(seed)
    checkpoint = root / f'{name or kind}.pth'
    torch.save(dict(state_dict=MODELS.build(model).state_dict()), checkpoint)
    return str(config), str(checkpoint)
