"""What a report would run, and what it says of the rest."""
from __future__ import annotations

import dataclasses
import json
import shutil

import pytest
from mmengine.config import Config
from robustness_data import write_model

from mmpose_wass.robustness import (
    DetectedBoxes,
    RunOptions,
    make_jobs,
    make_plan,
    own_data,
    read_data_files,
    read_models,
)


@pytest.fixture(scope='module')
def model(faces):
    return read_models([write_model(faces, 'heatmap', 'planned')])[0]


@pytest.fixture(scope='module')
def others(faces):
    return read_data_files([str(faces / 'others.py'), str(faces / 'video.py')])


def test_everything_that_is_there(model, others):
    plan = make_plan(own_data(model.cfg), others)
    assert [protocol.key for protocol in plan.protocols] == [
        'clean', 'occlusion_medium', 'occlusion_large', 'video_clean/300vw/scenario_3',
        'blur_medium', 'blur_large', 'cross/cofw/full']
    assert [curve.perturbation for curve in plan.curves] == [
        'occlusion', 'motion_blur', 'box_shift', 'box_scale', 'box_rotation']
    for curve in plan.curves:
        severities = [point.severity for point in curve.points]
        assert severities == sorted(set(severities)) and severities[0] == 0
        assert set(curve.levels.values()) <= set(severities)
    reasons = {one.title: one.reason for one in plan.not_run}
    assert set(reasons) == {"a detector's boxes", 'Test on aflw, full'}
    assert 'face_landmarks_aflw_test.json is not there' in reasons['Test on aflw, full']


def test_what_was_not_asked_for_is_named(model, others):
    plan = make_plan(own_data(model.cfg), others, ('clean', ), curves=False)
    assert [protocol.key for protocol in plan.protocols] == ['clean'] and not plan.curves
    assert {one.title.split(':')[0] for one in plan.not_run} == {
        'occlusion', 'blur', 'boxes', 'cross', 'severity curves'}
    with pytest.raises(ValueError, match="no group 'rain'; there are clean, occlusion"):
        make_plan(own_data(model.cfg), others, ('rain', ))


def test_own_test_sets_of_several(faces, model):
    cfg = Config(dict(model.cfg.to_dict()))
    single = cfg.test_dataloader.dataset.to_dict()
    cfg.test_dataloader.dataset = dict(type='NamedTestSets',
                                       datasets=dict(first=single, second=dict(single)))
    cfg.test_evaluator = dict(type='NamedTestSetsEvaluator', unions=dict(full=['first', 'second']))
    plan = make_plan(own_data(cfg), {}, ('clean', 'occlusion', 'boxes'),
                     boxes=DetectedBoxes('boxes.json'))
    assert [protocol.key for protocol in plan.protocols] == [
        'clean/first', 'clean/second', 'occlusion_medium/first', 'occlusion_large/first',
        'occlusion_medium/second', 'occlusion_large/second', 'detected_boxes']
    assert [(union.key, union.members) for union in plan.unions] == [
        ('clean/full', ('clean/first', 'clean/second'))]


def test_the_own_annotations_are_not_tested_twice(model, faces, tmp_path):
    file = tmp_path / 'same.py'
    file.write_text(f"""
data_300w = dict(test_sets=dict(full=dict(
    type='Face300WDataset', data_root={str(faces / '300w')!r},
    ann_file='annotations/face_landmarks_300w_valid.json', data_prefix=dict(img='images/'))))
""")
    plan = make_plan(own_data(model.cfg), read_data_files([str(file)]), ('cross', ))
    assert not plan.protocols
    assert any('is that of the own test data' in one.reason for one in plan.not_run)


def test_a_missing_image_is_found_before_anything_runs(model, faces, tmp_path):
    shutil.copytree(faces / 'cofw', tmp_path / 'cofw')
    content = json.loads((tmp_path / 'cofw' / 'annotations' / 'cofw_test.json').read_text())
    name = content['images'][-1]['file_name']
    (tmp_path / 'cofw' / 'images' / name).unlink()
    file = tmp_path / 'data.py'
    file.write_text((faces / 'others.py').read_text().replace(str(faces), str(tmp_path)))
    plan = make_plan(own_data(model.cfg), read_data_files([str(file)]), ('cross', ))
    reason = next(one.reason for one in plan.not_run if one.title == 'Test on cofw, full')
    assert '1 of its 3 images are not there, the first is' in reason and name in reason


def test_data_lie_where_the_option_says(faces, tmp_path):
    file = tmp_path / 'data.py'
    file.write_text("data_cofw = dict(test_sets=dict(full=dict(type='COFWDataset', "
                    "data_root='data/cofw/', ann_file='annotations/cofw_test.json', "
                    "data_prefix=dict(img='images/'))))")
    found = read_data_files([str(file)], str(faces))['cofw'].test_sets['full']
    assert found.problem() is None
    assert 'is not there' in read_data_files([str(file)])['cofw'].test_sets['full'].problem()
    (tmp_path / 'empty.py').write_text('something = 1')
    with pytest.raises(ValueError, match='no entry data_NAME'):
        read_data_files([str(tmp_path / 'empty.py')])


def test_schemes_that_have_nothing_in_common(model, faces, tmp_path):
    """The plan holds the protocol, but this model cannot run it."""
    file = tmp_path / 'data.py'
    file.write_text(f"""
data_hands = dict(test_sets=dict(full=dict(
    type='Face300WDataset', metainfo=dict(dataset_name='hands_of_clocks', keypoint_info={{}},
                                          skeleton_info={{}}, joint_weights=[], sigmas=[]),
    data_root={str(faces / 'cofw')!r}, ann_file='annotations/cofw_test.json',
    data_prefix=dict(img='images/'))))
""")
    plan = make_plan(own_data(model.cfg), read_data_files([str(file)]), ('cross', ))
    jobs, unfit = make_jobs([model], plan, RunOptions())
    assert not jobs
    assert [one.title for one in unfit] == ['Test on hands, full']
    assert unfit[0].model == 'planned' and 'hands_of_clocks' in unfit[0].reason


def test_a_model_of_an_unknown_layout_is_tested_on_its_own_data_alone(model, faces, others):
    unknown = dataclasses.replace(model, scheme=None)
    plan = make_plan(own_data(model.cfg), others, ('clean', 'cross'))
    jobs, unfit = make_jobs([unknown], plan, RunOptions())
    assert {job.protocol.key for job in jobs} == {'clean'}
    assert len(unfit) == len(plan.protocols) - 1
    assert all('scheme that planned predicts is not known' in one.reason for one in unfit)


def test_own_data_that_are_missing_are_an_error(model):
    cfg = Config(dict(model.cfg.to_dict()))
    cfg.test_dataloader.dataset.data_root = '/nowhere'
    with pytest.raises(ValueError, match='/nowhere/annotations.*--cfg-options'):
        make_plan(own_data(cfg), {})
    cfg.test_dataloader = None
    with pytest.raises(ValueError, match='neither test_dataloader nor val_dataloader'):
        own_data(cfg)


def test_models_have_names_of_their_own(faces):
    files = write_model(faces, 'heatmap', 'planned')
    with pytest.raises(ValueError, match="two models are called 'a'"):
        read_models([files, files], ['a', 'a'])
    with pytest.raises(ValueError, match='1 names for 2 models'):
        read_models([files, files], ['a'])
    assert [model.name for model in read_models([files, files])] == ['planned 1', 'planned 2']
