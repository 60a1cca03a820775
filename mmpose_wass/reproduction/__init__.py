"""The paper's tables as data, and what it takes to fill them in."""

from ..project import CONFIG_ROOT
from .collect import Measurement, collect_reports, measure
from .published import FIGURES, TABLES
from .tables import Cell, Column, Row, System, Table, find_table

__all__ = [
    'CONFIG_ROOT', 'FIGURES', 'TABLES', 'Cell', 'Column', 'Measurement', 'Row', 'System', 'Table',
    'collect_reports', 'find_table', 'measure'
]
