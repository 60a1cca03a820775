"""The table of docs/reliability.md says what is tested, and nothing else."""
from __future__ import annotations

import re
from collections import Counter

import pytest
from reliability_page import BEGIN, END, PAGE, ROOT, empty_rows, functions_of, put_in, render
from situations import RECORDS, SITUATIONS, all_tests, find, told

HERE = ROOT / 'tests' / 'test_reliability'


def test_every_test_of_the_table_exists():
    for test in all_tests():
        file, function = test.split('::')
        assert function in functions_of(ROOT / 'tests' / file), test


def test_every_message_is_compared_by_a_test():
    """Those of older tests are compared there."""
    sources = ''.join(file.read_text() for file in HERE.glob('test_*.py'))
    for group in SITUATIONS.values():
        for key, one in group.items():
            ours = any(test.startswith('test_reliability/') for test in one.tests)
            if one.message and ours and 'kill' not in key:
                assert f"'{key}'" in sources, key


def test_messages_match_what_they_should():
    assert told('ann-empty', 'x: the file is empty (0 bytes);\n  write or copy it again.')
    assert not told('ann-empty', 'x: the file is empty')
    assert told('image-cut', find('image-cut').message.replace('<…>', 'PNG'))


def test_a_row_without_a_case_is_found():
    """A test that exists, but has no case of the row's key, as when another one does that row."""
    key, one = next((key, one) for key, one in SITUATIONS['Annotations'].items()
                    if one.tests == RECORDS)
    whole = Counter({(test, None): 2 for test in all_tests()})
    assert empty_rows(whole) == []
    del whole[RECORDS[0], None]
    others = [name for name, row in SITUATIONS['Annotations'].items() if row.tests == RECORDS]
    whole.update({(RECORDS[0], name): 1 for name in others if name != key})
    assert empty_rows(whole) == [key]
    assert '| 0 |' in render(whole)


def test_the_page_is_up_to_date(request):
    cases = request.config.cases_of_tests
    files = {name.split('::')[0] for name, _ in cases}
    assert [file for file in files if not (ROOT / 'tests' / file).is_file()] == []
    page = PAGE.read_text(encoding='utf-8')
    assert page.count(BEGIN) == page.count(END) == 1
    if not {test.split('::')[0] for test in all_tests()} <= files:
        # Only a part of the tests was collected; what does not depend on numbers is compared.
        numbers = re.compile(r'\d+ cases|\| \d+ \|')
        written, expected = (numbers.sub('', text) for text in (page, put_in(page, render(cases))))
        assert written == expected, 'python tests/test_reliability/reliability_page.py'
        pytest.skip('numbers of cases are compared when all tests are collected')
    assert empty_rows(cases) == []
    assert page == put_in(page, render(cases)), 'python tests/test_reliability/reliability_page.py'
