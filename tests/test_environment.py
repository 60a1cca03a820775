import re
from pathlib import Path
from unittest import mock

import pytest
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
    ('torch', '1.13.1+cu117', ['torch 1.13.1+cu117 is too old', 'pip install "torch>=2.1"']),
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


def test_ranges_are_those_of_the_package():
    text = (Path(__file__).resolve().parents[1] / 'setup.py').read_text()
    for package, lowest, limit, _ in environment.REQUIREMENTS:
        ours = SpecifierSet(f'>={lowest}' + (f',<{limit}' if limit else ''))
        (theirs, ) = re.findall(rf"'{package}(>=[^']*)'", text)
        bounds = {(clause.operator, Version(clause.version)) for clause in SpecifierSet(theirs)}
        assert bounds == {(clause.operator, Version(clause.version)) for clause in ours}
