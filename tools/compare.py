"""Compare evaluations: error distributions, tables, and differences that one can trust."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmengine.utils import ProgressBar

from mmpose_wass.engine.options import clear_errors
from mmpose_wass.evaluation import find_prefix, load_result
from mmpose_wass.evaluation.comparison import (
    DEFAULT_MEASURES,
    Settings,
    System,
    align_results,
    compare_systems,
)
from mmpose_wass.evaluation.comparison.build_tables import build_tables
from mmpose_wass.evaluation.comparison.records import UNITS
from mmpose_wass.evaluation.comparison.report import left_out_sentences, write_report
from mmpose_wass.evaluation.comparison.sentences import describe

EXAMPLES = """\
A RUN is what FaceLandmarkMetric(outfile_prefix=...) wrote: the prefix, <prefix>.metrics.json,
<prefix>.errors.npz, or a folder that holds one evaluation.

examples:
  two models on one test set; the first is what the other is compared with:
    python tools/compare.py results/l2/300w results/wass/300w --names "L2" "W, σ = 3" \\
        --out results/comparison
  three training seeds of each (mean ± standard deviation, hierarchical bootstrap):
    python tools/compare.py --group L2=l2_0/val,l2_1/val,l2_2/val \\
        --group W=w_0/val,w_1/val,w_2/val --out results/comparison
  a video data set, whose frames are not independent of each other:
    python tools/compare.py l2/300vw wass/300vw --unit folder --out results/300vw
  one run alone: its distributions, failure maps, intervals, and Table 1 of the paper:
    python tools/compare.py results/wass/300w --out results/wass/report
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('runs', nargs='*', metavar='RUN', help='result files, a system each')
    parser.add_argument('--names', nargs='+', metavar='NAME', help='what to call the RUNs')
    parser.add_argument(
        '--group', action='append', default=[], metavar='NAME=RUN,RUN,…',
        help='a system of several training seeds; may be given more than once')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write to')
    parser.add_argument('--title', default='Comparison', help='heading of the page')

    tests = parser.add_argument_group('what is tested')
    tests.add_argument(
        '--measures', nargs='+', default=list(DEFAULT_MEASURES), metavar='MEASURE',
        help='NME, micro_NME, FR_I@θ, FR_L@θ, AUC@θ with θ a fraction (default: '
        f'{" ".join(DEFAULT_MEASURES)}). Each counts in the correction for multiplicity')
    tests.add_argument('--baseline', metavar='NAME',
                       help='system that the others are compared with (default: the first)')
    tests.add_argument('--all-pairs', action='store_true',
                       help='compare every system with every other')
    tests.add_argument('--landmark-threshold', type=float, default=0.10, metavar='θ',
                       help='of the failure rates by landmark, region and occlusion, and of the '
                       'count of failures (default: %(default)s)')

    method = parser.add_argument_group('how')
    method.add_argument('--unit', choices=UNITS, default='image',
                        help='what is resampled: images, or folders of images such as videos '
                        '(default: %(default)s)')
    method.add_argument('--resamples', type=int, default=5000, metavar='R',
                        help='bootstrap resamples and random swaps (default: %(default)s)')
    method.add_argument('--seed', type=int, default=0, help='of the draws (default: %(default)s)')
    method.add_argument('--level', type=float, default=0.95, metavar='P',
                        help='coverage of intervals; tests are at 1 - P (default: %(default)s)')
    method.add_argument('--interval', choices=('bca', 'percentile'), default='bca',
                        help='bootstrap interval of single runs (default: %(default)s)')
    method.add_argument('--common-only', action='store_true',
                        help='compare on the faces and landmarks that all runs have, instead of '
                        'refusing runs that differ; what is left out is counted')

    plots = parser.add_argument_group('plots')
    plots.add_argument('--formats', nargs='+', choices=('png', 'pdf', 'svg'),
                       default=['png', 'pdf'], help='(default: png pdf)')
    plots.add_argument('--limit', type=float, default=0.30, metavar='θ',
                       help='right end of the error axis (default: %(default)s)')
    args = parser.parse_args()
    if not args.runs and not args.group:
        parser.error('give at least one RUN, or --group NAME=RUN,RUN,…')
    if args.names and len(args.names) != len(args.runs):
        parser.error(f'--names: {len(args.names)} names for {len(args.runs)} RUNs')
    if not 0 < args.limit <= 10:
        parser.error(f'--limit {args.limit}: a fraction such as 0.3 is wanted (0.3 is 30 %)')
    for text in args.group:
        name, separator, listed = text.partition('=')
        if not separator or not name or not all(listed.split(',')):
            parser.error(f'--group {text}: NAME=RUN,RUN,… is wanted')
    return args


def choose_names(prefixes: list[str]) -> list[str]:
    """The last parts of the prefixes, as many as tell them apart."""
    parts = [Path(prefix).absolute().parts for prefix in prefixes]
    for count in range(1, max(map(len, parts), default=1) + 1):
        names = ['/'.join(one[-count:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    raise ValueError('one result file is given more than once: ' + ', '.join(prefixes)
                     + '. Give each once, or two --names for it')


def read_systems(args: argparse.Namespace) -> tuple[dict, list[System]]:
    """Read all result files; runs get names, systems their runs."""
    prefixes = [find_prefix(run) for run in args.runs]
    names = args.names or choose_names(prefixes)
    results, systems = {}, []

    def add(name: str, paths: list[str], runs: list[str]) -> None:
        systems.append(System(name, tuple(runs)))
        if name in [system.name for system in systems[:-1]] or set(runs) & set(results):
            raise ValueError(f'two systems are called {name!r}; give each a name of its own')
        for run, path in zip(runs, paths):
            results[run] = load_result(path)

    for name, prefix in zip(names, prefixes):
        add(name, [prefix], [name])
    for text in args.group:
        name, _, listed = text.partition('=')
        paths = [find_prefix(path) for path in listed.split(',')]
        if len(set(map(str, map(Path, paths)))) < len(paths):
            raise ValueError(f'--group {name}: one result file is given more than once')
        add(name, paths, [f'{name} seed {index}' for index in range(1, len(paths) + 1)]
            if len(paths) > 1 else [name])
    return results, systems


def main() -> None:
    args = parse_args()
    with clear_errors(FileNotFoundError, ValueError, KeyError):
        settings = Settings(
            measures=tuple(dict.fromkeys(args.measures)), baseline=args.baseline,
            all_pairs=args.all_pairs, resamples=args.resamples, seed=args.seed, level=args.level,
            method=args.interval, unit=args.unit, landmark_threshold=args.landmark_threshold)
        results, systems = read_systems(args)
        runs = align_results(results, common_only=args.common_only)
        print(f'{runs.report["faces"]} faces × {runs.report["landmarks"]} landmarks of '
              f'{runs.first.dataset_name}, {len(results)} runs')
        for text in left_out_sentences(runs.report):
            print(f'left out: {text}')
        comparison = compare_systems(runs, systems, settings, on_block=progress(settings))
        print('\nwriting tables and plots …', flush=True)
        written = write_report(comparison, args.out, args.formats, args.limit, args.title)
    print_findings(comparison)
    for kind, paths in written.items():
        print(f'{kind}: ' + (paths[0] if len(paths) == 1 else
                             f'{len(paths)} files in {Path(paths[0]).parent}'))


def progress(settings: Settings):
    """A callback that moves a progress bar."""
    bar = ProgressBar(settings.resamples)

    def move(done: int, total: int) -> None:
        bar.update(done - bar.completed)

    return move


def print_findings(comparison) -> None:
    """Print what matters most."""
    tables = build_tables(comparison)
    for name in ('measures', 'differences', 'saturation'):
        if name in tables:
            print(f'\n{tables[name].caption}\n{tables[name].to_markdown()}', end='')
    print()
    for text in comparison.warnings:
        print(f'MIND: {text}')
    for text in describe(comparison):
        print(f'- {text}')
    print()


if __name__ == '__main__':
    main()
