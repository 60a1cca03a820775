"""Drawn data sets are reproducible, safe to interrupt, and load in MMPose."""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpose.registry import DATASETS

from mmpose_wass.datasets.mean_shape import mean_shape_error
from mmpose_wass.datasets.synthetic import render_face, write_dataset
from mmpose_wass.datasets.synthetic.splits import LAYOUTS

COUNTS = dict(train=6, test=14)


def bytes_of(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(Path(root).rglob('*'))
        if path.is_file() and not path.name.startswith('.')
    }


def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path):
    counts = dict(train=12, test=5)
    write_dataset('cofw', tmp_path / 'one', counts, seed=3, image_size=96, workers=1)
    write_dataset('cofw', tmp_path / 'two', counts, seed=3, image_size=96, workers=2)
    one = bytes_of(tmp_path / 'one')
    assert one == bytes_of(tmp_path / 'two')
    write_dataset('cofw', tmp_path / 'other', counts, seed=4, image_size=96)
    image = 'images/train/000000.jpg'
    assert one[image] != bytes_of(tmp_path / 'other')[image]


def test_an_image_depends_on_its_index_only(tmp_path):
    write_dataset('aflw', tmp_path / 'few', dict(train=2, test=2), image_size=64)
    write_dataset('aflw', tmp_path / 'more', dict(train=4, test=3), image_size=64)
    few, more = bytes_of(tmp_path / 'few'), bytes_of(tmp_path / 'more')
    for name in ('images/train/000001.jpg', 'images/test/000001.jpg'):
        assert few[name] == more[name]


@pytest.mark.parametrize('name, dataset_class, points', [
    ('300w', 'Face300WDataset', 68),
    ('wflw', 'WFLWDataset', 98),
    ('cofw', 'COFWDataset', 29),
    ('aflw', 'AFLWDataset', 19),
    ('300vw', 'Face300VWDataset', 68)])
def test_sets_load_in_mmpose(tmp_path, name, dataset_class, points):
    written = write_dataset(name, tmp_path, COUNTS, image_size=64, frames=5)
    assert set(written) == set(LAYOUTS[name].annotations)
    for path, count in written.items():
        if count == 0:
            continue
        loaded = DATASETS.get(dataset_class)(
            data_root=str(tmp_path),
            ann_file=path,
            data_prefix=dict(img=LAYOUTS[name].image_folder),
            pipeline=[],
            test_mode='train' not in path)
        assert len(loaded) == count
        assert loaded.metainfo['num_keypoints'] == points
        item = loaded.get_data_info(0)
        assert item['keypoints'].shape == (1, points, 2)
        assert cv2.imread(item['img_path']).shape == (64, 64, 3)
        low, high = item['keypoints'][0].min(axis=0), item['keypoints'][0].max(axis=0)
        if name in ('300w', '300vw', 'wflw'):  # the box spans the landmarks
            np.testing.assert_allclose(item['bbox_center'][0], (low + high) / 2, atol=1e-2)
            np.testing.assert_allclose(item['bbox_scale'][0], (high - low).max(), atol=1e-2)
        if name == 'aflw' and 'train' not in path:  # MMPose hands it on for testing only
            assert item['box_size'] >= (high - low).max()
    train = next(path for path in written if 'train' in path)
    assert written[train] == COUNTS['train']
    if name == 'wflw':
        assert [written[p] for p in written if 'test_' in p] == [2] * 6
    if name == '300w':
        assert written['annotations/face_landmarks_300w_valid.json'] == 2 * COUNTS['test']


def test_cofw_flags(tmp_path):
    write_dataset('cofw', tmp_path, dict(train=20, test=1), image_size=96)
    annotations = json.loads((tmp_path / 'annotations/cofw_train.json').read_text())['annotations']
    flags = np.array([a['keypoints'] for a in annotations]).reshape(20, 29, 3)[..., 2]
    assert set(np.unique(flags)) == {1, 2}
    assert 0.02 < (flags == 1).mean() < 0.5


def test_poses_of_the_fixed_test_sets(tmp_path):
    write_dataset('300w', tmp_path, dict(train=60, test=60), image_size=48)
    folder = tmp_path / 'annotations'

    def yaws(part):
        content = json.loads((folder / f'face_landmarks_300w_{part}.json').read_text())
        return np.abs([a['yaw'] for a in content['annotations']])

    common, challenge = yaws('valid_common'), yaws('valid_challenge')
    assert common.max() <= 45 and (common > 30).mean() >= 0.2
    assert challenge.min() >= 45 and challenge.max() <= 90
    assert yaws('train').max() > 55
    # A model that does not look must not come far.
    train, test = (folder / f'face_landmarks_300w_{part}.json'
                   for part in ('train', 'valid_common'))
    assert mean_shape_error(train, test) > 15


def test_interrupted_run_goes_on(tmp_path, monkeypatch):
    """Stopped after seven images, then run again: none is drawn twice, the result is the same."""
    from mmpose_wass.datasets.synthetic import write

    counts = dict(train=10, test=3)
    write_dataset('wflw', tmp_path / 'straight', counts, image_size=64)
    drawn = []

    def counting(face, size):
        if len(drawn) == 7:
            raise KeyboardInterrupt
        drawn.append(face)
        return render_face(face, size)

    monkeypatch.setattr(write, 'render_face', counting)
    with pytest.raises(KeyboardInterrupt):
        write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)
    assert not (tmp_path / 'broken/annotations').exists()
    drawn_again = []

    def recording(face, size):
        drawn_again.append(face)
        return render_face(face, size)

    monkeypatch.setattr(write, 'render_face', recording)
    write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)
    assert len(drawn_again) == 13 - 7
    assert bytes_of(tmp_path / 'broken') == bytes_of(tmp_path / 'straight')
    write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)  # finished: nothing is drawn
    assert len(drawn_again) == 13 - 7
    (tmp_path / 'broken/images/test/000001.jpg').unlink()  # a lost image comes back
    write_dataset('wflw', tmp_path / 'broken', counts, image_size=64)
    assert len(drawn_again) == 13 - 7 + 1
    assert bytes_of(tmp_path / 'broken') == bytes_of(tmp_path / 'straight')


def test_other_settings_need_overwrite(tmp_path):
    write_dataset('aflw', tmp_path / 'set', dict(train=2, test=2), image_size=64)
    with pytest.raises(FileExistsError, match='seed'):
        write_dataset('aflw', tmp_path / 'set', dict(train=2, test=2), image_size=64, seed=1)
    write_dataset('aflw', tmp_path / 'set', dict(train=1, test=1), image_size=64, seed=1,
                  overwrite=True)
    assert not (tmp_path / 'set/images/train/000001.jpg').exists()


def test_foreign_data_is_never_replaced(tmp_path):
    (tmp_path / 'annotations').mkdir()
    real = tmp_path / 'annotations/face_landmarks_300w_train.json'
    real.write_text('{}')
    with pytest.raises(FileExistsError, match='not written by this generator'):
        write_dataset('300w', tmp_path, dict(train=1, test=1), overwrite=True)
    assert real.read_text() == '{}'


@pytest.mark.parametrize('change, message', [
    (dict(name='lfpw'), 'lfpw'),
    (dict(counts=dict(train=0, test=1)), 'at least 1'),
    (dict(counts=dict(train=1)), 'test'),
    (dict(image_size=8), '32'),
    (dict(workers=0), 'workers'),
    (dict(yaw=(50, 20)), 'yaw'),
    (dict(frames=2), '3 frames')])
def test_wrong_arguments(tmp_path, change, message):
    arguments = dict(name='300w', root=tmp_path / 'set', counts=dict(train=1, test=1),
                     image_size=64)
    with pytest.raises(ValueError, match=message):
        write_dataset(**{**arguments, **change})
    assert not (tmp_path / 'set').exists()
