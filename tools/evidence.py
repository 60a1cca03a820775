"""Run the experiments behind docs/results.md, and write that page from their records.

`run` works off the queue: each run is trained, measured on every test, and recorded in a JSON file
with the errors of each face beside it. What is done is not done again, and a training that was cut
goes on from its last whole epoch; several processes may work on one queue. `write` makes the page
and its figures from the records alone.
"""
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

import mmpose_wass  # noqa: F401  registers all
from mmpose_wass.evidence.experiments import read_experiments
from mmpose_wass.evidence.measure import read_tests, units_of_tests
from mmpose_wass.evidence.queue import Queue, Run
from mmpose_wass.evidence.records import read_records, write_units
from mmpose_wass.evidence.shipping import ship_model
from mmpose_wass.evidence.work import Worker
from mmpose_wass.project import CONFIG_ROOT, OUTPUT_ROOT
from mmpose_wass.reproduction.run import parse_budget

EXAMPLES = """examples:
  what there is to do:
    python tools/evidence.py status
  everything, with the data where they lie:
    python tools/prepare_data.py synthetic data/synthetic --datasets 300w wflw aflw --train 4000
    python tools/evidence.py run --data 300w=/data/300w imm73=/data/imm73 300vw=/data/300vw \\
        synthetic_300w=data/synthetic/300w synthetic_wflw=data/synthetic/wflw \\
        synthetic_aflw=data/synthetic/aflw
  two of them, for an hour; the same command goes on later:
    python tools/evidence.py run l2_s1 w_s1 --budget 60min --data 300w=/data/300w ...
  the page, from the records in results/evidence:
    python tools/evidence.py write
  the model that comes with the package, of a run:
    python tools/evidence.py ship js_augmented_rate8 --out mmpose_wass/assets/face68_compact
  the page's faces, from the trained models:
    python tools/evidence.py samples l2_s1=L2 w_s15=W js_augmented=JS+aug
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('--experiments', metavar='FILE.py',
                        default=str(CONFIG_ROOT / 'evidence' / 'cpu.py'),
                        help='the experiments (default: configs/face/evidence/cpu.py)')
    common.add_argument('--results', metavar='DIR',
                        default=str(OUTPUT_ROOT / 'results' / 'evidence'),
                        help='folder of the records (default: results/evidence)')
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument('--tests', metavar='FILE.py', default=str(CONFIG_ROOT / 'evidence/tests.py'),
                      help='the tests (default: configs/face/evidence/tests.py)')
    data.add_argument('--data', nargs='+', metavar='NAME=DIR', default=[],
                      help='folders of the data sets (default: data/NAME)')
    run = commands.add_parser('run', parents=[common, data], help='train, measure and record')
    run.add_argument('names', nargs='*', metavar='EXPERIMENT', help='default: all')
    run.add_argument('--work-dir', metavar='DIR', default='work_dirs/evidence',
                     help='folder of the trainings (default: work_dirs/evidence)')
    run.add_argument('--budget', metavar='TIME', help='stop after 90s, 60min, 2h')
    run.add_argument('--runs', type=int, metavar='N', help='stop after so many runs')
    run.add_argument('--threads', type=int, metavar='N', default=1,
                     help='threads of each process on a CPU (default: 1)')
    samples = commands.add_parser('samples', help='what models predict on rendered faces, clean, '
                                  'occluded and blurred, as a picture')
    samples.add_argument('names', nargs='+', metavar='EXPERIMENT[=LABEL]',
                         help='first seed of each')
    samples.add_argument('--experiments', metavar='FILE.py',
                         default=str(CONFIG_ROOT / 'evidence' / 'cpu.py'), help='as of run')
    samples.add_argument('--work-dir', metavar='DIR', default='work_dirs/evidence',
                         help='folder of the trainings (default: work_dirs/evidence)')
    samples.add_argument('--faces', type=int, metavar='N', default=3, help='default: 3')
    samples.add_argument('--out', metavar='FILE', help='default: docs/figures/results/samples.jpg',
                         default=str(OUTPUT_ROOT / 'docs/figures/results/samples.jpg'))
    commands.add_parser('units', parents=[common, data], help='write which faces of the tests '
                        'belong together (people, stretches of film), for the intervals')
    commands.add_parser('status', parents=[common], help='what is recorded and what not')
    ship = commands.add_parser('ship', help="a run's first seed as a model for a package: a config "
                               'and weights in half precision')
    ship.add_argument('name', metavar='EXPERIMENT')
    ship.add_argument('--experiments', metavar='FILE.py',
                      default=str(CONFIG_ROOT / 'evidence' / 'cpu.py'), help='as of run')
    ship.add_argument('--work-dir', metavar='DIR', default='work_dirs/evidence',
                      help='folder of the trainings (default: work_dirs/evidence)')
    ship.add_argument('--out', metavar='PATH', required=True,
                      help='PATH.py and PATH.pth are written')
    write = commands.add_parser('write', parents=[common],
                                help='docs/results.md and its figures from the records')
    write.add_argument('--out', metavar='FILE.md', default=str(OUTPUT_ROOT / 'docs' / 'results.md'),
                       help='the page (default: docs/results.md)')
    write.add_argument('--readme', metavar='FILE.md', default=str(OUTPUT_ROOT / 'README.md'),
                       help="file whose small table is renewed too; '' for none (default: "
                       'README.md)')
    args = parser.parse_args()
    if args.command in ('run', 'units'):
        try:
            args.roots = read_roots(args.data)
            if args.command == 'run':
                args.seconds = parse_budget(args.budget) if args.budget else None
        except ValueError as error:
            parser.error(str(error))
    return args


def read_roots(values: list) -> dict:
    """Folders by data set; those not given lie below ``data/``."""
    roots = {name: f'data/{name}/' for name in (
        '300w', '300vw', 'imm73', 'synthetic_300w', 'synthetic_wflw', 'synthetic_aflw')}
    for value in values:
        name, _, folder = value.partition('=')
        if name not in roots:
            raise ValueError(f'--data {value}: {name!r} is none of {", ".join(roots)}')
        if not os.path.isdir(folder):
            raise ValueError(f'--data {value}: there is no folder {folder}')
        roots[name] = os.path.join(folder, '')
    return roots


def run(args: argparse.Namespace) -> int:
    """Work on the queue; 1 if a run failed."""
    os.environ.setdefault('OMP_NUM_THREADS', str(args.threads))
    torch.set_num_threads(args.threads)
    queue = Queue(args.work_dir, read_experiments(args.experiments), args.roots)
    tests, readings = read_tests(args.tests, args.roots)
    worker = Worker(queue, tests, readings, args.results, say=lambda line: print(line, flush=True))
    done, left = worker.work(args.names or None, args.seconds, args.runs)
    print(f'{len(done)} runs done, {len(left)} left' + (f': {", ".join(left)}' if left else ''))
    for name, reason in worker.failed.items():
        print(f'failed: {name}: {reason}', file=sys.stderr)
    return 1 if worker.failed else 0


def units(args: argparse.Namespace) -> int:
    """Write the units of the tests."""
    found = units_of_tests(read_tests(args.tests, args.roots)[0])
    print(write_units(args.results, found))
    for name, names in found.items():
        print(f'{name}: {len(names)} faces in {len(set(names))} units')
    return 0


def status(args: argparse.Namespace) -> int:
    """Say what is recorded."""
    recorded = {record.name for record in read_records(args.results)}
    for name, one in read_experiments(args.experiments).items():
        marks = ' '.join(f'{seed}:{"recorded" if f"{name}_seed{seed}" in recorded else "open"}'
                         for seed in one.seeds)
        print(f'{name:24} {one.title:44} seeds {marks}')
    return 0


def samples(args: argparse.Namespace) -> int:
    """Draw the faces."""
    from mmpose_wass.evidence.figures.samples import draw_sample_sheet
    models = {}
    for name, _, label in (value.partition('=') for value in args.names):
        run = first_run(args, name)
        models[label or name] = (str(run.config_file), str(run.checkpoint))
    print(draw_sample_sheet(models, args.out, args.faces))
    return 0


def ship(args: argparse.Namespace) -> int:
    """Write a model for a package."""
    run = first_run(args, args.name)
    if not run.is_trained:
        raise FileNotFoundError(f'{run.name} is not trained yet: there is no {run.checkpoint}; '
                                f'python tools/evidence.py run {args.name}')
    for path in ship_model(run.config_file, run.checkpoint, args.out,
                           f'Made by `python tools/evidence.py ship {args.name}`, seed '
                           f'{run.seed}.'):
        print(path)
    return 0


def first_run(args: argparse.Namespace, name: str) -> Run:
    """The run of an experiment's first seed."""
    experiments = read_experiments(args.experiments)
    if name not in experiments:
        raise ValueError(f'there is no experiment {name!r}, only {", ".join(experiments)}')
    return Queue(args.work_dir, experiments, {}).run_of(experiments[name],
                                                        experiments[name].seeds[0])


def write(args: argparse.Namespace) -> int:
    """Write the page."""
    from mmpose_wass.evidence.page import write_page
    for path in write_page(Path(args.results), read_experiments(args.experiments),
                           Path(args.out), Path(args.readme) if args.readme else None):
        print(path)
    return 0


if __name__ == '__main__':
    arguments = parse_args()
    try:
        sys.exit(dict(run=run, units=units, samples=samples, ship=ship, status=status,
                      write=write)[arguments.command](arguments))
    except (ValueError, KeyError, FileNotFoundError) as error:
        sys.exit(f'evidence: {error.args[0] if isinstance(error, KeyError) else error}')
