"""What was measured: a file for each cell, and the table of docs/compatibility.md."""
from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Dict, List, Optional

from compatibility_matrix.cells import ROOT, Matrix

RESULTS = ROOT / 'results/compatibility'
PAGE = ROOT / 'docs/compatibility.md'
BEGIN, END = '<!-- begin of what is measured -->', '<!-- end of what is measured -->'
#: Where a cell can stop, in order.
STAGES = ('create', 'install', 'build', 'import', 'demo', 'test')
#: Columns of versions.
SHOWN = ('torch', 'numpy', 'mmcv', 'mmpose')
LONGEST_MESSAGE = 300


@dataclass
class Record:
    """The measurement of one cell.

    Attributes:
        cell: Its name.
        suite: ``quick`` or ``whole``.
        date: Of the measurement.
        commit: Of the sources; a plus behind it means with changes.
        machine: In words.
        versions: Packages that were really installed.
        wheels: Packages without a published wheel, with where theirs came from: ``built``,
            ``cache``, or ``found`` in PIP_FIND_LINKS.
        seconds: Of each stage; machines differ, and are shared.
        stopped_at: Stage that failed, one of `STAGES`; empty if the tests ran to their end.
        reason: Of that.
        last_lines: Of the log, then.
        tests: Counts (`passed`, `failed`, `errors`, `skipped`), `failures` by test with the first
            line of their message, `skips` by reason.
    """

    cell: str
    suite: str
    date: str
    commit: str
    machine: str
    versions: Dict[str, str] = field(default_factory=dict)
    wheels: Dict[str, str] = field(default_factory=dict)
    seconds: Dict[str, float] = field(default_factory=dict)
    stopped_at: str = ''
    reason: str = ''
    last_lines: List[str] = field(default_factory=list)
    tests: Dict = field(default_factory=dict)

    @property
    def green(self) -> bool:
        """Whether every test that ran passed."""
        return (not self.stopped_at and self.tests['passed'] > 0
                and not self.tests['failed'] and not self.tests['errors'])

    def covers(self, suite: str) -> bool:
        """Whether measuring this suite would bring nothing new."""
        return self.suite in ('whole', suite)

    @property
    def verdict(self) -> str:
        if self.green:
            return 'green'
        if self.stopped_at:
            return f'red: stopped at {self.stopped_at}'
        return f"red: {self.tests['failed'] + self.tests['errors']} of the tests"


def read_junit(path: Path) -> Dict:
    """Counts and failures of pytest's XML report, in the form of `Record.tests`."""
    counts: Counter = Counter(passed=0, failed=0, errors=0, skipped=0)
    failures, skips = {}, Counter()
    for case in ElementTree.parse(path).iter('testcase'):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        outcomes = {child.tag: (child.get('message') or '').strip() for child in case}
        bad = [tag for tag in ('failure', 'error') if tag in outcomes]
        if bad:
            counts['failed' if 'failure' in bad else 'errors'] += 1
            message = outcomes[bad[0]]
            failures[name] = message.splitlines()[0][:LONGEST_MESSAGE] if message else ''
        elif 'skipped' in outcomes:
            counts['skipped'] += 1
            skips[outcomes['skipped'][:LONGEST_MESSAGE]] += 1
        else:
            counts['passed'] += 1
    return {**counts, 'failures': dict(sorted(failures.items())), 'skips': dict(sorted(
        skips.items()))}


def durations(path: Path) -> Dict[str, float]:
    """Seconds of each test file in pytest's XML report, the longest first."""
    spent: Counter = Counter()
    for case in ElementTree.parse(path).iter('testcase'):
        parts = case.get('classname', '').split('.')
        while parts and not (ROOT / '/'.join(parts)).with_suffix('.py').is_file():
            parts.pop()  # a class of tests
        spent['/'.join(parts) + '.py'] += float(case.get('time', 0))
    return {name: round(seconds, 1) for name, seconds in spent.most_common()}


def write_record(record: Record, folder: Path = RESULTS) -> Path:
    """Write a record, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f'{record.cell}.json'
    partial = path.with_suffix('.partial')
    partial.write_text(json.dumps(asdict(record), indent=1, ensure_ascii=False) + '\n',
                       encoding='utf-8')
    os.replace(partial, path)
    return path


def read_record(cell: str, folder: Path = RESULTS) -> Optional[Record]:
    """The record of a cell, None if it was never measured.

    Raises:
        ValueError: Naming a file that is no record.
    """
    path = folder / f'{cell}.json'
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        known = {entry.name for entry in fields(Record)}
        if set(content) - known:
            raise ValueError(f"unknown fields {', '.join(sorted(set(content) - known))}")
        return Record(**content)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{path} is no record of tools/check_matrix.sh ({error}); measure the '
                         f'cell again with --again {cell}') from None


def table(matrix: Matrix, folder: Path = RESULTS) -> List[List[str]]:
    """A row for each cell, below the heads of the columns."""
    rows = [['environment', 'Python', *SHOWN, 'suite', 'passed', 'failed', 'skipped', 'measured',
             'result']]
    for cell in matrix.cells.values():
        record = read_record(cell.name, folder)
        if record is None:
            rows.append([cell.differs, cell.python, *[''] * (len(SHOWN) + 5), 'not measured'])
            continue
        versions = {name.lower(): version for name, version in record.versions.items()}
        counts = record.tests
        rows.append([
            cell.differs, cell.python, *(versions.get(name, '-') for name in SHOWN), record.suite,
            *((str(counts['passed']), str(counts['failed'] + counts['errors']),
               str(counts['skipped'])) if counts else ('-', '-', '-')),
            f'{record.date} {record.commit}', record.verdict])
    return rows


def as_text(rows: List[List[str]]) -> str:
    """The table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join('  '.join(text.ljust(width) for text, width in zip(row, widths)).rstrip()
                     for row in rows)


def as_markdown(matrix: Matrix, folder: Path = RESULTS) -> str:
    """The generated part of docs/compatibility.md: the table, and what is red."""
    head, *rows = table(matrix, folder)
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    lines += ['| ' + ' | '.join(row) + ' |' for row in rows]
    for cell in matrix.cells.values():
        record = read_record(cell.name, folder)
        if record is None or record.green:
            continue
        lines += ['', f'<details><summary>{cell.differs}: {record.verdict}'
                  + (f' ({record.reason})' if record.reason else '') + '</summary>', '']
        lines += [f'- `{name}`: `{message.replace("`", "")}`' for name, message in
                  (record.tests.get('failures') or {}).items()]
        lines += [f'- `{line}`' for line in record.last_lines[-3:]]
        lines += ['', '</details>']
    return '\n'.join(lines) + '\n'


def page_with(generated: str, page: str) -> str:
    """The page with this in place of what is generated.

    Raises:
        ValueError: Where it lacks the marks.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f'{PAGE}: needs the marks {BEGIN} and {END}, once each')
    before, rest = page.split(BEGIN)
    return f'{before}{BEGIN}\n{generated}{END}{rest.split(END)[1]}'
