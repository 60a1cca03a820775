"""Faces at random, and sequences of them."""
from __future__ import annotations

import json

import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import (
    project_landmarks,
    sample_face_parameters,
    sample_sequence,
    to_scheme,
    write_dataset,
)


def test_wrong_sampler_arguments():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match='yaw_range'):
        sample_face_parameters(rng, yaw_range=(40, 20))
    with pytest.raises(ValueError, match='smoke'):
        sample_face_parameters(rng, attribute='smoke')
    with pytest.raises(ValueError, match='S9'):
        sample_sequence(rng, 10, 'S9')


@pytest.mark.parametrize('scenario', ['train', 'S1', 'S2', 'S3'])
def test_frames_move_smoothly(scenario):
    frames = sample_sequence(np.random.default_rng(11), 40, scenario)
    points = np.stack([to_scheme(project_landmarks(face, 256), '300vw') for face in frames])
    nose = points[:, 33]
    step = np.linalg.norm(np.diff(nose, axis=0), axis=1)
    assert 0.05 < step.mean() < 6  # it moves, and not by leaps
    jerk = np.linalg.norm(np.diff(nose, n=2, axis=0), axis=1)
    assert jerk.max() < 2.0
    assert len({face.appearance_seed for face in frames}) == 1  # one person in one place
    assert [face.frame for face in frames] == list(range(40))


def test_sequence_records(tmp_path):
    write_dataset('300vw', tmp_path, dict(train=8, test=5), image_size=64, frames=4)
    content = json.loads((tmp_path / 'anno_300vw_train.json').read_text())
    assert [i['frame'] for i in content['images']] == [1, 2, 3, 4] * 2
    assert len({i['sequence'] for i in content['images']}) == 2
    for image, annotation in zip(content['images'], content['annotations']):
        pts = tmp_path / image['file_name'].replace('/imgs/', '/annot/').replace('.jpg', '.pts')
        lines = pts.read_text().split('{')[1].split('}')[0].split('\n')
        values = np.array([line.split() for line in lines if line], float)
        points = np.array(annotation['keypoints']).reshape(-1, 3)[:, :2]
        np.testing.assert_allclose(values, points, atol=1e-3)
    tests = [json.loads((tmp_path / f'anno_300vw_test_{k}.json').read_text()) for k in (1, 2, 3)]
    scenarios = {image['scenario'] for content in tests for image in content['images']}
    assert scenarios == {'S1', 'S2', 'S3'}
