"""Boxes of faces that the user brings, from JSON or CSV."""
from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from pathlib import Path, PureWindowsPath
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

import numpy as np

from .detectors import Boxes

_FORMS = """\
A file of boxes is one of
- a JSON list of {"file_name": ..., "bbox": [left, top, width, height]}, where "score" and, for
  films, "frame" (from 0) may stand as well;
- a COCO annotation file (images, annotations);
- a landmarks.json that tools/demo.py wrote;
- CSV with the columns file_name, left, top, width, height and, if wanted, score and frame."""

Key = Tuple[str, ...]


class GivenBoxes:
    """Boxes by image, or by film and frame.

    An image is found by the end of its path: ``a/b.jpg`` in the file means every input whose path
    ends so.

    Args:
        path: JSON or CSV.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is something else; names the entry and the field.
    """

    def __init__(self, path: str) -> None:
        self.path = str(path)
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such file of boxes')
        entries = _csv_entries(self.path) if self.path.lower().endswith('.csv') \
            else _json_entries(self.path)
        found: Dict[Tuple[Key, int], List[Tuple[List[float], float]]] = defaultdict(list)
        for where, name, frame, box, score in entries:
            if not isinstance(name, str) or not name:
                raise ValueError(f'{where}: file_name must be the name of an image, found '
                                 f'{name!r}')
            box, score = _checked(where, box, score)
            found[_parts(name), frame].append((box, score))
        self._boxes = {key: Boxes(np.array([box for box, _ in listed]),
                                  np.array([score for _, score in listed]))
                       for key, listed in found.items()}
        self._by_last: Dict[str, Set[Key]] = defaultdict(set)
        for name, _ in self._boxes:
            self._by_last[name[-1]].add(name)
        self._used: Set[Key] = set()

    def of(self, source: str, frame: int = 0) -> Boxes:
        """Boxes of an image or of a film's frame; empty where the file has none.

        Raises:
            ValueError: If two names in the file fit.
        """
        parts = _parts(source)
        fitting = [name for name in self._by_last.get(parts[-1], ()) if _same_end(name, parts)]
        if len(fitting) > 1:
            longest = max(len(name) for name in fitting)
            fitting = [name for name in fitting if len(name) == longest]
        if len(fitting) > 1:
            names = ', '.join(sorted('/'.join(name) for name in fitting))
            raise ValueError(f'{self.path}: both of {names} fit {source}')
        if not fitting:
            return Boxes(np.zeros((0, 4)), np.zeros(0))
        self._used.add(fitting[0])
        return self._boxes.get((fitting[0], frame), Boxes(np.zeros((0, 4)), np.zeros(0)))

    def unused(self) -> List[str]:
        """Names in the file for which :meth:`of` was never asked."""
        return sorted('/'.join(name) for name in {name for name, _ in self._boxes} - self._used)


def _json_entries(path: str) -> Iterator[Tuple[str, Any, int, Any, Any]]:
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: is no JSON ({error}). {_FORMS}') from error
    if isinstance(content, dict) and 'frames' in content:
        for number, record in enumerate(content['frames']):
            for face in record['faces']:
                left, top, right, bottom = face['box']
                yield (f'{path}: frame {number}', record['source'], record['frame'],
                       [left, top, right - left, bottom - top], face.get('box_score', 1.0))
        return
    if isinstance(content, dict) and {'images', 'annotations'} <= set(content):
        names = {image['id']: image['file_name'] for image in content['images']}
        content = [dict(one, file_name=names.get(one.get('image_id')), score=1.0)
                   for one in content['annotations']]
    if not isinstance(content, list):
        raise ValueError(f'{path}: found {type(content).__name__}. {_FORMS}')
    for number, entry in enumerate(content):
        where = f'{path}: box {number}'
        if not isinstance(entry, dict) or 'file_name' not in entry or 'bbox' not in entry:
            raise ValueError(f'{where}: needs file_name and bbox, found {entry!r:.200}. {_FORMS}')
        yield (where, entry['file_name'], _frame(where, entry.get('frame', 0)), entry['bbox'],
               entry.get('score', 1.0))


def _csv_entries(path: str) -> Iterator[Tuple[str, Any, int, Any, Any]]:
    needed = ('file_name', 'left', 'top', 'width', 'height')
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            rows = csv.DictReader(file)
            missing = [name for name in needed if name not in (rows.fieldnames or ())]
            if missing:
                raise ValueError(f'{path}: has no column {", ".join(missing)}; found '
                                 f'{", ".join(rows.fieldnames or ()) or "nothing"}. {_FORMS}')
            for row in rows:
                where = f'{path}: line {rows.line_num}'
                yield (where, row['file_name'], _frame(where, row.get('frame') or 0),
                       [row[name] for name in needed[1:]], row.get('score') or 1.0)
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: is no text ({error}). {_FORMS}') from error


def _frame(where: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise ValueError(f'{where}: frame must be a whole number from 0, found {value!r}')
    return number


def _checked(where: str, box: Any, score: Any) -> Tuple[List[float], float]:
    """Left, top, right, bottom, and the score."""
    try:
        left, top, width, height = (float(value) for value in box)
        score = float(score)
    except (TypeError, ValueError):
        raise ValueError(f'{where}: bbox must be four numbers (left, top, width, height) and score '
                         f'a number, found {box!r}, {score!r}') from None
    if not all(math.isfinite(value) for value in (left, top, width, height, score)) \
            or width <= 0 or height <= 0:
        raise ValueError(f'{where}: bbox is (left, top, width, height), finite and of some size, '
                         f'found ({left:g}, {top:g}, {width:g}, {height:g})')
    return [left, top, left + width, top + height], score


def _parts(path: str) -> Key:
    # Splits at both kinds of slashes, whatever machine the file was written on.
    return tuple(part for part in PureWindowsPath(path).parts if part not in ('.', '\\', '/'))


def _same_end(first: Key, second: Key) -> bool:
    length = min(len(first), len(second))
    return first[-length:] == second[-length:]


def boxes_or_none(given: Optional[GivenBoxes], source: str, frame: int) -> Optional[Boxes]:
    """What the file says of a frame; ``None`` without a file: the detector is asked."""
    return None if given is None else given.of(source, frame)
