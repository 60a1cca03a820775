"""Command-line options that tools/train.py and tools/test.py share."""

from __future__ import annotations

import argparse
import copy
import os
import sys
from contextlib import contextmanager
from typing import Iterator

from mmengine.config import Config, DictAction

from ..turning_on import describe_difference, turn_on
from ..turning_on.codecs import COORDINATES
from ..turning_on.config_walk import type_name
from ..turning_on.heads import LOSSES
from ..turning_on.metrics import add_custom_import
from ..visualization import pose_visualizer
from .data_check import check_data_files, check_paths
from .data_content_check import check_data_content
from .distributed import is_first_process
from .landmark_count_check import check_landmark_counts
from .results import atomic_write


def add_turn_on_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--wass`` and what goes with it."""
    group = parser.add_argument_group(
        'turning the method on', 'rewrite any MMPose top-down heatmap config on the fly')
    group.add_argument(
        '--wass', action='store_true',
        help='use the Wasserstein loss, the barycentre codec, unbiased flip settings and the face '
        'metrics; prints what changes')
    group.add_argument(
        '--sigma', type=float, metavar='S',
        help="sigma of the Gaussian targets in heatmap pixels (default: the config's own)")
    group.add_argument(
        '--loss', choices=list(LOSSES), default='wasserstein',
        help="the paper's loss, or with a KL term for training from random weights "
        '(default: %(default)s)')
    group.add_argument(
        '--sampling', choices=['barycenter', 'argmax'], default='barycenter',
        help='how landmarks are read off the heatmap (default: %(default)s)')
    group.add_argument(
        '--coordinates', choices=list(COORDINATES),
        help='coordinate convention of the heatmap (default: what fits the pipelines)')
    group.add_argument(
        '--no-metrics', action='store_true',
        help='leave evaluators and save_best as they are')
    group.add_argument(
        '--wass-out', metavar='FILE.py',
        help='also write the rewritten config to this file, as a config that stands alone')


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add the options about the config itself and the launcher, as in MMPose's tools."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
        help='change settings of the config, such as model.backbone.init_cfg=None or '
        'key="[a,b]" or key="[(a,b),(c,d)]" (in quotes, without blanks); after --wass')
    stop = parser.add_mutually_exclusive_group()
    stop.add_argument(
        '--show-config', action='store_true',
        help='print the whole config as it would be used, and stop')
    stop.add_argument(
        '--dry-run', action='store_true',
        help='check that data and weights are there, print what --wass changes, and stop')
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
        help='job launcher (default: %(default)s); the dist_*.sh and slurm_*.sh scripts set it')
    # torch.distributed.launch passes it; torchrun sets LOCAL_RANK instead.
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_data_check_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--no-data-check``."""
    parser.add_argument(
        '--no-data-check', action='store_true',
        help='do not look into annotation and image files before the start (only whether they are '
        'there)')


def check_data(cfg: Config, args: argparse.Namespace, splits: tuple[str, ...]) -> list[str]:
    """Check what a run reads, and that its landmarks are the model's, before it starts.

    In a distributed run, only the first process opens files.

    Args:
        cfg: The config.
        args: The options.
        splits: Some of ``'train'``, ``'val'``, ``'test'``.

    Returns:
        list[str]: The annotation files.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If something in them cannot be used.
    """
    check_paths(cfg, splits)
    files = check_data_files(cfg, splits)
    check_landmark_counts(cfg, splits)
    if is_first_process() and not args.no_data_check:
        for line in check_data_content(cfg, splits):
            print(line, flush=True)
    return files


def add_visualization_options(parser: argparse.ArgumentParser) -> None:
    """Add MMPose's options to draw predictions while running."""
    parser.add_argument('--show-dir', metavar='DIR', help='draw predictions into this folder')
    parser.add_argument(
        '--show', action='store_true', help='show predictions in a window')
    parser.add_argument(
        '--interval', type=int, default=1, metavar='N', help='draw every N-th sample')
    parser.add_argument(
        '--wait-time', type=float, default=1, metavar='SECONDS',
        help='how long each window stays (default: %(default)s)')


def check_turn_on_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse options that would do nothing without ``--wass``."""
    if args.wass:
        return
    for name in ('sigma', 'loss', 'sampling', 'coordinates', 'no_metrics', 'wass_out'):
        if getattr(args, name) != parser.get_default(name):
            parser.error(f'--{name.replace("_", "-")} has an effect only together with --wass')


def apply_turn_on(cfg: Config, args: argparse.Namespace, quiet: bool = False) -> Config:
    """Rewrite a config as ``--wass`` and its companions ask for.

    Args:
        cfg: The config as loaded.
        args: The options of :func:`add_turn_on_options`.
        quiet: Whether to print nothing and write nothing (processes beyond the first).

    Returns:
        Config: The same config without ``--wass``, a new one with it.
    """
    if not args.wass:
        return cfg
    after = turn_on(
        cfg, sigma=args.sigma, loss=args.loss, sampling=args.sampling,
        coordinates=args.coordinates, metric=not args.no_metrics)
    if not quiet:
        print(f'--wass changes in {cfg.filename}:')
        print(describe_difference(cfg, after) or '  nothing', flush=True)
    return after


def merge_cfg_options(cfg: Config, args: argparse.Namespace) -> None:
    """Merge ``--cfg-options`` into a config (in place).

    Raises:
        ValueError: If an option does not fit the config; names it.
    """
    for name, value in (args.cfg_options or {}).items():
        try:
            cfg.merge_from_dict({name: value})
        except (TypeError, KeyError, IndexError) as error:
            raise ValueError(f'--cfg-options {name}={value}: does not fit the config '
                             f'({str(error).strip(chr(39))})') from error


def write_config(cfg: Config, args: argparse.Namespace) -> None:
    """Write the rewritten config to ``--wass-out``, atomically, as a config that stands alone.

    It holds what ``--wass`` and ``--cfg-options`` say about the model, the data and the recipe,
    but nothing of this one run (launcher, working folder, …).

    Args:
        cfg: The config after :func:`apply_turn_on`; it is not changed.
        args: The options.

    Raises:
        ValueError: If the name does not end in ``.py``.
    """
    if not args.wass_out.endswith('.py'):
        raise ValueError(f'--wass-out {args.wass_out}: the name must end in .py')
    written = copy.deepcopy(cfg)
    merge_cfg_options(written, args)
    with atomic_write(args.wass_out) as file:
        file.write(written.pretty_text)
    print(f'The config is in {os.path.abspath(args.wass_out)}', flush=True)


def set_work_dir(cfg: Config, args: argparse.Namespace) -> None:
    """Choose the working folder: option, then config, then ``./work_dirs/<config's name>``."""
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir', None) is None:
        name = os.path.splitext(os.path.basename(args.config.replace('::', '/')))[0]
        cfg.work_dir = os.path.join('./work_dirs', name + ('_wass' if args.wass else ''))


def set_visualization(cfg: Config, args: argparse.Namespace, show: bool) -> None:
    """Switch MMPose's visualisation hook on (``--show``, ``--show-dir``)."""
    if not show and args.show_dir is None:
        return
    hook = (cfg.get('default_hooks', None) or {}).get('visualization', None)
    if hook is None:
        raise ValueError('--show and --show-dir need default_hooks.visualization='
                         "dict(type='PoseVisualizationHook') in the config")
    hook.enable = True
    hook.show = show
    if args.show:
        hook.wait_time = args.wait_time
    hook.out_dir = args.show_dir
    hook.interval = args.interval
    visualizer = cfg.get('visualizer', None)
    if type_name(visualizer) == 'PoseLocalVisualizer' and not pose_visualizer.arrays_are_numbers():
        visualizer.type = pose_visualizer.FacePoseVisualizer.__name__
        add_custom_import(cfg)


def set_preprocessor(cfg: Config) -> None:
    """Hand a config's top-level ``preprocess_cfg`` to the model, as MMPose's tools do."""
    if 'preprocess_cfg' in cfg:
        cfg.model.setdefault('data_preprocessor', cfg.get('preprocess_cfg', {}))


def set_local_rank(args: argparse.Namespace) -> None:
    """Set ``LOCAL_RANK`` where no launcher has."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))


def accept_any_name() -> None:
    r"""Let standard input, output and error hold file names whose bytes are no UTF-8.

    They are read as Python reads names from the file system, and printed as ``\udcff``; by default
    both would be an error in the middle of the work.
    """
    for stream, errors in ((sys.stdin, 'surrogateescape'), (sys.stdout, 'backslashreplace'),
                           (sys.stderr, 'backslashreplace')):
        if hasattr(stream, 'reconfigure'):  # some replacements of these streams have none
            stream.reconfigure(errors=errors)


@contextmanager
def clear_errors(*kinds: type[BaseException]) -> Iterator[None]:
    """Turn errors that speak for themselves into a message and exit status 1.

    Meant for what the user can mend (a missing file, an option that does not fit): a stack trace
    would only hide the message.

    Args:
        *kinds: The errors to turn; ``OSError`` (files) and ``ValueError`` by default.
    """
    if not kinds:
        kinds = (OSError, ValueError)
    try:
        yield
    except kinds as error:
        # A KeyError prints its message in quotes.
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise SystemExit(f'error: {message}') from error
