"""Tables that are written as Markdown, LaTeX and CSV."""
from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Dict, List, Sequence, Union

from ..functional.contributions import Measure

_LATEX = {
    '\\': r'\textbackslash{}', '&': r'\&', '%': r'\%', '$': r'\$', '#': r'\#', '_': r'\_',
    '{': r'\{', '}': r'\}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}',
    '<': r'$<$', '>': r'$>$', '−': '$-$', '±': r'$\pm$', '×': r'$\times$', '≤': r'$\leq$',
    '→': r'$\to$', 'α': r'$\alpha$', 'β': r'$\beta$', 'γ': r'$\gamma$', 'ε': r'$\varepsilon$',
    'θ': r'$\theta$', 'λ': r'$\lambda$', 'σ': r'$\sigma$', 'τ': r'$\tau$', '…': r'\ldots{}',
    '–': '--', '—': '---',
}


@dataclass(frozen=True)
class Cell:
    """A cell as people read it.

    Attributes:
        text (str): What stands in it.
        bold (bool): Whether it is the best of its column.
        latex (str): What stands in it in LaTeX, where that is more than the escaped text.
    """
    text: str
    bold: bool = False
    latex: str = ''


@dataclass(frozen=True)
class Table:
    """One table in three formats.

    Attributes:
        name (str): First part of the files' names.
        caption (str): What it shows, with units.
        header (list[Cell | str]): Heading of each column.
        rows (list[list[Cell | str]]): The body.
        records (list[dict]): The same as numbers, a dictionary for each line of the CSV.
    """
    name: str
    caption: str
    header: List[Union[Cell, str]]
    rows: List[List[Union[Cell, str]]]
    records: List[Dict]

    def to_markdown(self) -> str:
        """A pipe table.

        Examples:
            >>> print(Table('t', '', ['a', 'b|c'], [['x', Cell('1', bold=True)]],
            ...             []).to_markdown(), end='')
            | a | b\\|c |
            |:--|--:|
            | x | **1** |
        """
        lines = [[_markdown(cell) for cell in row] for row in [self.header, *self.rows]]
        rule = '|:--|' + '--:|' * (len(self.header) - 1)
        text = ['| ' + ' | '.join(line) + ' |' for line in lines]
        return '\n'.join([text[0], rule, *text[1:]]) + '\n'

    def to_latex(self) -> str:
        r"""A table of the booktabs package, ready for ``\input``.

        Examples:
            >>> 'σ = 3' in Table('t', '', ['σ = 3'], [], []).to_latex()
            False
            >>> r'$\sigma$ = 3' in Table('t', '', ['σ = 3'], [], []).to_latex()
            True
        """
        columns = 'l' + 'r' * (len(self.header) - 1)
        body = [' & '.join(_latex(cell) for cell in row) + r' \\' for row in self.rows]
        return '\n'.join([
            '% needs \\usepackage{booktabs}', r'\begin{table}', r'\centering',
            r'\begin{tabular}{' + columns + '}', r'\toprule',
            ' & '.join(_latex(cell) for cell in self.header) + r' \\', r'\midrule', *body,
            r'\bottomrule', r'\end{tabular}', r'\caption{' + escape_latex(self.caption) + '}',
            r'\label{tab:' + self.name + '}', r'\end{table}'
        ]) + '\n'

    def to_csv(self) -> str:
        """Comma-separated numbers in full precision, with a line of names."""
        buffer = io.StringIO()
        fields = list(dict.fromkeys(name for record in self.records for name in record))
        writer = csv.DictWriter(buffer, fields, lineterminator='\n')
        writer.writeheader()
        writer.writerows(self.records)
        return buffer.getvalue()


def escape_latex(text: str) -> str:
    r"""``text`` with LaTeX's special characters escaped.

    Examples:
        >>> escape_latex('FR_L 5 %, σ = 3')
        'FR\\_L 5 \\%, $\\sigma$ = 3'
    """
    return ''.join(_LATEX.get(letter, letter) for letter in text)


def _markdown(cell: Union[Cell, str]) -> str:
    text = cell if isinstance(cell, str) else cell.text
    text = text.replace('|', r'\|')
    return f'**{text}**' if isinstance(cell, Cell) and cell.bold else text


def _latex(cell: Union[Cell, str]) -> str:
    if isinstance(cell, str):
        return escape_latex(cell)
    text = cell.latex or escape_latex(cell.text)
    return r'\textbf{' + text + '}' if cell.bold else text


def measure_heading(measure: Measure) -> Cell:
    """Name and unit of a measure: as the metric prints it, and in LaTeX as the paper does."""
    unit = ' (%)' if measure.is_percent else ''
    kind, _, level = measure.kind.partition('_')
    symbol = escape_latex(measure.kind)
    if measure.threshold:
        exponent = f'^{{{level}}}' if level else ''
        symbol = f'{kind}${exponent}_{{{measure.threshold:g}}}$'
    return Cell(measure.name + unit, latex=symbol + escape_latex(unit))


def number(value: float, measure: Measure, sign: bool = False) -> str:
    """A value of a measure as text: two decimals for per cent, three for fractions.

    Examples:
        >>> number(-.5, Measure.parse('NME'), sign=True), number(.25, Measure.parse('AUC@0.1'))
        ('−0.50', '0.250')
    """
    if value != value:
        return 'n/a'
    text = format(value, ('+' if sign else '') + ('.2f' if measure.is_percent else '.3f'))
    if float(text) == 0:
        text = text.lstrip('+-')
    return text.replace('-', '−')


def best_rows(values: Sequence[float], larger: bool) -> List[bool]:
    """Which values are the best; none where there is nothing to choose.

    Examples:
        >>> best_rows([2., 1., 1.], larger=False)
        [False, True, True]
        >>> best_rows([1., 1.], larger=False)
        [False, False]
    """
    known = [value for value in values if value == value]
    if len(known) < 2 or min(known) == max(known):
        return [False] * len(values)
    best = max(known) if larger else min(known)
    return [value == best for value in values]
