"""Train a model from a config, MMPose's or this plugin's."""

from __future__ import annotations

import argparse
import os

from mmengine.config import Config
from mmengine.runner import Runner

import mmpose_wass  # noqa: F401  (registers everything; makes checkpoints loadable)
from mmpose_wass.engine import (
    CheckpointFitHook,
    CheckpointMismatch,
    CoordConvCheckHook,
    CrashSafeCheckpointHook,
    FiniteTrainingHook,
    PendingValidationHook,
    PretrainedWeightsError,
    RandomStateHook,
    check_checkpoint,
    check_flip_settings,
    fetch_pretrained_weights,
    find_resumable,
    finish_processes,
    is_first_process,
    load_config,
    prepare_cpu_processes,
)
from mmpose_wass.engine.options import (
    add_config_options,
    add_data_check_option,
    add_turn_on_options,
    add_visualization_options,
    apply_turn_on,
    check_data,
    check_turn_on_options,
    clear_errors,
    merge_cfg_options,
    set_local_rank,
    set_preprocessor,
    set_visualization,
    set_work_dir,
    write_config,
)

EXAMPLES = """\
examples:
  the paper's recipe on 300W, data in data/300w:
    python tools/train.py configs/face/hrnet_w18_300w_wass.py
  any MMPose top-down heatmap config with the Wasserstein loss, from random weights:
    STOCK=mmpose::face_2d_keypoint/topdown_heatmap/wflw/td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256
    python tools/train.py $STOCK --wass --sigma 1.5 --loss wasserstein+kl \\
        --cfg-options model.backbone.init_cfg=None
  see what --wass would change, and keep it as a config:
    python tools/train.py my_config.py --wass --wass-out my_config_wass.py --dry-run
  go on where a run stopped:
    python tools/train.py my_config.py --resume
  two processes, on GPUs if there are any and on the CPU otherwise:
    tools/dist_train.sh my_config.py 2
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train a pose model. Writes checkpoints, logs and the config used to the '
        'working folder.', epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help="config file, or mmpose::path for one of MMPose's own")
    parser.add_argument(
        '--work-dir', metavar='DIR',
        help='folder for logs and checkpoints (default: ./work_dirs/<name of the config>, and '
        '_wass with --wass)')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='resume from this checkpoint, or, without a name, from the latest one in the '
        'working folder')
    parser.add_argument(
        '--amp', action='store_true', help='train with automatic mixed precision')
    parser.add_argument(
        '--no-validate', action='store_true', help='do not evaluate during training')
    parser.add_argument(
        '--auto-scale-lr', action='store_true',
        help="scale the learning rate by the actual batch size over the config's")
    add_data_check_option(parser)
    add_turn_on_options(parser)
    add_config_options(parser)
    add_visualization_options(parser)
    args = parser.parse_args()
    check_turn_on_options(parser, args)
    set_local_rank(args)
    return args


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the options into the config (in place)."""
    if args.no_validate:
        cfg.val_cfg = None
        cfg.val_dataloader = None
        cfg.val_evaluator = None
        # CheckpointHook would wait in vain for the metric it chooses by.
        checkpoint = (cfg.get('default_hooks', None) or {}).get('checkpoint', None) or {}
        checkpoint.pop('save_best', None)
        checkpoint.pop('rule', None)
    cfg.launcher = args.launcher
    set_work_dir(cfg, args)
    if args.amp:
        kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
        kind = kind if isinstance(kind, str) else kind.__name__
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise ValueError(f'--amp does not go with optim_wrapper.type={kind!r}')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in cfg:
            raise ValueError('--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in '
                             'the config')
        cfg.auto_scale_lr.enable = True
    set_visualization(cfg, args, args.show)
    merge_cfg_options(cfg, args)
    set_preprocessor(cfg)
    return cfg


def main() -> None:
    args = parse_args()
    first = is_first_process()
    with clear_errors():
        cfg = apply_turn_on(load_config(args.config), args, quiet=not first)
        if args.wass_out and first:
            write_config(cfg, args)
        cfg = merge_args(cfg, args)
        if args.show_config:
            if first:
                print(cfg.pretty_text)
            return
        check_flip_settings(cfg)
        splits = ('train', 'val') if cfg.get('val_dataloader', None) else ('train', )
        files = check_data(cfg, args, splits)
        if cfg.get('resume', False) and not cfg.get('load_from', None):
            cfg.load_from = find_resumable(cfg.work_dir, tell=print if first else _silent)
            cfg.resume = cfg.load_from is not None
            if first and not cfg.resume:
                print(f'--resume: {cfg.work_dir} holds no checkpoint yet, starting afresh')
        if cfg.get('load_from', None):
            check_checkpoint(cfg.load_from)
    with clear_errors(PretrainedWeightsError):
        fetch_pretrained_weights(cfg)
    if args.dry_run:
        if first:
            print(f'Dry run: the data and weights are there ({", ".join(files)}).\n'
                  f'Training would write to {os.path.abspath(cfg.work_dir)}.')
        return
    with clear_errors(ValueError):
        prepare_cpu_processes(cfg, args.launcher)
    run_training(cfg, args)
    finish_processes()


def run_training(cfg: Config, args: argparse.Namespace) -> None:
    """Train. The runner and its model are gone afterwards, as `finish_processes` needs it."""
    runner = Runner.from_cfg(cfg)
    register_hooks(runner, cfg, args)
    with clear_errors(CheckpointMismatch):
        try:
            runner.train()
        except (OSError, FloatingPointError) as error:
            raise SystemExit(f'error: {error}\n{how_to_go_on(cfg.work_dir)}') from error


def register_hooks(runner: Runner, cfg: Config, args: argparse.Namespace) -> None:
    """Add what makes a run safe to cut and to resume; the config stays as it is."""
    CrashSafeCheckpointHook.protect(runner)
    runner.register_hook(CoordConvCheckHook())
    runner.register_hook(FiniteTrainingHook())
    runner.register_hook(RandomStateHook())
    runner.register_hook(PendingValidationHook())
    if cfg.get('resume', False):
        runner.register_hook(CheckpointFitHook(cfg.get('load_from', None), args.config))


def how_to_go_on(work_dir: str) -> str:
    """What to do after a run has stopped."""
    try:
        last = find_resumable(work_dir, tell=_silent)
    except ValueError:
        last = None
    if last is None:
        return 'There is no checkpoint to go on from.'
    return f'To go on from {last}, mend the cause and give the same command with --resume.'


def _silent(line: str) -> None:
    """Print nothing: the first process does."""


if __name__ == '__main__':
    main()
