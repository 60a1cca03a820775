"""The cells of the matrix: what an environment differs in from the tested set."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Dict, List, Tuple

ROOT = Path(__file__).resolve().parents[2]
MATRIX = ROOT / 'requirements/matrix.json'
#: What a cell may say, with the type of it and whether it must.
FIELDS = {'python': (str, True), 'differs': (str, True), 'pins': (dict, False),
          'unlocked': (list, False), 'from_source': (list, False), 'as_wheel': (bool, False)}


@dataclass(frozen=True)
class Cell:
    """One environment.

    Attributes:
        name: For the command line and the record's file.
        python: Version of the interpreter, such as ``3.11``.
        differs: What it differs in from the tested set, for readers.
        pins: Versions instead of, or beside, those of the lock file.
        unlocked: Patterns of packages whose version in the lock file does not hold here.
        from_source: Packages that are built, since no published wheel fits.
        as_wheel: Whether this project is installed from its own wheel and tested away from its
            sources. Otherwise the installation is editable.
    """

    name: str
    python: str
    differs: str
    pins: Dict[str, str] = field(default_factory=dict)
    unlocked: Tuple[str, ...] = ()
    from_source: Tuple[str, ...] = ('mmcv', )
    as_wheel: bool = False

    def lock(self, base: str) -> str:
        """Pinned versions of this cell, from the text of the tested set's lock file."""
        pins = {normal(name): (name, version) for name, version in self.pins.items()}
        lines = []
        for name, version in read_lock(base).items():
            if normal(name) in pins:
                name, version = pins.pop(normal(name))
            elif any(fnmatchcase(normal(name), normal(pattern)) for pattern in self.unlocked):
                continue
            lines.append((name, version))
        # `===` leaves out builds such as 2.13.0+cpu, which the published torchvision does not fit.
        return ''.join(f"{name}{'===' if name == 'torch' else '=='}{version}\n"
                       for name, version in [*lines, *pins.values()])

    def wheels(self, base: str) -> str:
        """Name of the folder of built wheels: they fit one Python and one torch."""
        return f"cp{self.python.replace('.', '')}-torch{read_lock(self.lock(base))['torch']}"


def normal(name: str) -> str:
    """A package's name as pip compares it; patterns keep their stars."""
    return re.sub(r'[-_.]+', '-', name).lower()


def read_lock(text: str) -> Dict[str, str]:
    """Names and versions of a lock file."""
    return dict(re.findall(r'^([\w.-]+)={2,3}(\S+)$', text, re.MULTILINE))


@dataclass(frozen=True)
class Matrix:
    """All cells, and which tests the quick suite leaves out.

    Attributes:
        base: Text of the tested set's lock file.
        cells: By name, in the order of the file.
        quick_leaves_out: Test files by path below the root, each with the reason.
    """

    base: str
    cells: Dict[str, Cell]
    quick_leaves_out: Dict[str, str]

    def choose(self, names: List[str]) -> List[Cell]:
        """Cells by name, all without any.

        Raises:
            ValueError: At names that there are not.
        """
        unknown = [name for name in names if name not in self.cells]
        if unknown:
            raise ValueError(f"no cell is called {', '.join(unknown)}; there are: "
                             f"{', '.join(self.cells)}")
        return [self.cells[name] for name in dict.fromkeys(names or self.cells)]


def read_matrix(path: Path = MATRIX) -> Matrix:
    """Read the file of the cells.

    Raises:
        ValueError: Naming file, cell and field where it is not as it should be.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
    for key in ('base', 'cells', 'from_source', 'quick_leaves_out'):
        if key not in content:
            raise ValueError(f"{path}: '{key}' is missing")
    base_path = ROOT / content['base']
    if not base_path.is_file():
        raise ValueError(f"{path}: base: there is no {content['base']}")
    cells = {}
    for name, entry in content['cells'].items():
        place = f'{path}: cell {name!r}'
        if not re.fullmatch(r'[\w.-]+', name):
            raise ValueError(f'{place}: a name of letters, digits, dots and hyphens is needed')
        unknown = set(entry) - set(FIELDS)
        if unknown:
            raise ValueError(f"{place}: no field is called {', '.join(sorted(unknown))}; there "
                             f"are: {', '.join(FIELDS)}")
        for key, (kind, needed) in FIELDS.items():
            if key in entry and not isinstance(entry[key], kind):
                raise ValueError(f'{place}: {key} must be a {kind.__name__}, '
                                 f'not {entry[key]!r}')
            if needed and key not in entry:
                raise ValueError(f"{place}: '{key}' is missing")
        if not re.fullmatch(r'3\.\d+', entry['python']):
            raise ValueError(f"{place}: python must be like 3.11, not {entry['python']!r}")
        cells[name] = Cell(
            name=name, python=entry['python'], differs=entry['differs'],
            pins=entry.get('pins', {}), unlocked=tuple(entry.get('unlocked', ())),
            from_source=tuple(entry.get('from_source', content['from_source'])),
            as_wheel=entry.get('as_wheel', False))
    return Matrix(base=base_path.read_text(encoding='utf-8'), cells=cells,
                  quick_leaves_out=content['quick_leaves_out'])
