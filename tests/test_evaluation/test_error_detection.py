"""Confidence against errors: pair by pair, and against SciPy."""
import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from mmpose_wass.evaluation.functional import calibration_bins, error_detection_auc


def sample(kind, seed):
    generator = np.random.default_rng(seed)
    wrong = generator.random(137) < .3
    scores = generator.normal(size=137) - .8 * wrong
    if kind == 'ties':
        scores = np.round(scores)
    if kind == 'constant':
        scores[:] = .5
    return scores, wrong


def by_pairs(scores, wrong):
    """P(wrong < right) + P(equal) / 2 over all pairs."""
    pairs = [(one, other) for one in scores[wrong] for other in scores[~wrong]]
    return np.mean([(one < other) + .5 * (one == other) for one, other in pairs])


@pytest.mark.parametrize('kind', ['distinct', 'ties', 'constant'])
@pytest.mark.parametrize('seed', range(3))
def test_area_is_the_share_of_pairs_in_order(kind, seed):
    scores, wrong = sample(kind, seed)
    found = error_detection_auc(scores, wrong)
    assert found == pytest.approx(by_pairs(scores, wrong), abs=1e-12)
    statistic = mannwhitneyu(scores[~wrong], scores[wrong]).statistic
    assert found == pytest.approx(statistic / (wrong.sum() * (~wrong).sum()), abs=1e-12)


def test_area_knows_the_order_alone():
    scores, wrong = sample('distinct', 5)
    found = error_detection_auc(scores, wrong)
    assert error_detection_auc(np.exp(3 * scores), wrong) == pytest.approx(found)
    assert error_detection_auc(-scores, wrong) == pytest.approx(1 - found)
    assert error_detection_auc(-scores, ~wrong) == pytest.approx(found)
    order = np.random.default_rng(0).permutation(len(scores))
    assert error_detection_auc(scores[order], wrong[order]) == pytest.approx(found, abs=1e-12)


def test_infinite_scores_are_scores():
    scores = np.array([-np.inf, .2, .5, np.inf])
    assert error_detection_auc(scores, np.array([True, False, False, False])) == 1
    assert error_detection_auc(scores, np.array([False, False, False, True])) == 0


@pytest.mark.parametrize('wrong', [np.zeros(4, bool), np.ones(4, bool)])
def test_area_needs_both_kinds(wrong):
    assert np.isnan(error_detection_auc(np.arange(4.), wrong))


@pytest.mark.parametrize('scores, wrong, message', [
    (np.zeros(3), np.zeros(4, bool), r'one shape \[n\]'),
    (np.zeros((2, 2)), np.zeros((2, 2), bool), r'one shape \[n\]'),
    (np.array([.1, np.nan, np.nan]), np.zeros(3, bool), '2 of 3 scores are NaN')])
@pytest.mark.parametrize('function', [error_detection_auc, calibration_bins])
def test_wrong_input_is_refused(function, scores, wrong, message):
    with pytest.raises(ValueError, match=message):
        function(scores, wrong)


@pytest.mark.parametrize('bins', [1, 7, 10, 136])
def test_bins_hold_all_landmarks_in_order(bins):
    scores, wrong = sample('distinct', 2)
    found = calibration_bins(scores, wrong, bins)
    count = np.array(found['count'])
    assert count.sum() == len(scores) and count.max() - count.min() <= 1 and len(count) == bins
    assert (np.diff(found['score']) > 0).all()
    # Counts weigh the bins back to the whole.
    assert count @ found['wrong'] == pytest.approx(wrong.sum())
    assert count @ found['score'] == pytest.approx(scores.sum())
    lowest = np.argsort(scores)[:count[0]]
    assert found['wrong'][0] == pytest.approx(wrong[lowest].mean())


def test_bins_of_few_landmarks():
    found = calibration_bins(np.array([.9, .1]), np.array([False, True]), bins=10)
    assert found == dict(score=[.1, .9], wrong=[1., 0.], count=[1, 1])
    with pytest.raises(ValueError, match='a bin and a landmark, found 0 and 2'):
        calibration_bins(np.array([.9, .1]), np.array([False, True]), bins=0)
    with pytest.raises(ValueError, match='a bin and a landmark, found 10 and 0'):
        calibration_bins(np.zeros(0), np.zeros(0, bool))
