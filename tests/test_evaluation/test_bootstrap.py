"""Bootstrap, tests and corrections against closed forms, SciPy, and their own promises."""
from itertools import product
from math import comb

import numpy as np
import pytest

from mmpose_wass.evaluation.functional import summarize_errors
from mmpose_wass.evaluation.functional.bootstrap import (
    bca_interval,
    bootstrap_statistics,
    percentile_interval,
    resampling_weights,
    student_seed_draws,
)
from mmpose_wass.evaluation.functional.contributions import (
    Measure,
    RatioStatistic,
    measure_statistic,
    number_units,
    per_landmark_failure_statistics,
)
from mmpose_wass.evaluation.functional.significance import (
    holm_correction,
    randomization_test,
    simultaneous_bands,
)

NAN, INF = float('nan'), float('inf')
NAMES = ('NME', 'micro_NME', 'FR_I@0.08', 'FR_I@0.10', 'FR_L@0.05', 'FR_L@0.20', 'AUC@0.10')


def mean_statistic(values):
    values = np.asarray(values, dtype=float)[:, None]
    return RatioStatistic(values, np.ones_like(values))


def statistics_of(errors, names=NAMES, labels=None):
    labels = [str(n) for n in range(len(errors))] if labels is None else labels
    units, count = number_units(labels)
    return [measure_statistic(errors, Measure.parse(name), units, count) for name in names]


class TestMeasuresAsRatios:

    @pytest.mark.parametrize('seed', range(8))
    @pytest.mark.parametrize('masked', [0, .3])
    def test_equal_to_summary(self, seed, masked):
        generator = np.random.default_rng(seed)
        errors = generator.lognormal(-2.7, .6, (60, 7))
        errors[generator.random(errors.shape) < masked] = NAN
        errors[3] = NAN
        errors[5, 2] = .1  # ties at the threshold, of a landmark and of a face
        errors[6] = .1
        labels = generator.integers(0, 25, len(errors)).astype(str)
        expected = summarize_errors(errors)
        for name, one in zip(NAMES, statistics_of(errors, labels=labels)):
            assert one.estimate() == pytest.approx(expected[name], rel=1e-12), name
            assert one.linear_terms().sum() == pytest.approx(expected[name], rel=1e-12)
            assert one.influence().sum() == pytest.approx(0, abs=1e-8)

    def test_failed_predictions_fail(self):
        errors = np.array([[.01, INF], [.02, .03]])
        expected = summarize_errors(errors)
        for name, one in zip(NAMES[2:], statistics_of(errors)[2:]):
            assert one.estimate() == pytest.approx(expected[name])
        assert statistics_of(errors)[0].estimate() == INF

    def test_a_landmark_that_is_never_scored_is_left_out(self):
        errors = np.array([[.2, NAN], [.01, NAN]])
        assert statistics_of(errors, ['FR_L@0.10'])[0].estimate() == 50.0
        rates = [one.estimate() for one in per_landmark_failure_statistics(
            errors, .1, np.arange(2), 2)]
        assert rates[0] == 50.0 and np.isnan(rates[1])

    @pytest.mark.parametrize('name', ['nme', 'FR@0.1', 'FR_L', 'FR_L@10', 'FR_I@0', 'FR_I@x',
                                      'AUC@-1', 'FR_I@1e', ''])
    def test_unknown_measure(self, name):
        with pytest.raises(ValueError, match='measure'):
            Measure.parse(name)

    def test_influence_is_the_derivative(self):
        """Influence of a unit: what happens if it gets a little more weight."""
        generator = np.random.default_rng(0)
        errors = generator.lognormal(-2.7, .6, (40, 5))
        errors[generator.random(errors.shape) < .3] = NAN
        for one in statistics_of(errors):
            influence, step = one.influence(), 1e-6
            for unit in (0, 17):
                weights = np.ones((len(errors), 1)) * (1 - step)
                weights[unit] += step * len(errors)
                moved = RatioStatistic(one.numerator * weights, one.denominator * weights,
                                       one.scale)
                assert (moved.estimate() - one.estimate()) / step == pytest.approx(
                    influence[unit], rel=1e-3, abs=1e-3)


class TestDraws:

    def test_blocks_do_not_matter_and_are_bounded(self):
        whole = np.concatenate([block for _, block in resampling_weights(50, 30, 4)])
        pieces = list(resampling_weights(50, 30, 4, block_bytes=7 * 50 * 8))
        assert [len(block) for _, block in pieces] == [7, 7, 7, 7, 2]
        assert [first for first, _ in pieces] == [0, 7, 14, 21, 28]
        np.testing.assert_array_equal(np.concatenate([block for _, block in pieces]), whole)
        assert (whole.sum(axis=1) == 50).all()
        other = np.concatenate([block for _, block in resampling_weights(50, 30, 5)])
        assert (other != whole).any()

    def test_memory_is_bounded(self):
        sizes = [block.nbytes for _, block in resampling_weights(218000, 3, 0, 2**20)]
        assert sizes == [218000 * 8] * 3

    def test_values_are_those_of_resampled_data(self):
        """Each resample is the measure of the faces drawn, computed by the measures' own code."""
        generator = np.random.default_rng(1)
        errors = generator.lognormal(-2.7, .6, (12, 4))
        errors[generator.random(errors.shape) < .2] = NAN
        values = bootstrap_statistics(statistics_of(errors), 20, seed=3)
        weights = next(iter(resampling_weights(12, 20, 3)))[1].astype(int)
        for column, counts in enumerate(weights):
            expected = summarize_errors(np.repeat(errors, counts, axis=0))
            for row, name in enumerate(NAMES):
                assert values[row, column] == pytest.approx(expected[name], rel=1e-9), name

    def test_an_infinite_error_spoils_only_the_means(self):
        errors = np.array([[.01, .02], [.03, INF], [.2, .3]])
        clean = np.where(np.isinf(errors), 9., errors)
        values = bootstrap_statistics(statistics_of(errors), 50)
        reference = bootstrap_statistics(statistics_of(clean), 50)
        assert np.isnan(values[:2]).all()
        np.testing.assert_allclose(values[2:], reference[2:])

    def test_refusals(self):
        with pytest.raises(ValueError, match='one set of units'):
            bootstrap_statistics([mean_statistic([1, 2]), mean_statistic([1])], 10)
        with pytest.raises(ValueError, match='no statistic'):
            bootstrap_statistics([], 10)
        with pytest.raises(ValueError, match='at least one unit'):
            bootstrap_statistics([mean_statistic([])], 10)
        with pytest.raises(ValueError, match='level'):
            percentile_interval(np.arange(5.), 95)


class TestIntervals:

    def test_closed_form_of_a_gaussian_mean(self):
        data = np.random.default_rng(0).normal(3, 2, 500)
        one = mean_statistic(data)
        values = bootstrap_statistics([one], 20000)[0]
        half = 1.959964 * data.std() / np.sqrt(len(data))
        for low, high in (percentile_interval(values),
                          bca_interval(values, one.estimate(), one.influence())):
            assert low == pytest.approx(data.mean() - half, abs=.04 * half)
            assert high == pytest.approx(data.mean() + half, abs=.04 * half)

    @pytest.mark.parametrize('method', ['percentile', 'bca'])
    def test_coverage_of_a_gaussian_mean(self, method):
        generator = np.random.default_rng(2)
        covered, trials = 0, 400
        for trial in range(trials):
            one = mean_statistic(generator.normal(1, 1, 60))
            values = bootstrap_statistics([one], 400, seed=trial)[0]
            low, high = (percentile_interval(values, .9) if method == 'percentile' else
                         bca_interval(values, one.estimate(), one.influence(), .9))
            covered += low <= 1 <= high
        # Four standard errors of the count about the nominal coverage.
        assert covered / trials == pytest.approx(.9, abs=4 * np.sqrt(.09 / trials))

    def test_bca_agrees_with_scipy(self):
        stats = pytest.importorskip('scipy.stats')
        data = np.random.default_rng(5).lognormal(0, 1, 45)
        one = mean_statistic(data)
        values = bootstrap_statistics([one], 30000)[0]
        for method, mine in (('percentile', percentile_interval(values)),
                             ('BCa', bca_interval(values, one.estimate(), one.influence()))):
            theirs = stats.bootstrap((data, ), np.mean, n_resamples=30000, method=method,
                                     random_state=1).confidence_interval
            width = theirs.high - theirs.low
            assert mine == pytest.approx((theirs.low, theirs.high), abs=.025 * width)

    def test_paired_ratio_agrees_with_scipy(self):
        """micro_NME with missing landmarks, as the difference of two systems."""
        stats = pytest.importorskip('scipy.stats')
        generator = np.random.default_rng(6)
        errors = generator.lognormal(-2.7, .8, (40, 6))
        errors[generator.random(errors.shape) < .3] = NAN
        other = errors * generator.lognormal(.1, .3, errors.shape)
        first, second = (statistics_of(array, ['micro_NME'])[0] for array in (errors, other))
        values = np.diff(bootstrap_statistics([first, second], 30000), axis=0)[0]
        estimate = second.estimate() - first.estimate()
        mine = bca_interval(values, estimate, second.influence() - first.influence())

        def difference(a, b, n, axis=-1):
            return 100 * (b.sum(axis=axis) - a.sum(axis=axis)) / n.sum(axis=axis)

        theirs = stats.bootstrap(
            (np.nansum(errors, 1), np.nansum(other, 1), (~np.isnan(errors)).sum(1)), difference,
            paired=True, n_resamples=30000, method='BCa', vectorized=True,
            random_state=2).confidence_interval
        assert mine == pytest.approx(tuple(theirs), abs=.025 * (theirs.high - theirs.low))

    def test_pairing_shortens_the_interval(self):
        generator = np.random.default_rng(8)
        hardness = generator.normal(0, 1, 200)
        first, second = hardness, hardness + generator.normal(.1, .1, 200)
        values = bootstrap_statistics([mean_statistic(first), mean_statistic(second)], 2000)
        paired = np.ptp(percentile_interval(values[1] - values[0]))
        alone = np.ptp(percentile_interval(values[0]))
        assert paired == pytest.approx(2 * 1.96 * .1 / np.sqrt(200), rel=.2)
        assert alone > 5 * paired

    def test_copies_of_a_face_are_no_new_evidence(self):
        errors = np.random.default_rng(9).lognormal(-2.7, .6, (40, 5))
        copies = np.repeat(errors, 4, axis=0)
        labels = [f'image {n // 4}' for n in range(len(copies))]

        def width(one):
            return np.ptp(percentile_interval(bootstrap_statistics([one], 4000)[0]))

        single = width(statistics_of(errors, ['NME'])[0])
        assert width(statistics_of(copies, ['NME'], labels)[0]) == pytest.approx(single)
        assert width(statistics_of(copies, ['NME'])[0]) == pytest.approx(single / 2, rel=.1)

    def test_nothing_varies(self):
        one = mean_statistic([2., 2., 2.])
        values = bootstrap_statistics([one], 100)[0]
        assert bca_interval(values, 2., one.influence()) == pytest.approx((2, 2))

    def test_nan_spreads(self):
        assert np.isnan(bca_interval(np.array([1., NAN]), 1., np.zeros(2))).all()
        assert np.isnan(percentile_interval(np.array([1., NAN]))).all()


class TestSeeds:

    @pytest.mark.parametrize('num_seeds', [2, 3, 5])
    def test_coverage_of_the_mean_over_few_seeds(self, num_seeds):
        """Resampling three seeds covers about 3 in 4; Student's t covers what it promises."""
        generator = np.random.default_rng(num_seeds)
        covered, trials = 0, 600
        for _ in range(trials):
            seeds = generator.normal(0, 1, num_seeds)
            draws = seeds.mean() + student_seed_draws(num_seeds, 1000, generator,
                                                      seeds.std(ddof=1))
            low, high = percentile_interval(draws, .9)
            covered += low <= 0 <= high
        assert covered / trials == pytest.approx(.9, abs=4 * np.sqrt(.09 / trials))


class TestRandomizationTest:

    def test_few_units_are_enumerated(self):
        terms = np.array([.5, -.2, .1, .9, 0., .3, .3, -.05])
        sums = [abs(np.dot(signs, terms)) for signs in product((-1, 1), repeat=len(terms))]
        expected = np.mean(np.array(sums) >= abs(terms.sum()) - 1e-12)
        assert randomization_test(terms[:, None])[0] == pytest.approx(expected)

    @pytest.mark.parametrize('wins, losses', [(3, 0), (9, 1), (15, 5), (30, 25), (40, 12)])
    def test_failure_rates_give_mcnemars_exact_test(self, wins, losses):
        terms = np.concatenate([np.full(wins, .1), np.full(losses, -.1), np.zeros(300)])
        total = wins + losses
        tail = sum(comb(total, k) for k in range(max(wins, losses), total + 1)) / 2**total
        p_value = randomization_test(terms[:, None], 20000)[0]
        assert p_value == pytest.approx(min(1, 2 * tail), abs=4 * np.sqrt(tail / 10000) + 1e-4)

    def test_level_is_kept(self):
        """Skewed differences without a true difference: 5 % of p-values lie below 5 %."""
        generator = np.random.default_rng(3)
        sides = generator.lognormal(0, 1, (2, 40, 600))
        p_values = randomization_test(sides[0] - sides[1], 500)
        assert (p_values <= .05).mean() == pytest.approx(.05, abs=4 * np.sqrt(.05 * .95 / 600))

    def test_equal_and_infinite(self):
        terms = np.stack([np.zeros(20), np.full(20, INF), np.ones(20)], axis=1)
        p_values = randomization_test(terms, 999)
        assert p_values[0] == 1 and np.isnan(p_values[1])
        assert p_values[2] == pytest.approx(1 / 1000)
        with pytest.raises(ValueError, match=r'\[U, M\]'):
            randomization_test(np.zeros(3))


def test_holm():
    # Worked by hand: .01 x 4, .02 x 3, .03 x 2 and never below those before, .5 x 1.
    np.testing.assert_allclose(
        holm_correction([.02, .5, NAN, .01, .03]), [.06, .5, NAN, .04, .06])
    assert holm_correction([]).shape == (0, )
    assert holm_correction([.6, .7]).tolist() == [1.0, 1.0]


def test_bands_hold_for_all_together():
    generator = np.random.default_rng(4)
    covered, trials, num_units = 0, 300, 80
    factor = generator.normal(size=(12, 12)) * .2 + np.eye(12)
    for trial in range(trials):
        data = generator.normal(size=(num_units, 12)) @ factor
        statistics = [mean_statistic(column) for column in data.T]
        values = bootstrap_statistics(statistics, 400, seed=trial)
        low, high = simultaneous_bands(values, data.mean(axis=0), .9)
        covered += bool(((low <= 0) & (high >= 0)).all())
    assert covered / trials == pytest.approx(.9, abs=4 * np.sqrt(.09 / trials) + .02)


def test_bands_of_what_never_moves():
    values = np.stack([np.zeros(50), np.full(50, NAN), np.random.default_rng(0).normal(size=50)])
    low, high = simultaneous_bands(values, np.array([0., NAN, 0.]))
    assert low[0] == high[0] == 0
    assert np.isnan(low[1]) and low[2] < 0 < high[2]
