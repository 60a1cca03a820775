"""Reports like those of tools/test.py --out, written by hand."""
from __future__ import annotations

import json
from pathlib import Path

CONFIG = """
model = dict(
    type='TopdownPoseEstimator', backbone=dict(type='HRNet'{init}),
    head=dict(
        type='HeatmapHead', decoder=dict(type='BarycenterCodec', input_size=({side}, {side}))))
train_dataloader = dict(dataset=dict(
    type='Face300WDataset', data_root='data/300w/', ann_file='annotations/train.json'{faces}))
test_dataloader = dict(dataset=dict(
    type='Face300WDataset', data_root='data/300w/', ann_file='annotations/valid.json'))
randomness = dict(seed=3)
reproduction = dict({notes})
"""


def write_report(folder: Path, stem: str, metrics: dict, *, name: str = '', side: int = 256,
                 epochs: int = 60, date: str = '2020-01-01', notes: str = '', faces: str = '',
                 init: str = ", init_cfg=dict(type='Pretrained')") -> Path:
    """A report of the config ``stem``."""
    folder.mkdir(parents=True, exist_ok=True)
    text = CONFIG.format(side=side, notes=notes, faces=faces, init=init)
    path = folder / f'{name or stem}.json'
    path.write_text(json.dumps(dict(
        metrics=metrics, config=dict(file=f'somewhere/{stem}.py', text=text),
        checkpoint=dict(epoch=epochs), data=dict(faces=689), date=date)))
    return path
