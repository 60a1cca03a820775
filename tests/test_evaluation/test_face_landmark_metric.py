"""The metric: its choices, its bookkeeping, and its agreement with MMPose's own NME."""
import copy
import json
import logging

import cv2
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.evaluation.metrics import NME
from mmpose.registry import DATASETS, METRICS
from mmpose.structures import PoseDataSample
from mmpose_abilities import mmposes_metainfo

from mmpose_wass.evaluation import FaceLandmarkMetric
from mmpose_wass.evaluation.functional import normalized_errors, summarize_errors
from mmpose_wass.landmarks import LandmarkScheme, get_scheme, register_scheme

NAMES = [
    'NME', 'micro_NME', 'FR_I@0.08', 'FR_I@0.10', 'FR_L@0.05', 'FR_L@0.08', 'FR_L@0.10',
    'FR_L@0.15', 'FR_L@0.20', 'AUC@0.10', 'excluded'
]
DATA_SETS = [
    '300w', '300vw', '300wlp', 'cofw', 'aflw', 'wflw', 'lapa', 'coco_wholebody_face', 'halpe',
    'coco_wholebody'
]


@pytest.fixture(autouse=True)
def captured_log():
    """MMEngine's logger keeps its records from pytest: hand out what it was told."""
    records = []

    class Keep(logging.Handler):

        def emit(self, record):
            records.append((record.levelname, record.getMessage()))

    from mmengine.logging import MMLogger
    logger, handler = MMLogger.get_current_instance(), Keep()
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def make_samples(num_landmarks, count=6, seed=0, labelled=.8, always=()):
    """Samples as MMPose's evaluator hands them over, with a share of landmarks unlabelled."""
    rng = np.random.default_rng(seed)
    samples = []
    for index in range(count):
        targets = rng.uniform(10, 200, (1, num_landmarks, 2)).astype(np.float32)
        visible = (rng.random((1, num_landmarks)) < labelled).astype(np.float32)
        visible[:, list(always)] = 1
        low, high = targets.min(axis=1), targets.max(axis=1)
        samples.append(
            dict(
                id=index + 1,
                img_id=index + 1,
                img_path=f'images/{index:03d}.jpg',
                pred_instances=dict(keypoints=targets + rng.normal(0, 6, targets.shape)),
                gt_instances=dict(
                    keypoints=targets,
                    keypoints_visible=visible,
                    bboxes=np.hstack([low - [7, 3], high + [7, 3]]).astype(np.float32))))
    return samples


def evaluate(samples, name='300w', size=None, **kwargs):
    metric = FaceLandmarkMetric(**kwargs)
    metric.dataset_meta = mmposes_metainfo(name) if isinstance(name, str) else name
    metric.process([], copy.deepcopy(samples))
    return metric.evaluate(size or len(samples))


def without_prefix(measures):
    return {name.split('/', 1)[1]: value for name, value in measures.items()}


class TestMeasures:

    def test_names_in_order(self):
        assert list(evaluate(make_samples(68))) == [f'face/{name}' for name in NAMES]

    def test_is_registered_and_stands_beside_nme(self):
        evaluator = Evaluator([
            METRICS.build(dict(type='FaceLandmarkMetric')),
            METRICS.build(dict(type='NME', norm_mode='keypoint_distance'))
        ])
        evaluator.dataset_meta = mmposes_metainfo('300w')
        evaluator.process(make_samples(68))
        measures = evaluator.evaluate(6)
        assert set(measures) == {f'face/{name}' for name in NAMES} | {'NME'}

    def test_values_equal_the_functions(self):
        samples = make_samples(68, labelled=1)
        targets = np.concatenate([s['gt_instances']['keypoints'] for s in samples])
        predictions = np.concatenate([s['pred_instances']['keypoints'] for s in samples])
        distances = np.linalg.norm(targets[:, 36] - targets[:, 45], axis=-1)
        expected = summarize_errors(normalized_errors(predictions, targets, distances))
        found = without_prefix(evaluate(samples))
        assert found.pop('excluded') == 0
        assert found == pytest.approx(expected, rel=1e-6)

    def test_thresholds_and_prefix(self):
        measures = evaluate(
            make_samples(68),
            failure_thresholds_image=(.07, ),
            failure_thresholds_landmark=(.125, ),
            auc_thresholds=(.08, .07),
            prefix='hard')
        assert list(measures) == [
            'hard/NME', 'hard/micro_NME', 'hard/FR_I@0.07', 'hard/FR_L@0.125', 'hard/AUC@0.08',
            'hard/AUC@0.07', 'hard/excluded'
        ]

    def test_tensors_and_stacked_visibility(self):
        plain, wrapped = make_samples(68), make_samples(68)
        for sample in wrapped:
            sample['pred_instances']['keypoints'] = torch.tensor(
                sample['pred_instances']['keypoints'])
            visible = sample['gt_instances']['keypoints_visible']
            # Some MMPose transforms stack [visible, weight]: the weight must not count.
            sample['gt_instances']['keypoints_visible'] = np.stack(
                [visible, np.ones_like(visible)], axis=-1)
        assert evaluate(wrapped) == evaluate(plain)

    def test_samples_of_several_faces(self):
        single = make_samples(68, count=6, labelled=1)
        joined = []
        for first, second in zip(single[::2], single[1::2]):
            sample = dict(id=[first['id'], second['id']], img_path=first['img_path'])
            for part in ('pred_instances', 'gt_instances'):
                sample[part] = {
                    key: np.concatenate([first[part][key], second[part][key]])
                    for key in first[part]
                }
            joined.append(sample)
        assert evaluate(joined) == evaluate(single)


class TestParityWithMMPose:

    @pytest.mark.parametrize('name', ['300w', 'cofw', 'wflw', 'lapa', 'coco_wholebody_face'])
    def test_default_pair_and_micro_nme(self, name):
        scheme = get_scheme(name)
        assert list(scheme.outer_eye_corners) == NME.DEFAULT_KEYPOINT_INDICES[name]
        samples = make_samples(
            scheme.num_landmarks, count=20, seed=3, always=scheme.outer_eye_corners)
        reference = NME(norm_mode='keypoint_distance')
        reference.dataset_meta = mmposes_metainfo(name)
        reference.process([], copy.deepcopy(samples))
        expected = reference.evaluate(20)['NME']
        for norm_mode in (None, 'inter_ocular', 'keypoint_distance'):
            found = evaluate(samples, name, norm_mode=norm_mode)
            assert found['face/micro_NME'] / 100 == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize('arguments', [
        dict(norm_mode='use_norm_item', norm_item='bbox_size'),
        dict(norm_mode='use_norm_item', norm_item='head_size'),
        dict(norm_mode='keypoint_distance', keypoint_indices=[0, 5]),
    ])
    def test_the_arguments_of_nme(self, arguments):
        samples = make_samples(19, count=20, seed=4, always=(0, 5))
        for index, sample in enumerate(samples):
            sample['gt_instances']['head_size'] = np.array([40. + index])
        reference = NME(**arguments)
        reference.dataset_meta = mmposes_metainfo('aflw')
        reference.process([], copy.deepcopy(samples))
        found = evaluate(samples, 'aflw', **arguments)
        assert found['face/micro_NME'] / 100 == pytest.approx(
            reference.evaluate(20)['NME'], rel=1e-6)

    @pytest.mark.parametrize('packing, name, kind, arguments', [(packing, *row) for row in [
        ('300w', 'Face300WDataset', dict(norm_mode='keypoint_distance')),
        ('cofw', 'COFWDataset', dict(norm_mode='keypoint_distance')),
        ('wflw', 'WFLWDataset', dict(norm_mode='keypoint_distance')),
        ('lapa', 'LapaDataset', dict(norm_mode='keypoint_distance')),
        ('aflw', 'AFLWDataset', dict(norm_mode='use_norm_item', norm_item='bbox_size')),
        ('aflw', 'AFLWDataset', dict(norm_mode='use_norm_item', norm_item='box_size')),
    ] for packing in ['PackPoseInputs', 'PackFaceInputs']
        # The stock transform drops box_size.
        if (packing, row[2].get('norm_item')) != ('PackPoseInputs', 'box_size')])
    def test_real_annotations(self, shared_dir, packing, name, kind, arguments):
        """Each sample annotation file, read and packed by MMPose, with blurred predictions."""
        root = shared_dir / 'data' / 'mmpose_samples' / name
        dataset = build_dataset(kind, root, f'test_{name}.json', packing)
        samples = as_predicted(dataset, shift=3., blur=4.)
        reference = NME(**arguments)
        reference.dataset_meta = dataset.metainfo
        reference.process([], copy.deepcopy(samples))
        expected = reference.evaluate(len(samples))['NME']
        assert expected > 1e-3
        # The paper's normalisation is what MMPose measures on each of them.
        for found in (evaluate(samples, dataset.metainfo),
                      evaluate(samples, dataset.metainfo, **arguments)):
            assert found['face/micro_NME'] / 100 == pytest.approx(expected, rel=1e-6)

    def test_random_data_many_times(self):
        rng = np.random.default_rng(11)
        for case in range(60):
            scheme = get_scheme(['300w', 'cofw', 'wflw', 'lapa'][case % 4])
            samples = make_samples(
                scheme.num_landmarks,
                count=int(rng.integers(1, 30)),
                seed=case,
                labelled=rng.uniform(.05, 1),
                always=scheme.outer_eye_corners)
            reference = NME(norm_mode='keypoint_distance')
            reference.dataset_meta = mmposes_metainfo(scheme.name)
            reference.process([], copy.deepcopy(samples))
            found = evaluate(samples, scheme.name)['face/micro_NME'] / 100
            assert found == pytest.approx(reference.evaluate(len(samples))['NME'], rel=1e-6)

    def test_unlabelled_eye_corner_is_where_both_part(self):
        """MMPose measures to the coordinates (0, 0) of a corner that is not labelled."""
        samples = make_samples(68, count=2, labelled=1)
        samples[1]['gt_instances']['keypoints'][:, 36] = 0
        samples[1]['gt_instances']['keypoints_visible'][:, 36] = 0
        reference = NME(norm_mode='keypoint_distance')
        reference.dataset_meta = mmposes_metainfo('300w')
        reference.process([], copy.deepcopy(samples))
        found = evaluate(samples)
        assert found['face/excluded'] == 1
        assert found == {**evaluate(samples[:1]), 'face/excluded': 1}
        assert found['face/micro_NME'] / 100 != pytest.approx(reference.evaluate(2)['NME'], rel=.01)


def build_dataset(kind, root, ann_file, packing='PackPoseInputs'):
    return DATASETS.build(
        dict(
            type=kind,
            data_root=str(root),
            ann_file=ann_file,
            data_prefix=dict(img=''),
            test_mode=True,
            pipeline=[
                dict(type='mmpose.LoadImage'),
                dict(type='mmpose.GetBBoxCenterScale'),
                dict(type='mmpose.TopdownAffine', input_size=(64, 64)),
                dict(type=f'mmpose.{packing}')
            ]))


def as_predicted(dataset, shift, blur=0.):
    """Samples of a model that is off by ``shift`` pixels to the right, and ``blur`` at random."""
    samples, rng = [], np.random.default_rng(0)
    for index in range(len(dataset)):
        sample: PoseDataSample = dataset[index]['data_samples']
        keypoints = sample.gt_instances.keypoints.astype(np.float64)
        sample.pred_instances = InstanceData(
            keypoints=keypoints + [shift, 0] + rng.normal(0, blur, keypoints.shape),
            keypoint_scores=np.full(keypoints.shape[:2], .5))
        samples.append(sample.to_dict())
    return samples


class TestNormalization:

    @pytest.mark.parametrize('name', DATA_SETS)
    def test_every_data_set_has_a_default(self, name):
        scheme = get_scheme(name)
        samples = make_samples(scheme.num_landmarks, labelled=1)
        for sample in samples:
            sample['pred_instances']['keypoints'] = (
                sample['gt_instances']['keypoints'].astype(float) + [3, 4])
        targets = np.concatenate([s['gt_instances']['keypoints'] for s in samples]).astype(float)
        boxes = np.concatenate([s['gt_instances']['bboxes'] for s in samples]).astype(float)
        if name == 'aflw':
            distances = boxes[:, 2] - boxes[:, 0]
        else:
            first, second = scheme.outer_eye_corners
            distances = np.linalg.norm(targets[:, first] - targets[:, second], axis=-1)
        measures = evaluate(samples, name)
        assert measures['face/NME'] == pytest.approx(100 * (5 / distances).mean(), rel=1e-6)

    def test_modes_differ_as_they_should(self):
        samples = make_samples(98, count=1, labelled=1)
        box = samples[0]['gt_instances']['bboxes'][0].astype(float)
        points = samples[0]['gt_instances']['keypoints'][0].astype(float)
        width, height = box[2] - box[0], box[3] - box[1]
        lengths = dict(
            box_width=width,
            box_size=max(width, height),
            box_diagonal=np.hypot(width, height),
            inter_ocular=np.linalg.norm(points[60] - points[72]),
            inter_pupil=np.linalg.norm(points[96] - points[97]))
        found = {
            mode: evaluate(samples, 'wflw', norm_mode=mode)['face/NME'] * length
            for mode, length in lengths.items()
        }
        np.testing.assert_allclose(list(found.values()), found['box_width'], rtol=1e-9)

    def test_aflw_as_stock_pipelines_pack_it(self, tmp_path):
        """The packed box of MMPose's AFLW annotations has the width that the paper divides by."""
        cv2.imwrite(str(tmp_path / 'face.png'), np.zeros((120, 160, 3), np.uint8))
        rng = np.random.default_rng(0)
        points = np.concatenate([rng.uniform(30, 90, (19, 2)), np.ones((19, 1))], axis=1)
        annotation = dict(
            id=7,
            image_id=3,
            category_id=1,
            iscrowd=0,
            num_keypoints=19,
            keypoints=points.reshape(-1).tolist(),
            center=[60., 60.],
            scale=.4,
            box_size=80.)
        (tmp_path / 'aflw.json').write_text(
            json.dumps(
                dict(
                    images=[dict(id=3, file_name='face.png', width=160, height=120)],
                    annotations=[annotation],
                    categories=[dict(id=1, name='person')])))
        dataset = build_dataset('AFLWDataset', tmp_path, 'aflw.json')
        measures = evaluate(as_predicted(dataset, shift=8.), dataset.metainfo)
        assert measures['face/NME'] == pytest.approx(10., rel=1e-5)

        # The annotation's own number, packed by one option of the stock transform.
        dataset.pipeline.transforms[-1].meta_keys += ('box_size', )
        measures = evaluate(
            as_predicted(dataset, shift=8.),
            dataset.metainfo,
            norm_mode='use_norm_item',
            norm_item='box_size')
        assert measures['face/NME'] == pytest.approx(10., rel=1e-5)

    def test_only_the_face_of_whole_body_schemes_counts(self):
        samples = make_samples(133, labelled=1)
        expected = evaluate(samples, 'coco_wholebody')
        for sample in samples:
            body = [*range(23), *range(91, 133)]
            sample['pred_instances']['keypoints'][:, body] += 1000
        assert evaluate(samples, 'coco_wholebody') == expected

    def test_ones_own_scheme(self):
        name = 'a scheme of this test'
        samples, meta = make_samples(5, labelled=1), dict(dataset_name=name)
        with pytest.raises(ValueError) as refusal:
            evaluate(samples, meta)
        for word in (name, 'keypoint_indices', 'box_width', 'norm_item', 'register_scheme', 'wflw'):
            assert word in str(refusal.value)
        by_argument = evaluate(samples, meta, keypoint_indices=[1, 4])
        evaluate(samples, meta, norm_mode='box_width')
        register_scheme(
            LandmarkScheme(
                name=name,
                num_landmarks=5,
                outer_eye_corners=(1, 4),
                pupils=((1, ), (4, )),
                regions=dict(all=(0, 1, 2, 3, 4))),
            force=True)
        assert evaluate(samples, meta) == by_argument

    def test_scheme_of_another_length_is_refused(self):
        with pytest.raises(ValueError, match=r"'300w', a scheme of 68 landmarks.*have 29"):
            evaluate(make_samples(29), '300w')
        evaluate(make_samples(29), '300w', norm_mode='box_width')

    @pytest.mark.parametrize('arguments, words', [
        (dict(norm_mode='interocular'), "found 'interocular'"),
        (dict(norm_mode='use_norm_item'), 'go together'),
        (dict(norm_mode='box_width', norm_item='bbox_size'), 'go together'),
        (dict(norm_mode='box_width', keypoint_indices=[0, 1]), 'keypoint_indices go with'),
        (dict(keypoint_indices=[0, 1, 2]), r'two landmark indices, found \[0, 1, 2\]'),
        (dict(failure_thresholds_image=(8, )), r'failure_thresholds_image .*found \[8\]'),
        (dict(auc_thresholds=(0, )), 'auc_thresholds'),
    ])
    def test_arguments_that_do_not_go_together(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            FaceLandmarkMetric(**arguments)

    @pytest.mark.parametrize('mode, length', [('landmark_box_width', 40.),
                                              ('landmark_box_size', 90.),
                                              ('landmark_box_diagonal', np.hypot(40, 90)),
                                              ('landmark_box_geometric_mean', 60.),
                                              ('box_geometric_mean', 80.)])
    def test_boxes_of_landmarks_and_roots_of_areas(self, mode, length):
        samples = make_samples(19, count=1, labelled=1)
        truth = samples[0]['gt_instances']
        truth['keypoints'][:] = [20, 10]
        truth['keypoints'][0, :3] = [[60, 50], [50, 100], [500, 500]]
        truth['keypoints_visible'][0, 2] = 0  # not labelled: not in the box
        truth['bboxes'][:] = [[0, 0, 64, 100]]
        samples[0]['pred_instances']['keypoints'] = truth['keypoints'] + [3, 4]
        found = evaluate(samples, 'aflw', norm_mode=mode)
        assert found['face/NME'] == pytest.approx(500 / length, rel=1e-6)

    def test_extra_normalizations_stand_under_their_names(self):
        samples = make_samples(19, labelled=.9)
        for sample in samples:
            sample['gt_instances']['bboxes'][:, 3] += 200  # higher than wide
            sample['gt_instances']['box_size'] = np.array([70.])
        extras = [
            'bbox_size', 'landmark_box_size',
            dict(norm_item='box_size'),
            dict(keypoint_indices=[3, 'chin'], name='brow_to_chin')
        ]
        for name in samples:
            name['gt_instances']['keypoints_visible'][:, [3, 18]] = 1
        found = without_prefix(evaluate(samples, 'aflw', extra_normalizations=extras))
        assert [name for name in found if name not in NAMES] == [
            f'{measure}_{name}'
            for name in ('bbox_size', 'landmark_box_size', 'box_size', 'brow_to_chin')
            for measure in ('NME', 'micro_NME')]
        alone = [dict(norm_item='bbox_size'), dict(norm_mode='landmark_box_size'),
                 dict(norm_item='box_size'), dict(keypoint_indices=[3, 18])]
        names = ('bbox_size', 'landmark_box_size', 'box_size', 'brow_to_chin')
        for name, arguments in zip(names, alone):
            expected = without_prefix(evaluate(samples, 'aflw', **arguments))
            assert found[f'NME_{name}'] == expected['NME']
            assert found[f'micro_NME_{name}'] == expected['micro_NME']
        assert {name: found[name] for name in NAMES} == without_prefix(evaluate(samples, 'aflw'))

    def test_extra_normalizations_that_make_no_sense(self):
        with pytest.raises(ValueError, match='one name'):
            FaceLandmarkMetric(extra_normalizations=['box_width', 'box_width'])
        with pytest.raises(ValueError, match="found 'box_wdith'"):
            FaceLandmarkMetric(extra_normalizations=['box_wdith'])
        with pytest.raises(ValueError, match='found mode'):
            FaceLandmarkMetric(extra_normalizations=[dict(mode='box_width')])

    def test_landmarks_by_name(self):
        samples = make_samples(98, labelled=1)
        expected = evaluate(samples, 'wflw', keypoint_indices=[60, 72])
        found = evaluate(samples, 'wflw', keypoint_indices=[
            'right_eye_outer_corner', 'left_eye_outer_corner'])
        assert found == expected == evaluate(samples, 'wflw')
        # MMPose's own names work too, also where the scheme is not a known one.
        meta = dict(mmposes_metainfo('wflw'), dataset_name='somebody\'s')
        assert evaluate(samples, meta, keypoint_indices=['kpt-60', 72]) == expected
        with pytest.raises(ValueError, match="no landmark named 'eyebrow'; it has .*pupil"):
            evaluate(samples, 'wflw', keypoint_indices=['eyebrow', 72])

    def test_missing_fields_are_named(self):
        samples = make_samples(19)
        with pytest.raises(KeyError, match='box_size.*PackPoseInputs.*000.jpg|box_size.*000.jpg'):
            evaluate(samples, 'aflw', norm_mode='use_norm_item', norm_item='box_size')
        del samples[0]['gt_instances']['bboxes']
        with pytest.raises(KeyError, match='no bboxes .*000.jpg'):
            evaluate(samples, 'aflw')

    def test_landmark_that_does_not_exist(self):
        with pytest.raises(ValueError, match='0..18'):
            evaluate(make_samples(19), 'aflw', keypoint_indices=[0, 19])

    def test_model_of_another_scheme(self):
        samples = make_samples(68)
        samples[2]['pred_instances']['keypoints'] = np.zeros((1, 98, 2))
        with pytest.raises(ValueError, match=r'\[1, 98, 2\] and \[1, 68, 2\] \(image .*002.jpg'):
            evaluate(samples)

    def test_mixed_schemes(self):
        with pytest.raises(ValueError, match='one number of landmarks, found 19 .* 68 '):
            evaluate(make_samples(68) + make_samples(19), 'aflw')


class TestBookkeeping:

    def test_excluded_faces_are_counted_and_leave_the_rest_alone(self, captured_log):
        samples = make_samples(68, count=5, labelled=1)
        expected = without_prefix(evaluate(samples[2:]))
        samples[0]['gt_instances']['keypoints_visible'][:] = 0
        samples[1]['gt_instances']['keypoints'][:, 45] = samples[1]['gt_instances']['keypoints'][:,
                                                                                                 36]
        found = without_prefix(evaluate(samples))
        assert found.pop('excluded') == 2 and expected.pop('excluded') == 0
        # Sums over more rows round differently in the last digit, no more.
        assert found == pytest.approx(expected, rel=1e-13)
        warnings = [text for level, text in captured_log if level == 'WARNING']
        assert any('2 of 5 faces are excluded: 1 without a labelled landmark, 1 whose' in text
                   for text in warnings)

    def test_face_without_a_labelled_eye_corner_is_excluded(self):
        samples = make_samples(68, count=3, labelled=1)
        samples[1]['gt_instances']['keypoints_visible'][:, 36] = 0
        assert evaluate(samples)['face/excluded'] == 1
        assert evaluate(samples, norm_mode='box_width')['face/excluded'] == 0

    def test_nothing_to_score_is_an_error(self):
        samples = make_samples(68, labelled=0)
        with pytest.raises(ValueError, match='can score no face. 6 of 6 faces are excluded'):
            evaluate(samples)
        with pytest.raises(ValueError, match='no sample'):
            evaluate([], size=1)

    def test_predictions_not_finite_are_failures(self, captured_log):
        samples = make_samples(68, count=4, labelled=1)
        for sample in samples:
            sample['pred_instances']['keypoints'] = (
                sample['gt_instances']['keypoints'].astype(float))
        samples[0]['pred_instances']['keypoints'][0, 5] = np.nan
        found = without_prefix(evaluate(samples))
        assert found['NME'] == np.inf
        assert found['FR_I@0.10'] == 25
        assert found['FR_L@0.20'] == pytest.approx(100 / 4 / 68)
        assert found['AUC@0.10'] == pytest.approx(.75)
        assert found['excluded'] == 0
        assert any('1 predicted landmarks are NaN or infinite' in text for _, text in captured_log)

    @pytest.mark.parametrize('processes', [1, 2, 3, 4])
    def test_number_of_processes_and_order_do_not_matter(self, processes):
        samples = make_samples(68, count=11, seed=5)
        expected = evaluate(samples)
        # MMEngine's sampler deals samples out in turn and repeats the first ones at the end.
        padded = samples + samples[:-len(samples) % processes]
        shares = []
        for rank in range(processes):
            metric = FaceLandmarkMetric()
            metric.dataset_meta = mmposes_metainfo('300w')
            metric.process([], copy.deepcopy(padded[rank::processes]))
            shares.append(metric.results)
        gathered = [result for share in shares for result in share]
        rng = np.random.default_rng(processes)
        for _ in range(3):
            rng.shuffle(gathered)
            # Exactly equal, not almost: the padding is still in, the order is random.
            assert metric.compute_metrics(list(gathered)) == without_prefix(expected)

    def test_repeated_annotations_count_once_and_are_reported(self, captured_log):
        samples = make_samples(68, count=4)
        assert evaluate(samples + samples[:2]) == evaluate(samples)
        assert any('2 annotations came more than once' in text for _, text in captured_log)

    def test_repeated_annotation_with_two_predictions_does_not_depend_on_order(self):
        samples = make_samples(68, count=4)
        again = copy.deepcopy(samples[1])
        again['pred_instances']['keypoints'] += 5
        assert evaluate(samples + [again]) == evaluate([again] + samples)

    def test_namesakes_are_no_repetitions(self):
        samples = make_samples(68, count=6, labelled=1)
        expected = evaluate(samples)
        for sample in samples:
            sample['img_path'], sample['id'] = 'one.jpg', 1
        found = evaluate(samples)
        assert found == pytest.approx(expected, rel=1e-12)
        without_ids = make_samples(68, count=6, labelled=1)
        for sample in without_ids:
            for key in ('img_path', 'id', 'img_id'):
                del sample[key]
        assert evaluate(without_ids) == pytest.approx(expected, rel=1e-12)
        # Without ids nothing tells a repetition from a twin: both count.
        twice = evaluate(without_ids + without_ids[:1])
        assert twice['face/NME'] != expected['face/NME']


class TestOcclusion:

    def samples(self):
        """Errors in px: visible 1, hidden 4 or 6, not labelled 100; the distance is 50."""
        samples = make_samples(29, count=3, labelled=1)
        for index, sample in enumerate(samples):
            truth = sample['gt_instances']
            truth['keypoints'][0, 8], truth['keypoints'][0, 9] = (50, 50), (100, 50)
            hidden = np.zeros((1, 29), bool)
            hidden[0, 10:10 + 5 * index] = True  # none, five, ten
            truth['keypoints_visible'][0, 0] = 0
            truth['occluded'] = hidden
            offset = np.where(hidden, 2. + 2 * index, 1.)
            offset[0, 0] = 100
            sample['pred_instances']['keypoints'] = (
                truth['keypoints'].astype(float) + offset[..., None] * [0, 1])
        return samples

    def test_split_by_hand(self):
        found = without_prefix(evaluate(self.samples(), 'cofw'))
        assert found['NME_occluded'] == pytest.approx((8 + 12) / 2)  # of two faces
        assert found['NME_visible'] == pytest.approx(2.)
        by_hand = np.mean([2, (5 * 8 + 23 * 2) / 28, (10 * 12 + 18 * 2) / 28])
        assert found['NME'] == pytest.approx(by_hand)

    def test_says_nothing_where_nothing_is_hidden_or_known(self):
        samples = self.samples()
        for sample in samples:
            sample['gt_instances']['occluded'][:] = False
        assert list(without_prefix(evaluate(samples, 'cofw'))) == NAMES
        for sample in samples:
            del sample['gt_instances']['occluded']
        assert list(without_prefix(evaluate(samples, 'cofw'))) == NAMES

    def test_in_the_files(self, tmp_path):
        evaluate(self.samples(), 'cofw', outfile_prefix=str(tmp_path / 'run'))
        content = json.loads((tmp_path / 'run.metrics.json').read_text())
        occluded, visible = content['occlusion']['occluded'], content['occlusion']['visible']
        assert (occluded['points'], occluded['faces']) == (15, 2)
        assert (visible['points'], visible['faces']) == (28 * 3 - 15, 3)
        assert occluded['FR_L@0.05'] == 100 and visible['FR_L@0.05'] == 0
        row = content['landmarks'][10]
        assert (row['scored_occluded'], row['scored_visible']) == (2, 1)
        assert row['NME_occluded'] == pytest.approx(10) and row['NME_visible'] == pytest.approx(2)
        with np.load(tmp_path / 'run.errors.npz') as arrays:
            assert arrays['occluded'].sum() == 15
            assert (~arrays['valid']).sum() == 3

    def test_wrong_shape(self):
        samples = self.samples()
        samples[1]['gt_instances']['occluded'] = np.zeros((1, 28), bool)
        with pytest.raises(ValueError, match=r'occluded must have shape .*found \[1, 28\]'):
            evaluate(samples, 'cofw')


class TestResultFiles:

    def test_files_hold_what_was_printed(self, tmp_path):
        prefix = tmp_path / 'new' / 'folder' / 'run'
        samples = make_samples(68, count=5, seed=6, always=(36, 45))
        samples[3]['gt_instances']['keypoints_visible'][:] = 0
        measures = without_prefix(evaluate(samples[::-1], outfile_prefix=str(prefix)))
        content = json.loads((tmp_path / 'new' / 'folder' / 'run.metrics.json').read_text())
        assert content['metrics'] == pytest.approx(measures, rel=1e-15)
        assert content['dataset_name'] == '300w'
        assert content['normalization'] == 'inter_ocular (36 to 45)'
        assert content['counts'] == dict(
            faces=5,
            excluded=1,
            no_valid_landmark=1,
            no_normalization_distance=0,
            nonfinite_predictions=0,
            duplicates_dropped=0)
        assert content['errors_file'] == 'run.errors.npz'
        with np.load(f'{prefix}.errors.npz', allow_pickle=False) as arrays:
            arrays = dict(arrays)
        assert arrays['errors'].shape == (5, 68) and arrays['valid'].shape == (5, 68)
        assert arrays['image_paths'].tolist() == [f'images/{index:03d}.jpg' for index in range(5)]
        assert arrays['annotation_ids'].tolist() == [f'{index:012d}' for index in range(1, 6)]
        assert arrays['landmark_names'][[0, 36]].tolist() == [
            'right_jaw_1', 'right_eye_outer_corner']
        again = normalized_errors(arrays['predictions'], arrays['targets'], arrays['distances'],
                                  arrays['valid'])
        np.testing.assert_array_equal(again, arrays['errors'])
        again = summarize_errors(arrays['errors'], arrays['failure_thresholds_image'],
                                 arrays['failure_thresholds_landmark'], arrays['auc_thresholds'])
        measures.pop('excluded')
        assert again == measures

    def test_infinity_is_written_as_valid_json(self, tmp_path):
        samples = make_samples(68, labelled=1)
        samples[0]['pred_instances']['keypoints'][:] = np.inf
        evaluate(samples, outfile_prefix=str(tmp_path / 'run'))

        def refuse(word):
            raise AssertionError(f'{word} is not JSON')

        content = json.loads((tmp_path / 'run.metrics.json').read_text(), parse_constant=refuse)
        assert content['metrics']['NME'] == 'inf'
        assert content['counts']['nonfinite_predictions'] == 68

    def test_nothing_is_written_unless_asked(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        evaluate(make_samples(68))
        assert not list(tmp_path.iterdir())
