"""Measure how robust a face model is, alone or beside others, and write one report.

Runs the clean test data, occlusion and motion blur at two levels, every other test set whose data
are there, and severity curves of occlusion, blur and the box. Each measurement is made once and
kept: run the same command again to go on after an interruption, or to write the report anew.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from pathlib import Path

from mmengine.config import DictAction
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

import mmpose_wass  # noqa: F401  (registers everything; makes checkpoints loadable)
from mmpose_wass.engine.device import find_device
from mmpose_wass.engine.options import clear_errors, merge_cfg_options, set_preprocessor
from mmpose_wass.project import CONFIG_ROOT
from mmpose_wass.robustness import (
    GROUPS,
    Bench,
    DetectedBoxes,
    ResultCache,
    RunOptions,
    make_jobs,
    make_plan,
    own_data,
    read_boxes,
    read_data_files,
    read_models,
    write_report,
)
from mmpose_wass.robustness.evaluation_settings import LoaderOptions
from mmpose_wass.robustness.models import choose_names

DATA_FILES = CONFIG_ROOT / '_base_' / 'datasets'

EXAMPLES = """\
examples:
  one model, on the test data of its config and on all other data below data/:
    python tools/robustness.py configs/face/hrnet_w18_300w_wass.py wass.pth
  beside a baseline, with names of your own, into a folder:
    python tools/robustness.py configs/face/hrnet_w18_300w_wass.py wass.pth \\
        --against configs/face/hrnet_w18_300w_l2.py l2.pth --name W L2 --out reports/w_and_l2
  a quick look, on 100 faces of each test set and without curves:
    python tools/robustness.py CONFIG CHECKPOINT --limit 100 --no-curves
  data that lie elsewhere, and data of your own (data_NAME = dict(test_sets=...), as in
  configs/face/_base_/datasets):
    python tools/robustness.py CONFIG CHECKPOINT --data-dir /data --data my_data.py
  boxes of a detector (a list of {"image_id" or "file_name", "bbox": [left, top, width, height],
  "score"}), the faces that it missed counted as failures:
    python tools/robustness.py CONFIG CHECKPOINT --only clean boxes --boxes detections.json
  what would be run, and what not and why:
    python tools/robustness.py CONFIG CHECKPOINT --dry-run

The folder gets report.html (opens without a network), report.md and results.json; measurements are
kept in its folder cache. What the report is made of: docs/robustness.md.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help="config file, or mmpose::path for one of MMPose's own")
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--against', nargs=2, action='append', default=[],
                        metavar=('CONFIG', 'CHECKPOINT'),
                        help='another model, tested on the data of the first; may be repeated')
    parser.add_argument('--name', '--names', nargs='+', action='extend', default=[],
                        metavar='NAME', help='what to call the models, the first one first '
                        '(default: by their files)')
    parser.add_argument('--out', metavar='DIR',
                        help='folder of the report (default: work_dirs/robustness/<names>)')
    parser.add_argument('--cache', metavar='DIR',
                        help='folder of measurements, which several reports may share '
                        '(default: cache in the folder of the report)')
    data = parser.add_argument_group('data')
    data.add_argument('--data-dir', metavar='DIR',
                      help='where the other data sets lie, each in a folder of its own '
                      '(default: data)')
    data.add_argument('--data', nargs='+', action='extend', default=[], metavar='FILE.py',
                      help='config files that describe further data sets, or replace known ones')
    data.add_argument('--boxes', metavar='FILE.json', help="a detector's boxes on the test data")
    data.add_argument('--boxes-overlap', type=float, default=0.5, metavar='IOU',
                      help='least intersection over union of a detection with the face that it '
                      'found (default: %(default)s)')
    what = parser.add_argument_group('what to run')
    what.add_argument('--only', nargs='+', choices=list(GROUPS), default=list(GROUPS),
                      metavar='GROUP', help=f'of {", ".join(GROUPS)} (default: all)')
    what.add_argument('--no-curves', action='store_true', help='leave out the severity curves')
    what.add_argument('--limit', type=int, metavar='N',
                      help='a quick look: N faces of each test set, evenly spread; the report '
                      'says so')
    what.add_argument('--faces', type=int, default=6, metavar='N',
                      help='faces in each gallery, 0 for none (default: %(default)s)')
    what.add_argument('--resamples', type=int, default=2000, metavar='N',
                      help='of the bootstrap (default: %(default)s)')
    what.add_argument('--seed', type=int, default=0, help='of the bootstrap (default: 0)')
    what.add_argument('--dry-run', action='store_true',
                      help='say what would be run, what is there already, and what cannot be run')
    how = parser.add_argument_group('how to run it')
    how.add_argument('--device', metavar='DEVICE', help='cpu, cuda or cuda:N (default: a GPU if '
                     'there is one)')
    how.add_argument('--workers', type=int, metavar='N',
                     help="processes that load images (default: the config's)")
    how.add_argument('--batch-size', type=int, metavar='N', help="default: the config's")
    how.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                     metavar='KEY=VALUE', help='change settings of every config, such as '
                     'test_dataloader.dataset.data_root=/data/300w')
    args = parser.parse_args()
    for name, least in (('limit', 2), ('faces', 0), ('resamples', 100), ('workers', 0),
                        ('batch_size', 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f'--{name.replace("_", "-")} must be at least {least}')
    if not 0 < args.boxes_overlap <= 1:
        parser.error('--boxes-overlap must lie in (0, 1]')
    if args.name and len(args.name) != 1 + len(args.against):
        parser.error(f'{len(args.name)} names for {1 + len(args.against)} models')
    return args


def prepare_config(args: argparse.Namespace):
    """What is done to each config."""

    def change(cfg) -> None:
        merge_cfg_options(cfg, args)
        set_preprocessor(cfg)
        init_default_scope(cfg.get('default_scope', 'mmpose'))

    return change


def keep_logs(path: Path) -> None:
    """Send MMEngine's log, and what data sets print, to a file: the screen is for the progress."""
    path.parent.mkdir(parents=True, exist_ok=True)
    logger = MMLogger.get_instance('robustness', log_file=str(path), log_level='INFO',
                                   file_mode='a')
    for handler in logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.setLevel(logging.ERROR)
    logging.captureWarnings(True)
    warnings = logging.getLogger('py.warnings')
    warnings.propagate = False
    warnings.addHandler(logging.FileHandler(path, encoding='utf-8'))


def default_folder(pairs: list, names: list) -> Path:
    text = '_and_'.join(names or choose_names(pairs))
    safe = ''.join(letter if letter.isalnum() or letter in '-_.' else '_' for letter in text)
    return Path('work_dirs') / 'robustness' / (safe[:100].lstrip('.') or 'report')


def print_plan(plan, jobs, not_run, cache) -> None:
    """What ``--dry-run`` says."""
    seen = set()
    for job in jobs:
        state = 'is there' if cache.has(job.key) else (
            'the same as one above' if job.key in seen else f'{job.faces} faces')
        seen.add(job.key)
        print(f'{job.model.name}: {job.protocol.title}: {state}')
    missing = {job.key: job.faces for job in jobs if not cache.has(job.key)}
    print(f'\n{len(missing)} measurements to make, on {sum(missing.values())} faces in all; '
          f'{len(seen) - len(missing)} are there.')
    print_not_run(not_run)


def print_not_run(not_run) -> None:
    """What is missing, and why."""
    if not_run:
        print('\nNot run:')
    for text in dict.fromkeys(f'- {one.title}{f" ({one.model})" if one.model else ""}: '
                              f'{one.reason}' for one in not_run):
        print(text)


def main() -> None:
    args = parse_args()
    pairs = [(args.config, args.checkpoint), *map(tuple, args.against)]
    folder = Path(args.out) if args.out else default_folder(pairs, args.name)
    with clear_errors(FileNotFoundError, ValueError, KeyError):
        device = find_device(args.device)
        keep_logs(folder / 'robustness.log')
        models = read_models(pairs, args.name, prepare_config(args))
        boxes = None
        if args.boxes:
            read_boxes(args.boxes)
            boxes = DetectedBoxes(args.boxes, args.boxes_overlap)
        files = [*map(str, sorted(DATA_FILES.glob('*.py'))), *args.data]
        plan = make_plan(own_data(models[0].cfg), read_data_files(files, args.data_dir), args.only,
                         not args.no_curves, boxes)
        options = RunOptions(args.limit, device,
                             loading=LoaderOptions(args.workers, args.batch_size))
        jobs, unfit = make_jobs(models, plan, options)
        cache = ResultCache(args.cache or str(folder / 'cache'))
        not_run = [*plan.not_run, *unfit]
        if args.dry_run:
            print_plan(plan, jobs, not_run, cache)
            return
    bench = Bench(cache, options)
    with open(folder / 'robustness.log', 'a', encoding='utf-8') as log, clear_errors(ValueError):
        bench.print_to = log
        bench.check_models(jobs)
        results, failed, counts = bench.run_all(jobs)
        print(f'{counts["run"]} measured, {counts["kept"]} were there, {counts["failed"]} failed')
        settings = dict(limit=args.limit, resamples=args.resamples, seed=args.seed,
                        version=options.version, device=options.device)
        paths = write_report(str(folder), plan, models, jobs, results, [*not_run, *failed],
                             settings, shlex.join([os.path.basename(sys.executable), *sys.argv]),
                             bench, args.faces, lambda text: print(f'writing: {text}', flush=True))
    print_not_run([*not_run, *failed])
    print()
    for kind, path in paths.items():
        print(f'{kind}: {path}')
    if failed:
        raise SystemExit(f'{len(failed)} measurements failed; the report lists them, and '
                         f'{folder / "robustness.log"} has the details')


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit('\ninterrupted: run the same command again to go on') from None
