"""What is kept of every run: one JSON file and the errors of each face, no image."""
from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np

from ..engine.results import atomic_write, plain, write_json

#: Digits that are kept: a hundredth of what a seed changes.
_DIGITS = 6
#: File beside the records: which faces of a test belong together.
UNITS_FILE = 'test_units.json'


@dataclass
class Record:
    """A run that was trained and tested.

    Attributes:
        name (str): Name of the run.
        content (dict): ``experiment``, ``seed``, ``title``, ``settings``, ``training`` (seconds,
            curve), ``machine``, ``versions``, ``command``, ``tests`` (by test and reading).
        faces (dict[str, np.ndarray]): ``[N, 3]`` by ``test/reading``, see ``Measured``.
        units (dict[str, tuple[int, ...]]): By test the unit that each face belongs to, where faces
            are not independent of each other: a person's pictures, a stretch of film.
    """
    name: str
    content: Dict[str, Any]
    faces: Dict[str, np.ndarray]
    units: Dict[str, Tuple[int, ...]] = field(default_factory=dict)

    @property
    def experiment(self) -> str:
        """Name of the experiment that it is a run of."""
        return self.content['experiment']


def write_record(folder: Union[str, Path], record: Record) -> Path:
    """Write a record's files.

    Returns:
        Path: The JSON file, written last: where it is, the record is whole.
    """
    path = Path(folder) / f'{record.name}.json'
    with atomic_write(str(path.with_suffix('.npz')), 'wb') as file:
        np.savez_compressed(file, **{name.replace('/', '__'): values.astype(np.float16)
                                     for name, values in sorted(record.faces.items())})
    write_json(str(path), _rounded(plain(record.content)))
    return path


def read_records(folder: Union[str, Path]) -> List[Record]:
    """Read all records of a folder, by name.

    Raises:
        ValueError: If a file is no record, or its faces are missing; names the file.
    """
    records, units = [], read_units(folder)
    for path in sorted(Path(folder).glob('*.json')):
        if path.name == UNITS_FILE:
            continue
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            with np.load(path.with_suffix('.npz')) as file:
                faces = {name.replace('__', '/'): file[name].astype(np.float64)
                         for name in file.files}
            records.append(Record(path.stem, content, faces, units))
            content['experiment'], content['seed'], content['tests']
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f'{path} is no record of a run with its .npz beside it: '
                             f'{type(error).__name__}: {error}. Measure the run again '
                             '(tools/evidence.py run)') from error
    return records


def write_units(folder: Union[str, Path], units: Mapping[str, Sequence[str]]) -> Path:
    """Write which faces of each test belong together.

    Args:
        folder: Folder of the records.
        units: Name of each face's unit by test, in the order of the test's faces.
    """
    path = Path(folder) / UNITS_FILE
    write_json(str(path), {test: list(names) for test, names in units.items()})
    return path


def read_units(folder: Union[str, Path]) -> Dict[str, Tuple[int, ...]]:
    """Number of each face's unit by test; empty without the file.

    Raises:
        ValueError: If the file is damaged.
    """
    path = Path(folder) / UNITS_FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        return {test: tuple(int(place) for place in np.unique(names, return_inverse=True)[1])
                for test, names in content.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f'{path} does not hold a list of names by test: {error}. Write it anew '
                         '(tools/evidence.py units)') from error


def group_by_experiment(records: List[Record]) -> Mapping[str, List[Record]]:
    """Records of each experiment, by seed."""
    groups: Dict[str, List[Record]] = {}
    for record in sorted(records, key=lambda one: one.content['seed']):
        groups.setdefault(record.experiment, []).append(record)
    return groups


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_rounded(child) for child in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
