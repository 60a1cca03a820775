"""Turning the method on: rewriting MMPose's configs, and what comes of it."""

from __future__ import annotations

import copy
import glob
import os

import cv2
import mmpose
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS, KEYPOINT_CODECS, MODELS

from mmpose_wass import attach_metrics, describe_difference, turn_on
from mmpose_wass.turning_on.config_walk import find_typed, type_name
from mmpose_wass.turning_on.heads import replace_head, replace_loss

CONFIGS = os.path.join(os.path.dirname(mmpose.__file__), '.mim', 'configs')
FACE_CONFIGS = sorted(
    os.path.relpath(path, CONFIGS)
    for path in glob.glob(f'{CONFIGS}/face_2d_keypoint/**/*.py', recursive=True))
HEATMAP_CONFIGS = [path for path in FACE_CONFIGS if '/topdown_heatmap/' in path]
OTHER_CONFIGS = [path for path in FACE_CONFIGS if path not in HEATMAP_CONFIGS]
STOCK = 'face_2d_keypoint/topdown_heatmap/300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256.py'
HOURGLASS = next(path for path in HEATMAP_CONFIGS if 'hourglass' in path)


def load(path: str) -> Config:
    return Config.fromfile(os.path.join(CONFIGS, path))


def codecs_of(cfg) -> list[tuple[str, dict]]:
    return [(path, node) for path, node in find_typed(cfg)
            if type_name(node).endswith(('Heatmap', 'Codec', 'Label'))]


def metrics_of(evaluator) -> list[str]:
    return [type_name(node) for _, node in find_typed(evaluator)]


def short(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def test_all_stock_face_configs_are_there():
    assert len(HEATMAP_CONFIGS) == 14
    assert len(FACE_CONFIGS) == 23


@pytest.mark.parametrize('path', HEATMAP_CONFIGS, ids=short)
def test_rewrites_every_stock_heatmap_config(path, tmp_path):
    stock = load(path)
    before = copy.deepcopy(stock._cfg_dict.to_dict())
    sigma = stock.codec.sigma
    cfg = turn_on(stock)

    assert stock._cfg_dict.to_dict() == before, 'the input was changed'
    places = codecs_of(cfg)
    assert {place for place, _ in places} == {
        'codec', 'model.head.decoder', 'train_pipeline.5.encoder',
        'train_dataloader.dataset.pipeline.5.encoder'}
    for _, codec in places:
        assert codec.type == 'BarycenterCodec'
        assert codec.coordinates == 'half_pixel'
        assert codec.sigma == sigma
        assert tuple(codec.heatmap_size) == (64, 64)
        assert 'unbiased' not in codec
    assert cfg.model.head.type == {'HeatmapHead': 'ProbabilityHeatmapHead',
                                   'CPMHead': 'ProbabilityCPMHead'}[stock.model.head.type]
    assert cfg.model.head.loss.to_dict() == dict(
        type='WassersteinHeatmapLoss', use_target_weight=True)
    assert cfg.model.test_cfg.shift_heatmap is False
    assert cfg.model.test_cfg.flip_test is True
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert metrics_of(evaluator) == ['NME', 'FaceLandmarkMetric']
    assert cfg.default_hooks.checkpoint.save_best == 'face/NME'
    assert cfg.default_hooks.checkpoint.rule == 'less'
    assert cfg.default_hooks.checkpoint.interval == stock.default_hooks.checkpoint.interval
    assert cfg.custom_imports.imports == ['mmpose_wass']
    # What a recipe consists of stays.
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'auto_scale_lr'):
        assert cfg[key] == stock[key]
    assert cfg.model.backbone == stock.model.backbone

    file = str(tmp_path / 'written.py')
    cfg.dump(file)
    assert describe_difference(Config.fromfile(file), cfg) == ''
    assert describe_difference(cfg, turn_on(cfg)) == '', 'turning on twice changes something'


@pytest.mark.parametrize('path', OTHER_CONFIGS, ids=short)
def test_refuses_other_stock_configs_and_says_why(path):
    stock = load(path)
    with pytest.raises(ValueError) as error:
        turn_on(stock)
    message = str(error.value)
    assert stock.model.head.type in message
    assert 'HeatmapHead' in message and 'attach_metrics' in message


@pytest.mark.parametrize('path', FACE_CONFIGS, ids=short)
def test_metrics_attach_to_every_stock_face_config(path):
    stock = load(path)
    cfg = attach_metrics(stock)
    assert metrics_of(cfg.val_evaluator) == ['NME', 'FaceLandmarkMetric']
    assert metrics_of(cfg.test_evaluator) == ['NME', 'FaceLandmarkMetric']
    assert cfg.model == stock.model
    assert cfg.default_hooks.checkpoint.save_best == stock.default_hooks.checkpoint.save_best
    assert metrics_of(stock.val_evaluator) == ['NME']
    assert attach_metrics(cfg).val_evaluator == cfg.val_evaluator
    # They build, with the landmark scheme of the data set they are for.
    from mmengine.evaluator import Evaluator
    init_default_scope('mmpose')
    dataset = next(node for _, node in find_typed(cfg.val_dataloader.dataset)
                   if type_name(node).endswith('Dataset'))
    evaluator = Evaluator(cfg.val_evaluator)
    evaluator.dataset_meta = parse_pose_metainfo(DATASETS.get(dataset.type).METAINFO)
    metric = evaluator.metrics[1]
    assert metric.normalizer.resolve(metric.dataset_name).description


def random_sample(cfg: Config, keypoints: int, dataset: str, seed: int) -> dict:
    """What a data set hands to the pipeline after LoadImage."""
    generator = np.random.default_rng(seed)
    meta = parse_pose_metainfo(DATASETS.get(dataset).METAINFO)
    assert len(meta['flip_indices']) == keypoints
    return dict(
        img=generator.integers(0, 256, (80, 80, 3), dtype=np.uint8), img_shape=(80, 80),
        ori_shape=(80, 80), id=seed, img_id=seed, img_path=f'{seed}.png',
        bbox=np.array([[8., 8., 72., 72.]], dtype=np.float32),
        bbox_score=np.ones(1, dtype=np.float32), flip_indices=meta['flip_indices'],
        keypoints=generator.uniform(20, 60, (1, keypoints, 2)).astype(np.float32),
        keypoints_visible=np.ones((1, keypoints), dtype=np.float32))


def run_steps(cfg: Config) -> tuple[dict, np.ndarray]:
    """Build a model; one training step and one test step on random images, through the config's
    own pipelines."""
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    keypoints = cfg.model.head.out_channels
    dataset = cfg.train_dataloader.dataset
    assert dataset.pipeline[0].type == 'LoadImage'
    samples = [random_sample(cfg, keypoints, dataset.type, seed) for seed in range(2)]
    train = Compose(dataset.pipeline[1:])
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
    before = [parameter.detach().clone() for parameter in model.head.parameters()]
    log = model.train().train_step(
        pseudo_collate([train(copy.deepcopy(sample)) for sample in samples]), wrapper)
    assert any(not torch.equal(old, new)
               for old, new in zip(before, model.head.parameters())), 'nothing was learnt'
    test = Compose(cfg.test_dataloader.dataset.pipeline[1:])
    with torch.no_grad():
        outputs = model.eval().test_step(pseudo_collate([test(samples[0])]))
    return log, outputs[0].pred_instances.keypoints


@pytest.mark.slow
@pytest.mark.parametrize('path', HEATMAP_CONFIGS, ids=short)
def test_every_stock_heatmap_config_trains_and_tests(path):
    stock = load(path)
    stock.model.backbone.init_cfg = None
    cfg = turn_on(stock)
    log, keypoints = run_steps(cfg)
    assert torch.isfinite(log['loss'])
    assert 0 < float(log['wasserstein_px']) < 64 * 2**.5
    assert keypoints.shape == (1, cfg.model.head.out_channels, 2)
    assert np.isfinite(keypoints).all()


@pytest.mark.parametrize('options, terms', [
    (dict(), ['loss_kpt']),
    (dict(loss='wasserstein+kl'), ['loss_wasserstein', 'loss_kl']),
    (dict(loss='kl', sigma=3), ['loss_kpt']),
    (dict(coordinates='udp'), ['loss_kpt']),
    (dict(coordinates='mmpose'), ['loss_kpt']),
    (dict(sampling='argmax', temperature=2.0), ['loss_kpt']),
])
def test_options_train_and_test(options, terms):
    stock = load(next(path for path in HEATMAP_CONFIGS if 'mobilenetv2' in path))
    stock.model.backbone.init_cfg = None
    log, keypoints = run_steps(turn_on(stock, **options))
    assert set(terms) <= set(log)
    assert np.isfinite(keypoints).all()


def test_sigma_loss_and_sampling():
    cfg = turn_on(load(STOCK), sigma=3, loss='wasserstein+kl', sampling='argmax', temperature=2)
    for _, codec in codecs_of(cfg):
        assert (codec.sigma, codec.sampling, codec.temperature) == (3.0, 'argmax', 2.0)
    loss = cfg.model.head.loss
    assert loss.type == 'WeightedSumHeatmapLoss'
    assert {name: term.type for name, term in loss.losses.items()} == dict(
        wasserstein='WassersteinHeatmapLoss', kl='KLHeatmapLoss')
    assert all(term.temperature == 2.0 for term in loss.losses.values())


def test_own_loss_and_target():
    loss = dict(type='KeypointMSELoss', use_target_weight=True, loss_weight=3.0)
    cfg = turn_on(load(STOCK), loss=loss, target='peak')
    assert cfg.model.head.loss == loss
    assert all(codec.target == 'peak' for _, codec in codecs_of(cfg))


@pytest.mark.parametrize('use', [True, False])
def test_target_weight_is_carried_over(use):
    stock = load(STOCK)
    stock.model.head.loss = dict(type='KeypointMSELoss', use_target_weight=use)
    cfg = turn_on(stock, loss='wasserstein+kl')
    assert all(term.use_target_weight is use for term in cfg.model.head.loss.losses.values())


def test_target_weight_left_out_means_the_old_class_default():
    stock = load(STOCK)
    stock.model.head.loss = dict(type='KeypointMSELoss')  # False by default in MMPose
    assert turn_on(stock).model.head.loss.use_target_weight is False


def test_list_of_losses_keeps_length_and_relative_weights():
    stock = load(HOURGLASS)
    stock.model.backbone.num_stacks = 2
    stock.model.head.num_stages = 2
    stock.model.head.loss = [
        dict(type='KeypointMSELoss', use_target_weight=True, loss_weight=0.5),
        dict(type='KeypointMSELoss', use_target_weight=False, loss_weight=2.0)]
    losses = turn_on(stock).model.head.loss
    assert [one.type for one in losses] == ['WassersteinHeatmapLoss'] * 2
    assert [one.get('loss_weight', 1.0) for one in losses] == [0.25, 1.0]
    assert [one.use_target_weight for one in losses] == [True, False]


@pytest.mark.parametrize('wrap', [
    lambda dataset: dict(type='RepeatDataset', times=2, dataset=dataset),
    lambda dataset: dict(type='ConcatDataset', datasets=[dataset, copy.deepcopy(dataset)]),
    lambda dataset: dict(type='CombinedDataset', metainfo=dict(from_file='x.py'),
                         datasets=[dict(type='RepeatDataset', times=3, dataset=dataset)],
                         pipeline=copy.deepcopy(dataset['pipeline'])),
], ids=['repeat', 'concat', 'combined'])
def test_reaches_codecs_in_wrapped_data_sets(wrap):
    stock = load(STOCK)
    dataset = stock.train_dataloader.dataset.to_dict()
    stock.train_dataloader.dataset = wrap(dataset)
    stock.val_dataloader.dataset = wrap(copy.deepcopy(dataset))
    stock.my_stages = (1, [dict(type='GenerateTarget', encoder=[dict(stock.codec)])])
    expected = len(codecs_of(stock))
    assert expected >= 6
    cfg = turn_on(stock, sigma=2.5)
    found = codecs_of(cfg)
    assert len(found) == expected
    assert {codec['type'] for _, codec in found} == {'BarycenterCodec'}
    assert {codec['sigma'] for _, codec in found} == {2.5}
    assert cfg.my_stages[1][0]['encoder'][0]['type'] == 'BarycenterCodec'


def with_udp(cfg: Config, loaders=('train', 'val', 'test')) -> Config:
    for loader in loaders:
        for _, node in find_typed(cfg[f'{loader}_dataloader']):
            if type_name(node) == 'TopdownAffine':
                node['use_udp'] = True
    if len(loaders) == 3:
        for name in ('train_pipeline', 'val_pipeline'):
            for _, node in find_typed(cfg[name]):
                if type_name(node) == 'TopdownAffine':
                    node['use_udp'] = True
    return cfg


def test_udp_pipelines_get_udp_coordinates():
    cfg = turn_on(with_udp(load(STOCK)))
    assert {codec.coordinates for _, codec in codecs_of(cfg)} == {'udp'}
    assert cfg.model.test_cfg.shift_heatmap is False


def test_pipelines_that_disagree_are_refused_unless_told():
    stock = with_udp(load(STOCK), loaders=('train', ))
    with pytest.raises(ValueError, match='train_dataloader.*use_udp|use_udp.*train_dataloader'):
        turn_on(stock)
    cfg = turn_on(stock, coordinates='half_pixel')
    affines = [node for _, node in find_typed(cfg) if type_name(node) == 'TopdownAffine']
    assert len(affines) >= 5 and not any(node.get('use_udp', False) for node in affines)


def test_leftover_pipelines_do_not_count_but_are_made_to_agree():
    stock = load('fashion_2d_keypoint/topdown_heatmap/deepfashion/'
                 'td-hm_hrnet-w32_udp_8xb64-210e_deepfashion_full-256x192.py')
    uses = {path.split('.')[0]: bool(node.get('use_udp')) for path, node in find_typed(stock)
            if type_name(node) == 'TopdownAffine'}
    assert uses['train_pipeline'] and not uses['train_dataloader']  # as MMPose ships it
    cfg = turn_on(stock)
    assert {codec.coordinates for _, codec in codecs_of(cfg)} == {'half_pixel'}
    assert not any(node.get('use_udp') for _, node in find_typed(cfg)
                   if type_name(node) == 'TopdownAffine')


def test_asking_for_udp_changes_the_pipelines():
    cfg = turn_on(load(STOCK), coordinates='udp')
    affines = [node for _, node in find_typed(cfg) if type_name(node) == 'TopdownAffine']
    assert len(affines) >= 5 and all(node.use_udp for node in affines)


def test_mmpose_coordinates_turn_the_flip_test_off():
    cfg = turn_on(load(STOCK), coordinates='mmpose')
    assert cfg.model.test_cfg.flip_test is False


def body(path: str) -> Config:
    return load(f'body_2d_keypoint/topdown_heatmap/{path}')


def test_megvii_codecs_at_several_levels():
    stock = body('coco/td-hm_mspn50_8xb32-210e_coco-256x192.py')
    with pytest.warns(UserWarning, match='MSPNHead'):
        cfg = turn_on(stock)
    encoder = cfg.train_dataloader.dataset.pipeline[-2].encoder
    assert [codec.type for codec in encoder] == ['BarycenterCodec'] * len(stock.codec)
    # The kernels that OpenCV makes of these sizes; up to 9 pixels it takes them from a table of
    # rounded values ([1, 4, 6, 4, 1] / 16, ...) instead of computing them.
    sizes = [codec.kernel_size for codec in stock.codec]
    assert max(sizes) > 9
    for size, codec in zip(sizes, encoder):
        kernel = cv2.getGaussianKernel(size, 0).ravel()
        gaussian = np.exp(-np.arange(-(size // 2), size // 2 + 1)**2 / (2 * codec.sigma**2))
        np.testing.assert_allclose(
            kernel, gaussian / gaussian.sum(), atol=1e-6 if size > 9 else 0.01)
    assert cfg.model.head.type == 'MSPNHead'
    assert {type_name(loss) for loss in cfg.model.head.loss} == {'WassersteinHeatmapLoss'}
    for codec in encoder:
        KEYPOINT_CODECS.build(codec)


def test_heads_without_counterpart_stay_and_lose_the_accuracy():
    with pytest.warns(UserWarning, match='geometric mean'):
        cfg = turn_on(body('coco/td-hm_vipnas-res50_8xb64-210e_coco-256x192.py'))
    assert cfg.model.head.type == 'ViPNASHead'
    assert cfg.model.train_cfg.compute_acc is False


def test_combined_udp_maps_become_one_map_a_landmark():
    stock = body('coco/td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192.py')
    assert stock.model.head.out_channels == 3 * 17
    cfg = turn_on(stock)
    assert cfg.model.head.out_channels == 17
    assert cfg.model.test_cfg.flip_mode == 'heatmap'
    assert cfg.model.head.decoder.coordinates == 'udp'


def test_body_configs_keep_their_metrics():
    stock = body('coco/td-hm_res50_8xb64-210e_coco-256x192.py')
    cfg = turn_on(stock)
    assert cfg.model.head.loss.type == 'WassersteinHeatmapLoss'
    assert cfg.val_evaluator == stock.val_evaluator
    assert cfg.default_hooks == stock.default_hooks
    with pytest.raises(ValueError, match='face'):
        attach_metrics(stock)


def test_heads_that_wrap_a_heatmap_head():
    stock = load(STOCK)
    inner = stock.model.head.to_dict()
    stock.model.head = dict(
        type='VisPredictHead', loss=dict(type='BCELoss'), pose_cfg=inner)
    cfg = turn_on(stock)
    assert cfg.model.head.type == 'VisPredictHead'
    assert cfg.model.head.loss.type == 'BCELoss'
    assert cfg.model.head.pose_cfg.type == 'ProbabilityHeatmapHead'
    assert cfg.model.head.pose_cfg.loss.type == 'WassersteinHeatmapLoss'


def test_bottom_up_models_are_refused():
    path = glob.glob(f'{CONFIGS}/body_2d_keypoint/associative_embedding/coco/*.py')[0]
    with pytest.raises(ValueError, match='AssociativeEmbeddingHead.*bottom-up'):
        turn_on(Config.fromfile(path))


def test_models_that_are_not_top_down_are_refused():
    stock = load(STOCK)
    stock.model.type = 'BottomupPoseEstimator'
    with pytest.raises(ValueError, match='BottomupPoseEstimator'):
        turn_on(stock)
    with pytest.raises(ValueError, match='no `model`'):
        turn_on(Config(dict(train_cfg=dict())))


def test_other_codecs_are_refused_with_their_place():
    stock = load(STOCK)
    stock.val_dataloader.dataset.pipeline.append(
        dict(type='GenerateTarget', encoder=dict(type='SimCCLabel')))
    with pytest.raises(ValueError, match=r'val_dataloader\.dataset\.pipeline\.4\.encoder.*SimCC'):
        turn_on(stock)


@pytest.mark.parametrize('options, message', [
    (dict(sigma=0), 'sigma'), (dict(sigma=-1), 'sigma'), (dict(loss='l2'), 'wasserstein.kl'),
    (dict(sampling='mean'), 'barycenter'), (dict(coordinates='pixel'), 'half_pixel'),
    (dict(temperature=0), 'temperature')])
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        turn_on(load(STOCK), **options)


def test_evaluators_in_all_forms():
    stock = load(STOCK)
    stock.val_evaluator = [dict(type='NME', norm_mode='keypoint_distance',
                                keypoint_indices=[36, 45], prefix='mine'), dict(type='EPE')]
    stock.test_evaluator = dict(type='Evaluator', metrics=dict(type='EPE'))
    cfg = turn_on(stock, metric=dict(auc_thresholds=[0.07]))
    assert metrics_of(cfg.val_evaluator) == ['NME', 'EPE', 'FaceLandmarkMetric']
    added = cfg.val_evaluator[-1]
    assert added.keypoint_indices == [36, 45] and added.prefix == 'mine/face'
    assert added.auc_thresholds == [0.07]
    assert cfg.default_hooks.checkpoint.save_best == 'mine/face/NME'
    assert metrics_of(cfg.test_evaluator) == ['Evaluator', 'EPE', 'FaceLandmarkMetric']
    untouched = turn_on(stock, metric=False)
    assert untouched.val_evaluator == stock.val_evaluator
    assert untouched.default_hooks == stock.default_hooks


def test_evaluators_of_several_data_sets_are_refused_with_a_way_out():
    stock = load(STOCK)
    stock.val_evaluator = dict(
        type='MultiDatasetEvaluator',
        metrics=[dict(type='NME', norm_mode='keypoint_distance', prefix='a')],
        datasets=[dict(type='Face300WDataset')])
    with pytest.raises(ValueError, match='metric=False'):
        turn_on(stock)
    assert turn_on(stock, metric=False).val_evaluator == stock.val_evaluator


def test_custom_imports_are_kept():
    stock = load(STOCK)
    stock.custom_imports = dict(imports='json', allow_failed_imports=True)
    cfg = turn_on(stock)
    assert cfg.custom_imports.to_dict() == dict(
        imports=['json', 'mmpose_wass'], allow_failed_imports=True)


def test_pure_python_configs(tmp_path):
    (tmp_path / 'pure.py').write_text("""
from mmpose.codecs import MSRAHeatmap
from mmpose.datasets.transforms import GenerateTarget, TopdownAffine
from mmpose.models import HeatmapHead, KeypointMSELoss, ResNet, TopdownPoseEstimator

default_scope = 'mmpose'
codec = dict(type=MSRAHeatmap, input_size=(64, 64), heatmap_size=(16, 16), sigma=2)
model = dict(
    type=TopdownPoseEstimator, backbone=dict(type=ResNet, depth=18),
    head=dict(type=HeatmapHead, in_channels=512, out_channels=5,
              loss=dict(type=KeypointMSELoss, use_target_weight=True), decoder=codec))
train_pipeline = [dict(type=TopdownAffine, input_size=(64, 64), use_udp=True),
                  dict(type=GenerateTarget, encoder=codec)]
""")
    stock = Config.fromfile(str(tmp_path / 'pure.py'), lazy_import=True)
    cfg = turn_on(stock)
    assert cfg.model.head.type == 'ProbabilityHeatmapHead'
    assert cfg.train_pipeline[1].encoder.type == 'BarycenterCodec'
    assert cfg.train_pipeline[1].encoder.coordinates == 'udp'
    init_default_scope('mmpose')
    model = MODELS.build(cfg.model)
    assert type(model.head.loss_module).__name__ == 'WassersteinHeatmapLoss'


def test_difference_names_what_changed():
    stock = load(STOCK)
    text = describe_difference(stock, turn_on(stock, sigma=2)).splitlines()
    assert "  model.head.type: 'HeatmapHead' -> 'ProbabilityHeatmapHead'" in text
    assert '  codec.sigma: 1.5 -> 2.0' in text
    assert '  model.test_cfg.shift_heatmap: True -> False' in text
    assert "+ val_evaluator.1.type: 'FaceLandmarkMetric'" in text
    assert not any('backbone' in line for line in text)
    assert describe_difference(stock, stock) == ''


def test_a_cascaded_pyramid_goes_on_to_mine_hard_landmarks():
    cfg = Config(dict(
        model=dict(type='TopdownPoseEstimator', head=dict(
            type='CPNHead', loss=dict(type='KeypointMSELoss', use_target_weight=True),
            refine_loss=dict(type='KeypointOHKMMSELoss', use_target_weight=True, topk=8)))))
    head = cfg.model.head
    replace_loss(head, 'wasserstein')
    assert head.loss.type == 'WassersteinHeatmapLoss' and head.loss.use_target_weight
    assert head.refine_loss.type == 'HardLandmarkLoss'
    assert head.refine_loss.loss.type == 'WassersteinHeatmapLoss'
    replace_loss(head, 'kl')
    assert head.refine_loss.loss.type == 'KLHeatmapLoss'
    MODELS.build(head.refine_loss)
    assert replace_head(head) is None and head.type == 'CPNHead'
