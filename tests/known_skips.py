"""Skips that may happen in the tested set (requirements/lock.txt). There any other is a failure.

A test that is skipped for want of a package looks like one that passes, so a package that the
set-up forgets would never be missed. `make test` sets `MMPOSE_WASS_KNOWN_SKIPS_ONLY=1`; in other
environments, where packages may lack, nothing changes.
"""
from __future__ import annotations

import os
import re

import pytest

VARIABLE = 'MMPOSE_WASS_KNOWN_SKIPS_ONLY'
#: Reasons, as regular expressions for all of the text, and why such a skip is none of the set-up's.
KNOWN_SKIPS = {
    r'no \.\./shared beside the checkout': 'data that cannot be published with the package',
    r'no video frames beside the checkout': 'the same',
    r'no samples of genuine annotation files': 'the same',
    r'got empty parameter set for \(case\)': 'the same: large linear programs, solved before',
    r'needs a CUDA device': 'a machine without a GPU',
    r'has a GPU': 'a machine with one',
    r'root may write anywhere': 'tests run by root',
    r'needs a file system of its own: root, and mount -t tmpfs': 'tests run by somebody else',
    r'this processor cannot flush denormals': 'the machine',
    r'needs glibc 2\.33 or later': 'the system',
    r'needs fork': 'the system',
    r'needs a C\+\+ compiler': 'the system, where a wheel of mmcv was at hand',
    r'made from a repository only': 'an unpacked source distribution',
    r'imported from a folder: not installed': 'the checkout on PYTHONPATH',
    r'numbers of cases are compared when all tests are collected': 'only a part was asked for',
}


def is_known(reason: str) -> bool:
    """Whether a test may be skipped for this reason."""
    return any(re.fullmatch(pattern, reason) for pattern in KNOWN_SKIPS)


def refuse_unknown_skip(report) -> None:
    """Turn a skip that is not known into a failure, where the environment asks for that.

    Args:
        report: Of a test or a module; it is changed.
    """
    if not os.environ.get(VARIABLE) or report.outcome != 'skipped' or hasattr(report, 'wasxfail'):
        return
    skipped = report.longrepr
    reason = skipped[2] if isinstance(skipped, tuple) else str(skipped)
    reason = re.sub(r'^Skipped: ', '', reason)
    if not is_known(reason):
        report.outcome = 'failed'
        report.longrepr = (
            f'{report.nodeid}: skipped ({reason}), which must not happen in the tested set. '
            'Install what it needs (setup.py, requirements/lock.txt, tools/setup_env.sh), or add '
            'the reason to tests/known_skips.py')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    refuse_unknown_skip(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report():
    outcome = yield
    refuse_unknown_skip(outcome.get_result())
