"""Two subsets of one data set in one evaluation, without collision."""
from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.fileio import load
from mmengine.structures import InstanceData
from mmpose.evaluation.evaluators import MultiDatasetEvaluator
from mmpose.registry import DATASETS, EVALUATORS
from mmpose.structures import PoseDataSample
from test_tools.tiny_run import SIDE, write_faces

from mmpose_wass.engine import NamedTestSets, NamedTestSetsEvaluator

PIPELINE = [dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
            dict(type='TopdownAffine', input_size=(SIDE, SIDE)), dict(type='PackPoseInputs')]
SETS = dict(easy=3, hard=2)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('faces')
    for seed, (name, count) in enumerate(SETS.items()):
        write_faces(folder, count, name, seed=seed)
    return folder


def dataset(root, name):
    return dict(type='Face300WDataset', data_root=str(root), ann_file=f'annotations/{name}.json',
                data_prefix=dict(img='images/'), test_mode=True, pipeline=copy.deepcopy(PIPELINE))


@pytest.fixture
def both(root):
    return DATASETS.build(
        dict(type='NamedTestSets', datasets={name: dataset(root, name) for name in SETS}))


def answer(sample, error):
    """A model's output: every landmark off by ``error`` pixels."""
    sample = copy.deepcopy(sample)
    truth = sample.gt_instances.keypoints
    sample.pred_instances = InstanceData(
        keypoints=truth + [error, 0], keypoint_scores=np.ones(truth.shape[:2]))
    return sample


def run(evaluator, test_sets, errors):
    """Evaluate in batches of two, so that one batch holds both sets."""
    evaluator.dataset_meta = test_sets.metainfo
    samples = [test_sets[index] for index in range(len(test_sets))]
    for start in range(0, len(samples), 2):
        batch = pseudo_collate(samples[start:start + 2])
        outputs = [answer(sample, errors[sample.metainfo['test_set']])
                   for sample in batch['data_samples']]
        evaluator.process(data_samples=outputs, data_batch=batch)
    return evaluator.evaluate(len(samples))


def test_samples_carry_the_name_of_their_set(both):
    assert len(both) == 5
    names = [both[index]['data_samples'].metainfo['test_set'] for index in range(5)]
    assert names == ['easy'] * 3 + ['hard'] * 2
    assert both.metainfo['dataset_name'] == '300w'
    assert set(both.metainfo['test_sets']) == set(SETS)


def test_upstreams_evaluator_mixes_two_subsets_of_one_data_set(root, both):
    """What upstream does: keyed by ``dataset_name``, the last metric gets all samples.

    Should this fail after an update, MMPose's own evaluator may do.
    """
    evaluator = MultiDatasetEvaluator(
        metrics=[dict(type='NME', norm_mode='keypoint_distance', prefix=name) for name in SETS],
        datasets=[dataset(root, name) for name in SETS])
    assert len(evaluator.metrics) == 2 and len(evaluator.metrics_dict) == 1
    metainfo = both.metainfo
    evaluator.dataset_meta = metainfo
    batch = pseudo_collate([both[index] for index in range(5)])
    errors = dict(easy=0.0, hard=2.8)
    outputs = [answer(sample, errors[sample.metainfo['test_set']])
               for sample in batch['data_samples']]
    evaluator.process(data_samples=outputs, data_batch=batch)
    easy, hard = evaluator.metrics
    assert len(easy.results) == 0  # never asked
    assert len(hard.results) == 5  # and not 2
    assert hard.evaluate(5)['hard/NME'] == pytest.approx(0.1 * 2 / 5)  # not 0.1


@pytest.mark.parametrize('metric, name, unit', [
    (dict(type='NME', norm_mode='keypoint_distance'), 'NME', 1),
    (dict(type='FaceLandmarkMetric'), 'face/NME', 100)])
def test_each_set_has_its_own_measures(both, metric, name, unit):
    evaluator = EVALUATORS.build(dict(
        type='NamedTestSetsEvaluator', metrics=metric, unions=dict(full=['easy', 'hard'])))
    # The outer eye corners of the faces are 28 px apart.
    metrics = run(evaluator, both, dict(easy=0.0, hard=2.8))
    assert metrics[f'easy/{name}'] == pytest.approx(0, abs=1e-6 * unit)
    assert metrics[f'hard/{name}'] == pytest.approx(0.1 * unit, rel=1e-5)
    assert metrics[f'full/{name}'] == pytest.approx(0.1 * unit * 2 / 5, rel=1e-5)


def test_metrics_of_one_set_only_and_files(both, tmp_path):
    metric = dict(type='FaceLandmarkMetric', outfile_prefix=str(tmp_path / 'run'))
    metrics = run(NamedTestSetsEvaluator(dict(
        easy=metric, hard=[metric, dict(type='NME', norm_mode='keypoint_distance')])), both,
        dict(easy=1.0, hard=1.0))
    assert 'hard/NME' in metrics and 'easy/NME' not in metrics
    for name, count in SETS.items():
        with np.load(tmp_path / f'run_{name}.errors.npz') as content:
            assert len(content['errors']) == count


def test_a_metric_over_all_sets(both, tmp_path):
    file = tmp_path / 'dump.pkl'
    dump = dict(type='DumpResults', out_file_path=str(file))
    evaluator = NamedTestSetsEvaluator(dict(type='FaceLandmarkMetric'), overall=[dump])
    metrics = run(evaluator, both, dict(easy=0.0, hard=2.8))
    dumped = load(file)
    assert [sample['test_set'] for sample in dumped] == ['easy'] * 3 + ['hard'] * 2
    assert metrics['hard/face/NME'] == pytest.approx(10, rel=1e-5)


def test_an_evaluator_can_be_used_again(both):
    evaluator = NamedTestSetsEvaluator(dict(type='FaceLandmarkMetric'))
    assert run(evaluator, both, dict(easy=0, hard=1)) == run(evaluator, both, dict(easy=0, hard=1))


def test_sets_of_different_schemes(tmp_path):
    """Two data sets of different schemes, evaluated side by side."""
    from mmpose_wass.datasets.synthetic import write_dataset
    configs = {}
    for name, kind, file in (('a', 'COFWDataset', 'cofw_test'),
                             ('b', 'AFLWDataset', 'face_landmarks_aflw_test')):
        scheme = kind[:4].lower()
        write_dataset(scheme, tmp_path / scheme, dict(train=1, test=2), image_size=48)
        configs[name] = dict(
            type=kind, data_root=str(tmp_path / scheme), ann_file=f'annotations/{file}.json',
            data_prefix=dict(img='images/'), test_mode=True, pipeline=PIPELINE)
    test_sets = NamedTestSets(configs)
    metrics = run(NamedTestSetsEvaluator(dict(type='FaceLandmarkMetric')), test_sets,
                  dict(a=0.0, b=0.0))
    assert metrics['a/face/NME'] == metrics['b/face/NME'] == 0
    with pytest.raises(ValueError, match='joins the landmark schemes aflw, cofw'):
        NamedTestSetsEvaluator(
            dict(type='NME'), unions=dict(all=['a', 'b'])).dataset_meta = test_sets.metainfo


def test_clear_errors(root, both):
    with pytest.raises(ValueError, match=r'datasets=dict\(name='):
        NamedTestSets(dataset(root, 'easy'))
    with pytest.raises(ValueError, match='of type NamedTestSets'):
        NamedTestSetsEvaluator(dict(type='NME')).dataset_meta = dict(dataset_name='300w')
    with pytest.raises(ValueError, match="must list test sets; there are easy, hard"):
        NamedTestSetsEvaluator(
            dict(type='NME'), unions=dict(full=['easy', 'harder'])).dataset_meta = both.metainfo
    with pytest.raises(ValueError, match="'easy' is the name of a test set"):
        NamedTestSetsEvaluator(
            dict(type='NME'), unions=dict(easy=['easy'])).dataset_meta = both.metainfo
    with pytest.raises(ValueError, match='metrics are given for easy, but'):
        NamedTestSetsEvaluator(dict(easy=dict(type='NME'))).dataset_meta = both.metainfo
    evaluator = NamedTestSetsEvaluator(dict(type='FaceLandmarkMetric'))
    evaluator.dataset_meta = both.metainfo
    with pytest.raises(KeyError, match='test set None; there are easy, hard'):
        evaluator.process([PoseDataSample()])
    unpacked = NamedTestSets(dict(easy=dict(dataset(root, 'easy'), pipeline=PIPELINE[:1])))
    with pytest.raises(KeyError, match='does not pack'):
        unpacked[0]


def test_a_set_without_faces_is_named(tmp_path):
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'annotations/none.json').write_text(
        '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}')
    with pytest.raises(ValueError, match="test set 'none' .annotations/none.json."):
        NamedTestSets(dict(none=dataset(tmp_path, 'none')))


def test_works_in_a_dataloader(both):
    loader = torch.utils.data.DataLoader(both, batch_size=3, collate_fn=pseudo_collate)
    names = [sample.metainfo['test_set'] for batch in loader for sample in batch['data_samples']]
    assert names == ['easy'] * 3 + ['hard'] * 2
