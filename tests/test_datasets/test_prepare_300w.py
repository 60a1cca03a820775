"""300W from miniature archives in the official layout."""
from __future__ import annotations

import json

import numpy as np
import pytest
from miniature_archives import (
    COUNTS_300W,
    HEIGHT,
    WIDTH,
    landmarks,
    members_300w,
    write_300w,
    write_zip,
)
from mmpose.registry import DATASETS

from mmpose_wass.datasets.preparation import PreparationError, prepare_300w
from mmpose_wass.datasets.preparation.counts import PUBLISHED, PublishedCount


@pytest.fixture()
def published(monkeypatch):
    """As if the miniature were all of 300W."""
    table = {name: PublishedCount((count, ), 'this test') for name, count in COUNTS_300W.items()}
    monkeypatch.setitem(PUBLISHED, '300w', table)


def annotation_files(root):
    return sorted(path.name for path in root.rglob('*.json'))


def read(root, split):
    return json.loads((root / f'annotations/face_landmarks_300w_{split}.json').read_text())


def test_stock_dataset_loads_every_split(tmp_path, published):
    root = tmp_path / '300w'
    stages = set()
    report = prepare_300w([write_300w(tmp_path / 'downloads')], root,
                          progress=lambda stage, done, count: stages.add(stage))
    assert report.complete and not report.problems
    assert {'annotations', 'images', 'afw.zip', '300w.zip.001'} <= stages
    for split, count in COUNTS_300W.items():
        dataset = DATASETS.build(dict(
            type='Face300WDataset', data_root=str(root), data_prefix=dict(img='images/'),
            ann_file=f'annotations/face_landmarks_300w_{split}.json',
            pipeline=[dict(type='LoadImage')]))
        assert len(dataset) == count
        for sample in dataset:
            assert sample['img'].shape == (HEIGHT, WIDTH, 3)
            assert sample['keypoints'].shape == (1, 68, 2)
            assert sample['keypoints_visible'].min() == 1
    assert not (root / '.extracted').exists()
    assert json.loads((root / 'preparation.json').read_text())['complete']


def test_names_landmarks_and_boxes(tmp_path, published):
    root = tmp_path / '300w'
    prepare_300w([write_300w(tmp_path / 'downloads')], root)
    train, valid = read(root, 'train'), read(root, 'valid')
    assert [image['file_name'] for image in train['images']] == [
        'afw/1051618982_1.jpg', 'afw/111076519_1.jpg', 'afw/111076519_2.jpg',
        'helen/trainset/100032540_1.jpg', 'helen/trainset/100040721_1.jpg',
        'lfpw/trainset/image_0001.png']
    assert 'ibug/image_092 _01.jpg' in [image['file_name'] for image in valid['images']]
    assert [image['file_name'] for image in read(root, 'test')['images']] == [
        'Test/01_Indoor/indoor_001.png', 'Test/01_Indoor/indoor_002.png',
        'Test/02_Outdoor/outdoor_001.png']
    for index, annotation in enumerate(train['annotations'][:3]):
        points = landmarks(68, index)
        values = np.array(annotation['keypoints']).reshape(68, 3)
        np.testing.assert_allclose(values[:, :2], points)
        low, high = np.floor(points.min(0)), np.ceil(points.max(0))
        assert annotation['center'] == ((low + high) / 2).tolist()
        assert annotation['scale'] == pytest.approx((high - low).max() / 200)
    # A subset's faces keep their identity, and no two faces share one.
    identities = [annotation['id'] for split in ('train', 'valid', 'test')
                  for annotation in read(root, split)['annotations']]
    assert len(set(identities)) == len(identities)
    assert {a['id'] for a in read(root, 'valid_common')['annotations']} < \
        {a['id'] for a in valid['annotations']}


def test_truncated_archive(tmp_path, published):
    downloads = write_300w(tmp_path / 'downloads')
    archive = downloads / 'helen.zip'
    archive.write_bytes(archive.read_bytes()[:-300])
    with pytest.raises(PreparationError, match=r'helen\.zip: truncated.*download it again'):
        prepare_300w([downloads], tmp_path / '300w')
    assert annotation_files(tmp_path / '300w') == []


def test_damaged_inside(tmp_path, published):
    """A flipped byte in an image is found by the archive's checksum."""
    downloads = write_300w(tmp_path / 'downloads')
    archive = downloads / 'afw.zip'
    content = bytearray(archive.read_bytes())
    content[200] ^= 0xff
    archive.write_bytes(bytes(content))
    with pytest.raises(PreparationError, match=r'afw\.zip: truncated or damaged'):
        prepare_300w([downloads], tmp_path / '300w')
    assert annotation_files(tmp_path / '300w') == []


def test_lost_part(tmp_path, published):
    downloads = write_300w(tmp_path / 'downloads')
    (downloads / '300w.zip.002').unlink()
    with pytest.raises(PreparationError, match=r'part 300w\.zip\.002 is missing'):
        prepare_300w([downloads], tmp_path / '300w')
    downloads = write_300w(tmp_path / 'again')
    (downloads / '300w.zip.003').unlink()  # the last one: only the content tells
    with pytest.raises(PreparationError, match=r'300w\.zip\.001: truncated'):
        prepare_300w([downloads], tmp_path / '300w')


def test_wrong_counts(tmp_path):
    """Against the true numbers of 300W, the miniature is far too small."""
    root = tmp_path / '300w'
    with pytest.raises(PreparationError) as raised:
        prepare_300w([write_300w(tmp_path / 'downloads')], root)
    message = str(raised.value)
    assert 'train: 6 (published: 3148)' in message and 'afw: 3 (published: 337)' in message
    assert '--allow-incomplete' in message and 'ibug.doc.ic.ac.uk' in message
    assert annotation_files(root) == [] and not (root / 'images').exists()


def test_what_is_there_on_demand(tmp_path):
    root = tmp_path / '300w'
    downloads = tmp_path / 'downloads'
    downloads.mkdir()
    write_zip(downloads / 'ibug.zip', members_300w()['ibug.zip'])
    report = prepare_300w([downloads], root, allow_incomplete=True)
    assert not report.complete
    assert report.files == {'annotations/face_landmarks_300w_valid.json': 2,
                            'annotations/face_landmarks_300w_valid_challenge.json': 2}
    assert any('ibug: 2 (published: 135)' in note for note in report.notes)


@pytest.mark.parametrize('kind', ['no image', 'broken image', 'cut pts', '67 points', 'nan'])
def test_bad_sample(tmp_path, published, kind):
    archives = members_300w()
    members = archives['afw.zip']
    image, pts = 'afw/111076519_1.jpg', 'afw/111076519_1.pts'
    if kind == 'no image':
        del members[image]
    elif kind == 'broken image':
        members[image] = b'<html>not found</html>'
    elif kind == 'cut pts':
        members[pts] = members[pts][:400]
    elif kind == '67 points':
        lines = members[pts].decode().splitlines()
        members[pts] = '\n'.join(lines[:10] + lines[11:]).encode()
    else:
        lines = members_300w()['afw.zip'][pts].decode().splitlines()
        lines[5] = 'nan 3.0'
        members[pts] = '\n'.join(lines).encode()
    downloads, root = write_300w(tmp_path / 'downloads', archives), tmp_path / '300w'
    with pytest.raises(PreparationError, match='111076519_1'):
        prepare_300w([downloads], root)
    assert annotation_files(root) == []
    report = prepare_300w([downloads], root, allow_incomplete=True)
    assert report.files['annotations/face_landmarks_300w_train.json'] == 5
    assert sum(len(things) for things in report.problems.values()) == 1


def test_archive_that_leaves_its_folder(tmp_path):
    downloads = tmp_path / 'downloads'
    downloads.mkdir()
    for name in ('../../escaped.pts', '/escaped.pts', 'afw/..\\..\\..\\escaped.pts'):
        write_zip(downloads / 'afw.zip', {name: b'x'})
        with pytest.raises(PreparationError, match='outside'):
            prepare_300w([downloads], tmp_path / 'deep/er/300w')
    assert not list(tmp_path.rglob('escaped.pts'))


class Stopped(Exception):
    pass


@pytest.mark.parametrize('stage,at', [('lfpw.zip', 2), ('annotations', 3), ('images', 4)])
def test_interrupted_run_goes_on(tmp_path, published, stage, at):
    downloads, root = write_300w(tmp_path / 'downloads'), tmp_path / '300w'

    def stop(name, done, count):
        if (name, done) == (stage, at):
            raise Stopped

    with pytest.raises(Stopped):
        prepare_300w([downloads], root, progress=stop)
    assert annotation_files(root) == []
    prepare_300w([downloads], root)
    whole = tmp_path / 'whole'
    prepare_300w([downloads], whole)
    names = [path.relative_to(whole) for path in whole.rglob('*') if path.is_file()]
    assert sorted(path.relative_to(root) for path in root.rglob('*') if path.is_file()) == \
        sorted(names)
    for name in names:
        if name.name != 'preparation.json':  # holds the date
            assert (root / name).read_bytes() == (whole / name).read_bytes()


def test_folder_that_was_taken_apart(tmp_path, published):
    """Files are left alone, in whatever folder they lie, and hidden litter is not data."""
    source = tmp_path / 'ibug'  # the name of a part: the innermost folder must decide
    for members in members_300w().values():
        for name, content in members.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (source / '__MACOSX/afw').mkdir(parents=True)
    (source / '__MACOSX/afw/x.pts').write_bytes(b'litter')
    (source / 'afw/._1.pts').write_bytes(b'litter')
    before = {path: path.read_bytes() for path in source.rglob('*') if path.is_file()}
    report = prepare_300w([source], tmp_path / '300w')
    assert report.complete
    assert before == {path: path.read_bytes() for path in source.rglob('*') if path.is_file()}
    # The copies are independent of the user's files.
    copy = tmp_path / '300w/images/afw/111076519_1.jpg'
    copy.write_bytes(b'changed')
    assert (source / 'afw/111076519_1.jpg').read_bytes() != b'changed'


def test_source_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        prepare_300w([tmp_path / 'nowhere'], tmp_path / '300w')
