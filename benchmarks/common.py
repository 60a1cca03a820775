"""What the benchmarks share: the machine's description, tables, results on disk."""
from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import platform
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the checkout, installed or not

from mmpose_wass.engine import write_json  # noqa: E402

PACKAGES = ('mmpose-wass', 'torch', 'numpy', 'POT', 'geomloss', 'mmpose', 'mmengine')
RESULTS = Path('work_dirs/benchmarks')


def package_version(name: str) -> Optional[str]:
    """Installed version of a distribution, None where there is none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor_name() -> str:
    """Model of the CPU."""
    path = Path('/proc/cpuinfo')
    lines = path.read_text().splitlines() if path.is_file() else []
    for line in lines:
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return platform.processor() or platform.machine()


def environment(device: torch.device) -> Dict[str, object]:
    """Where and with what a result was measured."""
    return dict(
        date=datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        system=f'{platform.system()} {platform.machine()}',
        cpu=processor_name(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        cores=len(_affinity()),
        gpu=torch.cuda.get_device_name(device) if device.type == 'cuda' else None,
        cuda=torch.version.cuda if device.type == 'cuda' else None,
        python=platform.python_version(),
        versions={name: package_version(name) for name in PACKAGES},
        threads=torch.get_num_threads(),
        command=' '.join([Path(sys.argv[0]).name, *sys.argv[1:]]))


def describe(measured_on: Dict[str, object]) -> str:
    """The environment in one line, for the head of a table."""
    versions = ', '.join(f'{name} {version}' for name, version in measured_on['versions'].items()
                         if version)
    gpu = f'{measured_on["gpu"]}, CUDA {measured_on["cuda"]}; ' if measured_on['gpu'] else ''
    return (f'{measured_on["date"]}; {gpu}{measured_on["cpu"]} '
            f'({measured_on["cores"]} cores, {measured_on["cpu_capability"]}); '
            f'Python {measured_on["python"]}, {versions}')


def table(header: Sequence[str], rows: Sequence[Sequence[object]], markdown: bool = False) -> str:
    """A table as text, aligned for a terminal or in Markdown.

    Args:
        header: Column names.
        rows: Cells; anything that is not a string is printed with ``str``.
        markdown: Whether to write a Markdown table.
    """
    cells: List[List[str]] = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        padded = [cell.ljust(width) if column == 0 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append('| ' + ' | '.join(padded) + ' |' if markdown else '  '.join(padded))
    rule = ['-' * width for width in widths]
    if markdown:
        rule = [line[:-1] + ':' if column else line for column, line in enumerate(rule)]
    lines.insert(1, '| ' + ' | '.join(rule) + ' |' if markdown else '  '.join(rule))
    return '\n'.join(lines)


def number(value: Optional[float], digits: int = 3) -> str:
    """A number with so many significant digits, ``-`` for None."""
    if value is None:
        return '-'
    if value and (abs(value) >= 10**digits or abs(value) < 1e-3):
        return f'{value:.{digits - 1}e}' if abs(value) < 1e-3 else f'{value:,.0f}'
    return f'{value:.{digits}g}'


def percent(share: Optional[float]) -> str:
    """A fraction in per cent."""
    return '-' if share is None else f'{number(100 * share)} %'


def add_common_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Options of every benchmark."""
    parser.add_argument('--device', default='cpu', metavar='DEVICE',
                        help='cpu, cuda or cuda:N (default: %(default)s)')
    parser.add_argument('--out', type=Path, default=RESULTS / f'{name}.json', metavar='JSON',
                        help='where the results go (default: %(default)s)')
    parser.add_argument('--markdown', action='store_true',
                        help='print Markdown tables, to paste into docs/performance.md')
    parser.add_argument('--seed', type=int, default=0, help='seed (default: %(default)s)')


def select_device(parser: argparse.ArgumentParser, name: str) -> torch.device:
    """The device asked for; ends with a clear message where there is none."""
    try:
        device = torch.device(name)
    except RuntimeError:
        parser.error(f'--device {name}: must be cpu, cuda or cuda:N')
    if device.type not in ('cpu', 'cuda'):
        parser.error(f'--device {name}: must be cpu, cuda or cuda:N')
    if device.type == 'cuda' and not torch.cuda.is_available():
        parser.error(f'--device {name}: torch {torch.__version__} sees no CUDA device here')
    return device


def report_skipped(skipped: Dict[str, str]) -> None:
    """Say what was left out, and why."""
    for name, reason in skipped.items():
        print(f'skipped  {name}: {reason}')


def save(path: Path, content: Dict[str, object]) -> None:
    """Write the results and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(str(path), content)
    print(f'\nwritten to {path}')


def _affinity() -> set:
    import os
    if hasattr(os, 'sched_getaffinity'):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
