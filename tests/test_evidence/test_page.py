"""The page is what the records say, to the byte."""
from pathlib import Path

import pytest

from mmpose_wass.evidence.claims import CLAIMS, CONTRADICTED, HOLDS, OPEN, check_claim
from mmpose_wass.evidence.experiments import read_experiments
from mmpose_wass.evidence.page import page_text, readme_table, with_table
from mmpose_wass.evidence.page_texts import BASELINES, BEST, MAIN, TEST_TITLES
from mmpose_wass.evidence.records import group_by_experiment, read_records
from mmpose_wass.project import CONFIG_ROOT, ROOT

RECORDS = ROOT / 'results' / 'evidence'


@pytest.fixture(scope='module')
def groups():
    return group_by_experiment(read_records(RECORDS))


@pytest.fixture(scope='module')
def experiments():
    return read_experiments(CONFIG_ROOT / 'evidence' / 'cpu.py')


def test_the_page_is_made_of_the_records(groups, experiments):
    written = (ROOT / 'docs' / 'results.md').read_text(encoding='utf-8')
    assert written == page_text(groups, experiments), 'run make results'


def test_the_readme_has_its_table(groups):
    written = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert written == with_table(written, readme_table(groups)), 'run make results'


def test_every_compared_system_is_an_experiment(experiments):
    compared = {system.experiment for system in (*MAIN, *BEST, *BASELINES)}
    compared |= {side.experiment for claim in CLAIMS for one in claim.comparisons
                 for side in (one.better, one.worse)}
    assert compared <= set(experiments)
    assert {one.test for claim in CLAIMS for one in claim.comparisons} <= set(TEST_TITLES)


def test_pictures_of_the_page_exist():
    text = (ROOT / 'docs' / 'results.md').read_text(encoding='utf-8')
    names = [part.split(')')[0] for part in text.split('](figures/')[1:]]
    assert names and all((ROOT / 'docs' / 'figures' / Path(name)).is_file() for name in names)


def test_verdicts(groups):
    """A claim and its opposite, and one without runs."""
    claim = CLAIMS[1]
    assert check_claim(claim, groups)[0] == HOLDS
    turned = type(claim)('', '', tuple(type(one)(one.worse, one.better, one.test, one.measure)
                                       for one in claim.comparisons))
    assert check_claim(turned, groups)[0] == CONTRADICTED
    assert check_claim(claim, {})[0] == OPEN
