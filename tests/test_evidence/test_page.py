"""The page is what the records say, to the byte."""
import copy
import dataclasses
from pathlib import Path

import pytest
from test_evidence.small_evidence import made_up_record

from mmpose_wass.evidence.claims import (
    CLAIMS,
    CONTRADICTED,
    FAR_MASS,
    HOLDS,
    MIXED,
    NOT_SEEN,
    OPEN,
    PARTLY,
    UNDECIDED,
    Comparison,
    check_claim,
)
from mmpose_wass.evidence.experiments import read_experiments
from mmpose_wass.evidence.page import page_text, read_page, with_table
from mmpose_wass.evidence.page_sections import Page
from mmpose_wass.evidence.page_texts import (
    ABLATION,
    BASELINES,
    BEST,
    CONTESTANTS,
    MAIN,
    README,
    TEST_TITLES,
)
from mmpose_wass.evidence.statistics import Estimate, Evidence, System
from mmpose_wass.project import CONFIG_ROOT

# Of the repository, not of the package: they lie beside these tests, also where the package is
# installed from its wheel.
ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / 'results' / 'evidence'


@pytest.fixture(scope='module')
def experiments():
    return read_experiments(CONFIG_ROOT / 'evidence' / 'cpu.py')


@pytest.fixture(scope='module')
def page(experiments):
    return read_page(RECORDS, experiments)


def test_the_page_is_made_of_the_records(page):
    written = (ROOT / 'docs' / 'results.md').read_text(encoding='utf-8')
    assert written == page_text(page), 'run make results'


def test_the_readme_has_its_table(page):
    written = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert written == with_table(written, page.readme_table()), 'run make results'


def test_every_compared_system_is_an_experiment(experiments):
    compared = {system.experiment for system in (*MAIN, *BEST, *BASELINES, *README)}
    compared |= {side.experiment for _, *sides in ABLATION for side in sides}
    compared |= {name for sides in CONTESTANTS.values() for names in sides for name in names}
    comparisons = [one for claim in CLAIMS for one in (*claim.comparisons, *claim.equal)]
    compared |= {side.experiment for one in comparisons for side in (one.better, one.worse)}
    assert compared <= set(experiments)
    assert {one.test for one in comparisons} <= set(TEST_TITLES)


def test_pictures_of_the_page_exist():
    text = (ROOT / 'docs' / 'results.md').read_text(encoding='utf-8')
    names = [part.split(')')[0] for part in text.split('](figures/')[1:]]
    assert names and all((ROOT / 'docs' / 'figures' / Path(name)).is_file() for name in names)


def test_no_record_is_left_out(page):
    text = page_text(page)
    assert all(f'| {record.name} |' in text for group in page.groups.values() for record in group)


@pytest.mark.parametrize('intervals, verdict', [
    ([(-3, -1), (-2, -1)], HOLDS), ([(-3, -1), (-1, 1)], PARTLY), ([(-3, -1), (1, 2)], MIXED),
    ([(1, 2), (-1, 1)], CONTRADICTED), ([(-1, 1), (-.5, .5)], NOT_SEEN),
    ([(-3, 3), (-.5, .5)], UNDECIDED), ([(-1, 1), None], OPEN)])
def test_verdicts(intervals, verdict):
    """By intervals of differences, where the worse side is at 10 per cent."""
    ends = iter(intervals)

    class Fixed(Evidence):

        def difference(self, *system_test_and_measure):
            found = next(ends)
            return found and Estimate(sum(found) / 2, *found, 3, 1.)

        def estimate(self, *system_test_and_measure):
            return Estimate(10., 9., 11., 3, 1.)

    one = Comparison(System('w', 'bc'), System('l2', 'max'), 'clean', 'NME')
    assert check_claim([one] * len(intervals), Fixed({}))[0] == verdict


def test_far_mass_is_compared_over_seeds():
    groups = {}
    for name, masses in (('l2', (.3, .32, .31)), ('w', (.01, .012, .011))):
        for seed, mass in enumerate(masses):
            record = made_up_record(name, seed, 4.)
            record.content['tests']['clean']['maps'] = dict(far_mass=mass)
            groups.setdefault(name, []).append(record)
    one = Comparison(System('w', 'bc'), System('l2', 'max'), 'clean', FAR_MASS)
    verdict, (found, ) = check_claim([one], Evidence(groups))
    assert verdict == HOLDS and found.estimate.value == pytest.approx(-29.9)


def test_titles_are_those_of_the_experiments(experiments):
    name, one = next((name, one) for name, one in experiments.items() if name == 'js_rate8')
    record = made_up_record(name, 0, 4.)
    changed = {name: dataclasses.replace(one, title='another name')}
    assert Page({name: [record]}, changed).label(System(name, 'bc')) == 'another name, BC'
    assert Page({name: [record]}, {}).label(System(name, 'own')) == name.upper()


def test_what_was_not_run_is_listed(page, experiments):
    name = 'l2_s1_rate8'
    more = copy.copy(experiments)
    more[name] = dataclasses.replace(experiments[name], seeds=(0, 77))
    assert 'seeds 77' in Page(page.groups, more).missing()
