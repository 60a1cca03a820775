"""Writes the tables of docs/reliability.md.

Run it after a change: ``python tests/test_reliability/reliability_page.py``.
"""
from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path
from typing import List, Mapping, Optional, Set, Tuple

from situations import SITUATIONS, Situation, all_tests

ROOT = Path(__file__).resolve().parents[2]
_HEAD = '| tried | what happens, and what is said | cases | tests |'
Cases = Mapping[Tuple[str, Optional[str]], int]
PAGE = ROOT / 'docs' / 'reliability.md'
BEGIN, END = '<!-- begin of what is generated -->', '<!-- end of what is generated -->'


def functions_of(file: Path) -> Set[str]:
    """Names of the test functions in a file."""
    return {node.name for node in ast.walk(ast.parse(file.read_text(encoding='utf-8')))
            if isinstance(node, ast.FunctionDef) and node.name.startswith('test_')}


def count_of(test: str, cases: Cases, key: Optional[str] = None) -> int:
    """Number of a test's cases; of those of one situation, if it has several."""
    keys = {of for name, of in cases if name == test}
    if key is None or keys <= {None}:
        return sum(cases[test, of] for of in keys)
    return cases[test, key]


def empty_rows(cases: Cases) -> List[str]:
    """Keys of situations that no case tests: a wrong name of a test, or of its ``key``."""
    return [key for group in SITUATIONS.values() for key, one in group.items()
            if not _cases_of(key, one, cases)]


def render(cases: Cases) -> str:
    """The tables.

    Args:
        cases: From test, and key of a situation, to its number of cases.
    """
    situations = [one for group in SITUATIONS.values() for one in group.values()]
    number = sum(count_of(test, cases) for test in all_tests())
    lines = [f'{len(situations)} situations, {len(all_tests())} tests, {number} cases. None of '
             'them fails silently, and none of them loses a result.']
    for title, group in SITUATIONS.items():
        lines += ['', f'## {title}', '', _HEAD, '|---|---|--:|---|']
        lines += [_row(key, one, cases) for key, one in group.items()]
    return '\n'.join(lines) + '\n'


def _row(key: str, one: Situation, cases: Cases) -> str:
    happens = _capital(one.happens)
    if one.message.strip('<…>'):
        happens += '<br>' + _code(one.message)
    tests = '<br>'.join(f'`{test}`' for test in one.tests)
    return f'| {_capital(one.tried)} | {happens} | {_cases_of(key, one, cases)} | {tests} |'


def _cases_of(key: str, one: Situation, cases: Cases) -> int:
    return sum(count_of(test, cases, key) for test in one.tests)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _code(message: str) -> str:
    text = ' '.join(message.replace('<…>', '…').split()).replace('|', r'\|')
    return f'`{text}`'


def put_in(page: str, tables: str) -> str:
    """A page with its generated part replaced."""
    head, rest = page.split(BEGIN)
    return f'{head}{BEGIN}\n\n{tables}\n{END}{rest.split(END)[1]}'


def main() -> None:
    import pytest

    class Count:
        cases: Counter = Counter()

        def pytest_collection_finish(self, session):
            self.cases = session.config.cases_of_tests

    files: List[str] = sorted({str(ROOT / 'tests' / test.split('::')[0]) for test in all_tests()})
    count = Count()
    if pytest.main(['--collect-only', '-qqq', '--no-header', '-p', 'no:cacheprovider', *files],
                   plugins=[count]):
        sys.exit('the tests cannot be collected')
    if empty_rows(count.cases):
        sys.exit(f'no test has a case of {", ".join(empty_rows(count.cases))}: see situations.py')
    PAGE.write_text(put_in(PAGE.read_text(encoding='utf-8'), render(count.cases)),
                    encoding='utf-8')
    print(f'written: {PAGE}')


if __name__ == '__main__':
    main()
