"""The mean shape's error on annotation files, against arithmetic spelled out here."""
from __future__ import annotations

import json

import numpy as np
import pytest

from mmpose_wass.datasets.mean_shape import mean_shape_error, read_faces


@pytest.fixture
def files(tmp_path):
    """Five training and three test faces with random points."""
    rng = np.random.default_rng(0)
    paths, faces = [], []
    for name, count in (('train', 5), ('test', 3)):
        points = rng.uniform(0, 100, (count, 68, 2))
        low, high = points.min(axis=1), points.max(axis=1)
        side = (high - low).max(axis=1)
        annotations = [
            dict(keypoints=np.c_[points[k], np.ones(68)].ravel().tolist(),
                 center=((low + high) / 2)[k].tolist(), scale=side[k] / 200,
                 bbox=[*low[k].tolist(), *(high - low)[k].tolist()]) for k in range(count)]
        path = tmp_path / f'{name}.json'
        path.write_text(json.dumps(dict(annotations=annotations)))
        paths.append(path)
        faces.append((points, (low + high) / 2, side))
    return paths, faces


@pytest.mark.parametrize('norm_mode', ['inter_ocular', 'box_size'])
def test_mean_shape_error(files, norm_mode):
    paths, ((train, train_center, train_side), (test, center, side)) = files
    mean = np.mean([(train[k] - train_center[k]) / train_side[k] for k in range(5)], axis=0)
    errors = []
    for k in range(3):
        eyes = np.linalg.norm(test[k, 36] - test[k, 45])
        distance = eyes if norm_mode == 'inter_ocular' else side[k]
        predicted = mean * side[k] + center[k]
        errors.append(np.linalg.norm(predicted - test[k], axis=1).mean() / distance)
    assert mean_shape_error(*paths, norm_mode) == pytest.approx(100 * np.mean(errors))


def test_a_face_of_mean_shape_has_no_error(files):
    train = files[0][0]
    content = json.loads(train.read_text())
    train.write_text(json.dumps(dict(annotations=content['annotations'][:1])))
    assert mean_shape_error(train, train) == pytest.approx(0, abs=1e-9)


def test_wrong_files_and_modes(files, tmp_path):
    (train, test), _ = files
    with pytest.raises(ValueError, match='norm_mode'):
        mean_shape_error(train, test, 'eyes')
    empty = tmp_path / 'empty.json'
    empty.write_text(json.dumps(dict(annotations=[])))
    with pytest.raises(ValueError, match='no faces'):
        read_faces(empty)
    content = json.loads(test.read_text())
    del content['annotations'][1]['scale']
    test.write_text(json.dumps(content))
    with pytest.raises(KeyError, match='scale'):
        read_faces(test)
