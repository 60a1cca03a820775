"""WFLW from miniature archives in the official layout."""
from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest
from miniature_archives import (
    HEIGHT,
    SUBSETS,
    WFLW_TEST,
    WFLW_TRAIN,
    WIDTH,
    landmarks,
    members_wflw,
    wflw_flags,
    write_wflw,
)
from mmpose.registry import DATASETS

from mmpose_wass.datasets.preparation import PreparationError, prepare_wflw
from mmpose_wass.datasets.preparation.counts import PUBLISHED, PublishedCount

TEST_LIST = 'WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt'
COUNTS = dict(train=len(WFLW_TRAIN), test=len(WFLW_TEST),
              **{f'test_{subset}': sum(wflw_flags(k)[column] for k in range(len(WFLW_TEST)))
                 for column, subset in enumerate(SUBSETS)})


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """As if the miniature were all of WFLW."""
    true = PUBLISHED['wflw']
    monkeypatch.setitem(PUBLISHED, 'wflw', {
        name: PublishedCount((count, ), 'this test') for name, count in COUNTS.items()})
    return true


def read(root, split):
    return json.loads((root / f'annotations/face_landmarks_wflw_{split}.json').read_text())


def annotation_files(root):
    return list(root.rglob('face_landmarks*.json'))


def test_stock_dataset_loads_every_split(tmp_path):
    root = tmp_path / 'wflw'
    report = prepare_wflw([write_wflw(tmp_path / 'downloads')], root)
    assert report.complete and not report.notes
    assert COUNTS['test_expression'] == 2 and COUNTS['test_largepose'] == 1
    for split, count in COUNTS.items():
        dataset = DATASETS.build(dict(
            type='WFLWDataset', data_root=str(root), data_prefix=dict(img='images/'),
            ann_file=f'annotations/face_landmarks_wflw_{split}.json',
            pipeline=[dict(type='LoadImage')]))
        assert len(dataset) == count
        for sample in dataset:
            assert sample['img'].shape == (HEIGHT, WIDTH, 3)
            assert sample['keypoints'].shape == (1, 98, 2)


def test_records(tmp_path):
    root = tmp_path / 'wflw'
    prepare_wflw([write_wflw(tmp_path / 'downloads')], root)
    train, test = read(root, 'train'), read(root, 'test')
    # The first image has two faces and is listed once, by the number of its first face.
    assert [image['file_name'] for image in train['images']] == list(WFLW_TRAIN[:2])
    assert [a['image_id'] for a in train['annotations']] == [0, 1, 0]
    assert len({a['id'] for a in train['annotations'] + test['annotations']}) == 8
    for k, annotation in enumerate(test['annotations']):
        points = landmarks(98, 30 + k)
        values = np.array(annotation['keypoints']).reshape(98, 3)
        np.testing.assert_allclose(values[:, :2], points)
        low, high = points.min(0).astype(int), points.max(0).astype(int)
        assert annotation['face_box'] == [*low.tolist(), *(high - low).tolist()]
        assert list(annotation['attributes'].values()) == wflw_flags(k)
    for column, subset in enumerate(SUBSETS):
        names = [image['file_name'] for image in read(root, f'test_{subset}')['images']]
        assert names == [name for k, name in enumerate(WFLW_TEST) if wflw_flags(k)[column]]


def test_subset_lists_decide(tmp_path):
    """Where list and attribute differ, the list is followed, and the report says so."""
    images, lists = members_wflw()
    blur, expression = (f'WFLW_annotations/list_98pt_test/list_98pt_test_{name}.txt'
                        for name in ('blur', 'expression'))
    lists[blur] = lists[expression]  # two faces, of which neither is blurred
    report = prepare_wflw([write_wflw(tmp_path / 'downloads', images, lists)], tmp_path / 'wflw',
                          allow_incomplete=True)
    assert any('list_98pt_test_blur.txt' in note and '3 faces' in note for note in report.notes)
    assert len(read(tmp_path / 'wflw', 'test_blur')['annotations']) == 2


def test_attributes_without_subset_lists(tmp_path):
    images, lists = members_wflw()
    lists = {name: content for name, content in lists.items() if 'rect_attr' in name}
    report = prepare_wflw([write_wflw(tmp_path / 'downloads', images, lists)], tmp_path / 'wflw')
    assert report.complete and len(report.notes) == 6
    assert report.files['annotations/face_landmarks_wflw_test_blur.json'] == COUNTS['test_blur']


@pytest.mark.parametrize('archive', ['WFLW_images.tar.gz', 'WFLW_annotations.tar.gz'])
def test_truncated_archive(tmp_path, archive):
    downloads, root = write_wflw(tmp_path / 'downloads'), tmp_path / 'wflw'
    path = downloads / archive
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    with pytest.raises(PreparationError, match=rf'{archive}: truncated'):
        prepare_wflw([downloads], root)
    assert not annotation_files(root)


def test_cut_line(tmp_path):
    images, lists = members_wflw()
    lists[TEST_LIST] = lists[TEST_LIST][:-1000]
    downloads, root = write_wflw(tmp_path / 'downloads', images, lists), tmp_path / 'wflw'
    with pytest.raises(PreparationError, match=r'list_98pt_rect_attr_test\.txt, line 5: \d+ col'):
        prepare_wflw([downloads], root)
    assert not annotation_files(root)


def test_missing_image(tmp_path):
    images, lists = members_wflw()
    del images[f'WFLW_images/{WFLW_TEST[2]}']
    downloads, root = write_wflw(tmp_path / 'downloads', images, lists), tmp_path / 'wflw'
    with pytest.raises(PreparationError, match='image missing: 1\n.*7_Cheering_b_7_2'):
        prepare_wflw([downloads], root)
    assert not annotation_files(root) and not (root / 'images').exists()
    report = prepare_wflw([downloads], root, allow_incomplete=True)
    assert report.files['annotations/face_landmarks_wflw_test.json'] == 4 and not report.complete


def test_wrong_counts(tmp_path, monkeypatch, published):
    monkeypatch.setitem(PUBLISHED, 'wflw', published)
    with pytest.raises(PreparationError, match=r'train: 3 \(published: 7500\)'):
        prepare_wflw([write_wflw(tmp_path / 'downloads')], tmp_path / 'wflw')
    assert not annotation_files(tmp_path / 'wflw')


def test_archive_with_a_link(tmp_path):
    downloads = write_wflw(tmp_path / 'downloads')
    with tarfile.open(downloads / 'WFLW_images.tar.gz', 'w:gz') as file:
        link = tarfile.TarInfo('WFLW_images/link')
        link.type, link.linkname = tarfile.SYMTYPE, '/etc'
        file.addfile(link)
        inside = tarfile.TarInfo('WFLW_images/link/x')
        inside.size = 1
        file.addfile(inside, io.BytesIO(b'x'))
    with pytest.raises(PreparationError, match='is a link'):
        prepare_wflw([downloads], tmp_path / 'wflw')
