"""Command line of tools/check_matrix.sh."""
from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

from compatibility_matrix import records
from compatibility_matrix.cells import ROOT, Cell, Matrix, read_matrix
from compatibility_matrix.machine import find_python
from compatibility_matrix.measure import Options, measure

#: Gigabytes of an environment.
SIZE = 7
EXAMPLES = '''examples:
  tools/check_matrix.sh --list                  # cells, and what was measured
  tools/check_matrix.sh --quick                 # all that is not measured yet, without long tests
  tools/check_matrix.sh python-3.10 numpy-2     # these cells, the whole suite
  tools/check_matrix.sh --again torch-2.1       # once more
  tools/check_matrix.sh --write                 # the table of docs/compatibility.md

A cell is a fresh environment, set up as tools/setup_env.sh does but for the versions that
requirements/matrix.json says, with a copy of the working tree. It takes 7 GB of disk, removed
afterwards; a download of about 3 GB; and, the first time that a Python meets a torch, a build of
mmcv: 12 minutes on two cores. PIP_FIND_LINKS is looked through for wheels before anything is
built, as are pip's other variables respected. Interpreters are looked for on PATH and in pyenv.
Exit status: 0 if all cells asked for are green, 1 if not, 2 for a wrong call.'''


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    cache = Path(os.environ.get('XDG_CACHE_HOME', Path.home() / '.cache'))
    parser = argparse.ArgumentParser(
        prog='tools/check_matrix.sh', description='Run the tests in fresh environments of other '
        'versions, one for each cell of requirements/matrix.json. Cells that were measured are '
        'left alone; a call that was cut goes on where it was. Each record goes to --results and, '
        'with the default, into the table of docs/compatibility.md.',
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('cells', nargs='*', metavar='CELL', help='cells by name; all by default')
    parser.add_argument('--quick', action='store_true',
                        help='leave out the test files that take long (requirements/matrix.json '
                        'names them, each with its reason); without it the whole suite')
    parser.add_argument('--again', action='store_true',
                        help='measure what was measured already, in new environments')
    parser.add_argument('--keep', action='store_true',
                        help='leave environments in the work folder')
    parser.add_argument('--jobs', type=int, default=os.cpu_count() or 1, metavar='N',
                        help='test processes, and compilers of a build (default: all cores)')
    parser.add_argument('--limit', type=float, default=90, metavar='MINUTES',
                        help='end the tests of a cell after that long (default: %(default)s)')
    parser.add_argument('--cache', type=Path, default=os.environ.get(
        'MATRIX_CACHE', cache / 'mmpose_wass/wheels'), metavar='FOLDER',
        help='built wheels, a folder for each Python and torch (default: %(default)s; '
        'environment variable MATRIX_CACHE)')
    parser.add_argument('--work-dir', type=Path, default=ROOT / 'work_dirs/matrix',
                        metavar='FOLDER', help='environments and logs (default: work_dirs/matrix)')
    parser.add_argument('--results', type=Path, default=records.RESULTS, metavar='FOLDER',
                        help='records (default: results/compatibility)')
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--list', action='store_true', help='print cells and records, and end')
    what.add_argument('--dry-run', action='store_true',
                      help='print what would be done for each cell, and end')
    what.add_argument('--write', action='store_true',
                      help='write the table of docs/compatibility.md from the records, and end')
    what.add_argument('--check', action='store_true',
                      help='compare that table with the records, and end: 1 if it is another')
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f'--jobs must be at least 1, not {options.jobs}')
    if options.limit <= 0:
        parser.error(f'--limit must be above 0, not {options.limit:g}')
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line. Returns the exit status."""
    options = parse_args(arguments)
    try:
        matrix = read_matrix()
        cells = matrix.choose(options.cells)
        if options.list:
            print(records.as_text(records.table(matrix, options.results)))
            return 0
        if options.write or options.check:
            return write_page(matrix, options.results, check=options.check)
        for cell in cells:  # a damaged one is told of before hours of work, not after
            records.read_record(cell.name, options.results)
    except ValueError as error:
        print(f'tools/check_matrix.sh: {error}', file=sys.stderr)
        return 2
    return measure_all(matrix, cells, options)


def measure_all(matrix: Matrix, cells: List[Cell], options: argparse.Namespace) -> int:
    """Measure cells one after the other, and print the table."""
    suite = 'quick' if options.quick else 'whole'
    how = Options(suite=suite, work=options.work_dir.resolve(), cache=options.cache.resolve(),
                  jobs=options.jobs, limit=60 * options.limit, keep=options.keep,
                  fresh=options.again)
    if options.dry_run:
        for cell in cells:
            print(plan(cell, matrix, how, options))
        return 0
    missed = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for number, cell in enumerate(cells, 1):
        head = f'[{number}/{len(cells)}] {cell.name} ({cell.differs})'
        before = records.read_record(cell.name, options.results)
        if before and before.covers(suite) and not options.again:
            print(f'{head}: measured on {before.date}: {before.verdict}', flush=True)
            continue
        print(f'{head}: {suite} suite, log in {how.work / cell.name}', flush=True)
        try:
            room(how.work)
            record = measure(cell, matrix, how, lambda line: print(line, flush=True))
        except OSError as error:
            print(f'{head}: not measured: {error}', flush=True)
            missed.append(cell.name)
            continue
        except KeyboardInterrupt:
            print(f'{head}: interrupted; call again to go on', flush=True)
            return 1
        records.write_record(record, options.results)
        if options.results.resolve() == records.RESULTS:
            # Page and records belong together: a test of the next cell compares them.
            write_page(matrix, options.results, check=False)
        print(f'{head}: {record.verdict}', flush=True)
    print('\n' + records.as_text(records.table(matrix, options.results)))
    found = [records.read_record(cell.name, options.results) for cell in cells]
    return 0 if not missed and all(record and record.green for record in found) else 1


def room(work: Path) -> None:
    """Raise an `OSError` where an environment would not fit."""
    work.mkdir(parents=True, exist_ok=True)
    for folder, needed in ((work, SIZE), (Path(tempfile.gettempdir()), 1)):
        free = shutil.disk_usage(folder).free / 1e9
        if free < needed:
            raise OSError(f'{folder} has {free:.1f} GB left, {needed} are needed; see --work-dir')


def plan(cell: Cell, matrix: Matrix, how: Options, options: argparse.Namespace) -> str:
    """What measuring a cell would do."""
    before = records.read_record(cell.name, options.results)
    if before and before.covers(how.suite) and not options.again:
        return f'{cell.name}: measured on {before.date} ({before.verdict}); --again repeats it'
    wheels = how.cache / cell.wheels(matrix.base)
    cached = [package for package in cell.from_source if list(wheels.glob(f'{package}-*.whl'))]
    others = [package for package in cell.from_source if package not in cached]
    text = (f'{cell.name}: Python {cell.python} '
            f"({find_python(cell.python) or 'NOT FOUND'}), "
            + ', '.join(f'{name} {version}' for name, version in cell.pins.items())
            + f'{"; " if cell.pins else ""}{how.suite} suite')
    return (text + (f"; from {wheels}: {', '.join(cached)}" if cached else '')
            + (f"; found or built: {', '.join(others)}" if others else ''))


def write_page(matrix: Matrix, results: Path, check: bool) -> int:
    """Write the page, or compare it with what would be written."""
    before = records.PAGE.read_text(encoding='utf-8')
    after = records.page_with(records.as_markdown(matrix, results), before)
    if check:
        if before != after:
            print('docs/compatibility.md does not show the records of results/compatibility: '
                  'tools/check_matrix.sh --write', file=sys.stderr)
        return int(before != after)
    records.PAGE.write_text(after, encoding='utf-8')
    print(f"docs/compatibility.md: {len(matrix.cells)} cells")
    return 0


if __name__ == '__main__':
    sys.exit(main())
