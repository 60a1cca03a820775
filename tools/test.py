"""Test a trained model and write its metrics and predictions to files."""

from __future__ import annotations

import argparse
import os
import sys

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

import mmpose_wass  # noqa: F401  (registers everything; makes checkpoints loadable)
from mmpose_wass.engine import (
    CheckpointFitHook,
    CheckpointMismatch,
    CoordConvCheckHook,
    NamedTestSetsEvaluator,
    PredictionsHook,
    check_checkpoint,
    check_flip_settings,
    check_writable,
    finish_processes,
    is_first_process,
    load_config,
    prepare_cpu_processes,
    write_json,
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
from mmpose_wass.engine.predictions_hook import check_predictions_file
from mmpose_wass.engine.report import build_report

EXAMPLES = """\
examples:
  print every metric, and keep it with what it was measured on:
    python tools/test.py configs/face/hrnet_w18_300w_wass.py work_dirs/run/epoch_60.pth \\
        --out results/300w.json
  each face's predictions and ground truth too:
    python tools/test.py CONFIG CHECKPOINT --out results/300w.json \\
        --out-predictions results/300w.npz
  another subset:
    python tools/test.py CONFIG CHECKPOINT --cfg-options \\
        test_dataloader.dataset.ann_file=annotations/face_landmarks_300w_valid_challenge.json
  a model trained with --wass: give --wass (and --sigma ...) again, or the config that training left
  in its working folder:
    python tools/test.py work_dirs/run/my_config.py work_dirs/run/epoch_60.pth
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Test (and evaluate) a pose model.', epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help="config file, or mmpose::path for one of MMPose's own")
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--work-dir', metavar='DIR',
        help='folder for logs (default: ./work_dirs/<name of the config>, and _wass with --wass)')
    parser.add_argument(
        '--out', metavar='FILE.json',
        help='write metrics, config, checkpoint, data counts, versions and date to this file')
    parser.add_argument(
        '--out-predictions', metavar='FILE.json|FILE.npz',
        help="write each face's image, predicted landmarks, scores and ground truth to this file")
    parser.add_argument(
        '--dump', metavar='FILE.pkl',
        help='dump predictions to a pickle for offline evaluation, as in MMPose')
    parser.add_argument(
        '--badcase', action='store_true', help="run MMPose's analysis of bad cases")
    add_data_check_option(parser)
    add_turn_on_options(parser)
    add_config_options(parser)
    add_visualization_options(parser)
    args = parser.parse_args()
    check_turn_on_options(parser, args)
    if args.out and not args.out.endswith('.json'):
        parser.error(f'--out {args.out}: the name must end in .json')
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump {args.dump}: the name must end in .pkl or .pickle')
    if args.out_predictions:
        try:
            check_predictions_file(args.out_predictions)
        except ValueError as error:
            parser.error(f'--out-predictions: {error}')
    set_local_rank(args)
    return args


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the options into the config (in place)."""
    cfg.launcher = args.launcher
    cfg.load_from = args.checkpoint
    cfg.resume = False
    set_work_dir(cfg, args)
    set_visualization(cfg, args, args.show and not args.badcase)
    if args.badcase:
        set_badcase(cfg, args)
    if args.dump is not None:
        add_dump(cfg, args.dump)
    merge_cfg_options(cfg, args)
    set_preprocessor(cfg)
    return cfg


def add_dump(cfg: Config, path: str) -> None:
    """Dump the predictions of all test sets to a pickle."""
    dump = dict(type='AtomicDumpResults', out_file_path=path)
    evaluator = cfg.test_evaluator
    if isinstance(evaluator, (list, tuple)):
        cfg.test_evaluator = [*evaluator, dump]
    elif evaluator.type in ('NamedTestSetsEvaluator', NamedTestSetsEvaluator):
        evaluator.overall = [*evaluator.get('overall', ()), dump]
    else:
        cfg.test_evaluator = [evaluator, dump]


def set_badcase(cfg: Config, args: argparse.Namespace) -> None:
    """Switch MMPose's bad-case analysis on."""
    if 'ModelLandmarkLayout' in cfg.pretty_text:
        raise ValueError('--badcase compares landmark by landmark, which needs one scheme for '
                         'model and data; here they differ. tools/failures.py shows the worst '
                         'faces of such a test')
    hook = (cfg.get('default_hooks', None) or {}).get('badcase', None)
    if hook is None:
        raise ValueError("--badcase needs default_hooks.badcase=dict(type='BadCaseAnalysisHook') "
                         'in the config')
    hook.enable = True
    hook.show = args.show
    if args.show:
        hook.wait_time = args.wait_time
    hook.interval = args.interval
    if hook.get('metric_type', 'loss') == 'accuracy' and not hook.get('metric', None):
        hook.metric = cfg.test_evaluator
    # With metric_type='loss' the hook compares coordinates, not heatmaps, so the head's own loss
    # cannot serve; its default, the squared distance, does.


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
        files = check_data(cfg, args, ('test', ))
        checkpoint = check_checkpoint(args.checkpoint)
        if args.dry_run:
            if first:
                print(f'Dry run: the data and the checkpoint are there ({", ".join(files)}).')
            return
        for path in (args.out, args.out_predictions, args.dump):
            if path and first:
                check_writable(path)
        prepare_cpu_processes(cfg, args.launcher)
    run_test(cfg, args, checkpoint)
    finish_processes()


def run_test(cfg: Config, args: argparse.Namespace, checkpoint: dict) -> None:
    """Test and write the results. The runner and its model are gone afterwards, as
    `finish_processes` needs it."""
    runner = Runner.from_cfg(cfg)
    runner.register_hook(CoordConvCheckHook())
    runner.register_hook(CheckpointFitHook(args.checkpoint, args.config))
    predictions = PredictionsHook(args.out_predictions)
    runner.register_hook(predictions)
    failure = None
    with clear_errors(OSError, CheckpointMismatch):
        try:
            metrics = runner.test()
        except OSError as error:
            # The measures are there before predictions are written.
            if predictions.metrics is None:
                raise
            metrics, failure = predictions.metrics, error
        if is_main_process():
            write_results(cfg, args, metrics, predictions, checkpoint, failure)
        for metric in runner.test_evaluator.metrics:
            failure = failure or getattr(metric, 'failure', None)
        if failure is not None:
            raise failure


def write_results(cfg: Config, args: argparse.Namespace, metrics: dict,
                  predictions: PredictionsHook, checkpoint: dict,
                  failure: OSError | None = None) -> None:
    """Write what ``--out`` asks for, and say where everything is.

    Raises:
        OSError: If it cannot be written. The measures have been printed by then.
    """
    if args.out:
        write_json(args.out, build_report(
            cfg, metrics, predictions.records, config=args.config, checkpoint=args.checkpoint,
            checkpoint_says=checkpoint, command=sys.argv))
        print(f'Metrics are in {os.path.abspath(args.out)}')
    if args.out_predictions and failure is None:
        print(f'Predictions are in {os.path.abspath(args.out_predictions)}')


if __name__ == '__main__':
    main()
