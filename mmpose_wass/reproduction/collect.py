"""Find reports of ``tools/test.py --out``, and take from them what a table asks for."""
from __future__ import annotations

import glob
import json
import math
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from mmengine.config import Config

from ..engine.data_check import annotation_path, find_datasets
from ..project import CONFIG_ROOT
from ..turning_on.config_walk import type_name
from .tables import Cell

#: What the paper trains with; anything else is named in a report's setting.
PAPER_INPUT, PAPER_EPOCHS = (256, 256), 60


@dataclass(frozen=True)
class Setting:
    """What a number was measured with, as the report itself tells.

    Attributes:
        backbone (str): Kind of the backbone.
        input_size (tuple[int, int]): Width and height of the input.
        epochs (int | None): Epochs that the checkpoint has been trained for.
        pretrained (bool): Whether the training began from pretrained weights.
        own_backbone (bool): Whether backbone, neck and pretrained weights are those of the zoo's
            config of that name.
        train_data (str): Annotation file trained on.
        train_faces (int | None): Where a training was limited to so many faces.
        seed (int | None): Of the training.
        tested (tuple[str, ...]): Annotation files of the test.
        faces (int): Faces tested.
        stand_in (str): Data that the test used in place of the protocol's.
        partial (str): Members of a union that were missing.
        date (str): When it was tested.
    """
    backbone: str
    input_size: Tuple[int, int]
    epochs: Optional[int]
    pretrained: bool
    own_backbone: bool
    train_data: str
    train_faces: Optional[int]
    seed: Optional[int]
    tested: Tuple[str, ...]
    faces: int
    stand_in: str
    partial: str
    date: str

    @property
    def is_full_size(self) -> bool:
        """Whether model, input and schedule are the paper's, on all training faces."""
        return (self.own_backbone and self.input_size == PAPER_INPUT
                and (self.epochs or 0) >= PAPER_EPOCHS and self.train_faces is None)

    def describe(self) -> str:
        """In words, for a footnote."""
        words = [self.backbone, f'{self.input_size[0]}×{self.input_size[1]}',
                 f'{"?" if self.epochs is None else self.epochs} epochs',
                 'pretrained backbone' if self.pretrained else 'random weights']
        if self.train_faces is not None:
            words.append(f'{self.train_faces} training faces')
        words.append(f'trained on {self.train_data}')
        words.append(f'tested on {self.faces} faces of {" + ".join(self.tested)}')
        if self.stand_in:
            words.append(f'IN PLACE OF {self.stand_in}')
        if self.partial:
            words.append(f'WITHOUT {self.partial}')
        if self.seed is not None:
            words.append(f'seed {self.seed}')
        return ', '.join(words)


@dataclass(frozen=True)
class Report:
    """A test.

    Attributes:
        path (str): File.
        config (str): Name of its config, without folder and ending.
        metrics (dict[str, float]): By name.
        setting (Setting): What it was measured with.
    """
    path: str
    config: str
    metrics: Mapping[str, float]
    setting: Setting


@dataclass(frozen=True)
class Measurement:
    """A number that was measured, beside the published one.

    Attributes:
        value (float): As measured.
        difference (float | None): Measured less published; None where there is no published
            number, or the test was not the paper's.
        report (Report): Where it comes from.
    """
    value: float
    difference: Optional[float]
    report: Report


def collect_reports(places: Iterable[str]) -> Tuple[List[Report], List[str]]:
    """Read all reports below some folders.

    Args:
        places: Folders, or files.

    Returns:
        tuple[list[Report], list[str]]: Reports, and remarks on JSON files that look like a report
        and cannot be read; other JSON files are passed over.

    Raises:
        FileNotFoundError: If a place does not exist.
    """
    reports, remarks = [], []
    for place in places:
        path = Path(place)
        if not path.exists():
            raise FileNotFoundError(f'no folder or file {place} to collect results from')
        files = sorted(path.rglob('*.json')) if path.is_dir() else [path]
        for file in files:
            try:
                content = json.loads(file.read_text(encoding='utf-8'))
            except (ValueError, UnicodeDecodeError) as error:
                remarks.append(f'{file}: is no JSON ({error})')
                continue
            if not _is_report(content):
                if path.is_file():
                    raise ValueError(f'{file}: is no report of tools/test.py --out (it needs '
                                     'metrics, config and data)')
                continue
            try:
                reports.append(_read(str(file), content))
            except Exception as error:
                remarks.append(f'{file}: its config cannot be read ({error})')
    return reports, remarks


def measure(cell: Cell, reports: Iterable[Report]) -> Optional[Measurement]:
    """The measurement of a table's cell: of several, full size before reduced, then the newest.

    Args:
        cell: The cell.
        reports: All reports.

    Returns:
        Measurement | None: None if no report has it.
    """
    if cell.row.config is None or not cell.column.measure:
        return None
    stem = Path(cell.row.config).stem
    found = [report for report in reports
             if report.config == stem and _value(report, cell) is not None]
    if not found:
        return None
    best = max(found, key=lambda report: (report.setting.is_full_size, not report.setting.stand_in,
                                          report.setting.date))
    value = _value(best, cell)
    comparable = cell.published is not None and not best.setting.stand_in
    return Measurement(value, value - cell.published if comparable else None, best)


def _value(report: Report, cell: Cell) -> Optional[float]:
    name = cell.metric
    if report.setting.stand_in:
        # A stand-in is one set, whatever the sets of the protocol are.
        name = f'face/{cell.column.measure}'
    value = report.metrics.get(name)
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None


def _is_report(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(name), dict) for name in ('metrics', 'config', 'data')) and (
            isinstance(content['config'].get('text'), str)
            and isinstance(content['config'].get('file'), str))


def _read(path: str, content: Dict[str, Any]) -> Report:
    cfg = Config.fromstring(content['config']['text'], '.py')
    backbone = cfg.model.get('backbone', None) or {}
    decoder = cfg.model.head.get('decoder', None) or {}
    train = [dataset for _, dataset in find_datasets(cfg, 'train')]
    limits = [dataset.get('indices', None) for dataset in train]
    notes = cfg.get('reproduction', None) or {}
    config = os.path.splitext(os.path.basename(content['config']['file']))[0]
    setting = Setting(
        backbone=notes.get('backbone', '') or type_name(backbone),
        input_size=tuple(decoder.get('input_size', (0, 0))),
        epochs=content.get('checkpoint', {}).get('epoch'),
        pretrained=bool(backbone.get('init_cfg', None)) or bool(notes.get('load_from', None)),
        own_backbone=_features(cfg) == _zoo_features(config) and not notes.get('load_from', None),
        train_data=' + '.join(_name(annotation_path(dataset)) for dataset in train) or '?',
        train_faces=len(limits[0]) if limits and limits[0] else None,
        seed=(cfg.get('randomness', None) or {}).get('seed', None),
        tested=tuple(dict.fromkeys(_name(annotation_path(dataset))
                                   for _, dataset in find_datasets(cfg, 'test'))),
        faces=int(content['data'].get('faces', 0)),
        stand_in=notes.get('stand_in', ''),
        partial=notes.get('partial', ''),
        date=str(content.get('date', '')))
    return Report(path, config, content['metrics'], setting)


def _features(cfg: Config) -> Dict[str, Any]:
    """Backbone and neck of a config, to compare with another's."""
    parts = {name: Config(dict(part=cfg.model.get(name, None))).to_dict()['part']
             for name in ('backbone', 'neck')}
    start = (parts['backbone'] or {}).get('init_cfg', None)
    if isinstance(start, dict) and isinstance(start.get('checkpoint', None), str):
        # torchvision://resnet50 is /somewhere/resnet50-0676ba61.pth, fetched beforehand.
        name = re.split(r'[/\\]', start['checkpoint'])[-1]
        start['checkpoint'] = re.sub(r'(-[0-9a-f]{8})?\.pth$', '', name)
    return parts


@cache
def _zoo_features(stem: str) -> Optional[Dict[str, Any]]:
    """Of the zoo's config of that name; None if there is none."""
    path = next(iter(sorted(CONFIG_ROOT.rglob(f'{glob.escape(stem)}.py'))), None)
    return None if path is None else _features(Config.fromfile(path))


def _name(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
