"""Cells and tables of Markdown."""
from __future__ import annotations

from typing import Iterable, Mapping, Optional, Sequence, Tuple

from .statistics import Estimate


def estimate_cell(value: Optional[Estimate]) -> str:
    """A mean with its interval.

    Example:
        >>> estimate_cell(Estimate(4.2, 4.1, 4.3, 3, .1)), estimate_cell(None)
        ('4.20 [4.10, 4.30]', 'not run')
    """
    if value is None:
        return 'not run'
    return f'{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]'


def difference_cell(value: Optional[Estimate]) -> str:
    """A difference with its interval, bold where that leaves out 0.

    Example:
        >>> difference_cell(Estimate(-.2, -.3, -.1, 3, .1))
        '**-0.20 [-0.30, -0.10]**'
    """
    if value is None:
        return 'not run'
    text = f'{value.value:+.2f} [{value.low:+.2f}, {value.high:+.2f}]'
    return f'**{text}**' if value.excludes_zero else text


def section(name: str, sections: Mapping[str, Tuple[str, str]], body: str) -> str:
    """A section by name: title and words of ``sections``, then the body."""
    title, text = sections[name]
    return '\n\n'.join(part for part in (f'## {title}', text.strip(), body) if part)


def details(summary: str, body: str) -> str:
    """A part that is folded."""
    return f'<details><summary>{summary}</summary>\n\n{body}\n\n</details>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table.

    Example:
        >>> print(table(('a', 'b'), [('1', '2')]))
        | a | b |
        |---|---|
        | 1 | 2 |
    """
    lines = ['| ' + ' | '.join(heads) + ' |', '|' + '---|' * len(heads)]
    lines += ['| ' + ' | '.join(row) + ' |' for row in rows]
    return '\n'.join(lines)
