"""The paper's Table 1: by hand, and with the paper's own numbers."""
import numpy as np
import pytest

from mmpose_wass.evaluation import FaceLandmarkMetric, load_result
from mmpose_wass.evaluation.saturation import failure_counts, saturation_table, wilson_interval

NAN = float('nan')


def test_by_hand():
    errors = np.array([
        [.0, .0, .4],   # mean .133: the image fails, by one landmark
        [.1, .1, .1],   # a tie: nothing fails
        [.0, .2, NAN],  # mean .1: a tie, although one landmark fails
        [NAN, NAN, NAN],
    ])
    (row, ) = failure_counts(errors, [.1])
    assert (row['images'], row['points']) == (3, 8)
    assert (row['failing_images'], row['failing_images_any'], row['failing_points']) == (1, 2, 2)
    assert row['FR_I'] == pytest.approx(100 / 3)
    assert row['FR_L'] == pytest.approx(100 * (0 + 1 / 3 + 1 / 2) / 3)
    assert row['step_image'] == pytest.approx(100 / 3) and row['step_point'] == 12.5
    assert row['saturated'] and 0 < row['FR_I_low'] < row['FR_I'] < row['FR_I_high'] < 100


@pytest.mark.parametrize('images, landmarks, rate, per_image, per_landmark, failing', [
    # Table 1 of the paper: COFW, 300W, 300W-Test, AFLW.
    (507, 29, .19, .19, .0068, 1),
    (689, 68, .44, .15, .0021, 3),
    (600, 68, .33, .33, .0025, 2),
    (4386, 19, .046, .023, .0012, 2),
])
def test_the_papers_table(images, landmarks, rate, per_image, per_landmark, failing):
    """As many failing images as the table's rate means give its rates and steps.

    In the column 300W-Test the table contradicts itself: the worth of one image is printed as
    .33 %, that of one of 300, while the worth of one landmark is that of 600 images; and of these
    two have to fail for a rate of .33 %, where the text speaks of one.
    """
    errors = np.full((images, landmarks), .03)
    errors[:failing] = .2
    (row, ) = failure_counts(errors, [.1])
    assert row['FR_I'] == pytest.approx(rate, rel=.04)
    assert row['step_point'] == pytest.approx(per_landmark, rel=.04)
    if images != 600:
        assert row['step_image'] == pytest.approx(per_image, rel=.04)
    assert row['saturated']


def test_ten_failing_images_are_enough():
    errors = np.zeros((100, 2))
    for failing, saturated in ((0, True), (9, True), (10, False)):
        errors[:failing] = .2
        assert failure_counts(errors, [.1])[0]['saturated'] is saturated


def test_intervals():
    # Reference values of Wilson's interval, for instance Agresti & Coull (1998).
    low, high = wilson_interval(0, 10)
    assert low == 0 and high == pytest.approx(.2775, abs=1e-4)
    assert wilson_interval(5, 10) == pytest.approx((.2366, .7634), abs=1e-4)
    assert wilson_interval(10, 10)[1] == pytest.approx(1)
    assert np.isnan(wilson_interval(0, 0)).all()
    # It solves (p - rate)^2 = z^2 p (1 - p) / n, which is what defines it.
    for limit in wilson_interval(3, 689):
        assert (limit - 3 / 689)**2 == pytest.approx(1.959964**2 * limit * (1 - limit) / 689)


def test_absurd_threshold():
    with pytest.raises(ValueError, match='positive fraction'):
        failure_counts([[.1]], [0])


def test_table_of_a_result_file(tmp_path):
    rng = np.random.default_rng(0)
    metric = FaceLandmarkMetric(norm_mode='landmark_box_width', outfile_prefix=str(tmp_path / 'a'))
    targets = rng.uniform(0, 100, (40, 5, 2))
    metric.process([], [
        dict(id=index, img_path=f'{index}.jpg',
             pred_instances=dict(keypoints=points[None] + rng.normal(0, 4, (1, 5, 2))),
             gt_instances=dict(keypoints=points[None], keypoints_visible=np.ones((1, 5))))
        for index, points in enumerate(targets)])
    measures = metric.evaluate(40)
    result = load_result(tmp_path / 'a')
    header, rows = saturation_table(dict(mine=result), [.08, .1])
    assert len(rows) == 2 and all(len(row) == len(header) for row in rows)
    for row, threshold in zip(failure_counts(result, [.08, .1]), ('0.08', '0.10')):
        assert row['FR_I'] == pytest.approx(measures[f'face/FR_I@{threshold}'])
        assert row['FR_L'] == pytest.approx(measures[f'face/FR_L@{threshold}'])
