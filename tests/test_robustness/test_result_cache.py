"""A result is found again exactly when nothing that it depends on has changed."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from robustness_data import write_faces, write_model

import mmpose_wass
from mmpose_wass.datasets.perturbations import level_severity
from mmpose_wass.robustness import (
    Bench,
    DetectedBoxes,
    ResultCache,
    RunOptions,
    make_jobs,
    make_plan,
    own_data,
    read_models,
)
from mmpose_wass.robustness import cache as cache_module
from mmpose_wass.robustness.evaluation_settings import LoaderOptions
from mmpose_wass.robustness.hashing import NOT_MEASURING


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Data of its own, as they are changed."""
    folder = tmp_path_factory.mktemp('changing')
    write_faces(folder)
    return folder


def keys(files, name='', change=None, boxes=None, options=None):
    models = read_models([files], [name] if name else [], change)
    plan = make_plan(own_data(models[0].cfg), {}, ('clean', 'occlusion', 'boxes'), boxes=boxes)
    jobs, _ = make_jobs(models, plan, options or RunOptions())
    return {job.protocol.key: job.key for job in jobs}


def test_what_does_not_matter(root, tmp_path):
    config, checkpoint = write_model(root, 'heatmap')
    before = keys((config, checkpoint))
    copied = tmp_path / 'elsewhere.py'
    cfg = Config.fromfile(config)
    cfg.work_dir, cfg.train_cfg = 'other', dict(max_epochs=7)
    cfg.dump(str(copied))
    weights = tmp_path / 'other_name.pth'
    shutil.copy(checkpoint, weights)
    assert keys((str(copied), str(weights)), 'other') == before
    assert keys((config, checkpoint), options=RunOptions(loading=LoaderOptions(2, 3))) == before
    shutil.copytree(root / '300w', tmp_path / 'moved')
    moved = keys((config, checkpoint), change=lambda cfg: cfg.merge_from_dict(
        {'test_dataloader.dataset.data_root': str(tmp_path / 'moved')}))
    assert moved == before


def test_points_of_equal_content_are_one(root):
    found = keys(write_model(root, 'heatmap'))
    assert found['clean'] == found['curve/occlusion/0'] == found['curve/box_shift/0']
    medium = level_severity('occlusion', 'medium')
    assert found['occlusion_medium'] == found[f'curve/occlusion/{medium:g}']
    assert len(set(found.values())) == len(found) - 4 - 2  # four clean points, two levels


@pytest.mark.parametrize('setting, value', [
    ('model.test_cfg.flip_test', False),
    ('model.head.decoder.sigma', 2.0),
    ('test_dataloader.dataset.pipeline.1.padding', 1.1),
    ('test_evaluator', dict(type='FaceLandmarkMetric', norm_mode='box_width')),
    ('custom_imports', dict(imports=['json'], allow_failed_imports=False)),
])
def test_what_matters_in_the_config(root, setting, value):
    files = write_model(root, 'heatmap')
    changed = keys(files, change=lambda cfg: cfg.merge_from_dict({setting: value}))
    before = keys(files)
    assert not set(before.values()) & set(changed.values())


def test_what_matters_besides(root, monkeypatch, tmp_path):
    files = write_model(root, 'heatmap')
    before = keys(files)

    def differs(found):
        assert not set(before.values()) & set(found.values())

    differs(keys(files, options=RunOptions(limit=2)))
    differs(keys(files, options=RunOptions(device='cuda:0')))
    differs(keys((files[0], write_model(root, 'heatmap', 'other_weights', seed=1)[1])))
    with monkeypatch.context() as patch:
        patch.setattr(cache_module, 'package_hash', lambda: 'another state of the source')
        differs(keys(files))
    with monkeypatch.context() as patch:
        versions = dict(cache_module.measuring_versions(), mmpose_wass='99')
        patch.setattr(cache_module, 'measuring_versions', lambda: versions)
        differs(keys(files))
    assert keys(files) == before

    boxes = tmp_path / 'boxes.json'
    detected = []
    for text in ('[]', '[{"image_id": 0, "bbox": [1, 2, 3, 4]}]'):
        boxes.write_text(text)
        detected.append(keys(files, boxes=DetectedBoxes(str(boxes)))['detected_boxes'])
    detected.append(keys(files, boxes=DetectedBoxes(str(boxes), .4))['detected_boxes'])
    assert len({*detected, before['clean']}) == 4

    annotations = root / '300w' / 'annotations' / 'face_landmarks_300w_valid.json'
    text = annotations.read_text()
    content = json.loads(text)
    content['annotations'][0]['keypoints'][0] += 1
    annotations.write_text(json.dumps(content))
    differs(keys(files))
    annotations.write_text(text)
    assert keys(files) == before
    image = root / '300w' / 'images' / content['images'][0]['file_name']
    pixels = image.read_bytes()
    image.write_bytes(pixels + b'more')
    differs(keys(files))
    image.write_bytes(pixels)
    assert keys(files) == before


def test_finished_results_are_kept_and_damaged_ones_made_again(root, tmp_path):
    models = read_models([write_model(root, 'heatmap')])
    plan = make_plan(own_data(models[0].cfg), {}, ('clean', 'occlusion'), curves=False)
    jobs, _ = make_jobs(models, plan, RunOptions())
    cache = ResultCache(str(tmp_path))
    results, _, counts = Bench(cache, RunOptions()).run_all(jobs)
    assert (counts['run'], counts['kept']) == (3, 0)
    errors_of = {key: result.errors for key, result in results.items()}
    again, _, counts = Bench(cache, RunOptions()).run_all(jobs)
    assert (counts['run'], counts['kept']) == (0, 3)
    for key, errors in errors_of.items():
        np.testing.assert_array_equal(errors, again[key].errors)

    first, second, third = (job.key for job in jobs)
    (tmp_path / first[:24] / 'entry.json').unlink()  # killed before the end
    arrays = tmp_path / second[:24] / 'result.errors.npz'
    arrays.write_bytes(arrays.read_bytes()[:100])
    with pytest.raises(ValueError, match='damaged or removed meanwhile'):
        results[second]
    entry = tmp_path / third[:24] / 'entry.json'
    entry.write_text(json.dumps(dict(json.loads(entry.read_text()), key='another')))
    repaired, _, counts = Bench(cache, RunOptions()).run_all(jobs)
    assert (counts['run'], counts['kept']) == (3, 0)
    for key, values in errors_of.items():
        np.testing.assert_array_equal(values, repaired[key].errors)


def test_a_job_that_fails_does_not_stop_the_others(root, tmp_path, monkeypatch):
    models = read_models([write_model(root, 'heatmap')])
    plan = make_plan(own_data(models[0].cfg), {}, ('clean', 'occlusion'), curves=False)
    jobs, _ = make_jobs(models, plan, RunOptions())
    bench = Bench(ResultCache(str(tmp_path)), RunOptions())
    predict = bench.predict

    def fail_once(job, batch):
        if job.protocol.key == 'occlusion_medium':
            raise RuntimeError('out of luck')
        return predict(job, batch)

    monkeypatch.setattr(bench, 'predict', fail_once)
    results, not_run, counts = bench.run_all(jobs)
    assert len(results) == 2 and counts['failed'] == 1
    assert [one.title for one in not_run] == ['Occlusion, medium']
    assert 'RuntimeError: out of luck' in not_run[0].reason
    assert torch.is_grad_enabled()


def test_what_counts_of_the_packages_source():
    """What is left out exists; what decodes, perturbs and measures is not among it."""
    package = Path(mmpose_wass.__file__).parent
    files = [path.relative_to(package).as_posix() for path in package.rglob('*.py')]
    # Configs and tools, which only an installation puts there, and which an editable one links.
    for beginning in set(NOT_MEASURING) - {'.mim/'}:
        assert any(name.startswith(beginning) for name in files), beginning
    counted = {name for name in files if not name.startswith(NOT_MEASURING)}
    assert {'codecs/barycenter.py', 'models/heads/probability_heads.py', 'robustness/run.py',
            'robustness/faces.py', 'datasets/perturbations/motion_blur.py', 'landmarks/common.py',
            'evaluation/metrics/face_landmark_metric.py', 'version.py'} <= counted
