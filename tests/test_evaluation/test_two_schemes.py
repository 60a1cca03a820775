"""A model of one landmark scheme scored on a data set of another."""
import numpy as np
import pytest
from mmpose_abilities import mmposes_metainfo

from mmpose_wass.evaluation import FaceLandmarkMetric, load_result
from mmpose_wass.landmarks import get_common_landmarks, get_scheme


def make_samples(model, data, count=5, seed=0, offset=(0., 0.)):
    """A model that answers in its own scheme with what the annotation says of common points.

    Its other points are far off: they must not count.
    """
    rng = np.random.default_rng(seed)
    common = get_common_landmarks(model, data)
    model_count = get_scheme(model).num_landmarks
    samples = []
    for index in range(count):
        targets = rng.uniform(10, 200, (1, get_scheme(data).num_landmarks, 2))
        wanted, _ = common.data_landmarks(targets)
        predictions = np.full((1, model_count, 2), 1e4)
        for place, group in enumerate(common.model_points):
            predictions[:, list(group)] = wanted[:, [place]]
        samples.append(
            dict(
                id=index,
                img_path=f'{index}.jpg',
                pred_instances=dict(keypoints=predictions + offset),
                gt_instances=dict(
                    keypoints=targets,
                    keypoints_visible=np.ones(targets.shape[:2], np.float32),
                    bboxes=np.array([[0., 0., 80., 120.]]))))
    return samples


def evaluate(samples, data, **kwargs):
    metric = FaceLandmarkMetric(**kwargs)
    metric.dataset_meta = data if isinstance(data, dict) else mmposes_metainfo(data)
    metric.process([], samples)
    return {name.split('/')[1]: value for name, value in metric.evaluate(len(samples)).items()}


# Pairs whose tables share no model point between landmarks, so that the model above exists.
@pytest.mark.parametrize('model, data', [('cofw', 'aflw'), ('300w', '300vw'), ('300w', 'wflw'),
                                         ('wflw', '300vw'), ('wflw', '300w'), ('300w', 'aflw')])
class TestPairs:

    def test_the_truth_has_no_error(self, model, data):
        found = evaluate(make_samples(model, data), data, common_landmarks=model)
        assert found['NME'] == pytest.approx(0, abs=1e-9)
        assert found['FR_L@0.05'] == 0 and found['AUC@0.10'] == pytest.approx(1)

    def test_offset_over_the_data_sets_own_distance(self, model, data):
        samples = make_samples(model, data, offset=(3., 4.))
        scheme = get_scheme(data)
        targets = np.concatenate([s['gt_instances']['keypoints'] for s in samples])
        if scheme.default_norm_mode == 'box_width':
            distances = np.full(len(samples), 80.)
        else:
            first, second = scheme.outer_eye_corners
            distances = np.linalg.norm(targets[:, first] - targets[:, second], axis=-1)
        found = evaluate(samples, data, common_landmarks=dict(model=model))
        assert found['NME'] == pytest.approx(100 * (5 / distances).mean(), rel=1e-9)


def test_distance_is_measured_before_landmarks_are_left_out():
    samples = make_samples('300w', 'wflw', offset=(3., 4.))
    everything = evaluate(samples, 'wflw', common_landmarks='300w')
    nose = evaluate(
        samples, 'wflw', common_landmarks=dict(model='300w', subset=['nose_tip', 'chin']))
    # The same offset everywhere: by the same distance it is the same error.
    assert nose['NME'] == pytest.approx(everything['NME'], rel=1e-9)
    pupils = evaluate(samples, 'wflw', common_landmarks='300w', norm_mode='inter_pupil')
    assert pupils['NME'] != pytest.approx(everything['NME'], rel=1e-3)


def test_subset_by_a_third_scheme(tmp_path):
    samples = make_samples('300w', 'aflw', offset=(3., 4.))
    evaluate(samples, 'aflw', common_landmarks=dict(model='300w', subset='paper17'),
             outfile_prefix=str(tmp_path / 'run'))
    assert load_result(tmp_path / 'run').num_landmarks == 17


def test_data_side_by_name():
    samples = make_samples('300w', 'wflw', offset=(3., 4.))
    meta = dict(mmposes_metainfo('wflw'), dataset_name='my faces')
    expected = evaluate(samples, 'wflw', common_landmarks='300w')
    assert evaluate(samples, meta, common_landmarks=dict(model='300w', data='wflw')) == expected
    with pytest.raises((KeyError, ValueError), match='my faces'):
        evaluate(samples, meta, common_landmarks='300w')


def test_variants_give_other_errors():
    samples = make_samples('wflw', '300w')
    found = evaluate(
        samples, '300w', common_landmarks=dict(model='wflw', variant='interpolated_eyelids'))
    assert found['NME'] > 1
    with pytest.raises(KeyError, match='no such variant'):
        evaluate(samples, '300w', common_landmarks=dict(model='wflw', variant='no such variant'))


def test_visibility_and_scores_of_means(tmp_path):
    """A mean is labelled if all its points are, hidden if one is, as sure as the least sure."""
    common = get_common_landmarks('cofw', 'aflw').reversed()  # aflw's centres from cofw's pairs
    place = next(index for index, group in enumerate(common.data_points) if len(group) == 2)
    first, second = common.data_points[place]
    single = next(index for index, group in enumerate(common.data_points) if len(group) == 1)
    samples = make_samples('aflw', 'cofw', count=3)
    rng = np.random.default_rng(0)
    for sample in samples:
        sample['gt_instances']['occluded'] = np.zeros((1, 29), bool)
        sample['pred_instances']['keypoint_scores'] = rng.random((1, 19))
    samples[1]['gt_instances']['keypoints_visible'][0, first] = 0
    samples[2]['gt_instances']['occluded'][0, second] = True
    evaluate(samples, 'cofw', common_landmarks='aflw', outfile_prefix=str(tmp_path / 'run'))
    result = load_result(tmp_path / 'run')
    assert result.valid[:, place].tolist() == [True, False, True]
    assert result.occluded[:, place].tolist() == [False, False, True]
    assert result.valid[:, single].all() and not result.occluded[:, single].any()
    model_point = common.model_points[single][0]
    np.testing.assert_array_equal(
        result.scores[:, single],
        [sample['pred_instances']['keypoint_scores'][0, model_point] for sample in samples])


def test_unlabelled_parts_of_common_landmarks_are_not_scored():
    samples = make_samples('300w', 'wflw', offset=(3., 4.))
    samples[0]['gt_instances']['keypoints_visible'][:] = 0
    found = evaluate(samples, 'wflw', common_landmarks='300w')
    assert found['excluded'] == 1
    assert found['NME'] == pytest.approx(
        evaluate(samples[1:], 'wflw', common_landmarks='300w')['NME'], rel=1e-12)


class TestRefusals:

    def test_without_common_landmarks_the_remedy_is_named(self):
        with pytest.raises(ValueError, match="different landmark schemes.*common_landmarks='300w'"):
            evaluate(make_samples('300w', 'wflw'), 'wflw')

    def test_model_of_another_scheme_than_told(self):
        with pytest.raises(ValueError, match=r'cofw must be \[\.\.\., 29, 2\], found \[5, 68, 2\]'):
            evaluate(make_samples('300w', 'wflw'), 'wflw', common_landmarks='cofw')

    def test_other_number_of_faces(self):
        samples = make_samples('300w', 'wflw')
        samples[0]['pred_instances']['keypoints'] = np.zeros((2, 68, 2))
        with pytest.raises(ValueError, match='detections have to be matched'):
            evaluate(samples, 'wflw', common_landmarks='300w')

    @pytest.mark.parametrize('spec, words', [
        (dict(data='wflw'), 'model=None'), (dict(model='300w', target='wflw'), 'found target'),
        (68, 'model=68')])
    def test_entry(self, spec, words):
        with pytest.raises(ValueError, match=words):
            FaceLandmarkMetric(common_landmarks=spec)

    def test_unknown_scheme(self):
        with pytest.raises(KeyError, match='300x'):
            evaluate(make_samples('300w', 'wflw'), 'wflw', common_landmarks='300x')


@pytest.mark.parametrize('processes', [2, 4])
def test_number_of_processes_does_not_matter(processes):
    samples = make_samples('300w', 'wflw', count=7, offset=(3., 4.))
    expected = evaluate(samples, 'wflw', common_landmarks='300w')
    padded = samples + samples[:-len(samples) % processes]
    shares = [padded[rank::processes] for rank in range(processes)]
    assert evaluate([s for share in shares[::-1] for s in share], 'wflw',
                    common_landmarks='300w') == expected
