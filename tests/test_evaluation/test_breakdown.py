"""Tables per landmark, per region and by occlusion: by hand, and against the whole."""
import numpy as np
import pytest

from mmpose_wass.evaluation.functional import (
    landmark_breakdown,
    occlusion_breakdown,
    region_breakdown,
    split_by_occlusion,
    summarize_errors,
)

NAN, INF = float('nan'), float('inf')

# Multiples of 1/64 are exact in binary.
ERRORS = np.array([
    [1, 3, 8],
    [8, 8, 9],
    [NAN, 16, 8],
    [NAN, NAN, NAN],
]) / 64
OCCLUDED = np.array([
    [0, 1, 0],
    [1, 1, 1],
    [1, 0, 0],  # the first is not labelled: hidden or not, it is not scored
    [1, 0, 0],
], dtype=bool)


class TestLandmarks:

    def test_by_hand(self):
        table = landmark_breakdown(ERRORS, thresholds=(8 / 64, ))
        assert list(table) == ['scored', 'NME', 'FR_L@0.125']
        assert table['scored'].tolist() == [2, 3, 3]
        np.testing.assert_allclose(table['NME'], 100 * np.array([4.5, 9, 25 / 3]) / 64)
        # Ties at the threshold are no failures.
        np.testing.assert_allclose(table['FR_L@0.125'], [0, 100 / 3, 100 / 3])

    def test_occlusion_by_hand(self):
        table = landmark_breakdown(ERRORS, (), OCCLUDED)
        assert table['scored_occluded'].tolist() == [1, 2, 1]
        assert table['scored_visible'].tolist() == [1, 1, 2]
        np.testing.assert_allclose(table['NME_occluded'], 100 * np.array([8, 5.5, 9]) / 64)
        np.testing.assert_allclose(table['NME_visible'], 100 * np.array([1, 16, 8]) / 64)

    def test_mean_over_landmarks_is_the_whole(self):
        errors = np.random.default_rng(0).gamma(2, .03, (50, 9))
        table, whole = landmark_breakdown(errors), summarize_errors(errors)
        for name in whole:
            if name.startswith('FR_L'):
                assert table[name].mean() == pytest.approx(whole[name], rel=1e-12)
        assert table['NME'].mean() == pytest.approx(whole['NME'], rel=1e-12)

    def test_landmark_that_is_never_scored(self, recwarn):
        table = landmark_breakdown([[NAN, 1.]], occluded=[[False, False]])
        assert table['scored'].tolist() == [0, 1]
        assert np.isnan(table['NME'][0]) and np.isnan(table['FR_L@0.10'][0])
        assert not len(recwarn)


class TestRegions:

    def test_by_hand(self):
        table = region_breakdown(ERRORS, dict(eyes=(0, 1), chin=(2, )), thresholds=(8 / 64, ))
        # Faces' means over the eyes: 2, 8 and 16 (its first eye is not labelled).
        assert table['eyes'] == pytest.approx({
            'landmarks': 2, 'points': 5, 'NME': 100 * 26 / 3 / 64, 'micro_NME': 100 * 36 / 5 / 64,
            'FR_L@0.125': 100 / 6})
        assert table['chin'] == pytest.approx({
            'landmarks': 1, 'points': 3, 'NME': 100 * 25 / 3 / 64, 'micro_NME': 100 * 25 / 3 / 64,
            'FR_L@0.125': 100 / 3})

    def test_all_landmarks_as_one_region_are_the_whole(self):
        errors = np.random.default_rng(1).gamma(2, .03, (50, 9))
        errors[np.random.default_rng(2).random(errors.shape) < .3] = NAN
        whole = summarize_errors(errors)
        (row, ) = region_breakdown(errors, dict(face=range(9))).values()
        for name in ('NME', 'micro_NME', 'FR_L@0.05', 'FR_L@0.20'):
            assert row[name] == pytest.approx(whole[name], rel=1e-12)

    def test_column_that_does_not_exist(self):
        with pytest.raises(ValueError, match=r"'eyes' names the columns \[0, 3\].*0\.\.2"):
            region_breakdown(ERRORS, dict(eyes=(0, 3)))


class TestOcclusion:

    def test_by_hand(self):
        table = occlusion_breakdown(ERRORS, OCCLUDED, failure_thresholds_image=(8 / 64, ),
                                    failure_thresholds_landmark=(), auc_thresholds=())
        occluded, visible = table['occluded'], table['visible']
        assert (occluded['points'], occluded['faces']) == (4, 2)
        assert (visible['points'], visible['faces']) == (4, 2)
        # Faces: 3; (8 + 8 + 9) / 3. Visible: (1 + 8) / 2; (16 + 8) / 2.
        assert occluded['NME'] == pytest.approx(100 * (3 + 25 / 3) / 2 / 64)
        assert visible['NME'] == pytest.approx(100 * (4.5 + 12) / 2 / 64)
        assert occluded['micro_NME'] == pytest.approx(100 * 28 / 4 / 64)
        assert (occluded['FR_I@0.125'], visible['FR_I@0.125']) == (50, 50)

    def test_both_sides_are_all_that_is_scored(self):
        rng = np.random.default_rng(3)
        errors = rng.gamma(2, .03, (40, 7))
        errors[rng.random(errors.shape) < .2] = NAN
        errors[0, 0] = INF
        occluded, visible = split_by_occlusion(errors, rng.random(errors.shape) < .3)
        assert (np.isnan(occluded) | np.isnan(visible)).all()
        np.testing.assert_array_equal(np.where(np.isnan(occluded), visible, occluded), errors)

    def test_wrong_shape(self):
        with pytest.raises(ValueError, match=r'\[4, 3\], found \[3\]'):
            split_by_occlusion(ERRORS, OCCLUDED[0])
