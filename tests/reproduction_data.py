"""Reports like those of tools/test.py --out, written by hand."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Optional

from mmengine.config import Config

from mmpose_wass.project import CONFIG_ROOT

CONFIG = """
model = dict(
    type='TopdownPoseEstimator', backbone={backbone}, neck={neck},
    head=dict(
        type='HeatmapHead', decoder=dict(type='BarycenterCodec', input_size=({side}, {side}))))
train_dataloader = dict(dataset=dict(
    type='Face300WDataset', data_root='data/300w/', ann_file='annotations/train.json'{faces}))
test_dataloader = dict(dataset=dict(
    type='Face300WDataset', data_root='data/300w/', ann_file='annotations/valid.json'))
randomness = dict(seed=3)
reproduction = dict({notes})
"""


def zoo_model(stem: str) -> dict:
    """The model of the zoo's config of that name."""
    path, = CONFIG_ROOT.rglob(f'{stem}.py')
    return Config.fromfile(path).model.to_dict()


def write_report(folder: Path, stem: str, metrics: dict, *, name: str = '', side: int = 256,
                 epochs: int = 60, date: str = '2020-01-01', notes: str = '', faces: str = '',
                 model: Optional[dict] = None) -> Path:
    """A report of the config ``stem``, with its own backbone and neck or those of ``model``."""
    folder.mkdir(parents=True, exist_ok=True)
    model = zoo_model(stem) if model is None else model
    text = CONFIG.format(side=side, notes=notes, faces=faces, backbone=model['backbone'],
                         neck=model.get('neck'))
    path = folder / f'{name or stem}.json'
    path.write_text(json.dumps(dict(
        metrics=metrics, config=dict(file=f'somewhere/{stem}.py', text=text),
        checkpoint=dict(epoch=epochs), data=dict(faces=689), date=date)))
    return path
