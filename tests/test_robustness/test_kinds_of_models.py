"""The report takes models of every kind as they are: with their own head, codec and flip test."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from robustness_data import write_model

from mmpose_wass.datasets.perturbations import level_severity
from mmpose_wass.evaluation.functional import normalized_errors
from mmpose_wass.robustness import (
    Bench,
    ResultCache,
    RunOptions,
    make_jobs,
    make_plan,
    own_data,
    read_data_files,
    read_models,
)
from mmpose_wass.robustness.pictures import draw_pictures

KINDS = ('heatmap', 'dark', 'udp', 'udp_combined', 'probability', 'simcc', 'rtmpose', 'regression',
         'integral')
WITHOUT_MAPS = ('regression', )


def jobs_of(faces, kind, groups=('clean', 'occlusion', 'cross'), files=('others.py', ), **options):
    models = read_models([write_model(faces, kind)])
    plan = make_plan(own_data(models[0].cfg),
                     read_data_files([str(faces / file) for file in files]), groups, curves=False)
    jobs, unfit = make_jobs(models, plan, RunOptions(**options))
    assert not unfit
    return {job.protocol.key: job for job in jobs}


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_runs_every_protocol(faces, tmp_path, kind):
    jobs = jobs_of(faces, kind)
    assert list(jobs) == ['clean', 'occlusion_medium', 'occlusion_large', 'cross/cofw/full']
    bench = Bench(ResultCache(str(tmp_path)), RunOptions())
    clean, large, cofw = (bench.run(jobs[key])
                          for key in ('clean', 'occlusion_large', 'cross/cofw/full'))
    assert clean.num_landmarks == large.num_landmarks == 68 and cofw.num_landmarks == 29
    assert clean.num_faces == large.num_faces == len(clean.annotation_ids)
    assert large.occluded.any() and not large.occluded.all() and not clean.occluded.any()
    assert not np.array_equal(clean.predictions, large.predictions)
    np.testing.assert_array_equal(clean.targets, large.targets)

    pictures, note = draw_pictures(bench, bench.cache, jobs['occlusion_large'],
                                   large.image_paths[:2].tolist(),
                                   large.annotation_ids[:2].tolist())
    assert [one.heatmap is None for one in pictures] == [kind in WITHOUT_MAPS] * 2
    assert bool(note) == (kind in WITHOUT_MAPS)


@pytest.mark.parametrize('kind', ['heatmap', 'simcc'])
def test_clean_numbers_are_those_of_the_models_own_pipeline(faces, tmp_path, kind):
    """Predictions of the config as it stands, without the report, give the same errors."""
    from mmpose.registry import DATASETS
    jobs = jobs_of(faces, kind, ('clean', ))
    result = Bench(ResultCache(str(tmp_path)), RunOptions()).run(jobs['clean'])
    model = jobs['clean'].model
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    with torch.no_grad():
        samples = model.build().test_step(pseudo_collate([dataset[place]
                                                          for place in range(len(dataset))]))
    predictions = np.concatenate([one.pred_instances.keypoints for one in samples])
    targets = np.concatenate([one.gt_instances.keypoints for one in samples])
    eyes = np.linalg.norm(targets[:, 36] - targets[:, 45], axis=-1)
    errors = normalized_errors(predictions, targets, eyes, np.ones(targets.shape[:2], bool))
    assert result.metrics['NME'] == pytest.approx(100 * errors.mean(), rel=1e-4)
    assert {step['type'] for step in jobs['clean'].settings.dataloader['dataset']['pipeline']} == {
        'LoadImage', 'GetBBoxCenterScale', 'TopdownAffine', 'PackFaceInputs'}


def test_motion_blur_follows_the_video(faces, tmp_path):
    jobs = jobs_of(faces, 'heatmap', ('blur', ), ('video.py', ))
    assert list(jobs) == ['video_clean/300vw/scenario_3', 'blur_medium', 'blur_large']
    settings = jobs['blur_large'].settings
    dataset = settings.dataloader['dataset']
    assert dataset['type'] == 'VideoFaceDataset'
    blur = [step for step in dataset['pipeline'] if step['type'] == 'SyntheticMotionBlur']
    assert blur == [dict(type='SyntheticMotionBlur', seed=0, direction='motion',
                         severity=level_severity('motion_blur', 'large'))]
    bench = Bench(ResultCache(str(tmp_path)), RunOptions())
    clean, large = (bench.run(jobs[key]) for key in ('video_clean/300vw/scenario_3', 'blur_large'))
    assert not np.array_equal(clean.predictions, large.predictions)


def test_still_images_are_blurred_in_random_directions_and_the_plan_says_so(faces):
    models = read_models([write_model(faces, 'heatmap')])
    plan = make_plan(own_data(models[0].cfg), {}, ('blur', ), curves=False)
    assert {protocol.direction for protocol in plan.protocols} == {'random'}
    assert any('random direction' in note for note in plan.notes)
    missing = [one for one in plan.not_run if 'video frames' in one.title]
    assert len(missing) == 1 and '--data' in missing[0].reason


def test_limit_spreads_over_the_set(faces, tmp_path):
    jobs = jobs_of(faces, 'heatmap', ('clean', ), limit=3)
    bench = Bench(ResultCache(str(tmp_path)), RunOptions(limit=3))
    result = bench.run(jobs['clean'])
    assert result.num_faces == 3
    whole = Bench(bench.cache, RunOptions()).run(jobs_of(faces, 'heatmap', ('clean', ))['clean'])
    ids = sorted(whole.annotation_ids.tolist())
    chosen = [ids.index(one) for one in result.annotation_ids.tolist()]
    assert len(ids) > 3 and {0, len(ids) - 1} < set(chosen)  # from end to end, not the first ones


def test_weights_that_do_not_fit_are_refused(faces):
    config, _ = write_model(faces, 'simcc')
    _, other = write_model(faces, 'heatmap')
    with pytest.raises(ValueError, match='does not fit the model.*weights are missing'):
        read_models([(config, other)])[0].build()
