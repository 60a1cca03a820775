"""The protocols' configs: a few lines each, whole when written out, and what they claim to be."""
from __future__ import annotations

from pathlib import Path

import mmpose
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import EVALUATORS, METRICS, VISUALIZERS

from mmpose_wass import apply_cross_dataset
from mmpose_wass.engine import load_config
from mmpose_wass.engine.cross_dataset import scheme_of
from mmpose_wass.landmarks import get_common_landmarks, get_scheme
from mmpose_wass.turning_on.config_walk import find_typed

FACE = Path(__file__).resolve().parents[2] / 'configs/face'
PROTOCOLS = sorted((FACE / 'cross_dataset').glob('*.py'))
STOCK = 'mmpose::face_2d_keypoint/topdown_heatmap/{0}/td-hm_hrnetv2-w18_8xb64-60e_{0}-256x256.py'
LAPA = 'mmpose::face_2d_keypoint/rtmpose/lapa/rtmpose-m_8xb64-120e_lapa-256x256.py'
DATASETS = {'300w': 'Face300WDataset', '300vw': 'Face300VWDataset', 'wflw': 'WFLWDataset',
            'cofw': 'COFWDataset', 'aflw': 'AFLWDataset', 'imm73': 'FaceSchemeDataset'}
#: Sets and unions that a test of a data set reports.
REPORTED = {'300w': {'common', 'challenge', 'full'},
            '300vw': {'scenario_1', 'scenario_2', 'scenario_3', 'full'},
            'aflw': {'full', 'frontal'}}

protocols = pytest.mark.parametrize('path', PROTOCOLS, ids=lambda path: path.stem)


def load(path):
    init_default_scope('mmpose')
    return Config.fromfile(path)


def schemes(path):
    return path.stem.split('_to_')


@protocols
def test_a_protocol_is_a_few_lines(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith('#')]
    assert len(lines) <= 4


@protocols
def test_schemes_are_those_of_the_name(path):
    cfg = load(path)
    model, data = schemes(path)
    assert cfg.model.head.out_channels == get_scheme(model).num_landmarks
    assert cfg.train_dataloader.dataset.type == DATASETS[model]
    assert cfg.val_dataloader.dataset.type == DATASETS[model]
    tested = [node for _, node in find_typed(cfg.test_dataloader) if 'ann_file' in node]
    for dataset in tested:
        assert dataset.type == DATASETS[data] and scheme_of(dataset) == data
        assert dataset.test_mode
        # The crop is the model's, the rest is for the tested annotation.
        native = [transform.type for transform in cfg.val_dataloader.dataset.pipeline]
        kinds = [transform.type for transform in dataset.pipeline]
        assert kinds == [*native[:-1], 'PackFaceInputs', 'ModelLandmarkLayout']
        assert dataset.pipeline[-1].scheme == model
        assert dataset.pipeline[2].input_size == cfg.codec.input_size
    metrics = [node for _, node in find_typed(cfg.test_evaluator)
               if node.type == 'FaceLandmarkMetric']
    assert [metric.common_landmarks.model for metric in metrics] == [model]
    assert len(get_common_landmarks(model, data)) >= 14


@protocols
def test_builds_what_it_names(path):
    cfg = load(path)
    assert VISUALIZERS.get(cfg.visualizer.type) is not None
    _, data = schemes(path)
    if data not in REPORTED:
        assert METRICS.build(cfg.test_evaluator) is not None
        return
    sets, unions = cfg.test_dataloader.dataset.datasets, cfg.test_evaluator.unions
    assert set(sets) | set(unions) == REPORTED[data]
    evaluator = EVALUATORS.build(cfg.test_evaluator)
    evaluator.dataset_meta = dict(test_sets={name: dict(dataset_name=data) for name in sets})
    assert {metric.prefix for metric in evaluator.metrics} == {
        f'{name}/face' for name in REPORTED[data]}


@protocols
def test_written_out_and_read_again(path, tmp_path):
    """A run keeps its config as one file: it must hold everything."""
    cfg = load(path)
    cfg.dump(tmp_path / 'whole.py')
    again = load(tmp_path / 'whole.py')
    assert again.to_dict() == cfg.to_dict()
    assert 'mmpose_wass' in again.custom_imports.imports
    assert 'cross_dataset_settings' not in (tmp_path / 'whole.py').read_text()


@pytest.mark.parametrize('scheme', ['wflw', 'cofw'])
def test_models_of_other_data_sets_differ_from_300w_in_the_data_alone(scheme):
    ours, base = (load(FACE / f'hrnet_w18_{name}_wass.py').to_dict() for name in (scheme, '300w'))
    stock = load_stock(scheme)
    ours.pop(f'data_{scheme}')
    assert ours['model']['head'].pop('out_channels') == stock.model.head.out_channels
    base['model']['head'].pop('out_channels')
    for loader in ('train', 'val', 'test'):
        found = ours[f'{loader}_dataloader'].pop('dataset')
        before = base[f'{loader}_dataloader'].pop('dataset')
        assert found.pop('pipeline') == before.pop('pipeline')
        # The files are those of MMPose's own recipe.
        expected = stock[f'{loader}_dataloader'].dataset.to_dict()
        expected.pop('pipeline')
        assert without_scope(found) == without_scope(expected)
    assert ours == base


def load_stock(scheme):
    return load_config(STOCK.format(scheme))


def without_scope(node):
    return {key: value for key, value in node.items() if key != '_scope_'}


@pytest.mark.parametrize('scheme', ['300w', 'wflw', 'cofw', 'aflw'])
def test_data_parts_name_the_files_of_mmposes_recipes(scheme):
    data = load(FACE / f'_base_/datasets/{scheme}.py')[f'data_{scheme}']
    stock = load_stock(scheme)
    for part, loader in (('train', 'train'), ('val', 'val')):
        expected = stock[f'{loader}_dataloader'].dataset.to_dict()
        expected.pop('pipeline')
        assert without_scope(data[part]) == without_scope(expected)


@pytest.mark.parametrize('scheme', ['300w', '300vw', 'wflw', 'cofw', 'aflw'])
def test_data_parts_name_files_that_rendered_faces_have_too(scheme):
    from mmpose_wass.datasets.synthetic import LAYOUTS
    data = load(FACE / f'_base_/datasets/{scheme}.py')[f'data_{scheme}']
    named = {node.ann_file for _, node in find_typed(data) if 'ann_file' in node}
    assert named <= set(LAYOUTS[scheme].annotations)
    assert len(named) >= 2


def test_every_face_recipe_of_mmpose_can_be_tested_on_another_data_set():
    folder = Path(mmpose.__file__).parent / '.mim/configs/face_2d_keypoint'
    data = load(FACE / '_base_/datasets/aflw.py').data_aflw
    recipes = sorted(path for path in folder.rglob('*.py'))
    assert len(recipes) >= 20
    for path in recipes:
        after = apply_cross_dataset(load(path), data)
        model = after.test_evaluator.metrics.common_landmarks.model
        for dataset in after.test_dataloader.dataset.datasets.values():
            kinds = [transform.type for transform in dataset.pipeline]
            assert kinds[0] == 'LoadImage'
            assert kinds[-2:] == ['PackFaceInputs', 'ModelLandmarkLayout']
            assert dataset.pipeline[-1].scheme == model


def test_a_protocol_of_ones_own_as_the_documentation_writes_it(tmp_path):
    """On a config of MMPose itself, from another folder, with subsets of the data set."""
    (tmp_path / 'mine.py').write_text(f"""
_base_ = [{LAPA!r},
          {str(FACE / '_base_/datasets/wflw.py')!r}]
custom_imports = dict(imports=['mmpose_wass'], allow_failed_imports=False)

from mmpose_wass.engine import cross_dataset_settings

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(
    _base_, dict(test_sets=dict(**_base_.data_wflw.test_sets, **_base_.data_wflw.attributes)))
""")
    cfg = load(tmp_path / 'mine.py')
    assert cfg.test_evaluator.metrics.common_landmarks.model == 'lapa'
    assert set(cfg.test_dataloader.dataset.datasets) == {
        'full', 'largepose', 'expression', 'illumination', 'makeup', 'occlusion', 'blur'}
    assert cfg.test_dataloader.batch_size == load_config(LAPA).test_dataloader.batch_size
    assert cfg.visualizer.type == 'CrossLayoutVisualizer' and cfg.visualizer.vis_backends
    cfg.dump(tmp_path / 'whole.py')
    assert load(tmp_path / 'whole.py').to_dict() == cfg.to_dict()
