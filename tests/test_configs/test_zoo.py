"""Every config of the zoo is what its name says, builds, trains a step and tests a step."""
from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmpose.registry import DATASETS, EVALUATORS, MODELS
from test_configs.zoo import FACE, ZOO, load, shrink

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.engine.config_parts import only_test_set
from mmpose_wass.engine.data_check import find_datasets
from mmpose_wass.landmarks import get_scheme
from mmpose_wass.models.layers import CoordConv2d
from mmpose_wass.turning_on.config_walk import find_typed

LOSSES = dict(l2='KeypointMSELoss', wass='WassersteinHeatmapLoss', js='JSHeatmapLoss',
              softargmax='SoftArgmaxLoss', kl='KLHeatmapLoss', awing='AdaptiveWingLoss',
              dark='KeypointMSELoss')
LOSSES.update({'softmax-mse': 'SoftmaxMSEHeatmapLoss', 'wass-kl': 'WeightedSumHeatmapLoss',
               'star': 'STARHeatmapLoss'})
BACKBONES = {'hrnetv2-w18': 'HRNet', 'hourglass': 'StackedHourglass', 'cpn50': 'ResNet',
             'cpn50-coarse-to-fine': 'ResNet', 'res50': 'ResNet'}
SCHEMES = {'wflw68': '300w', 'wflw17': 'paper17', '300vw': '300w'}
NAME = re.compile(r'td-hm_(?P<model>[a-z0-9-]+?)(?P<coord>-coordconv)?_(?P<loss>[a-z0-9-]+?)'
                  r'-sigma(?P<sigma>[0-9.]+)(?:-(?P<sampling>getmax|getbc))?-1xb16-60e_'
                  r'(?P<data>[0-9a-z]+)(?P<tested>-[0-9a-z-]+?)?-256x256')

every_config = pytest.mark.parametrize('path', ZOO, ids=lambda path: path.stem)


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """Folder of rendered faces by the data's usual folder, made when first asked for."""
    root = tmp_path_factory.mktemp('faces')

    def write(data_root):
        scheme = data_root.strip('/').split('/')[-1]
        if not (root / scheme).exists():
            # Seven: one face of each of WFLW's attributes.
            write_dataset(scheme, root / scheme, dict(train=3, test=7), image_size=64, frames=3)
        return root / scheme

    return write


def words(path):
    """What a config's name says."""
    found = NAME.fullmatch(path.stem)
    assert found, f'{path.name} does not follow the pattern of the zoo'
    return found.groupdict()


def unwrapped(loss):
    """A loss without the mining of hard landmarks."""
    return loss.loss if loss.type == 'HardLandmarkLoss' else loss


@every_config
def test_name_says_what_it_is(path):
    cfg, said = load(path), words(path)
    head = cfg.model.head
    stages = head.loss if isinstance(head.loss, list) else [head.loss]
    assert stages[0].type == LOSSES[said['loss']]
    assert cfg.codec.sigma == head.decoder.sigma == float(said['sigma'])
    assert cfg.codec == head.decoder
    (encoder, ) = (step.encoder for step in cfg.train_dataloader.dataset.pipeline
                   if step.type == 'GenerateTarget')
    encoders = encoder if isinstance(encoder, list) else [encoder]
    assert encoders[-1] == cfg.codec and len(encoders) == len(stages)
    for stage, encoder in zip(stages, encoders):
        loss = unwrapped(stage)
        for term in [loss, *loss.get('losses', {}).values()]:
            if term.type == 'WassersteinHeatmapLoss':
                assert term.sigma == encoder.sigma
    sigmas = [one.sigma for one in encoders]
    assert sigmas == sorted(sigmas, reverse=True)
    assert (sigmas[0] > sigmas[-1]) == ('coarse-to-fine' in said['model'])
    assert cfg.model.backbone.type == BACKBONES[said['model']]
    assert (cfg.model.type == 'CoordConvPoseEstimator') == bool(said['coord'])
    if said['loss'] != 'dark':
        # The paper's defaults (Section 6.1) unless the name says otherwise.
        default = 'getmax' if said['loss'] in ('l2', 'awing') else 'getbc'
        sampling = dict(getmax='argmax', getbc='barycenter')[said['sampling'] or default]
        assert cfg.codec.get('sampling', 'barycenter') == sampling
        assert cfg.codec.get('target', 'probability') == (
            'peak' if said['loss'] in ('l2', 'awing') else 'probability')
    assert cfg.train_dataloader.batch_size == 16 and cfg.train_cfg.max_epochs == 60
    assert cfg.codec.input_size == (256, 256)
    scheme = get_scheme(SCHEMES.get(said['data'], said['data']))
    assert head.out_channels == scheme.num_landmarks
    assert path.parent.name.startswith(said['data']) and (
        path.parent.name == said['data']) == (said['tested'] is None)
    assert cfg.optim_wrapper.optimizer.lr == (2e-4 if said['data'] == 'aflw' else 1e-4)


def test_a_config_is_the_list_of_its_parts():
    for path in ZOO:
        code = [line for line in path.read_text().splitlines() if line[:1] not in ('#', '')]
        assert len(code) <= 7, path.name
        assert 'dict(' not in path.read_text().replace("dict(subset='paper17')", '')


def test_no_two_configs_are_the_same():
    twice = [text for text, count in Counter(
        json.dumps(load(path).to_dict(), sort_keys=True) for path in ZOO).items() if count > 1]
    assert not twice


@every_config
def test_trains_a_step_and_tests_a_step(path, faces):
    cfg = shrink(load(path), faces)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    coordinates = [layer for layer in model.modules() if isinstance(layer, CoordConv2d)]
    assert bool(coordinates) == (cfg.model.type == 'CoordConvPoseEstimator')

    train = DATASETS.build(cfg.train_dataloader.dataset)
    batch = model.data_preprocessor(pseudo_collate([train[0], train[1]]), training=True)
    total, log = model.parse_losses(model(**batch, mode='loss'))
    assert torch.isfinite(total) and total > 0
    total.backward()
    used = [parameter.grad is not None for parameter in model.parameters()
            if parameter.requires_grad]
    assert all(used)  # as DDP with find_unused_parameters=False needs it
    torch.optim.SGD(model.parameters(), lr=1e-3).step()

    test = DATASETS.build(cfg.test_dataloader.dataset)
    names = getattr(test, 'names', None)
    if names is None:
        evaluator, samples = Evaluator(cfg.test_evaluator), [test[0]]
    else:
        evaluator = EVALUATORS.build(cfg.test_evaluator)
        samples = [test[start] for start in [0, *test.cumulative_sizes[:-1]]]
    evaluator.dataset_meta = test.metainfo
    model.eval()
    with torch.no_grad():
        outputs = model.test_step(pseudo_collate(samples))
    assert all(np.isfinite(output.pred_instances.keypoints).all() for output in outputs)
    evaluator.process(outputs)
    metrics = evaluator.evaluate(len(samples))
    prefixes = {''} if names is None else {
        f'{name}/' for name in [*names, *cfg.test_evaluator.get('unions', {})]}
    for prefix in prefixes:
        assert np.isfinite(metrics[f'{prefix}face/NME'])
    assert cfg.default_hooks.checkpoint.save_best == 'face/NME'


def differences(first, second, path=''):
    """Dotted names of the entries in which two configs differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        for name in sorted({*first, *second} - {'_scope_'}):  # where MMEngine looks up a type
            inner = f'{path}.{name}' if path else name
            if name not in first or name not in second:
                yield inner
            else:
                yield from differences(first[name], second[name], inner)
    elif isinstance(first, (list, tuple)) and len(first) == len(second):
        for place, pair in enumerate(zip(first, second)):
            yield from differences(*pair, f'{path}.{place}')
    elif first != second:
        yield path


@pytest.mark.parametrize('folder', ['300w', '300w_to_wflw', '300w_to_300vw'])
def test_table_10_compares_losses_and_nothing_else(folder):
    """Same data and their order, seed, head, targets and decoding."""
    tested = folder.replace('_', '-')
    pattern = 'td-hm_hrnetv2-w18_{}-sigma1-1xb16-60e_' + tested + '-256x256.py'
    configs = [load(FACE / folder / pattern.format(loss)).to_dict()
               for loss in ('wass', 'js', 'softargmax')]
    if folder == '300w':
        configs += [load(FACE / folder / pattern.format(loss)).to_dict()
                    for loss in ('kl', 'softmax-mse', 'wass-kl', 'star')]
    for other in configs[1:]:
        found = set(differences(configs[0], other))
        assert found
        assert all(name.startswith(('model.head.loss', 'loss_part.loss')) for name in found)


def test_l2_differs_from_the_wasserstein_loss_in_loss_targets_decoding_and_head_alone():
    ours, theirs = (load(FACE / f'300w/td-hm_hrnetv2-w18_{loss}-sigma1-1xb16-60e_300w-256x256.py')
                    .to_dict() for loss in ('wass', 'l2'))
    # 5: GenerateTarget, whose encoder is the codec.
    allowed = ('model.head.loss', 'model.head.type', 'model.head.decoder', 'codec', 'loss_part',
               'train_pipeline.5.encoder', 'train_dataloader.dataset.pipeline.5.encoder')
    assert all(name.startswith(allowed) for name in differences(ours, theirs))


@pytest.mark.parametrize(('short', 'zoo'), [
    ('hrnet_w18_300w_wass', '300w/td-hm_hrnetv2-w18_wass-sigma3-1xb16-60e_300w-256x256'),
    ('hrnet_w18_300w_l2', '300w/td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-256x256'),
    ('hrnet_w18_wflw_wass', 'wflw/td-hm_hrnetv2-w18_wass-sigma3-1xb16-60e_wflw-256x256'),
    ('hrnet_w18_cofw_wass', 'cofw/td-hm_hrnetv2-w18_wass-sigma3-1xb16-60e_cofw-256x256')])
def test_short_names_train_the_same_model(short, zoo):
    short, zoo = (load(FACE / f'{name}.py').to_dict() for name in (short, zoo))
    parts = ('data_', 'loss_part', 'targets', 'sampling')
    found = [name for name in differences(short, zoo)
             if not name.startswith((*parts, 'test_dataloader', 'test_evaluator'))]
    assert not found


def test_perturbed_configs_perturb_the_test_and_nothing_else():
    for path in ZOO:
        cfg = load(path)
        kinds = {name: [node.type for _, node in find_typed(cfg[f'{name}_dataloader'])
                        if str(node.type).startswith('Synthetic')]
                 for name in ('train', 'val', 'test')}
        assert not kinds['train'] and not kinds['val']
        wanted = {'300w_occlusion': 'SyntheticOcclusion',
                  '300w_to_300vw_blur': 'SyntheticMotionBlur'}
        if path.parent.name in wanted:
            assert set(kinds['test']) == {wanted[path.parent.name]}
            if path.parent.name == '300w_to_300vw_blur':  # Table 9 is about the third scenario
                assert [dataset.ann_file for _, dataset in find_datasets(cfg, 'test')] == [
                    'anno_300vw_test_3.json']
        else:
            assert not kinds['test']


def test_one_test_set_of_several():
    cfg = load(FACE / '300w_to_300vw/'
               'td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-to-300vw-256x256.py')
    loader, evaluator = only_test_set(cfg, 'scenario_2')
    assert loader['dataset']['ann_file'] == 'anno_300vw_test_2.json'
    assert evaluator['type'] == 'FaceLandmarkMetric'
    with pytest.raises(ValueError, match="no set 'S2'; there are scenario_1, scenario_2"):
        only_test_set(cfg, 'S2')
    with pytest.raises(ValueError, match='no named ones'):
        only_test_set(dict(test_dataloader=loader, test_evaluator=evaluator), 'scenario_2')
