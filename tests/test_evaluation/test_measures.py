"""Hand-computed cases of each measure, and what must hold for any errors."""
import numpy as np
import pytest

from mmpose_wass.evaluation.functional import (
    area_under_curve,
    box_diagonal,
    box_size,
    box_width,
    cumulative_error_distribution,
    exclusion_counts,
    failure_rate_images,
    failure_rate_landmarks,
    failure_rate_per_landmark,
    image_errors,
    inter_ocular_distance,
    inter_pupil_distance,
    landmark_breakdown,
    mean_error_per_landmark,
    measure_name,
    nme,
    normalized_errors,
    normalized_mean_error,
    summarize_errors,
)

NAN, INF = float('nan'), float('inf')

# Multiples of 1/64 are exact in binary, so that ties are ties.
ERRORS = np.array([
    [1, 3, 8],
    [8, 8, 8],
    [NAN, 16, 8],
    [NAN, NAN, NAN],
]) / 64
THRESHOLD = 8 / 64


class TestNormalizedErrors:

    def test_three_four_five(self):
        targets = np.array([[[10., 20.], [0., 0.]]])
        errors = normalized_errors(targets + [3, 4], targets, [50.])
        np.testing.assert_allclose(errors, [[.1, .1]], rtol=1e-15)

    def test_not_valid_is_nan_even_with_an_absurd_target(self):
        targets = np.array([[[10., 20.], [NAN, INF]]])
        errors = normalized_errors(np.zeros((1, 2, 2)), targets, [10.], [[True, False]])
        assert np.isfinite(errors[0, 0]) and np.isnan(errors[0, 1])

    @pytest.mark.parametrize('distance', [0., -1., NAN, INF])
    def test_unusable_distance_excludes_the_face_only(self, distance):
        targets = np.zeros((2, 3, 2))
        errors = normalized_errors(targets + 1, targets, [distance, 10.])
        assert np.isnan(errors[0]).all()
        assert np.isfinite(errors[1]).all()

    @pytest.mark.parametrize('value', [NAN, INF, -INF])
    def test_prediction_not_finite_is_an_infinite_error(self, value):
        targets = np.zeros((1, 2, 2))
        predictions = targets.copy()
        predictions[0, 1, 0] = value
        assert normalized_errors(predictions, targets, [10.]).tolist() == [[0., INF]]

    def test_prediction_not_finite_where_nothing_is_labelled_is_not_scored(self):
        predictions = np.full((1, 1, 2), NAN)
        errors = normalized_errors(predictions, np.zeros((1, 1, 2)), [10.], [[False]])
        assert np.isnan(errors).all()

    def test_valid_target_not_finite_is_refused(self):
        targets = np.zeros((2, 3, 2))
        targets[1, 2, 0] = NAN
        with pytest.raises(ValueError, match='landmark 2 of face 1'):
            normalized_errors(np.zeros((2, 3, 2)), targets, [1., 1.])

    @pytest.mark.parametrize('predictions, targets, distances, valid, words', [
        ((2, 3), (2, 3, 2), (2, ), None, r'predictions must have shape \[N, K, 2\]'),
        ((2, 3, 3), (2, 3, 2), (2, ), None, r'found \[2, 3, 3\]'),
        ((2, 4, 2), (2, 3, 2), (2, ), None, r'found \[2, 4, 2\] and \[2, 3, 2\]'),
        ((2, 3, 2), (2, 3, 2), (2, 1), None, r'normalization must have shape \[N\] = \[2\]'),
        ((2, 3, 2), (2, 3, 2), (2, ), (2, 3, 1), r'valid must have shape'),
    ])
    def test_wrong_shapes_are_named(self, predictions, targets, distances, valid, words):
        valid = None if valid is None else np.ones(valid, bool)
        with pytest.raises(ValueError, match=words):
            normalized_errors(np.ones(predictions), np.ones(targets), np.ones(distances), valid)

    def test_inputs_are_left_alone(self):
        predictions, targets, distances = np.ones((1, 2, 2)), np.zeros((1, 2, 2)), np.zeros(1)
        normalized_errors(predictions, targets, distances)
        assert (predictions == 1).all() and (targets == 0).all() and (distances == 0).all()


def test_exclusion_counts_add_up():
    valid = np.array([[1, 1], [0, 0], [1, 0], [0, 0], [0, 1]], dtype=bool)
    distances = [1., 1., 0., NAN, NAN]
    assert exclusion_counts(distances, valid) == dict(
        excluded=4, no_valid_landmark=2, no_normalization_distance=2)
    errors = normalized_errors(np.ones((5, 2, 2)), np.zeros((5, 2, 2)), distances, valid)
    assert np.isnan(errors).all(axis=1).sum() == 4


class TestMeans:

    def test_image_and_landmark_means(self):
        np.testing.assert_array_equal(image_errors(ERRORS), [4 / 64, 8 / 64, 12 / 64, NAN])
        np.testing.assert_array_equal(
            mean_error_per_landmark(ERRORS), np.array([9 / 2, 27 / 3, 8]) / 64)

    def test_image_means_are_accurate(self):
        from fractions import Fraction
        errors = np.random.default_rng(3).gamma(.5, .05, size=(300, 41))
        errors[np.random.default_rng(4).random(errors.shape) < .3] = NAN
        for row, mean in zip(errors, image_errors(errors)):
            exact = [Fraction(e) for e in row.tolist() if e == e]
            assert mean == pytest.approx(float(sum(exact) / len(exact)), rel=1e-15)

    def test_results_do_not_depend_on_the_chunks_they_are_computed_in(self, monkeypatch):
        from mmpose_wass.evaluation.functional import errors as module
        rng = np.random.default_rng(5)
        targets = rng.uniform(0, 100, (57, 7, 2))
        predictions = targets + rng.normal(0, 3, targets.shape)
        valid = rng.random((57, 7)) < .8
        whole = normalized_errors(predictions, targets, np.full(57, 30.), valid)
        summary = summarize_errors(whole)
        monkeypatch.setattr(module, 'CHUNK_ENTRIES', 21)
        np.testing.assert_array_equal(
            normalized_errors(predictions, targets, np.full(57, 30.), valid), whole)
        assert summarize_errors(whole) == pytest.approx(summary, rel=1e-13)

    def test_short_name(self):
        assert nme is normalized_mean_error

    def test_mean_of_image_means_differs_from_mean_of_points(self):
        assert normalized_mean_error(ERRORS) == 8 / 64
        assert normalized_mean_error(ERRORS, average='points') == (12 + 24 + 24) / 8 / 64

    def test_both_agree_when_all_is_labelled(self):
        errors = np.random.default_rng(0).random((7, 5))
        assert normalized_mean_error(errors) == pytest.approx(
            normalized_mean_error(errors, average='points'), rel=1e-14)

    def test_unknown_average(self):
        with pytest.raises(ValueError, match="found 'median'"):
            normalized_mean_error(ERRORS, average='median')

    def test_nothing_scored_is_nan_without_a_warning(self, recwarn):
        nothing = np.full((2, 3), NAN)
        assert all(np.isnan(value) for value in summarize_errors(nothing).values())
        assert not len(recwarn)

    def test_wrong_shape(self):
        with pytest.raises(ValueError, match=r'found \[3\]'):
            normalized_mean_error(np.zeros(3))


class TestFailureRates:

    def test_ties_at_the_threshold_are_no_failures(self):
        # Image means 4, 8, 12 (of 64): only 12 exceeds 8.
        assert failure_rate_images(ERRORS, THRESHOLD) == 1 / 3
        below = np.nextafter(THRESHOLD, 0)
        assert failure_rate_images(ERRORS, below) == 2 / 3

    @pytest.mark.parametrize('num_landmarks', [1, 3, 7, 19, 29, 68, 98])
    @pytest.mark.parametrize('error', [.05, .07, .08, .1, .15, .2])
    def test_a_face_whose_landmarks_all_tie_ties(self, num_landmarks, error):
        # A plain sum of such numbers rounds above (three times 0.1) or below.
        errors = np.full((2, num_landmarks), error)
        errors[1, 1:] = NAN
        assert failure_rate_images(errors, error) == 0
        assert failure_rate_landmarks(errors, error) == 0
        assert failure_rate_images(errors, np.nextafter(error, 0)) == 1
        for level in ('images', 'landmarks'):
            assert cumulative_error_distribution(errors, [error], level).tolist() == [1]

    def test_landmarks_are_averaged_over_the_faces_that_have_them(self):
        per_landmark = failure_rate_per_landmark(ERRORS, THRESHOLD)
        np.testing.assert_array_equal(per_landmark, [0, 1 / 3, 0])
        assert failure_rate_landmarks(ERRORS, THRESHOLD) == pytest.approx(1 / 9)
        below = np.nextafter(THRESHOLD, 0)
        np.testing.assert_array_equal(failure_rate_per_landmark(ERRORS, below), [1 / 2, 2 / 3, 1])

    def test_one_lost_landmark_shows_per_landmark_only(self):
        # The paper's reason for FR^L: nine of ten landmarks are perfect, the tenth is far off.
        errors = np.zeros((4, 10))
        errors[:, 3] = .5
        assert failure_rate_images(errors, .1) == 0
        assert failure_rate_landmarks(errors, .1) == pytest.approx(.1)
        assert failure_rate_landmarks(errors, .1, landmarks=[2, 3]) == .5

    def test_landmark_that_is_never_labelled_is_left_out(self):
        errors = np.array([[.2, NAN], [.2, NAN]])
        np.testing.assert_array_equal(failure_rate_per_landmark(errors, .1), [1, NAN])
        assert failure_rate_landmarks(errors, .1) == 1

    def test_infinite_errors_fail_at_every_threshold(self):
        errors = np.array([[0., INF], [0., 0.]])
        assert failure_rate_images(errors, 1e6) == .5
        assert failure_rate_landmarks(errors, 1e6) == .25
        assert normalized_mean_error(errors) == INF

    @pytest.mark.parametrize('threshold', [0, -.1, NAN, INF])
    def test_absurd_threshold(self, threshold):
        for measure in (failure_rate_images, failure_rate_landmarks, area_under_curve):
            with pytest.raises(ValueError, match='positive fraction'):
                measure(ERRORS, threshold)


class TestCumulativeError:

    @pytest.mark.parametrize('level, rate', [('images', failure_rate_images),
                                             ('landmarks', failure_rate_landmarks)])
    def test_is_one_minus_the_failure_rate_everywhere(self, level, rate):
        thresholds = np.arange(1, 20) / 64
        curve = cumulative_error_distribution(ERRORS, thresholds, level=level)
        np.testing.assert_allclose(curve, [1 - rate(ERRORS, t) for t in thresholds], atol=1e-15)
        assert (np.diff(curve) >= 0).all()

    def test_area_of_a_single_step(self):
        # One face at error e: the curve jumps at e, the area is 1 - e / threshold.
        for error in (0., .0333, .05, .09999):
            area = area_under_curve([[error]], .1)
            assert area == pytest.approx(1 - error / .1, abs=1e-3)

    @pytest.mark.parametrize('rule', ['simpson', 'trapezoid'])
    def test_area_equals_its_closed_form(self, rule):
        # Integrating the step function by hand gives the mean of max(0, 1 - e / threshold).
        errors = np.random.default_rng(1).gamma(2., .02, size=(200, 4))
        exact = np.maximum(0, 1 - errors.mean(axis=1) / .08).mean()
        assert area_under_curve(errors, .08, rule=rule) == pytest.approx(exact, abs=1e-3)
        exact = np.maximum(0, 1 - errors / .08).mean()
        assert area_under_curve(errors, .08, level='landmarks', rule=rule) == pytest.approx(
            exact, abs=1e-3)

    def test_step_is_1e_4(self):
        # The jump just above the sample .0500 shows at the sample .0501, and half a step before.
        area = area_under_curve([[.0500001]], .1, rule='trapezoid')
        assert area == pytest.approx((.1 - .0501 + .5e-4) / .1, abs=1e-9)

    def test_perfect_and_hopeless(self):
        assert area_under_curve(np.zeros((3, 2)), .07) == pytest.approx(1, abs=1e-12)
        assert area_under_curve(np.full((3, 2), INF), .07) == 0

    @pytest.mark.parametrize('threshold, step', [(.1, .1), (.1, .04), (.07, 1e-4), (.0333, 1e-3)])
    def test_any_number_of_intervals(self, threshold, step):
        assert area_under_curve(np.zeros((1, 1)), threshold, step) == pytest.approx(1, abs=1e-12)

    def test_unknown_words(self):
        with pytest.raises(ValueError, match="'landmarks', found 'faces'"):
            cumulative_error_distribution(ERRORS, [.1], level='faces')
        with pytest.raises(ValueError, match="found 'midpoint'"):
            area_under_curve(ERRORS, .1, rule='midpoint')
        with pytest.raises(ValueError, match='step must lie in'):
            area_under_curve(ERRORS, .1, step=.2)


class TestNormalization:
    targets = np.array([[[0., 0.], [2., 0.], [5., 4.], [7., 8.]]])

    def test_landmark_distances(self):
        assert inter_ocular_distance(self.targets, (1, 2)).tolist() == [5.]
        assert inter_pupil_distance(self.targets, [(0, 1), (2, 3)]).tolist() == [np.hypot(5, 6)]

    def test_unlabelled_end_is_not_measured(self):
        valid = np.array([[True, False, True, True]])
        assert np.isnan(inter_ocular_distance(self.targets, (1, 2), valid))
        assert np.isnan(inter_pupil_distance(self.targets, [(0, 1), (2, 3)], valid))
        assert np.isfinite(inter_ocular_distance(self.targets, (0, 2), valid))

    @pytest.mark.parametrize('corners, words', [((0, 4), '0..3'), ((-1, 2), '0..3'),
                                                ((1, ), 'two landmark indices')])
    def test_wrong_indices(self, corners, words):
        with pytest.raises(ValueError, match=words):
            inter_ocular_distance(self.targets, corners)

    def test_boxes(self):
        boxes = [[10., 20., 40., 60.], [0., 0., 5., 12.]]
        assert box_width(boxes).tolist() == [30., 5.]
        assert box_size(boxes).tolist() == [40., 12.]
        assert box_diagonal(boxes).tolist() == [50., 13.]
        with pytest.raises(ValueError, match=r'found \[4\]'):
            box_width([0., 0., 1., 1.])


def reference(errors, thresholds_image, thresholds_landmark, auc_threshold):
    """The measures once more, from their definitions, in plain loops over Python numbers."""
    faces = [[e for e in row if e == e] for row in errors.tolist()]
    faces = [sum(row) / len(row) for row in faces if row]
    columns = [[e for e in column if e == e] for column in errors.T.tolist()]
    columns = [column for column in columns if column]
    points = [e for column in columns for e in column]

    measures = dict(NME=100 * sum(faces) / len(faces), micro_NME=100 * sum(points) / len(points))
    for t in thresholds_image:
        measures[measure_name('FR_I', t)] = 100 * sum(e > t for e in faces) / len(faces)
    for t in thresholds_landmark:
        rates = [sum(e > t for e in column) / len(column) for column in columns]
        measures[measure_name('FR_L', t)] = 100 * sum(rates) / len(rates)
    count = round(auc_threshold / 1e-4)
    curve = [sum(e <= auc_threshold * i / count for e in faces) / len(faces)
             for i in range(count + 1)]
    area = sum((curve[i] + 4 * curve[i + 1] + curve[i + 2]) / 6 for i in range(0, count, 2))
    measures[measure_name('AUC', auc_threshold)] = area / (count / 2)
    return measures


def test_summary_equals_an_independent_implementation_on_1000_random_cases():
    rng = np.random.default_rng(20)
    cases = 0
    while cases < 1000:
        num_faces, num_landmarks = rng.integers(1, 12), rng.integers(1, 9)
        targets = rng.uniform(0, 100, (num_faces, num_landmarks, 2))
        predictions = targets + rng.normal(0, rng.uniform(.5, 6), targets.shape)
        predictions[rng.random(targets.shape[:2]) < .01] = NAN
        distances = rng.uniform(20, 80, num_faces)
        distances[rng.random(num_faces) < .1] = 0
        valid = rng.random(targets.shape[:2]) < rng.uniform(.3, 1)
        errors = normalized_errors(predictions, targets, distances, valid)
        assert (np.isnan(errors) == ~(valid & (distances > 0)[:, None])).all()
        for i, j in np.argwhere(~np.isnan(errors)):
            x, y = predictions[i, j] - targets[i, j]
            by_hand = (x * x + y * y)**.5 / distances[i] if x == x else INF
            assert errors[i, j] == pytest.approx(by_hand, rel=1e-12)
        if np.isnan(errors).all():
            continue
        cases += 1
        found = summarize_errors(
            errors,
            failure_thresholds_image=(.08, .1),
            failure_thresholds_landmark=(.05, .08, .1, .15, .2),
            auc_thresholds=(.1, ))
        expected = reference(errors, (.08, .1), (.05, .08, .1, .15, .2), .1)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-10, abs=1e-12), (cases, name)


def test_large_evaluation_is_fast_enough():
    """A tenth of the largest protocol (21,800 faces of 68 landmarks)."""
    import time
    errors = np.random.default_rng(0).gamma(2., .02, size=(21800, 68))
    start = time.process_time()
    summarize_errors(errors)
    # The full size must take less than 15 s of one core.
    assert time.process_time() - start < 1.5


def test_large_evaluation_needs_little_more_than_its_arrays():
    """Nothing of the size of the errors is made on the way."""
    import tracemalloc
    shape = (20000, 98)
    rng = np.random.default_rng(0)
    targets = rng.uniform(0, 200, (*shape, 2)).astype(np.float32)
    predictions = targets + rng.normal(0, 5, targets.shape).astype(np.float32)
    valid = rng.random(shape) < .9
    size = 8 * valid.size

    def peak(function, *args):
        tracemalloc.start()
        result = function(*args)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, result

    most, errors = peak(normalized_errors, predictions, targets, np.full(shape[0], 60.), valid)
    assert errors.nbytes == size and most < 2 * size
    for function in (summarize_errors, landmark_breakdown):
        assert peak(function, errors)[0] < .7 * size
