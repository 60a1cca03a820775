"""Result files come back as they were written, and nothing else is taken for one."""
import csv
import json
import os
import shutil

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from mmpose_wass.evaluation import FaceLandmarkMetric, find_prefix, load_result
from mmpose_wass.evaluation.functional import (
    cumulative_error_distribution,
    failure_rate_landmarks,
    image_errors,
)
from mmpose_wass.evaluation.result_format import FIELDS

LATER_FIELDS = [name for name, field in FIELDS.items() if not field.required]


def make_samples(count=7, num_landmarks=29, seed=0):
    rng = np.random.default_rng(seed)
    samples = []
    for index in range(count):
        targets = rng.uniform(10, 200, (1, num_landmarks, 2)).astype(np.float32)
        visible = (rng.random((1, num_landmarks)) < .9).astype(np.float32)
        visible[:, [8, 9]] = 1
        samples.append(
            dict(
                id=index + 1,
                img_id=100 + index,
                img_path=f'images/{index:03d}.jpg',
                pred_instances=dict(
                    keypoints=targets + rng.normal(0, 9, targets.shape).astype(np.float32),
                    keypoint_scores=rng.random((1, num_landmarks)).astype(np.float32)),
                gt_instances=dict(
                    keypoints=targets,
                    keypoints_visible=visible,
                    occluded=(rng.random((1, num_landmarks)) < .2) & (visible > 0),
                    bboxes=np.array([[1., 2., 203., 204.]], dtype=np.float32))))
    return samples


def evaluate(samples, prefix, **kwargs):
    metric = FaceLandmarkMetric(outfile_prefix=str(prefix), **kwargs)
    metric.dataset_meta = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/cofw.py'))
    metric.process([], samples)
    measures = metric.evaluate(len(samples))
    return {name.split('/')[1]: value for name, value in measures.items()}


@pytest.fixture
def prefix(tmp_path):
    return tmp_path / 'runs' / 'model.v2'


@pytest.fixture
def written(prefix):
    """Samples, and what the metric printed of them."""
    samples = make_samples()
    return samples, evaluate(samples, prefix)


def rewrite(prefix, **changes):
    """Change arrays of the npz file; ``None`` takes one away."""
    path = f'{prefix}.errors.npz'
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays.update(changes)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def test_comes_back_as_it_was(prefix, written):
    samples, measures = written
    result = load_result(prefix)
    assert result.metrics == measures
    assert (result.num_faces, result.num_landmarks, result.name) == (7, 29, 'model.v2')
    assert (result.dataset_name, result.scheme, result.model_scheme) == ('cofw', ) * 3
    assert result.normalization == 'inter_ocular (8 to 9)' and result.common_landmarks is None
    for name, part, key in (('predictions', 'pred_instances', 'keypoints'),
                            ('scores', 'pred_instances', 'keypoint_scores'),
                            ('targets', 'gt_instances', 'keypoints'),
                            ('occluded', 'gt_instances', 'occluded'),
                            ('boxes', 'gt_instances', 'bboxes')):
        expected = np.concatenate([sample[part][key] for sample in samples])
        np.testing.assert_array_equal(getattr(result, name), expected, err_msg=name)
        assert getattr(result, name).dtype == expected.dtype
    assert result.image_ids[0] == '000000000100' and result.annotation_ids[6] == '000000000007'
    assert result.landmark_names[8] == 'right_eye_outer_corner'
    regions = result.region_indices()
    assert regions['chin'] == [28] and sum(map(len, regions.values())) == 29
    assert result.occlusion_annotated


def test_distributions_are_those_of_the_errors(prefix, written):
    result = load_result(prefix)
    for level in ('images', 'landmarks'):
        np.testing.assert_array_equal(
            getattr(result, f'ced_{level}'),
            cumulative_error_distribution(result.errors, result.ced_thresholds, level))
    at = np.searchsorted(result.ced_thresholds, .1)
    assert result.ced_thresholds[at] == .1
    assert 100 * (1 - result.ced_landmarks[at]) == pytest.approx(result.metrics['FR_L@0.10'])


def test_tables_agree_with_the_errors(prefix, written):
    result = load_result(prefix)
    with open(f'{prefix}.landmarks.csv', newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 29
    for place, (row, entry) in enumerate(zip(rows, result.content['landmarks'])):
        column = result.errors[:, place]
        assert int(row['index']) == place and row['name'] == result.landmark_names[place]
        assert int(row['scored']) == (~np.isnan(column)).sum()
        assert float(row['NME']) == pytest.approx(100 * np.nanmean(column), rel=1e-12)
        hidden = column[result.occluded[:, place] & ~np.isnan(column)]
        assert int(row['scored_occluded']) == len(hidden)
        if len(hidden):
            assert float(row['NME_occluded']) == pytest.approx(100 * hidden.mean(), rel=1e-12)
        assert {key: str(value) for key, value in entry.items()} == row
    for region, columns in result.region_indices().items():
        entry = result.content['regions'][region]
        assert entry['NME'] == pytest.approx(
            100 * np.nanmean(image_errors(result.errors[:, columns])), rel=1e-12)
        assert entry['FR_L@0.10'] == pytest.approx(
            100 * failure_rate_landmarks(result.errors, .1, columns), rel=1e-12)


def test_occlusion_that_is_not_known(prefix):
    samples = make_samples()
    for sample in samples:
        del sample['gt_instances']['occluded'], sample['pred_instances']['keypoint_scores']
        del sample['gt_instances']['bboxes']
    evaluate(samples, prefix)
    result = load_result(prefix)
    assert not result.occlusion_annotated and not result.occluded.any()
    assert np.isnan(result.scores).all() and np.isnan(result.boxes).all()
    assert 'scored_occluded' not in result.content['landmarks'][0]


@pytest.mark.parametrize('ending', ['', '.metrics.json', '.errors.npz', '.landmarks.csv'])
def test_any_of_its_names_will_do(prefix, written, ending):
    assert load_result(f'{prefix}{ending}').prefix == str(prefix)


def test_a_folder_of_one_evaluation_will_do(prefix, written):
    assert find_prefix(prefix.parent) == str(prefix)
    evaluate(make_samples(), prefix.parent / 'other')
    with pytest.raises(ValueError, match='holds 2 evaluations.*model.v2.*other'):
        find_prefix(prefix.parent)


def test_infinity_comes_back(prefix):
    samples = make_samples()
    samples[0]['pred_instances']['keypoints'][:] = np.inf
    assert evaluate(samples, prefix)['NME'] == np.inf
    assert load_result(prefix).metrics['NME'] == np.inf


def test_files_of_an_earlier_version(prefix, written):
    new = load_result(prefix)
    rewrite(prefix, **dict.fromkeys(LATER_FIELDS))
    content = json.loads((prefix.parent / 'model.v2.metrics.json').read_text())
    for key in ('scheme', 'model_scheme', 'common_landmarks', 'regions', 'landmarks', 'occlusion',
                'errors_checksum'):
        del content[key]
    (prefix.parent / 'model.v2.metrics.json').write_text(json.dumps(content))
    old = load_result(prefix)
    np.testing.assert_array_equal(old.errors, new.errors)
    np.testing.assert_array_equal(old.ced_images, new.ced_images)
    np.testing.assert_array_equal(old.ced_landmarks, new.ced_landmarks)
    assert not old.occlusion_annotated and not old.occluded.any()
    assert np.isnan(old.scores).all() and old.regions.tolist() == [''] * 29
    assert old.scheme == old.model_scheme == 'cofw'


class TestRefusals:

    def test_missing(self, prefix, written):
        with pytest.raises(FileNotFoundError, match='modle.*there are: .*model.v2.*outfile_prefix'):
            load_result(prefix.parent / 'modle')
        with pytest.raises(FileNotFoundError, match='no result files'):
            load_result(prefix.parent / 'no' / 'such' / 'folder')

    @pytest.mark.parametrize('ending', ['.metrics.json', '.errors.npz'])
    def test_one_of_the_two_missing(self, prefix, written, ending):
        os.remove(f'{prefix}{ending}')
        with pytest.raises(FileNotFoundError, match=f'model.v2{ending} is missing beside'):
            load_result(prefix)

    @pytest.mark.parametrize('ending', ['.metrics.json', '.errors.npz'])
    @pytest.mark.parametrize('share', [0., .3, .9, .999])
    def test_truncated(self, prefix, written, ending, share):
        path = f'{prefix}{ending}'
        os.truncate(path, int(share * os.path.getsize(path)))
        with pytest.raises(ValueError, match=f'model.v2{ending} is truncated'):
            load_result(prefix)

    def test_damaged_in_the_middle(self, prefix, written):
        path = f'{prefix}.errors.npz'
        with open(path, 'r+b') as file:
            file.seek(1000)
            file.write(b'\x5a' * 40)
        with pytest.raises(ValueError, match='truncated or no npz'):
            load_result(prefix)

    def test_something_else(self, prefix, written, tmp_path):
        other = tmp_path / 'predictions.npz'
        np.savez(other, keypoints=np.zeros(3))
        with pytest.raises(ValueError, match='predictions.npz is no result file'):
            load_result(other)
        shutil.copy(other, f'{prefix}.errors.npz')
        with pytest.raises(ValueError, match='has no errors, distances.*but keypoints'):
            load_result(prefix)
        (prefix.parent / 'model.v2.metrics.json').write_text('[1, 2]')
        with pytest.raises(ValueError, match='not the metrics file .* no metrics'):
            load_result(prefix)

    def test_pickles_are_not_opened(self, prefix, written):
        rewrite(prefix, errors=np.array([dict()], dtype=object))
        with pytest.raises(ValueError, match='errors.npz'):
            load_result(prefix)

    @pytest.mark.parametrize('name, array, words', [
        ('valid', np.ones((7, 28), bool), r'valid must have shape \[N, K\] = \[7, 29\]'),
        ('predictions', np.ones((7, 29, 3)), r'found \[7, 29, 3\]'),
        ('image_paths', np.arange(7), r'image_paths .* wrong type int64'),
        ('errors', np.ones(7), r'errors must have shape \[N, K\], found \[7\]'),
        ('ced_images', np.ones(3), r'ced_images must have shape \[T\]'),
    ])
    def test_arrays_that_do_not_fit(self, prefix, written, name, array, words):
        rewrite(prefix, **{name: array})
        with pytest.raises(ValueError, match=words):
            load_result(prefix)

    def test_files_of_two_evaluations(self, prefix, written):
        evaluate(make_samples(seed=1), prefix.parent / 'other')
        shutil.copy(prefix.parent / 'other.errors.npz', f'{prefix}.errors.npz')
        with pytest.raises(ValueError, match='not of one evaluation: the errors are not those'):
            load_result(prefix)
        evaluate(make_samples(5), prefix.parent / 'other')
        shutil.copy(prefix.parent / 'other.errors.npz', f'{prefix}.errors.npz')
        with pytest.raises(ValueError, match='7 faces and 29 landmarks, the other holds 5 and 29'):
            load_result(prefix)


def test_an_interrupted_evaluation_leaves_the_last_one(prefix, written, monkeypatch):
    before = load_result(prefix)

    def fail(file, **arrays):
        file.write(b'half of it')
        raise OSError('no space left on device')

    monkeypatch.setattr(np, 'savez', fail)
    with pytest.raises(OSError, match='no space'):
        evaluate(make_samples(seed=3), prefix)
    monkeypatch.undo()
    np.testing.assert_array_equal(load_result(prefix).errors, before.errors)
    assert sorted(os.listdir(prefix.parent)) == [
        'model.v2.errors.npz', 'model.v2.landmarks.csv', 'model.v2.metrics.json']


def test_common_landmarks_are_described(prefix):
    samples = make_samples()
    rng = np.random.default_rng(2)
    for sample in samples:
        sample['pred_instances'] = dict(
            keypoints=rng.uniform(0, 200, (1, 68, 2)), keypoint_scores=rng.random((1, 68)))
    evaluate(samples, prefix, common_landmarks='300w')
    result = load_result(prefix)
    common = result.common_landmarks
    assert (result.scheme, result.model_scheme) == ('cofw', '300w')
    assert (common['data_scheme'], common['model_scheme']) == ('cofw', '300w')
    assert result.num_landmarks == len(common['names']) == len(common['model_points'])
    assert result.landmark_names.tolist() == common['names']
    for index, group in zip(result.landmarks.tolist(), common['data_points']):
        assert index == (group[0] if len(group) == 1 else -1)
