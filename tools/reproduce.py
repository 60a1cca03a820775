"""Re-run the paper's tables, and print published beside measured numbers."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import List, Sequence

import torch

import mmpose_wass  # noqa: F401  (registers everything)
from mmpose_wass.engine import write_json
from mmpose_wass.engine.options import clear_errors
from mmpose_wass.engine.results import atomic_write
from mmpose_wass.project import OUTPUT_ROOT
from mmpose_wass.reproduction import FIGURES, TABLES, Row, Table, collect_reports, find_table
from mmpose_wass.reproduction.data import parse_roots
from mmpose_wass.reproduction.profiles import Profile, reduced_profile
from mmpose_wass.reproduction.report import table_data, table_markdown
from mmpose_wass.reproduction.run import Job, Workspace, parse_budget
from mmpose_wass.reproduction.zoo import write_zoo

EXAMPLES = """\
examples:
  what can be run with the data in data/, and what is there already:
    python tools/reproduce.py --list
  Table 8 as in the paper (HRNet-W18, 256x256, 60 epochs; GPU), an hour at a time:
    python tools/reproduce.py --table 8 --budget 60min
  Tables 2 and 10 at a reduced size on a CPU; 300W lies elsewhere:
    python tools/reproduce.py --table 2 --table 10 --reduced --data-root 300w=/data/300w
  only what would be done:
    python tools/reproduce.py --table 10 --reduced --dry-run
  fill the tables in with reports of tools/test.py --out that exist, run nothing:
    python tools/reproduce.py --table 6 --no-run --collect results work_dirs
  write docs/model_zoo.md and the index of models:
    python tools/reproduce.py --write-zoo

--reduced shows that everything runs, and how systems compare in a short training from random
weights; that is no reproduction of the paper's numbers. The Wasserstein loss alone learns slowly
from random weights (docs/wasserstein_loss.md).

A row is reported once its training has all its epochs and its test is done. A run that was stopped
goes on where it was. Results are in <work-dir>/<profile>/results, the tables in
<work-dir>/<profile>/tables.md and tables.json.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_argument_group('what to do')
    what.add_argument('--table', action='append', default=[], metavar='N',
                      help='a table (1 to 11) or figure (fig8 to fig11); may be repeated')
    what.add_argument('--row', action='append', default=[], metavar='WORD',
                      help='only rows whose config has this in its path, such as 300w_to_wflw')
    what.add_argument('--list', action='store_true',
                      help='list the tables and what of them can be run, and stop')
    what.add_argument('--dry-run', action='store_true', help='list trainings and tests, and stop')
    what.add_argument('--no-run', action='store_true', help='only collect results that are there')
    what.add_argument('--write-zoo', action='store_true',
                      help='write docs/model_zoo.md and the index of models, and stop')
    what.add_argument('--budget', metavar='TIME', help='stop after this time: 90s, 60min, 2h')
    size = parser.add_argument_group('at which size')
    size.add_argument('--reduced', action='store_true',
                      help='for CPUs: a compact model in place of HRNet, 128x128, 4 epochs, random '
                      "weights; missing test data are stood in for by the training's own")
    size.add_argument('--input', type=int, metavar='PIXELS', help='side of the input')
    size.add_argument('--epochs', type=int, metavar='N',
                      help='epochs; the learning rate schedule is stretched with them')
    size.add_argument('--train-faces', type=int, metavar='N', help='train on N faces')
    size.add_argument('--from-scratch', action='store_true',
                      help='do not load pretrained weights of backbones')
    size.add_argument('--workers', type=int, metavar='N', help='processes of each data loader')
    size.add_argument('--seed', type=int, default=0, help='of the training (default: %(default)s)')
    where = parser.add_argument_group('where')
    where.add_argument('--data-root', action='append', default=[], metavar='[NAME=]DIR',
                       help='folder of a data set (300w=DIR), or of all of them (default: data)')
    where.add_argument('--stand-in', action=argparse.BooleanOptionalAction, default=None,
                       help="test on the training's own validation data where the protocol's are "
                       'missing; said in the tables, without a difference (default: with '
                       '--reduced)')
    where.add_argument('--work-dir', default='work_dirs/reproduce', metavar='DIR',
                       help='where runs and results go (default: %(default)s)')
    where.add_argument('--collect', nargs='+', default=[], metavar='DIR',
                       help='further folders with reports of tools/test.py --out')
    args = parser.parse_args()
    if (args.row or args.dry_run or args.no_run) and not args.table:
        parser.error('--row, --dry-run and --no-run need a --table')
    if not (args.table or args.list or args.write_zoo):
        parser.error('say what to do: --table N, --list or --write-zoo')
    return args


def main() -> None:
    args = parse_args()
    with clear_errors(FileNotFoundError, ValueError, KeyError):
        if args.write_zoo:
            for path in write_zoo(collect_reports(args.collect or default_results())[0]):
                print(f'Wrote {os.path.relpath(path)}')
            return
        workspace = make_workspace(args)
        tables = [find_table(key, TABLES + FIGURES) for key in args.table]
        if args.list:
            list_tables(tables or TABLES + FIGURES, workspace)
            return
        budget = parse_budget(args.budget) if args.budget else None
        rows = choose_rows(tables, args.row)
        jobs = workspace.jobs(rows)
    failed = False
    if args.dry_run:
        print_jobs(jobs)
        return
    if not args.no_run:
        failed = run(workspace, jobs, budget)
    with clear_errors():
        places = [*args.collect, *([str(workspace.results)] if workspace.results.is_dir() else [])]
        reports, remarks = collect_reports(places)
    for remark in remarks:
        print(f'not used: {remark}', file=sys.stderr)
    text = '\n'.join(table_markdown(table, reports) for table in tables)
    print(f'\n{text}')
    write_tables(workspace.folder, tables, reports, text)
    sys.exit(1 if failed else 0)


def make_workspace(args: argparse.Namespace) -> Workspace:
    """The workspace that the options describe."""
    options = {name: value for name, value in dict(
        input_size=args.input, epochs=args.epochs, train_faces=args.train_faces,
        workers=args.workers).items() if value is not None}
    if args.reduced:
        profile = reduced_profile(seed=args.seed, **options)
    else:
        profile = Profile(seed=args.seed, pretrained=not args.from_scratch, **options)
    stand_in = args.reduced if args.stand_in is None else args.stand_in
    return Workspace(args.work_dir, profile, parse_roots(args.data_root), stand_in)


def choose_rows(tables: Sequence[Table], words: Sequence[str]) -> List[Row]:
    """Rows of the tables that can be run, or those that are asked for."""
    rows = [row for table in tables for row in table.systems]
    chosen = [row for row in rows if all(word in row.config for word in words)]
    if words and not chosen:
        raise ValueError(f'--row {" ".join(words)}: no row has this in its config; there are\n  '
                         + '\n  '.join(dict.fromkeys(row.config for row in rows)))
    return chosen


def default_results() -> List[str]:
    """The project's own results, where there are any."""
    results = OUTPUT_ROOT / 'results'
    return [str(results)] if results.is_dir() else []


def list_tables(tables: Sequence[Table], workspace: Workspace) -> None:
    """Print what can be run."""
    for table in tables:
        print(f'{table.name}. {table.title}')
        for row in table.systems:
            train, test = workspace.jobs([row])
            print(f'  {state(train, test):<12} {row.config}')
            for job in (train, test):
                if job.problem and not job.done:
                    print(f'{"":15}{job.kind}: {job.problem}')
                elif job.stand_in and not job.done:
                    print(f'{"":15}test: {job.stand_in} is not there; validation data of the '
                          'training stand in')
        cited = len(table.rows) - len(table.systems)
        if cited:
            print(f'  {"cited":<12} {cited} rows of other work')
    print('Data are looked for in ' + (', '.join(
        f'{name or "all"}: {folder}' for name, folder in workspace.roots.items()) or 'data'))


def state(train: Job, test: Job) -> str:
    """A word for a row."""
    if test.done:
        return 'measured'
    if (train.problem and not train.done) or test.problem:
        return 'no data'
    return 'trained' if train.done else 'can be run'


def print_jobs(jobs: Sequence[Job]) -> None:
    """Print trainings and tests."""
    for job in jobs:
        word = 'done' if job.done else f'cannot: {job.problem}' if job.problem else 'to do'
        print(f'{job.kind:<6}{Path(job.config).stem}: {word}')


def run(workspace: Workspace, jobs: Sequence[Job], budget) -> bool:
    """Run jobs; whether one failed."""
    for job in jobs:
        if job.problem and not job.done:
            print(f'cannot {job.kind} {Path(job.config).stem}: {job.problem}')
    if workspace.profile.name == 'full' and not torch.cuda.is_available() and any(
            job.kind == 'train' and not job.done and not job.problem for job in jobs):
        print('There is no GPU here: a training at full size takes days on a CPU. --reduced is '
              'for CPUs.')
    outcome = workspace.run(jobs, budget, say=lambda line: print(line, flush=True))
    if outcome.left:
        print(f'Left by the budget: {len(outcome.left)} of {len(jobs)} jobs; the same command goes '
              'on.')
    if outcome.failed:
        print(f'FAILED: {", ".join(outcome.failed)}')
    return bool(outcome.failed)


def write_tables(folder: Path, tables: Sequence[Table], reports, text: str) -> None:
    """Keep the tables beside the results."""
    write_json(str(folder / 'tables.json'), [table_data(table, reports) for table in tables])
    with atomic_write(str(folder / 'tables.md')) as file:
        file.write(text)
    print(f'The tables are in {folder / "tables.md"} and tables.json')


if __name__ == '__main__':
    main()
