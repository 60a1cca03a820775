"""AFLW from miniature archives in the official layout."""
from __future__ import annotations

import json

import numpy as np
import pytest
from miniature_archives import (
    AFLW_NAMES,
    HEIGHT,
    WIDTH,
    aflw_tables,
    write_aflw,
    write_aflw_sqlite,
)
from mmpose.registry import DATASETS

from mmpose_wass.datasets.preparation import PreparationError, aflw, prepare_aflw
from mmpose_wass.datasets.preparation.counts import PUBLISHED, PublishedCount

COUNTS = dict(train=3, test=2, test_frontal=1)  # face 2 of the release, in the test part, is hidden


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """As if the miniature were all of AFLW."""
    true = PUBLISHED['aflw']
    monkeypatch.setattr(aflw, '_TRAIN', COUNTS['train'])
    monkeypatch.setitem(PUBLISHED, 'aflw', {
        name: PublishedCount((count, ), 'this test') for name, count in COUNTS.items()})
    return true


@pytest.fixture()
def tables():
    """The release."""
    return aflw_tables()


def read(root, split):
    return json.loads((root / f'annotations/face_landmarks_aflw_{split}.json').read_text())


def annotation_files(root):
    return list(root.rglob('face_landmarks*.json'))


def test_stock_dataset_loads_every_split(tmp_path, tables):
    root = tmp_path / 'aflw'
    report = prepare_aflw([write_aflw(tmp_path / 'downloads', tables)], root)
    assert report.complete
    for split, count in COUNTS.items():
        dataset = DATASETS.build(dict(
            type='AFLWDataset', data_root=str(root), data_prefix=dict(img='images/'),
            ann_file=f'annotations/face_landmarks_aflw_{split}.json', test_mode=True,
            pipeline=[dict(type='LoadImage')]))
        assert len(dataset) == count
        for sample in dataset:
            assert sample['img'].shape == (HEIGHT, WIDTH, 3)
            assert sample['keypoints'].shape == (1, 19, 2)
            assert sample['box_size'] == pytest.approx(sample['bbox_scale'][0, 0])


def test_records(tmp_path, tables):
    root = tmp_path / 'aflw'
    prepare_aflw([write_aflw(tmp_path / 'downloads', tables)], root)
    train, test, frontal = (read(root, split) for split in ('train', 'test', 'test_frontal'))
    order = [2, 0, 3, 1, 4]
    # Faces 3 and 4 lie in one image, which is listed once.
    assert [image['file_name'] for image in train['images']] == [
        f'flickr/{AFLW_NAMES[2]}', f'flickr/{AFLW_NAMES[0]}']
    for annotation, k in zip(train['annotations'] + test['annotations'], order):
        points = tables['data'][k].reshape(2, 19).T
        values = np.array(annotation['keypoints']).reshape(19, 3)
        np.testing.assert_allclose(values[:, :2], points)
        assert (values[:, 2] == 1).all() and annotation['num_keypoints'] == 19
        left, right, top, bottom = tables['bbox'][k]
        assert annotation['center'] == [(left + right) / 2, (top + bottom) / 2]
        assert annotation['box_size'] == right - left
        assert annotation['scale'] == pytest.approx((right - left) / 200)
    assert test['annotations'][0]['occluded'][3] == 1
    assert [a['id'] for a in frontal['annotations']] == [test['annotations'][1]['id']]


def test_sqlite_alone(tmp_path, monkeypatch, published):
    """The original data base has neither a division nor hidden points, and the report says so."""
    downloads, root = write_aflw(tmp_path / 'downloads'), tmp_path / 'aflw'
    (downloads / 'AFLWinfo_release.mat').unlink()
    write_aflw_sqlite(downloads / 'aflw.sqlite')
    report = prepare_aflw([downloads], root)
    assert report.files == {'annotations/face_landmarks_aflw_all.json': 4}
    assert any('no division' in note for note in report.notes)
    assert any('1 faces have no box' in note for note in report.notes)
    annotations = read(root, 'all')['annotations']
    tables = aflw_tables()
    for k, annotation in enumerate(annotations):
        values = np.array(annotation['keypoints']).reshape(19, 3)
        seen = values[:, 2] > 0
        assert seen.sum() == annotation['num_keypoints'] == (18 if k == 1 else 19)
        np.testing.assert_allclose(values[seen, :2], tables['data'][k].reshape(2, 19).T[seen])
        assert annotation['box_size'] == 40 + k
    dataset = DATASETS.build(dict(
        type='AFLWDataset', data_root=str(root), data_prefix=dict(img='images/'),
        ann_file='annotations/face_landmarks_aflw_all.json', pipeline=[dict(type='LoadImage')]))
    assert len(dataset) == 4 and dataset[1]['keypoints_visible'].sum() == 18


@pytest.mark.parametrize('name', ['aflw-images-3.tar.gz', 'AFLWinfo_release.mat'])
def test_truncated(tmp_path, tables, name):
    downloads, root = write_aflw(tmp_path / 'downloads', tables), tmp_path / 'aflw'
    path = downloads / name
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    with pytest.raises(PreparationError, match=f'{name}: truncated'):
        prepare_aflw([downloads], root)
    assert not annotation_files(root)


def test_damaged_sqlite(tmp_path):
    path = write_aflw_sqlite(tmp_path / 'aflw.sqlite')
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(PreparationError, match=r'aflw\.sqlite: damaged'):
        prepare_aflw([path], tmp_path / 'aflw')


def test_missing_images(tmp_path, tables):
    downloads, root = write_aflw(tmp_path / 'downloads', tables), tmp_path / 'aflw'
    (downloads / 'aflw-images-3.tar.gz').unlink()
    with pytest.raises(PreparationError, match='image missing: 2\n.*3/image00032.jpg'):
        prepare_aflw([downloads], root)
    assert not annotation_files(root)


def test_wrong_counts(tmp_path, monkeypatch, published):
    monkeypatch.setitem(PUBLISHED, 'aflw', published)
    with pytest.raises(PreparationError, match=r'train: 3 \(published: 20000\)'):
        prepare_aflw([write_aflw(tmp_path / 'downloads')], tmp_path / 'aflw')


@pytest.mark.parametrize('change,message', [
    (dict(ra=np.array([[1, 2, 3, 4, 4]])), 'ra is no permutation'),
    (dict(bbox=np.zeros((5, 3))), r'expected bbox \[5, 4\], found \[5, 3\]'),
    (dict(data=np.full((5, 38), np.nan)), 'not a finite number'),
])
def test_foreign_tables(tmp_path, change, message):
    downloads = write_aflw(tmp_path / 'downloads', dict(aflw_tables(), **change))
    with pytest.raises(PreparationError, match=message):
        prepare_aflw([downloads], tmp_path / 'aflw')


def test_nothing_there(tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(PreparationError, match='AFLWinfo_release.mat'):
        prepare_aflw([tmp_path / 'empty'], tmp_path / 'aflw', allow_incomplete=True)
    assert not annotation_files(tmp_path / 'aflw')
