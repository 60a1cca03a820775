"""What a table of the paper consists of: systems, how they are tested, published numbers."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence, Tuple

#: Ends of config names: batch size, epochs.
_SCHEDULE, _SIZE = '1xb16-60e', '256x256'


@dataclass(frozen=True)
class System:
    """A trained model with its way of reading landmarks off the maps.

    Attributes:
        data (str): What it is trained on: the folder of its config.
        loss (str): The loss part, with ``-`` for ``_``.
        sigma (str): Of the targets, in heatmap pixels, as in the config's name.
        model (str): The model part.
        coord_conv (bool): Whether all convolutions are CoordConvs.
        sampling (str): ``'getmax'`` or ``'getbc'`` where it is not what the loss goes with.
    """
    data: str
    loss: str
    sigma: str
    model: str = 'hrnetv2-w18'
    coord_conv: bool = False
    sampling: str = ''

    def stem(self, tested: str = '') -> str:
        """Name of its config without ending.

        Args:
            tested: What is tested beside the data set's own test sets, such as ``'to-wflw'``.

        Examples:
            >>> System('300w', 'wass', '3', coord_conv=True).stem('to-wflw')
            'td-hm_hrnetv2-w18-coordconv_wass-sigma3-1xb16-60e_300w-to-wflw-256x256'
        """
        model = self.model + ('-coordconv' if self.coord_conv else '')
        method = '-'.join(filter(None, (f'{self.loss}-sigma{self.sigma}', self.sampling)))
        data = '-'.join(filter(None, (self.data, tested)))
        return f'td-hm_{model}_{method}-{_SCHEDULE}_{data}-{_SIZE}'

    def trained(self) -> System:
        """The system that is trained: another sampling needs no other training."""
        return System(self.data, self.loss, self.sigma, self.model, self.coord_conv)

    @property
    def label(self) -> str:
        """What to call it in a table."""
        words = [{'hrnetv2-w18': 'HRNet', 'hourglass': 'Hourglass', 'cpn50': 'CPN',
                  'res50': 'SimpleBaselines'}.get(self.model, self.model),
                 f'σ = {self.sigma}',
                 {'l2': 'L2', 'wass': 'W', 'js': 'JS', 'softargmax': 'S. AM'}.get(
                     self.loss, self.loss)]
        words += ['CC'] if self.coord_conv else []
        words += [dict(getmax='GET_MAX', getbc='GET_BC')[self.sampling]] if self.sampling else []
        return ', '.join(words)


@dataclass(frozen=True)
class Protocol:
    """How a system is tested.

    Attributes:
        folder (str): Folder of the configs; empty: that of the system's data.
        tested (str): What it adds to the config's name.
        label (str): What to call it; empty for the data set's own test sets.
        data (str): Data set whose files the test reads; empty: that of the system.
    """
    folder: str = ''
    tested: str = ''
    label: str = ''
    data: str = ''

    def config(self, system: System) -> str:
        """The config that tests a system, below ``configs/face``."""
        return f'{self.folder or system.data}/{system.stem(self.tested)}.py'


OWN = Protocol()


def cross(data: str, to: str) -> Protocol:
    """Train on one data set, test on another.

    Examples:
        >>> cross('300w', 'wflw').config(System('300w', 'l2', '1'))
        '300w_to_wflw/td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-to-wflw-256x256.py'
    """
    return Protocol(f'{data}_to_{to}', f'to-{to}', f'{data.upper()}→{to.upper()}', to)


@dataclass(frozen=True)
class Column:
    """A measure on a test set.

    Attributes:
        title (str): As in the paper.
        measure (str): Of ``FaceLandmarkMetric``, such as ``'FR_L@0.10'``; empty: a property of the
            data, which is not measured.
        test_set (str): Name of the test set in the config's report; empty where it has one alone.
    """
    title: str
    measure: str = 'NME'
    test_set: str = ''


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        label (str): As in the paper.
        published (tuple[float | None, ...]): A number a column; None where the paper has none.
        system (System | None): What it is a row of; None for methods that the paper cites.
        protocol (Protocol): How it is tested.
        test_set (str): In place of the columns'.
    """
    label: str
    published: Tuple[Optional[float], ...]
    system: Optional[System] = None
    protocol: Protocol = OWN
    test_set: str = ''

    @property
    def config(self) -> Optional[str]:
        """The config that tests it, below ``configs/face``."""
        return None if self.system is None else self.protocol.config(self.system)

    @property
    def training_config(self) -> Optional[str]:
        """The config that trains it, below ``configs/face``."""
        return None if self.system is None else OWN.config(self.system.trained())

    @property
    def test_data(self) -> str:
        """The data set whose files its test reads."""
        return self.protocol.data or (self.system.data if self.system else '')


@dataclass(frozen=True)
class Cell:
    """A number of a table."""
    row: Row
    column: Column
    published: Optional[float]

    @property
    def metric(self) -> str:
        """Its name in a report of tools/test.py."""
        test_set = self.row.test_set or self.column.test_set
        return '/'.join(filter(None, (test_set, 'face', self.column.measure)))


@dataclass(frozen=True)
class Table:
    """A table, or what a figure shows.

    Attributes:
        key (str): ``'2'`` for Table 2, ``'fig9'`` for Figure 9.
        title (str): What it is about.
        columns (tuple[Column, ...]): Columns.
        rows (tuple[Row, ...]): Rows.
        note (str): The reading taken where the paper is silent.
    """
    key: str
    title: str
    columns: Tuple[Column, ...]
    rows: Tuple[Row, ...]
    note: str = ''

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.published) != len(self.columns):
                raise ValueError(f'{self.name}, row {row.label!r}: {len(self.columns)} columns, '
                                 f'but {len(row.published)} numbers')

    @property
    def name(self) -> str:
        """``'Table 2'`` or ``'Figure 9'``."""
        return f'Figure {self.key[3:]}' if self.key.startswith('fig') else f'Table {self.key}'

    @property
    def systems(self) -> Tuple[Row, ...]:
        """Rows that can be run."""
        return tuple(row for row in self.rows if row.system is not None)

    def cells(self, row: Row) -> Iterator[Cell]:
        """Numbers of a row."""
        for column, published in zip(self.columns, row.published):
            yield Cell(row, column, published)


def find_table(key: str, tables: Sequence[Table]) -> Table:
    """A table by its number, or a figure by ``fig`` and its number.

    Raises:
        KeyError: If there is none; lists those that there are.
    """
    wanted = re.sub(r'^(table|figure|fig\.?)\s*', lambda found: '' if found[1][0] == 't' else 'fig',
                    key.strip().lower())
    for table in tables:
        if table.key == wanted:
            return table
    raise KeyError(f'there is no table {key!r}; there are '
                   f'{", ".join(table.key for table in tables)}')
