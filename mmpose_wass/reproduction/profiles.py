"""At which size a table is reproduced: the paper's, or one for CPUs."""
from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Dict, List, Optional

import numpy as np
from mmengine.config import Config

from ..engine.data_check import annotation_path, find_datasets
from ..project import CONFIG_ROOT
from ..turning_on.config_walk import find_typed, type_name

#: Heatmaps are this much smaller than the input.
_STRIDE = 4
_COMPACT = '_base_/compact_128x128.py'


@dataclass(frozen=True)
class Profile:
    """How far from the paper's setting.

    Attributes:
        name (str): ``'full'`` or ``'reduced'``.
        input_size (int | None): Side of the input in pixels; None: the configs'.
        epochs (int | None): Epochs; None: the configs'.
        compact (bool): Whether HRNet is replaced by the compact model of
            ``configs/face/_base_/compact_128x128.py``, with its optimizer and schedule.
        pretrained (bool): Whether backbones start from the weights that their configs name.
        train_faces (int | None): Train on so many faces, drawn by the seed; None: on all.
        seed (int): Of weights, order of the data, augmentation and choice of the faces.
        workers (int | None): Processes of each data loader; None: the configs'.
    """
    name: str = 'full'
    input_size: Optional[int] = None
    epochs: Optional[int] = None
    compact: bool = False
    pretrained: bool = True
    train_faces: Optional[int] = None
    seed: int = 0
    workers: Optional[int] = None

    def __post_init__(self) -> None:
        if self.input_size is not None and (self.input_size < 64 or self.input_size % 64):
            raise ValueError('the side of the input must be a multiple of 64 pixels, so that every '
                             f'model of the zoo takes it, got {self.input_size}')
        for name, value in (('epochs', self.epochs), ('train_faces', self.train_faces)):
            if value is not None and value < 1:
                raise ValueError(f'{name} must be 1 or more, got {value}')

    @property
    def tag(self) -> str:
        """Name of the folder for runs of this profile.

        Examples:
            >>> reduced_profile(epochs=3, seed=1).tag
            'reduced_128_3e_seed1'
        """
        return '_'.join(str(word) for word in (
            self.name, self.input_size, self.epochs and f'{self.epochs}e',
            self.train_faces and f'{self.train_faces}faces',
            None if self.pretrained or self.compact else 'scratch', f'seed{self.seed}') if word)

    def apply(self, cfg: Config) -> Config:
        """A config of the zoo at this size.

        Args:
            cfg (Config): The config; it is not changed.

        Returns:
            Config: A new one.
        """
        cfg = copy.deepcopy(cfg)
        notes: Dict[str, Any] = dict(profile=self.tag)
        if self.input_size is not None:
            _resize(cfg, self.input_size)
        if self.compact and type_name(cfg.model.backbone) == 'HRNet':
            _put_compact(cfg, copy.deepcopy(_compact()))
            notes['backbone'] = 'compact ResNet-18 of half width'
        if not self.pretrained:
            cfg.model.backbone.pop('init_cfg', None)
        if self.epochs is not None:
            _set_epochs(cfg, self.epochs)
        if self.workers is not None:
            for split in ('train', 'val', 'test'):
                cfg[f'{split}_dataloader'].update(
                    num_workers=self.workers, persistent_workers=self.workers > 0)
        cfg['randomness'] = dict(seed=self.seed)
        cfg['reproduction'] = notes
        cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
        return cfg

    def limit_training(self, cfg: Config) -> None:
        """Draw the training faces (in place); the annotation must be there."""
        if self.train_faces is None:
            return
        for _, dataset in find_datasets(cfg, 'train'):
            with open(annotation_path(dataset), encoding='utf-8') as file:
                count = len(json.load(file)['annotations'])
            if self.train_faces < count:
                chosen = np.random.default_rng(self.seed).choice(
                    count, self.train_faces, replace=False)
                dataset['indices'] = sorted(int(index) for index in chosen)


def reduced_profile(input_size: int = 128, epochs: int = 4, **options: Any) -> Profile:
    """The profile for CPUs: small input, compact model, random weights, few epochs."""
    options.setdefault('workers', 0)
    return Profile('reduced', input_size, epochs, compact=True, pretrained=False, **options)


def _resize(cfg: Config, side: int) -> None:
    for _, node in find_typed(cfg):
        if 'input_size' in node:
            node['input_size'] = (side, side)
        if 'heatmap_size' in node:
            node['heatmap_size'] = (side // _STRIDE, side // _STRIDE)


@lru_cache(maxsize=1)
def _compact() -> Config:
    return Config.fromfile(CONFIG_ROOT / _COMPACT)


def _put_compact(cfg: Config, compact: Config) -> None:
    cfg.model['backbone'] = compact.model.backbone
    cfg.model['neck'] = compact.model.neck
    for name in ('in_channels', 'deconv_out_channels', 'conv_out_channels', 'conv_kernel_sizes'):
        cfg.model.head[name] = compact.model.head[name]
    cfg['optim_wrapper'] = compact.optim_wrapper
    cfg['param_scheduler'] = compact.param_scheduler
    cfg['train_cfg'] = compact.train_cfg


def _set_epochs(cfg: Config, epochs: int) -> None:
    """Another number of epochs, the schedule stretched with it."""
    before = cfg.train_cfg.max_epochs
    cfg.train_cfg.update(max_epochs=epochs, val_interval=epochs)
    schedulers: List[dict] = []
    for scheduler in cfg.param_scheduler:
        if scheduler.get('by_epoch', True):
            scheduler['end'] = epochs
            if 'milestones' in scheduler:
                scheduler['milestones'] = sorted({
                    max(1, round(milestone * epochs / before))
                    for milestone in scheduler['milestones']})
        schedulers.append(scheduler)
    cfg['param_scheduler'] = schedulers
