"""Rendered faces, experiments and records so small that the whole of evidence takes seconds."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.evidence import CONFIG_ROOT
from mmpose_wass.evidence.records import Record

#: A network of a fiftieth of the recipe's size, on its input size.
SMALL = {
    'model.backbone.stem_channels': 8, 'model.backbone.base_channels': 8,
    'model.head.in_channels': 8 * 15, 'model.head.conv_out_channels': (16, ),
    'train_dataloader.batch_size': 6}

EXPERIMENTS = """
plan = {plan!r}
experiments = dict(
    first=dict(title='W + KL', parts=('losses/wass_kl.py', 'targets/sigma1.5.py'), start=None),
    second=dict(title='L2', parts=('losses/l2.py', 'targets/sigma1.py')))
"""
TESTS = """
data_300w = dict(test_sets=dict(common=dict(
    type='Face300WDataset', data_root='data/300w/', data_prefix=dict(img='images/'),
    ann_file='annotations/face_landmarks_300w_valid_common.json', data_mode='topdown',
    test_mode=True)))
tests = dict(
    clean=dict(title='clean', data='300w', test_set='common'),
    occlusion_large=dict(title='occlusion, large', data='300w', test_set='common',
                         perturbation='occlusion', level='large'))
readings = dict(
    max=dict(title='max', codec=dict(sampling='argmax')),
    bc=dict(title='BC', codec=dict(sampling='barycenter')))
"""


def write_faces(root: Path, train: int = 12, test: int = 6) -> Path:
    """Render faces in 300W's layout."""
    write_dataset('300w', root, dict(train=train, test=test), seed=5, image_size=96)
    return root


def plan(**changes) -> dict:
    """What the experiments of the zoo's file share, with changes."""
    shared = Config.fromfile(str(CONFIG_ROOT / 'evidence' / 'cpu.py')).plan.to_dict()
    return dict(shared, **changes)


def write_experiments(file: Path) -> Path:
    """Two experiments of one epoch, the second from the weights of the first."""
    file.write_text(EXPERIMENTS.format(plan=plan(start='first', epochs=1, options=SMALL)))
    return file


def made_up_record(experiment: str, seed: int, nme: float, readings=('max', 'bc'),
                   tests=('clean', 'occlusion_medium', 'occlusion_large'), start='rendered',
                   faces: int = 40) -> Record:
    """A record in the form that ``Worker.record`` gives it, of errors that are drawn at random.

    Args:
        experiment: Its name.
        seed: Of the run.
        nme: Mean error on the first test in per cent; each further test adds half of it.
        readings: Names of readings.
        tests: Names of tests.
        start: Name of the experiment that it starts from.
        faces: Number of faces.
    """
    generator = np.random.default_rng([seed, round(1000 * nme)])
    content = dict(
        experiment=experiment, title=experiment.upper(), seed=seed,
        settings=dict(start=start, data='300w'),
        training=dict(seconds=1.0, tries=1, curve=[
            dict(step=5, loss=1.0), dict(epoch=1, NME=3 * nme), dict(epoch=2, NME=nme)]),
        tests={})
    per_face = {}
    grid = np.linspace(0, .3, 61)
    for place, test in enumerate(tests):
        content['tests'][test] = {}
        for reading in readings:
            errors = nme / 100 * (1 + place / 2) * generator.gamma(2, .5, (faces, 68))
            per_face[f'{test}/{reading}'] = np.stack(
                [errors.mean(1), (errors > .1).mean(1), (errors > .2).mean(1)], axis=1)
            content['tests'][test][reading] = {
                'NME': 100 * errors.mean(), 'FR_L@0.10': 100 * (errors > .1).mean(),
                'ced': dict(thresholds=grid.tolist(),
                            landmarks=[float((errors <= one).mean()) for one in grid],
                            images=[float((errors.mean(1) <= one).mean()) for one in grid]),
                'confidence': {name: dict(auc=.8, bins=dict(
                    score=np.linspace(.5, .99, 10).tolist(),
                    wrong=np.linspace(.5, .01, 10).tolist(), count=[faces] * 10))
                    for name in ('score', 'peak')}}
    return Record(f'{experiment}_seed{seed}', content, per_face)
