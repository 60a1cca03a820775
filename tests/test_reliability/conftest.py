"""Counts the cases of every test, for the table in docs/reliability.md."""
from __future__ import annotations

import collections
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Before anything is deselected. A test of several situations has a parameter ``key``."""
    config.cases_of_tests = collections.Counter(
        (f'{item.path.relative_to(TESTS).as_posix()}::{getattr(item, "originalname", item.name)}',
         getattr(getattr(item, 'callspec', None), 'params', {}).get('key'))
        for item in items if TESTS in item.path.parents)
