"""Write ``docs/model_zoo.md`` and ``model-index.yml``."""
from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from mmengine.config import Config

from ..engine.data_check import find_datasets
from ..engine.results import atomic_write
from ..project import CONFIG_ROOT, OUTPUT_ROOT
from ..version import __version__
from .collect import Measurement, Report, measure
from .published import FIGURES, TABLES
from .report import short_row
from .tables import Cell, Row, Table

DATA_NAMES = {'300w': '300W', '300vw': '300VW', 'wflw': 'WFLW', 'cofw': 'COFW', 'aflw': 'AFLW',
              'wflw68': 'WFLW, 68 landmarks', 'wflw17': 'WFLW, 17 landmarks'}
_ARCHITECTURES = {'hrnetv2-w18': 'HRNet', 'hourglass': 'Stacked Hourglass', 'cpn50': 'CPN',
                  'res50': 'SimpleBaselines'}
_GENERATED = 'Written by `python tools/reproduce.py --write-zoo`; do not edit.'
_CONFIGS = 'configs/face'
METAFILE = f'{_CONFIGS}/metafile.yml'


def write_zoo(reports: Sequence[Report], root: Path = OUTPUT_ROOT) -> List[str]:
    """Write all three files.

    Args:
        reports: What has been measured, from ``collect_reports``.
        root: The checkout.

    Returns:
        list[str]: The files.
    """
    written = []
    for name, text in (('docs/model_zoo.md', model_zoo(reports)),
                       (METAFILE, metafile(reports)), ('model-index.yml', model_index())):
        path = os.path.join(root, *name.split('/'))
        with atomic_write(path) as file:
            file.write(text)
        written.append(path)
    return written


def training_configs() -> List[Path]:
    """Configs of the zoo that train a model of their own, as opposed to testing one otherwise."""
    folders = [CONFIG_ROOT / name for name in DATA_NAMES]
    return sorted(path for folder in folders for path in folder.glob('td-hm_*.py')
                  if '-getmax-' not in path.name and '-getbc-' not in path.name)


@lru_cache(maxsize=4)
def short_names(pattern: str) -> Dict[str, str]:
    """Configs with names of their own, and what they train on."""
    names = {}
    for path in sorted(CONFIG_ROOT.glob(pattern)):
        (_, dataset), *_ = find_datasets(Config.fromfile(path), 'train')
        folder = dataset['data_root'].rstrip('/').split('/')
        rendered = 'rendered faces, ' if 'synthetic' in folder else ''
        names[path.stem] = rendered + DATA_NAMES.get(folder[-1], folder[-1])
    return names


def model_zoo(reports: Sequence[Report]) -> str:
    """Text of ``docs/model_zoo.md``."""
    lines = [
        '# Model zoo', '', f'<!-- {_GENERATED} -->', '',
        'A config for every row of the paper\'s tables and figures. Numbers are the *published* '
        'ones; what was measured here stands in brackets behind them, with its setting below the '
        'table. No bracket: not measured. NME and failure rates are per cent. How to run a row: '
        '`python tools/reproduce.py --table N` (`--help` for a reduced size on CPUs; Tables 2 and '
        '10 at one: `results/reproduction/reduced_tables.md`). How silent or contradictory places '
        'of the paper are read: [paper_notes.md](paper_notes.md). How to add a data set or a loss: '
        '[extend.md](extend.md).', '',
        '## The parts', '',
        'A config is a list of parts; its name says which: '
        '`td-hm_{model}[-coordconv]_{loss}-sigma{σ}[-{sampling}]-1xb16-60e_{data}[-{test}]-256x256`'
        '.', '', '| part | in the name | file |', '|---|---|---|', *_parts(), '']
    for table in TABLES + FIGURES:
        lines += _section(table, reports)
    lines += ['## Further configs', '',
              'Short names, and combinations that no table of the paper has. The experiments of '
              '[results.md](results.md) have theirs in `configs/face/evidence/`.', '',
              '| config | trained on |', '|---|---|']
    lines += [f'| {_link(f"{name}.py")} | {data} |' for name, data in short_names('*.py').items()]
    lines += [f'| {_link(f"cross_dataset/{name}.py")} | {data} |'
              for name, data in short_names('cross_dataset/*.py').items()]
    listed = {row.config for table in TABLES + FIGURES for row in table.systems}
    for path in sorted(CONFIG_ROOT.rglob('td-hm_*.py')):
        name = path.relative_to(CONFIG_ROOT).as_posix()
        if name not in listed:
            lines.append(f'| {_link(name)} | {_data_of(name)} |')
    return '\n'.join(lines) + '\n'


def model_index() -> str:
    """Text of ``model-index.yml``, where MIM and MMEngine begin to look."""
    return f'# {_GENERATED}\nImport:\n  - {METAFILE}\n'


def metafile(reports: Sequence[Report]) -> str:
    """Text of the file that lists the models, in the format of MIM."""
    lines = [
        f'# Models in the format of MIM. {_GENERATED}', 'Collections:',
        '  - Name: 2D Wasserstein loss', '    Metadata:',
        f'      Architecture: [{", ".join(_ARCHITECTURES.values())}]',
        '      Training Techniques: [2D Wasserstein heatmap loss]', '    Paper:',
        '      Title: 2D Wasserstein Loss for Robust Facial Landmark Detection',
        '      URL: https://arxiv.org/abs/1911.10572', '    README: docs/model_zoo.md', '    Code:',
        '      URL: mmpose_wass/models/losses/wasserstein_heatmap_loss.py',
        f'      Version: v{__version__}', 'Models:']
    for name, data in short_names('*.py').items():
        lines += _model(name, f'{name}.py', data, {})
    results = _full_size_results(reports)
    for path in training_configs():
        name = path.relative_to(CONFIG_ROOT).as_posix()
        lines += _model(path.stem, name, _data_of(name), results.get(name, {}))
    return '\n'.join(lines) + '\n'


def _model(name: str, config: str, data: str, results: Dict[str, Dict[str, float]]) -> List[str]:
    lines = [f'  - Name: {name}', '    In Collection: 2D Wasserstein loss',
             f'    Config: {_CONFIGS}/{config}', '    Metadata:', f'      Training Data: {data}']
    if results:
        lines.append('    Results:')
        for dataset, metrics in results.items():
            lines += [f'      - Dataset: {dataset}', '        Task: Face 2D Keypoint',
                      '        Metrics:']
            lines += [f'          {metric}: {value:.2f}' for metric, value in metrics.items()]
    return lines


def _full_size_results(reports: Sequence[Report]) -> Dict[str, Dict[str, Dict[str, float]]]:
    """By training config, test and metric: what was measured as the paper does."""
    results: Dict[str, Dict[str, Dict[str, float]]] = {}
    for table in TABLES + FIGURES:
        for row in table.systems:
            for cell in table.cells(row):
                found = measure(cell, reports)
                if found and found.report.setting.is_full_size and _is_as_asked(found):
                    test = ' '.join(filter(None, (
                        row.protocol.label or DATA_NAMES[row.system.data],
                        row.test_set or cell.column.test_set)))
                    results.setdefault(row.training_config, {}).setdefault(
                        test, {})[cell.column.measure] = found.value
    return results


def _is_as_asked(found: Measurement) -> bool:
    setting = found.report.setting
    return not setting.stand_in and not setting.partial


def _data_of(name: str) -> str:
    """What a config, named below ``configs/face``, trains on."""
    return DATA_NAMES[name.split('/')[0].split('_')[0]]


def _parts() -> Iterable[str]:
    """Lines of the table of parts, each with what its file says of itself."""
    kinds = (('data set', 'datasets', '{data}'), ('landmarks', 'landmarks', '{data}'),
             ('model', 'models', '{model}'), ('loss', 'losses', '{loss}'),
             ('targets', 'targets', 'sigma{σ}'), ('sampling', 'sampling', '{sampling}'))
    for kind, folder, place in kinds:
        for path in sorted((CONFIG_ROOT / '_base_' / folder).glob('*.py')):
            yield (f'| {kind} | `{place}` | {_link(f"_base_/{folder}/{path.name}", path.stem)}: '
                   f'{_first_sentence(path)} |')
    yield (f'| CoordConv | `-coordconv` | {_link("_base_/coord_conv.py", "coord_conv")}: '
           f'{_first_sentence(CONFIG_ROOT / "_base_/coord_conv.py")} |')


def _first_sentence(path: Path) -> str:
    lines = []
    for line in path.read_text(encoding='utf-8').splitlines():
        if not line.startswith('#'):
            break
        lines.append(line.lstrip('# '))
    text = ' '.join(lines)
    return text.split('. ')[0].rstrip('.') + '.'


def _section(table: Table, reports: Sequence[Report]) -> List[str]:
    lines = [f'## {table.name}. {table.title}', '',
             '| system | trained on | tested on | config | published (measured) |',
             '|---|---|---|---|---|']
    for row in table.systems:
        lines.append('| ' + ' | '.join((
            row.label, DATA_NAMES[row.system.data], _tested(row), _link(row.config),
            short_row(row, table, reports))) + ' |')
    if table.note:
        lines += ['', table.note]
    settings: Dict[str, List[Cell]] = {}
    for row in table.systems:
        for cell in table.cells(row):
            found = measure(cell, reports)
            if found:
                settings.setdefault(found.report.setting.describe(), []).append(cell)
    for text, cells in settings.items():
        labels = ', '.join(dict.fromkeys(cell.row.label for cell in cells))
        lines += ['', f'Measured ({labels}): {text}.']
    return [*lines, '']


def _tested(row: Row) -> str:
    data = DATA_NAMES.get(row.test_data, row.test_data)
    test_set = row.test_set.replace('scenario_', 'S')
    return ', '.join(filter(None, (row.protocol.label or data, test_set)))


def _link(config: str, text: str = '') -> str:
    return f'[{text or Path(config).stem}](../{_CONFIGS}/{config})'

