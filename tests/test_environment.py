import json
import re
from pathlib import Path
from unittest import mock

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from mmpose_wass import environment


def found(**versions):
    """Pretend that these versions are installed, the others as they are."""
    real = environment.version

    def version(package):
        if package in versions:
            if versions[package] is None:
                raise environment.PackageNotFoundError(package)
            return versions[package]
        return real(package)

    return mock.patch.object(environment, 'version', version)


def test_this_environment_is_good():
    environment.check_environment()


@pytest.mark.parametrize('package, version, words', [
    ('mmpose', None, ['mmpose is not installed', 'pip install --no-build-isolation "mmpose>=1.2']),
    ('mmpose', '1.1.0', ['mmpose 1.1.0 is too old', '>= 1.2']),
    ('mmcv', '2.2.0', ['mmcv 2.2.0 is too new', 'MMCV_WITH_OPS=1']),
    ('torch', '1.13.1+cu117', ['torch 1.13.1+cu117 is too old', 'pip install "torch>=2.1,<2.14"']),
    ('torch', '2.14.0', ['torch 2.14.0 is too new (< 2.14', 'torch>=2.1,<2.14', 'MMCV_WITH_OPS=1']),
])
def test_what_is_wrong_is_named_with_its_remedy(package, version, words):
    with found(**{package: version}), pytest.raises(ImportError) as error:
        environment.check_environment()
    assert all(word in str(error.value) for word in words)


def test_all_problems_at_once():
    with found(mmpose=None, mmdet='2.28.0'), pytest.raises(ImportError) as error:
        environment.check_environment()
    assert 'mmpose is not' in str(error.value) and 'mmdet 2.28.0' in str(error.value)


def test_missing_compiled_ops():
    with mock.patch.object(environment, 'import_module', side_effect=ImportError('no _ext')), \
            pytest.raises(ImportError, match='compiled ops'):
        environment.check_environment()


def test_a_release_candidate_is_older_than_its_release():
    with found(mmcv='2.0.1rc4'), pytest.raises(ImportError, match='mmcv 2.0.1rc4 is too old'):
        environment.check_environment()


def test_an_old_python_is_named():
    with mock.patch.object(environment.platform, 'python_version', lambda: '3.9.7'), \
            pytest.raises(ImportError, match='Python 3.9.7 is too old .>= 3.10 is needed') as error:
        environment.check_environment()
    assert 'python3.11 -m venv' in str(error.value)


ROOT = Path(__file__).resolve().parents[1]


def test_pythons_are_those_of_the_package_and_the_matrix():
    text = (ROOT / 'setup.py').read_text()
    assert f"python_requires='>={environment.LOWEST_PYTHON}'" in text
    claimed = re.findall(r'Python :: (3\.\d+)', text)
    assert claimed[0] == environment.LOWEST_PYTHON
    cells = json.loads((ROOT / 'requirements/matrix.json').read_text())['cells'].values()
    assert set(claimed) == {cell['python'] for cell in cells}
    ruff = (ROOT / 'pyproject.toml').read_text()
    assert f'target-version = "py{environment.LOWEST_PYTHON.replace(".", "")}"' in ruff


def test_ranges_are_those_of_the_pages():
    """docs/compatibility.md has them as a table; other pages name the lowest of each."""
    page = (ROOT / 'docs/compatibility.md').read_text()
    assert f'| Python | {environment.LOWEST_PYTHON} or later |' in page
    for package, lowest, limit, _ in environment.REQUIREMENTS:
        short = re.sub(r'\.0$', '', limit)
        assert re.search(rf'^\| {package}\b.* \| {re.escape(lowest)} to below {short} \|$', page,
                         re.MULTILINE), package
    torch = next(one for one in environment.REQUIREMENTS if one.package == 'torch')
    for name in ('README.md', 'docs/install.md'):
        text = ' '.join((ROOT / name).read_text().split())
        assert f'Python {environment.LOWEST_PYTHON} or later' in text, name
        assert f'torch {torch.lowest} or later, below {torch.limit}' in text, name


def test_what_exporting_needs_is_in_its_extra():
    from mmpose_wass.deployment.packages import RANGES
    text = (ROOT / 'setup.py').read_text()
    extra = re.search(r"'deploy': \[(.*?)\]", text, re.DOTALL)[1]
    assert set(re.findall(r"'(.*?)'", extra)) == set(RANGES.values())


def test_the_tested_set_holds_every_extra_but_that_of_the_site():
    """`make setup` installs all that tests need, at the versions of the lock file."""
    text = (ROOT / 'setup.py').read_text()
    block = re.search(r'extras_require=\{(.*?)\n    \},', text, re.DOTALL)[1]
    extras = dict(re.findall(r"'(\w+)': \[(.*?)\]", block, re.DOTALL))
    installed = re.search(r"-e '\.\[(.*?)\]'", (ROOT / 'tools/setup_env.sh').read_text())[1]
    # `data` is h5py, which `dev` has; the site has an environment of its own.
    assert set(installed.split(',')) == set(extras) - {'data', 'docs'}
    lock = {re.sub('[-_.]+', '-', name).lower(): version for name, version in re.findall(
        r'^([\w.-]+)==(\S+)$', (ROOT / 'requirements/lock.txt').read_text(), re.MULTILINE)}
    for extra in set(extras) - {'docs'}:
        for one in map(Requirement, re.findall(r"'(.*?)'", extras[extra])):
            assert lock[re.sub('[-_.]+', '-', one.name).lower()] in one.specifier, one


def test_ranges_are_those_of_the_package():
    text = (ROOT / 'setup.py').read_text()
    for package, lowest, limit, _ in environment.REQUIREMENTS:
        ours = SpecifierSet(f'>={lowest}' + (f',<{limit}' if limit else ''))
        (theirs, ) = re.findall(rf"'{package}(>=[^']*)'", text)
        bounds = {(clause.operator, Version(clause.version)) for clause in SpecifierSet(theirs)}
        assert bounds == {(clause.operator, Version(clause.version)) for clause in ours}
