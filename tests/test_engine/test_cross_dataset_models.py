"""``apply_cross_dataset`` on every kind of top-down model, and its error messages.

The same faces in the same boxes, once annotated in the model's own scheme and once in another that
contains all of its points: predictions and measures must be the same.
"""
from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, METRICS, MODELS

from mmpose_wass import apply_cross_dataset
from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.landmarks import get_common_landmarks

SIDE = 64
FILE = 'annotations/face_landmarks_wflw_test.json'
IMAGE = dict(type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53],
             std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
MAPS = dict(input_size=(SIDE, SIDE), heatmap_size=(16, 16))


def convolutional(kind, decoder, **options):
    return dict(type=kind, in_channels=64, out_channels=68, deconv_out_channels=None,
                decoder=decoder, **options)


#: Head, neck and settings of the flip test.
MODELS_BY_NAME = dict(
    heatmap=(convolutional('HeatmapHead', dict(type='MSRAHeatmap', sigma=1.5, **MAPS)), None,
             dict(flip_mode='heatmap', shift_heatmap=True)),
    dark=(convolutional('HeatmapHead', dict(type='MSRAHeatmap', sigma=1.5, unbiased=True, **MAPS)),
          None, dict(flip_mode='heatmap', shift_heatmap=True)),
    udp=(convolutional('HeatmapHead', dict(type='UDPHeatmap', sigma=1.5, **MAPS)), None,
         dict(flip_mode='heatmap', shift_heatmap=False)),
    udp_combined=(dict(convolutional(
        'HeatmapHead', dict(type='UDPHeatmap', heatmap_type='combined', **MAPS),
        loss=dict(type='CombinedTargetMSELoss', use_target_weight=True)), out_channels=3 * 68),
        None, dict(flip_mode='udp_combined', shift_heatmap=False)),
    probability=(convolutional('ProbabilityHeatmapHead', dict(type='BarycenterCodec', **MAPS),
                               loss=dict(type='KLHeatmapLoss')), None,
                 dict(flip_mode='heatmap', shift_heatmap=False)),
    regression=(dict(type='RegressionHead', in_channels=64, num_joints=68,
                     decoder=dict(type='RegressionLabel', input_size=(SIDE, SIDE))),
                dict(type='GlobalAveragePooling'), dict(shift_coords=True)),
    integral=(dict(type='IntegralRegressionHead', in_channels=64, in_featuremap_size=(16, 16),
                   num_joints=68, deconv_out_channels=None,
                   decoder=dict(type='IntegralRegressionLabel', sigma=2., **MAPS)), None,
              dict(shift_coords=True, shift_heatmap=True)),
    simcc=(dict(type='SimCCHead', in_channels=64, out_channels=68, input_size=(SIDE, SIDE),
                in_featuremap_size=(16, 16), deconv_out_channels=None,
                decoder=dict(type='SimCCLabel', input_size=(SIDE, SIDE), sigma=6.,
                             simcc_split_ratio=2.)), None, dict()),
    rtmpose=(dict(type='RTMCCHead', in_channels=64, out_channels=68, input_size=(SIDE, SIDE),
                  in_featuremap_size=(16, 16), simcc_split_ratio=2., final_layer_kernel_size=3,
                  gau_cfg=dict(hidden_dims=32, s=16, expansion_factor=2, dropout_rate=0.,
                               drop_path=0., act_fn='SiLU', use_rel_bias=False, pos_enc=False),
                  loss=dict(type='KLDiscretLoss', use_target_weight=True),
                  decoder=dict(type='SimCCLabel', input_size=(SIDE, SIDE), sigma=6.,
                               simcc_split_ratio=2., normalize=False, use_dark=False)), None,
             dict()))


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Rendered WFLW, and beside it the same faces in 300W's scheme, in the same boxes."""
    folder = tmp_path_factory.mktemp('wflw')
    write_dataset('wflw', folder, dict(train=1, test=3), seed=1, image_size=96)
    common = get_common_landmarks('300w', 'wflw')
    chosen = [group[0] for group in common.data_points]
    assert common.model_points == tuple((index, ) for index in range(68))
    content = json.loads((folder / FILE).read_text())
    for annotation in content['annotations']:
        points = np.array(annotation['keypoints']).reshape(-1, 3)
        annotation['keypoints'] = points[chosen].ravel().tolist()
    (folder / 'annotations/in_300w.json').write_text(json.dumps(content))
    return folder


def dataset(root, kind, file):
    return dict(type=kind, data_root=str(root), ann_file=file, data_prefix=dict(img='images/'),
                data_mode='topdown')


def model_config(root, name='probability', **changes):
    head, neck, flip = copy.deepcopy(MODELS_BY_NAME[name])
    pipeline = [
        dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
        dict(type='TopdownAffine', input_size=(SIDE, SIDE), use_udp=name.startswith('udp')),
        dict(type='PackPoseInputs')]
    native = dict(dataset(root, 'Face300WDataset', 'annotations/in_300w.json'), pipeline=pipeline,
                  test_mode=True)
    return Config(dict(dict(
        model=dict(
            type='TopdownPoseEstimator', data_preprocessor=IMAGE,
            backbone=dict(type='ResNet', depth=18, num_stages=1, strides=(1, ), dilations=(1, ),
                          out_indices=(0, )),
            neck=neck, head=head, test_cfg=dict(flip_test=True, **flip)),
        test_dataloader=dict(batch_size=3, dataset=native),
        test_cfg=dict(),
        test_evaluator=[dict(type='FaceLandmarkMetric'),
                        dict(type='NME', norm_mode='keypoint_distance')]), **changes))


def evaluate(cfg):
    """Landmarks [N, K, 2] and measures of a config with random weights."""
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    # Untrained maps are nearly flat: larger weights make the two passes tell apart.
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter, std=.2)
    model.eval()
    test = DATASETS.build(cfg.test_dataloader.dataset)
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = test.metainfo
    batch = pseudo_collate([test[index] for index in range(len(test))])
    with torch.no_grad():
        outputs = model.test_step(batch)
    evaluator.process(data_samples=outputs, data_batch=batch)
    return (np.concatenate([sample.pred_instances.keypoints for sample in outputs]),
            evaluator.evaluate(len(test)))


@pytest.mark.parametrize('name', MODELS_BY_NAME)
def test_a_cross_dataset_test_changes_no_prediction(root, name):
    cfg = model_config(root, name)
    native, native_metrics = evaluate(cfg)
    crossed = apply_cross_dataset(cfg, dataset(root, 'WFLWDataset', FILE))
    found, metrics = evaluate(crossed)
    assert native.shape == (3, 68, 2)
    np.testing.assert_array_equal(found, native)
    for measure, value in metrics.items():
        assert value == pytest.approx(native_metrics[measure], rel=1e-6, nan_ok=True), measure
    # The flip test is really on, and its left and right matter.
    plain = copy.deepcopy(cfg)
    plain.model.test_cfg.flip_test = False
    assert np.abs(evaluate(plain)[0] - native).max() > 1e-3


def test_mmpose_alone_stops_at_the_flip_test(root):
    """What upstream does; should this fail after an update, less is needed here."""
    cfg = model_config(root)
    cfg.test_dataloader.dataset.update(dataset(root, 'WFLWDataset', FILE))
    with pytest.raises(AssertionError):
        evaluate(cfg)


def test_mmposes_nme_cannot_compare_different_numbers_of_landmarks(root):
    cfg = apply_cross_dataset(model_config(root), dataset(root, 'WFLWDataset', FILE))
    cfg.test_evaluator = dict(type='NME', norm_mode='keypoint_distance')
    with pytest.raises(ValueError):
        evaluate(cfg)


def test_what_is_changed_and_what_is_not(root):
    cfg = model_config(root, visualizer=dict(type='PoseLocalVisualizer', name='mine'),
                       custom_imports=dict(imports=['my_module']))
    before = copy.deepcopy(cfg.to_dict())
    after = apply_cross_dataset(cfg, dataset(root, 'WFLWDataset', FILE), metric=dict(
        norm_mode='inter_pupil', outfile_prefix='here'), visibility='coco')
    assert cfg.to_dict() == before
    assert after.model == cfg.model
    assert after.test_dataloader.batch_size == 3
    tested = after.test_dataloader.dataset
    assert (tested.type, tested.test_mode) == ('WFLWDataset', True)
    assert [transform.type for transform in tested.pipeline] == [
        'LoadImage', 'GetBBoxCenterScale', 'TopdownAffine', 'PackFaceInputs', 'ModelLandmarkLayout']
    assert tested.pipeline[-2].flags == 'coco'
    assert after.visualizer == dict(type='CrossLayoutVisualizer', name='mine')
    assert after.custom_imports.imports == ['my_module', 'mmpose_wass']
    metric = METRICS.build(after.test_evaluator)
    assert metric.outfile_prefix == 'here'
    # A config that is a protocol already can be turned to another data set.
    again = apply_cross_dataset(after, dataset(root, 'COFWDataset', FILE), model_scheme='300w')
    assert [transform.type for transform in again.test_dataloader.dataset.pipeline].count(
        'ModelLandmarkLayout') == 1


def test_targets_are_not_drawn_from_a_foreign_annotation(root):
    cfg = model_config(root)
    cfg.test_dataloader.dataset.pipeline.insert(
        3, dict(type='GenerateTarget', encoder=cfg.model.head.decoder))
    found, _ = evaluate(apply_cross_dataset(cfg, dataset(root, 'WFLWDataset', FILE)))
    assert found.shape == (3, 68, 2)


def test_the_models_scheme_comes_from_what_it_is_trained_on(root):
    cfg = model_config(root)
    cfg.train_dataloader = dict(dataset=dict(
        type='CombinedDataset', metainfo=dict(from_file='configs/_base_/datasets/300w.py'),
        datasets=[dict(type='WFLWDataset', ann_file='a.json')], pipeline=[]))
    after = apply_cross_dataset(cfg, dataset(root, 'COFWDataset', FILE))
    assert after.test_evaluator.common_landmarks.model == '300w'
    assert after.test_dataloader.dataset.pipeline[-1].scheme == '300w'


def test_clear_errors(root):
    wflw = dataset(root, 'WFLWDataset', FILE)
    cfg = model_config(root)

    def refuses(kind, text, data=wflw, change=None, **options):
        changed = copy.deepcopy(cfg)
        if change is not None:
            change(changed)
        with pytest.raises(kind, match=text):
            apply_cross_dataset(changed, data, **options)

    refuses(ValueError, "predicts 68 landmarks, but the scheme 'wflw' has 98", model_scheme='wflw')
    refuses(KeyError, "no landmark scheme named '300x'", model_scheme='300x')
    refuses(ValueError, 'test_sets=dict', data=dict(ann_file='a.json'))
    refuses(ValueError, 'must be a dict from names', data=dict(test_sets=dict(a=dict(x=1))))
    refuses(ValueError, 'no data set of this name', data=dict(type='NoSuchDataset'))
    refuses(KeyError, 'variant', common_landmarks=dict(variant='none of them'))
    refuses(ValueError, 'KeypointConverter', change=lambda changed: (
        changed.test_dataloader.dataset.pipeline.insert(
            1, dict(type='KeypointConverter', num_keypoints=68, mapping=[]))))
    refuses(ValueError, 'packs nothing',
            change=lambda changed: changed.test_dataloader.dataset.pipeline.pop())
    refuses(ValueError, 'output_keypoint_indices', change=lambda changed: (
        changed.model.test_cfg.update(output_keypoint_indices=[0, 1])))
    refuses(ValueError, 'neither test_dataloader nor val_dataloader', model_scheme='300w',
            change=lambda changed: changed.pop('test_dataloader'))
    refuses(ValueError, "with model_scheme='...'", change=lambda changed: (
        changed.test_dataloader.dataset.update(metainfo=dict(dataset_name='mine'))))


class TestFaceSchemeDataset:
    """A data set of any scheme, without a class and a metainfo file of its own."""

    def build(self, root, scheme, file, **options):
        init_default_scope('mmpose')
        return DATASETS.build(dict(dataset(root, 'FaceSchemeDataset', file), scheme=scheme,
                                   pipeline=[], test_mode=True, **options))

    def test_is_as_mmposes_own(self, root):
        ours = self.build(root, 'wflw', FILE)
        theirs = DATASETS.build(dict(dataset(root, 'WFLWDataset', FILE), pipeline=[],
                                     test_mode=True))
        assert ours.metainfo['dataset_name'] == 'wflw'
        assert ours.metainfo['flip_indices'] == theirs.metainfo['flip_indices']
        for field in ('keypoints', 'keypoints_visible', 'bbox_center', 'bbox_scale', 'img_path'):
            np.testing.assert_array_equal(ours[1][field], theirs[1][field])

    def test_refuses_another_number_of_landmarks(self, root):
        with pytest.raises(ValueError, match="has 294 numbers in keypoints, but .* '300w'"):
            self.build(root, '300w', FILE)
        with pytest.raises(ValueError, match='from the scheme'):
            self.build(root, 'wflw', FILE, metainfo=dict())

    def test_names_a_missing_field(self, root):
        content = json.loads((root / FILE).read_text())
        del content['annotations'][2]['scale']
        (root / 'annotations/broken.json').write_text(json.dumps(content))
        with pytest.raises(KeyError, match="annotation 3 has no field 'scale'"):
            self.build(root, 'wflw', 'annotations/broken.json')
