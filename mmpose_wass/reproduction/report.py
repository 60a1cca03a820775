"""Published beside measured: as Markdown and as JSON."""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from .collect import Measurement, Report, measure
from .tables import Row, Table

_NOTHING = '–'


def table_markdown(table: Table, reports: Sequence[Report], cited: bool = True) -> str:
    """A table with a line a number: published, measured, difference, setting.

    Args:
        table: The table.
        reports: From ``collect_reports``.
        cited: Whether to list the methods that the paper cites, too.

    Returns:
        str: Markdown. What was not measured has a dash.
    """
    footnotes: List[str] = []
    lines = [f'### {table.name}. {table.title}', '',
             '| system | test | measure | published | measured | difference | setting |',
             '|---|---|---|---:|---:|---:|---|']
    for row in table.rows:
        if row.system is None and not cited:
            continue
        for cell in table.cells(row):
            if cell.published is None and not cell.column.measure:
                continue
            found = measure(cell, reports)
            lines.append('| ' + ' | '.join((
                row.label, row.protocol.label or _NOTHING, cell.column.title,
                number(cell.published), number(found and found.value, 2),
                signed(found and found.difference), _footnote(found, footnotes))) + ' |')
    if table.note:
        lines += ['', table.note]
    if footnotes:
        lines += ['', *(f'[{place}] {text}  ' for place, text in enumerate(footnotes, start=1))]
    if not any(measure(cell, reports) for row in table.systems for cell in table.cells(row)):
        lines += ['', 'Nothing of this has been measured.']
    return '\n'.join(lines) + '\n'


def table_data(table: Table, reports: Sequence[Report]) -> Dict[str, Any]:
    """The same for JSON."""
    return dict(
        table=table.key, title=table.title, note=table.note,
        rows=[dict(
            label=row.label, cited=row.system is None, protocol=row.protocol.label,
            config=row.config, training_config=row.training_config,
            numbers=[_entry(cell, measure(cell, reports)) for cell in table.cells(row)])
            for row in table.rows])


def _entry(cell, found: Optional[Measurement]) -> Dict[str, Any]:
    return dict(
        title=cell.column.title, metric=cell.metric if cell.column.measure else None,
        published=cell.published, measured=found.value if found else None,
        difference=found.difference if found else None,
        setting=found.report.setting.describe() if found else None,
        full_size=found.report.setting.is_full_size if found else None,
        report=found.report.path if found else None, date=found.report.setting.date if found
        else None)


def _footnote(found: Optional[Measurement], footnotes: List[str]) -> str:
    if found is None:
        return _NOTHING
    text = found.report.setting.describe()
    if text not in footnotes:
        footnotes.append(text)
    return f'[{footnotes.index(text) + 1}]'


def number(value: Optional[float], decimals: Optional[int] = None) -> str:
    """A number as the paper writes it, or with so many decimals; a dash for None.

    Examples:
        >>> number(3.5), number(3.456, 2), number(None)
        ('3.50', '3.46', '–')
    """
    if value is None:
        return _NOTHING
    if decimals is not None:
        return f'{value:.{decimals}f}'
    text = f'{value:g}'
    # Two decimals at least, but for counts.
    return text if isinstance(value, int) or 'e' in text or len(
        text.partition('.')[2]) >= 2 else f'{value:.2f}'


def signed(value: Optional[float]) -> str:
    """A difference with its sign.

    Examples:
        >>> signed(0.123), signed(-1.0), signed(None)
        ('+0.12', '−1.00', '–')
    """
    if value is None:
        return _NOTHING
    return f'{value:+.2f}'.replace('-', '−')


def short_row(row: Row, table: Table, reports: Sequence[Report]) -> str:
    """A row's numbers in one line: published, and measured in brackets."""
    parts = []
    for cell in table.cells(row):
        if not cell.column.measure:
            continue
        found = measure(cell, reports)
        text = number(cell.published)
        if found is not None:
            text += f' ({found.value:.2f})'
        parts.append(f'{cell.column.title} {text}')
    return ' · '.join(parts)
