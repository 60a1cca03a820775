"""COFW from miniature Matlab files, of both versions, as the official ones are."""
from __future__ import annotations

import importlib.util
import json
import sys

import cv2
import numpy as np
import pytest
from miniature_archives import HEIGHT, WIDTH, cofw_tables, write_cofw, write_zip
from mmpose.registry import DATASETS

from mmpose_wass.datasets.preparation import PreparationError, prepare_cofw
from mmpose_wass.datasets.preparation.counts import PUBLISHED, PublishedCount

COUNTS = dict(train=4, test=3)
VERSIONS = ['v5', pytest.param('v7.3', marks=pytest.mark.skipif(
    importlib.util.find_spec('h5py') is None, reason='h5py is not installed'))]


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """As if the miniature were all of COFW."""
    true = PUBLISHED['cofw']
    monkeypatch.setitem(PUBLISHED, 'cofw', {
        name: PublishedCount((count, ), 'this test') for name, count in COUNTS.items()})
    return true


def write(folder, version='v5'):
    folder.mkdir(exist_ok=True)
    write_cofw(folder / 'COFW_train_color.mat', 'Tr', COUNTS['train'], 0, version)
    write_cofw(folder / 'COFW_test_color.mat', 'T', COUNTS['test'], 50, version)
    return folder


def read(root, split):
    return json.loads((root / f'annotations/cofw_{split}.json').read_text())


def annotation_files(root):
    return list(root.rglob('cofw_*.json'))


@pytest.mark.parametrize('version', VERSIONS)
def test_stock_dataset_loads_both_splits(tmp_path, version):
    root, folder = tmp_path / 'cofw', write(tmp_path / 'color', version)
    members = {f'COFW_color/{path.name}': path.read_bytes() for path in folder.iterdir()}
    archive = write_zip(tmp_path / 'COFW_color.zip', members)
    report = prepare_cofw([archive], root)
    assert report.complete
    for split, count in COUNTS.items():
        dataset = DATASETS.build(dict(
            type='COFWDataset', data_root=str(root), data_prefix=dict(img='images/'),
            ann_file=f'annotations/cofw_{split}.json', pipeline=[dict(type='LoadImage')]))
        assert len(dataset) == count
        for sample in dataset:
            assert sample['img'].shape == (HEIGHT, WIDTH, 3)
            assert sample['keypoints'].shape == (1, 29, 2)


@pytest.mark.parametrize('version', VERSIONS)
def test_records(tmp_path, version):
    root = tmp_path / 'cofw'
    prepare_cofw([write(tmp_path / 'color', version)], root)
    train, test = read(root, 'train'), read(root, 'test')
    assert [image['file_name'] for image in train['images'] + test['images']] == [
        f'{k:06d}.jpg' for k in range(1, 8)]
    assert [annotation['id'] for annotation in train['annotations'] + test['annotations']] == \
        list(range(1, 8))
    images, table, _ = cofw_tables(COUNTS['train'], 0)
    for k, annotation in enumerate(train['annotations']):
        values = np.array(annotation['keypoints']).reshape(29, 3)
        x, y, occluded = table[k].reshape(3, 29)
        np.testing.assert_allclose(values[:, 0], x - 1)
        np.testing.assert_allclose(values[:, 1], y - 1)
        assert values[:, 2].tolist() == (2 - occluded).tolist()
        assert set(annotation) >= {'bbox', 'keypoints'} and 'scale' not in annotation
        # The picture is the right way up and its colours in the right order.
        written = cv2.imread(str(root / f'images/{k + 1:06d}.jpg'))
        expected = images[k] if images[k].ndim == 3 else np.repeat(images[k][..., None], 3, 2)
        assert np.abs(written[..., ::-1].astype(int) - expected).mean() < 6
    assert train['annotations'][0]['bbox'] == [0, 4, 50, 40]  # its left side was negative


def test_wrong_counts_and_nothing_written(tmp_path, monkeypatch, published):
    monkeypatch.setitem(PUBLISHED, 'cofw', published)
    with pytest.raises(PreparationError, match=r'train: 4 \(published: 1345\)'):
        prepare_cofw([write(tmp_path / 'color')], tmp_path / 'cofw')
    assert not annotation_files(tmp_path / 'cofw') and not (tmp_path / 'cofw/images').exists()


def test_one_file_missing(tmp_path):
    folder = write(tmp_path / 'color')
    (folder / 'COFW_test_color.mat').unlink()
    with pytest.raises(PreparationError, match='COFW_test_color.mat'):
        prepare_cofw([folder], tmp_path / 'cofw')
    report = prepare_cofw([folder], tmp_path / 'cofw', allow_incomplete=True)
    assert report.files == {'annotations/cofw_train.json': 4} and not report.complete


@pytest.mark.parametrize('version', VERSIONS)
@pytest.mark.parametrize('share', [0.2, 0.7])
def test_truncated_file(tmp_path, version, share):
    folder = write(tmp_path / 'color', version)
    path = folder / 'COFW_test_color.mat'
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * share)])
    with pytest.raises(PreparationError, match=r'COFW_test_color\.mat'):
        prepare_cofw([folder], tmp_path / 'cofw')
    assert not annotation_files(tmp_path / 'cofw')


def test_foreign_file(tmp_path):
    folder = write(tmp_path / 'color')
    write_cofw(folder / 'COFW_test_color.mat', 'Tr', 3, 0)  # the training variables
    with pytest.raises(PreparationError, match=r'no variable phisT.*found .*Is it the right file'):
        prepare_cofw([folder], tmp_path / 'cofw')


def test_h5py_is_named_where_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    folder = write(tmp_path / 'color')
    (folder / 'COFW_test_color.mat').write_bytes(
        b'MATLAB 7.3 MAT-file'.ljust(512) + b'\x89HDF\r\n\x1a\n' + bytes(100))
    with pytest.raises(ImportError, match='pip install h5py'):
        prepare_cofw([folder], tmp_path / 'cofw')


def test_interrupted_run_goes_on(tmp_path):
    folder, root = write(tmp_path / 'color'), tmp_path / 'cofw'

    def stop(stage, done, count):
        if (stage, done) == ('test images', 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_cofw([folder], root, progress=stop)
    first = (root / 'images/000001.jpg').stat().st_mtime_ns
    report = prepare_cofw([folder], root)
    assert report.complete and len(list((root / 'images').iterdir())) == 7
    assert (root / 'images/000001.jpg').stat().st_mtime_ns == first
