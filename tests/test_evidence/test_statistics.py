"""Intervals of known coverage, ratios, and contests with known winners."""
import numpy as np
import pytest
from scipy import stats

from mmpose_wass.evidence.contest import hold_contest
from mmpose_wass.evidence.records import Record
from mmpose_wass.evidence.statistics import Evidence, SeedDeviation, System, estimate, ratio


def record(name, seed, values, test='clean', reading='bc', units=None):
    """Faces with these values of all three measures, as fractions."""
    faces = np.repeat(np.asarray(values, float)[:, None], 3, axis=1)
    return Record(f'{name}_seed{seed}', dict(experiment=name, seed=seed, tests={}),
                  {f'{test}/{reading}': faces}, {} if units is None else {test: tuple(units)})


def test_faces_that_belong_together_are_drawn_together():
    """Copies of faces say nothing new: the interval is that of the faces without their copies."""
    values = np.random.default_rng(0).gamma(2, .02, 30)
    alone = estimate([record('w', 0, values)], 'bc', 'clean', 'NME')
    units = np.repeat(np.arange(30), 10)
    copied = estimate([record('w', 0, values[units], units=units)], 'bc', 'clean', 'NME')
    naive = estimate([record('w', 0, values[units])], 'bc', 'clean', 'NME')
    assert copied.value == pytest.approx(alone.value)
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    assert naive.high - naive.low < .5 * (copied.high - copied.low)


def test_units_of_unequal_size_count_by_their_faces():
    values = np.array([.01] * 9 + [.10])
    found = estimate([record('w', 0, values, units=[0] * 9 + [1])], 'bc', 'clean', 'NME')
    assert found.value == pytest.approx(1.9)
    assert (found.low, found.high) == pytest.approx((1., 10.))  # both units may be missed


def test_units_of_other_faces_are_refused():
    with pytest.raises(ValueError, match='3 faces were measured and 2 have a unit.*evidence.py'):
        estimate([record('w', 0, [.1, .2, .3], units=[0, 1])], 'bc', 'clean', 'NME')


def test_one_seed_takes_the_deviation_of_others():
    """All faces alike, so that only seeds matter; Student's t in closed form."""
    groups = {name: [record(name, seed, [value] * 20) for seed, value in enumerate(values)]
              for name, values in dict(a=(.04, .05, .06), b=(.04, .06, .08), one=(.05, )).items()}
    evidence = Evidence(groups)
    pooled = evidence.seed_deviation(System('one', 'bc'), 'clean', 'NME')
    assert pooled.freedom == 4 and pooled.deviation == pytest.approx(np.sqrt((1 + 4) / 2))
    found = evidence.estimate(System('one', 'bc'), 'clean', 'NME')
    reach = stats.t.ppf(.975, 4) * pooled.deviation
    assert found.covers_seeds and found.high - found.value == pytest.approx(reach, rel=.01)
    gap = evidence.difference(System('one', 'bc'), System('a', 'bc'), 'clean', 'NME')
    assert gap.high - gap.value == pytest.approx(np.sqrt(2) * reach, rel=.06)
    plain = estimate(groups['one'], 'bc', 'clean', 'NME')
    assert not plain.covers_seeds and plain.low == plain.high and not plain.excludes_zero


def test_two_seeds_take_it_too_and_three_have_their_own():
    """Two seeds that happen to agree must not look certain."""
    groups = {name: [record(name, seed, [value] * 20) for seed, value in enumerate(values)]
              for name, values in dict(a=(.04, .05, .06), two=(.05, .05)).items()}
    found = [Evidence(groups).estimate(System(name, 'bc'), 'clean', 'NME') for name in groups]
    pooled = np.sqrt((2 * 1 + 0) / 3)
    for one, reach in zip(found, (stats.t.ppf(.975, 2) / np.sqrt(3),
                                  stats.t.ppf(.975, 3) * pooled / np.sqrt(2))):
        assert one.high - one.value == pytest.approx(reach, rel=.01)


def test_maps_of_values_lend_nothing_to_distributions():
    groups = {name: [record(name, seed, [value] * 20) for seed, value in enumerate(values)]
              for name, values in dict(w=(.04, .05), l2=(.1, .3), one=(.05, )).items()}
    for one in groups['l2']:
        one.content['settings'] = dict(parts=['losses/l2.py', 'targets/sigma1.py'])
    found = Evidence(groups).seed_deviation(System('one', 'bc'), 'clean', 'NME')
    assert (found.freedom, found.deviation) == (1, pytest.approx(np.sqrt(.5)))


def test_means_have_no_interval_below_zero():
    groups = {'w': [record('w', seed, [value] * 5) for seed, value in enumerate((0, .01))]}
    assert Evidence(groups).estimate(System('w', 'bc'), 'clean', 'NME').low == 0


def test_rates_have_no_interval_above_one_hundred_per_cent():
    groups = {'w': [record('w', seed, [value] * 5) for seed, value in enumerate((.9, 1))]}
    evidence = Evidence(groups)
    assert evidence.estimate(System('w', 'bc'), 'clean', 'FR_L@0.10').high == 100
    assert evidence.estimate(System('w', 'bc'), 'clean', 'NME').high > 100


def test_a_seed_moves_two_readings_alike():
    """What matters is how far their difference moves with seeds, in experiments that have several.
    """
    def both(name, seed, value, gap):
        one = record(name, seed, np.full(20, value))
        one.faces['clean/max'] = one.faces['clean/bc'] + gap
        return one

    readings = System('w', 'bc'), System('w', 'max')
    alone = Evidence({'w': [both('w', 0, .05, .01)]}).difference(*readings, 'clean', 'NME')
    assert alone.value == pytest.approx(-1) and not alone.covers_seeds
    assert not alone.excludes_zero
    others = [both('x', seed, .05 + .02 * seed, gap) for seed, gap in enumerate((.010, .012, .011))]
    found = Evidence({'w': [both('w', 0, .05, .01)], 'x': others}).difference(
        *readings, 'clean', 'NME')
    reach = stats.t.ppf(.975, 2) * .1
    assert found.excludes_zero and (found.high - found.low) / 2 == pytest.approx(reach, rel=.1)


def test_ratio_of_proportional_faces_is_exact():
    """The same faces, each with three quarters of the other's value: no draw changes the ratio."""
    values = np.random.default_rng(1).gamma(2, .02, 50)
    first = [record('w', seed, .75 * values) for seed in range(3)]
    second = [record('l2', seed, values) for seed in range(3)]
    found = ratio(first, 'bc', second, 'bc', 'clean', 'NME')
    assert (found.value, found.low, found.high) == pytest.approx((-25., -25., -25.))
    assert ratio(first, 'bc', [record('l2', 7, values)], 'bc', 'clean', 'NME') is None
    assert ratio(first, 'bc', [record('l2', 0, 0 * values)], 'bc', 'clean', 'NME') is None


def test_ratio_has_its_nominal_coverage():
    """Seeds and faces drawn anew: 95 % of intervals hold the true ratio, give or take."""
    generator, held = np.random.default_rng(2), 0
    for _ in range(200):
        faces = generator.gamma(4, .01, 60)
        sides = [[record(name, seed, level * faces * generator.normal(1, .05) + generator.normal(
            0, .002, 60)) for seed in range(3)] for name, level in (('w', .8), ('l2', 1.))]
        found = ratio(sides[0], 'bc', sides[1], 'bc', 'clean', 'NME')
        held += found.low <= -20 <= found.high
    assert .9 <= held / 200 <= 1


def test_the_hardest_baseline_in_its_best_reading_is_met():
    """Readings and baselines are chosen by the failures, for both sides alike."""
    def both(name, rates, nme=.04):
        made = []
        for seed in range(3):
            one = record(name, seed, [nme] * 10)
            for reading, rate in rates.items():
                one.faces[f'clean/{reading}'] = one.faces['clean/bc']
                one.faces[f'occlusion_large/{reading}'] = np.full((10, 3), rate)
            made.append(one)
        return made

    evidence = Evidence(dict(ours=both('ours', dict(bc=.10, max=.07)),
                             easy=both('easy', dict(max=.2)),
                             hard=both('hard', dict(max=.12, bc=.09))))
    found = hold_contest(evidence, 'ours', ('easy', 'hard', 'absent'), ('max', 'bc'), 'no', 'none')
    assert (found.ours, found.baseline) == (System('ours', 'max'), System('hard', 'bc'))
    assert found.ratio.value == pytest.approx(100 * (7 / 9 - 1)) and found.is_met
    evidence.groups['hard'] = both('hard', dict(bc=.08))
    assert not hold_contest(evidence, 'ours', ('hard', ), ('max', 'bc'), 'no', 'none').is_met
    evidence.groups['hard'] = both('hard', dict(bc=.09), nme=.03)  # clean NME is worse then
    assert not hold_contest(evidence, 'ours', ('hard', ), ('max', 'bc'), 'no', 'none').is_met
    assert hold_contest(evidence, 'ours', ('absent', ), ('max', ), 'no', 'none') is None


def test_deviation_needs_seeds():
    assert Evidence({}).seed_deviation(System('w', 'bc'), 'clean', 'NME') is None
    assert SeedDeviation(1., 3).freedom == 3
