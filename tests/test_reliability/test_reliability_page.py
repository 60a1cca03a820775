"""The table of docs/reliability.md says what is tested, and nothing else."""
from __future__ import annotations

import re

import pytest
from reliability_page import BEGIN, END, PAGE, ROOT, count_of, functions_of, put_in, render
from situations import SITUATIONS, all_tests, find, told

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


def test_the_page_is_up_to_date(request):
    cases = request.config.cases_of_tests
    page = PAGE.read_text(encoding='utf-8')
    assert page.count(BEGIN) == page.count(END) == 1
    if not all(count_of(test, cases) for test in all_tests()):
        # Only a part of the tests was collected; what does not depend on numbers is compared.
        numbers = re.compile(r'\d+ cases|\| \d+ \|')
        written, expected = (numbers.sub('', text) for text in (page, put_in(page, render(cases))))
        assert written == expected, 'python tests/test_reliability/reliability_page.py'
        pytest.skip('numbers of cases are compared when all tests are collected')
    assert page == put_in(page, render(cases)), 'python tests/test_reliability/reliability_page.py'
