"""Lists in README and pages name all that there is, and nothing else."""
from __future__ import annotations

import importlib
import re

import pytest
from documentation import ROOT

import mmpose_wass

README = (ROOT / 'README.md').read_text(encoding='utf-8')
API = (ROOT / 'docs/api.md').read_text(encoding='utf-8')
PACKAGES = sorted(path.parent.name for path in (ROOT / 'mmpose_wass').glob('*/__init__.py'))
REFERENCES = sorted(set(re.findall(r'\{py:(?:class|func|mod)\}`~?(mmpose_wass[\w.]*)`', API)))
#: What the API page leaves to the index: parts that tools are made of.
NOT_ON_THE_API_PAGE = {'assets', 'evidence', 'reproduction'}


def test_readme_names_every_tool_and_folder():
    tools = re.search(r'^\| `tools/` .*', README, re.MULTILINE).group()
    assert set(re.findall(r'`(\w+\.py)`', tools)) == {
        path.name for path in (ROOT / 'tools').glob('*.py')}
    for package in PACKAGES:
        assert f'`mmpose_wass/{package}/' in README, package


def test_install_names_every_extra():
    setup = (ROOT / 'setup.py').read_text(encoding='utf-8')
    extras = set(re.findall(r"^        '(\w+)': \[", setup, re.MULTILINE))
    assert extras >= {'dev', 'docs', 'deploy'}
    page = (ROOT / 'docs/install.md').read_text(encoding='utf-8')
    assert set(re.findall(r'^\| `(\w+)` \|', page, re.MULTILINE)) == extras


@pytest.mark.parametrize('name', REFERENCES)
def test_names_of_the_api_page_exist(name):
    """The site is built without importing anything, so a wrong name would only be no link."""
    parts = name.split('.')
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module('.'.join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return
    raise AssertionError(name)


def test_the_api_page_names_what_people_need():
    tails = {name.rsplit('.', 1)[-1] for name in REFERENCES}
    from mmpose_wass.models import losses
    needed = {*mmpose_wass.__all__, 'HeatmapVisualizationHook', 'export_model', 'JSHeatmapLoss'}
    assert needed - {'__version__', 'codecs', 'datasets', 'evaluation', 'models', 'ot'} <= tails
    assert {'WassersteinHeatmapLoss', 'JSHeatmapLoss'} <= set(losses.__all__) & tails
    for package in set(PACKAGES) - NOT_ON_THE_API_PAGE:
        assert f'mmpose_wass.{package}' in API, package
