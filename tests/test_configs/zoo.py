"""The zoo's configs, and how to make one of them so small that a step takes a blink."""
from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmpose_wass.engine.data_check import find_datasets
from mmpose_wass.turning_on.config_walk import find_typed

FACE = Path(__file__).resolve().parents[2] / 'configs/face'
ZOO = sorted(path for path in FACE.rglob('td-hm_*.py'))
#: Input and heatmap of the small versions; StackedHourglass needs multiples of 64.
INPUT, HEATMAP = (64, 64), (16, 16)


@cache
def _read(path) -> Config:
    return Config.fromfile(path)


def load(path) -> Config:
    """A config as its file says."""
    init_default_scope('mmpose')
    return copy.deepcopy(_read(path))


def shrink(cfg: Config, folder_of=None) -> Config:
    """Smaller input and backbone, no pretrained weights, data from ``folder_of(data_root)``."""
    for _, node in find_typed(cfg):
        if 'input_size' in node:
            node['input_size'] = INPUT
        if 'heatmap_size' in node:
            node['heatmap_size'] = HEATMAP
    backbone = cfg.model.backbone
    backbone.pop('init_cfg', None)
    if backbone.type == 'HRNet':
        for name, stage in backbone.extra.items():
            if name.startswith('stage'):
                stage.num_modules = 1
                stage.num_blocks = tuple(1 for _ in stage.num_blocks)
    elif backbone.type == 'StackedHourglass':
        backbone.update(num_stacks=2, channels=32)
        cfg.model.head.num_stages = 2
    if folder_of is not None:
        for split in ('train', 'val', 'test'):
            for _, dataset in find_datasets(cfg, split):
                dataset['data_root'] = str(folder_of(dataset['data_root']))
    return cfg


def weights_of(model: torch.nn.Module) -> int:
    """Number of weights."""
    return sum(parameter.numel() for parameter in model.parameters())
