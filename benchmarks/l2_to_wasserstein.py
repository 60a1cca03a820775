#!/usr/bin/env python
"""Is a converted L2 checkpoint a better start for the Wasserstein loss than random weights?

The model of a config is trained with W alone for a few epochs from three starts: the L2 checkpoint
as tools/convert_checkpoint.py converts it (logit scales fitted to a few batches, folded into the
last convolution), the same checkpoint as it is, and random weights. Schedule, data, their order
and augmentation are the same. The error on the config's validation data is taken before the first
step and after every epoch. Finished runs are kept in the file of results: a run that was stopped
goes on with the next one.
"""
from __future__ import annotations

import argparse
import copy
import json
import tempfile
import time
from pathlib import Path
from typing import Dict, List

import numpy as np
import torch
from common import ROOT, add_common_arguments, describe, environment, number, save, table
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from mmpose.registry import MODELS

from mmpose_wass.engine import check_checkpoint, check_data_files, load_checkpoint, load_config
from mmpose_wass.engine.data_check import annotation_path, find_datasets
from mmpose_wass.engine.logit_scale import convert_model, load_weights

CONFIG = ROOT / 'configs/face/compact_300w_wass.py'
STARTS = dict(converted='L2 checkpoint, converted', l2='L2 checkpoint as it is',
              random='random weights')
EXAMPLES = """\
examples:
  the compact model, two epochs at two learning rates (docs/models.md):
    python benchmarks/l2_to_wasserstein.py l2.pth --data-root /data/300w
  on a GPU, another model:
    python benchmarks/l2_to_wasserstein.py l2.pth --config configs/face/hrnet_w18_300w_wass.py \\
        --device cuda --epochs 5 --learning-rates 1e-5 1e-4
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='checkpoint of the L2 model')
    parser.add_argument('--config', default=str(CONFIG), metavar='FILE',
                        help='config with a BarycenterCodec whose model it is; its loss is '
                        'replaced (default: the compact model on 300W)')
    parser.add_argument('--data-root', metavar='DIR', help="folder of the data (the config's)")
    parser.add_argument('--epochs', type=int, default=2, metavar='N',
                        help='epochs of each run (default: %(default)s)')
    parser.add_argument('--learning-rates', type=float, nargs='+', default=[1e-4, 1e-3],
                        metavar='LR', help='at the first step; a cosine goes down to a hundredth '
                        '(default: %(default)s)')
    parser.add_argument('--starts', nargs='+', choices=list(STARTS), default=list(STARTS),
                        metavar='NAME', help=f'{", ".join(STARTS)} (default: all)')
    parser.add_argument('--seeds', type=int, nargs='+', metavar='SEED',
                        help='seeds, one run each (default: that of --seed)')
    parser.add_argument('--batches', type=int, default=8, metavar='N',
                        help='batches that the logit scales are fitted to (default: %(default)s)')
    parser.add_argument('--faces', type=int, metavar='N',
                        help='train and validate on the first N faces only')
    parser.add_argument('--threads', type=int, metavar='N',
                        help="CPU threads (default: PyTorch's)")
    add_common_arguments(parser, 'l2_to_wasserstein')
    args = parser.parse_args()
    args.seeds = args.seeds or [args.seed]
    for name in ('epochs', 'batches', 'faces'):
        if (getattr(args, name) or 1) < 1:
            parser.error(f'--{name} must be at least 1')
    return args


def prepare(args: argparse.Namespace) -> Config:
    """The config of all runs: W alone, no schedule but a cosine."""
    cfg = load_config(args.config)
    if cfg.model.head.decoder.get('type') != 'BarycenterCodec':
        raise SystemExit(f'{args.config}: the model needs a BarycenterCodec; turn it on with '
                         'tools/train.py --wass --wass-out')
    cfg.model.head.loss = dict(
        type='WassersteinHeatmapLoss', sigma=cfg.model.head.decoder.sigma)
    cfg.model.backbone.pop('init_cfg', None)
    for split in ('train', 'val'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        for _, dataset in find_datasets(cfg, split):
            if args.data_root:
                dataset['data_root'] = args.data_root
            if args.faces:
                dataset['indices'] = args.faces
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    cfg.train_cfg = dict(by_epoch=True, max_epochs=args.epochs, val_interval=1)
    cfg.custom_hooks = []
    cfg.default_hooks.checkpoint = None  # as MMEngine has it: none of its own either
    cfg.visualizer = dict(type='PoseLocalVisualizer', vis_backends=[], name='visualizer')
    return cfg


class Errors(Hook):
    """The error before the first step and after each epoch, and the mean W1 of each epoch."""

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self.nme: List[float] = []
        self.wasserstein: List[List[float]] = []

    def before_train(self, runner) -> None:
        runner.val_loop.run()

    def after_val_epoch(self, runner, metrics=None) -> None:
        self.nme.append(float(metrics['face/NME']))

    def before_train_epoch(self, runner) -> None:
        self.wasserstein.append([])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self.wasserstein[-1].append(float(outputs['wasserstein_px']))


def run(cfg: Config, args: argparse.Namespace, start: str, rate: float,
        seed: int) -> Dict[str, object]:
    """One training."""
    cfg = copy.deepcopy(cfg)
    cfg.optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=rate))
    cfg.param_scheduler = [dict(type='CosineAnnealingLR', begin=0, end=args.epochs,
                                eta_min=rate / 100, by_epoch=True, convert_to_iter_based=True)]
    cfg.randomness = dict(seed=seed)
    cfg.experiment_name = f'{start}_{rate:g}_{seed}_{time.time_ns()}'
    errors, factors = Errors(), []
    begin = time.time()
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        if start != 'random':
            cfg.load_from = str(Path(folder) / 'start.pth')
            factors = write_start(cfg, args, convert=start == 'converted', seed=seed)
        runner = Runner.from_cfg(cfg)
        runner.register_hook(errors)
        runner.train()
    return dict(start=start, learning_rate=rate, seed=seed, nme=errors.nme,
                wasserstein_px=[float(np.mean(epoch)) for epoch in errors.wasserstein],
                logit_scale=factors, steps=sum(map(len, errors.wasserstein)),
                seconds=round(time.time() - begin, 1))


def write_start(cfg: Config, args: argparse.Namespace, convert: bool, seed: int) -> List[float]:
    """The checkpoint to start from, and the factors that the maps were multiplied by."""
    init_default_scope('mmpose')
    set_random_seed(seed)
    model = MODELS.build(cfg.model)
    load_weights(model, load_checkpoint(args.checkpoint), args.checkpoint)
    factors = []
    if convert:
        loader = Runner.build_dataloader(copy.deepcopy(cfg.train_dataloader), seed=seed)
        factors = convert_model(model, loader, args.batches)[-1].scale
    torch.save(dict(state_dict=model.state_dict(), meta={}), cfg.load_from)
    return factors


def print_table(runs: List[Dict[str, object]], epochs: int, markdown: bool) -> None:
    header = ['start', 'learning rate', 'seed', 'NME at the start',
              *(f'after epoch {epoch + 1}' for epoch in range(epochs)), 'W1 in the last epoch, px']
    rows = [[STARTS[one['start']], f'{one["learning_rate"]:g}', one['seed'],
             *(f'{value:.2f} %' for value in one['nme']),
             number(one['wasserstein_px'][-1])] for one in runs]
    print(table(header, rows, markdown))


def main() -> None:
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    check_checkpoint(args.checkpoint)
    cfg = prepare(args)
    check_data_files(cfg, ('train', 'val'))
    (_, train), (_, val) = (next(iter(find_datasets(cfg, split))) for split in ('train', 'val'))
    settings = dict(
        config=Path(args.config).name, loss='WassersteinHeatmapLoss',
        sigma=cfg.model.head.decoder.sigma, epochs=args.epochs,
        batch_size=cfg.train_dataloader.batch_size, batches=args.batches, faces=args.faces,
        optimizer='Adam, cosine to a hundredth, no warm-up',
        checkpoint=Path(args.checkpoint).name, train=Path(annotation_path(train)).name,
        validated=Path(annotation_path(val)).name)
    runs = finished(args.out, settings)
    for seed in args.seeds:
        for rate in args.learning_rates:
            for start in args.starts:
                key = dict(start=start, learning_rate=rate, seed=seed)
                if any(all(one[name] == value for name, value in key.items()) for one in runs):
                    continue
                print(f'\n{STARTS[start]}, learning rate {rate:g}, seed {seed}', flush=True)
                runs.append(run(cfg, args, start, rate, seed))
                save(args.out, dict(environment=environment(torch.device(args.device)),
                                    settings=settings, runs=runs))
    print(f'\n{describe(environment(torch.device(args.device)))}\n')
    print_table(runs, args.epochs, args.markdown)


def finished(path: Path, settings: Dict[str, object]) -> List[Dict[str, object]]:
    """Runs that are in the file of results, if it is of the same settings."""
    if not path.is_file():
        return []
    content = json.loads(path.read_text(encoding='utf-8'))
    if content.get('settings') != settings:
        differing = [name for name, value in settings.items()
                     if (content.get('settings') or {}).get(name) != value]
        raise SystemExit(f'{path} has runs of other settings ({", ".join(differing)}); give '
                         'another --out')
    return content['runs']


if __name__ == '__main__':
    main()
