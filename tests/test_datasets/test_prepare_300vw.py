"""300VW from real encoded films in the official layout."""
from __future__ import annotations

import json
import os

import cv2
import numpy as np
import pytest
from miniature_archives import HEIGHT, WIDTH, landmarks, write_video, write_zip
from mmpose.registry import DATASETS

from mmpose_wass.datasets.preparation import PreparationError, films, ibug_300vw, prepare_300vw
from mmpose_wass.datasets.preparation.broken_frames import load_broken_frames
from mmpose_wass.datasets.preparation.counts import PUBLISHED, PublishedCount

#: From split to its videos and their frames.
SPLITS = dict(train={'001': 6, '002': 5}, test_1={'114': 5}, test_2={'203': 4}, test_3={'410': 7})
BROKEN = {'410': frozenset([3, 4, 7]), '114': frozenset([1])}
FRAMES = dict(train=11, test_1=4, test_2=4, test_3=4)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """As if these five videos were all of 300VW."""
    for split, videos in SPLITS.items():
        monkeypatch.setitem(ibug_300vw.VIDEOS, split, tuple(videos))
    monkeypatch.setitem(PUBLISHED, '300vw', {
        **{f'{split} videos': PublishedCount((len(videos), ), 'this test')
           for split, videos in SPLITS.items()},
        **{split: PublishedCount((count, ), 'this test', tolerance=0.1)
           for split, count in FRAMES.items()}})


@pytest.fixture()
def source(tmp_path):
    folder = tmp_path / '300VW_Dataset_2015_12_14'
    for videos in SPLITS.values():
        for video, frames in videos.items():
            write_video(folder / video, frames, int(video))
    return folder


def read(root, name):
    return json.loads((root / f'anno_300vw{name}.json').read_text())


def annotation_files(root):
    return sorted(path.name for path in root.glob('anno_*.json'))


def test_stock_dataset_loads_every_file(tmp_path, source):
    members = {path.relative_to(tmp_path).as_posix(): path.read_bytes()
               for path in source.rglob('*') if path.is_file()}
    archive = write_zip(tmp_path / '300VW_Dataset_2015_12_14.zip', members)
    root = tmp_path / '300vw'
    steps = []
    report = prepare_300vw([archive], root, broken_frames=BROKEN, image_format='jpg',
                           progress=lambda stage, done, count: steps.append((stage, done, count)))
    assert report.complete and '4 broken frames left out' in report.notes
    assert steps[-1] == ('frames', 27, 27)
    expected = {'': 23, '_train': 11, '_test': 12, '_test_1': 4, '_test_2': 4, '_test_3': 4}
    assert annotation_files(root) == sorted(f'anno_300vw{name}.json' for name in expected)
    for name, count in expected.items():
        dataset = DATASETS.build(dict(
            type='Face300VWDataset', data_root=str(root), data_prefix=dict(img=''),
            ann_file=f'anno_300vw{name}.json', pipeline=[dict(type='LoadImage')]))
        assert len(dataset) == count
        for sample in dataset:
            assert sample['img'].shape == (HEIGHT, WIDTH, 3)
            assert sample['keypoints'].shape == (1, 68, 2)
    assert not (root / '.extracted').exists()


def test_frames_belong_to_their_landmarks(tmp_path, source):
    root = tmp_path / '300vw'
    prepare_300vw([source], root, broken_frames=BROKEN)
    content = read(root, '_test_3')
    assert [(image['sequence'], image['frame'], image['scenario'], image['file_name'])
            for image in content['images']] == [
        ('410', frame, 'S3', f'410/imgs/{frame:06d}.png') for frame in (1, 2, 5, 6)]
    for image, annotation in zip(content['images'], content['annotations']):
        pixels = cv2.imread(str(root / image['file_name']))
        assert pixels.mean() == pytest.approx(10 * image['frame'], abs=2)
        points = landmarks(68, 41000 + image['frame'])
        values = np.array(annotation['keypoints']).reshape(68, 3)
        np.testing.assert_allclose(values[:, :2], points)
        low, high = points.min(0), points.max(0)
        np.testing.assert_allclose(annotation['center'], (low + high) / 2)
        assert annotation['scale'] == pytest.approx(np.ceil((high - low).max()) / 200)
    assert not (root / '410/imgs/000003.png').exists()
    assert {image['scenario'] for image in read(root, '')['images']} == {'train', 'S1', 'S2', 'S3'}
    identities = [annotation['id'] for annotation in read(root, '')['annotations']]
    assert len(set(identities)) == len(identities)


def test_processes_make_no_difference(tmp_path, source):
    for workers in (1, 2):
        prepare_300vw([source], tmp_path / str(workers), broken_frames=BROKEN, workers=workers)
    files = [path.relative_to(tmp_path / '1') for path in (tmp_path / '1').rglob('*.*')
             if path.is_file() and path.name != 'preparation.json']
    assert len(files) > 30
    for path in files:
        assert (tmp_path / '1' / path).read_bytes() == (tmp_path / '2' / path).read_bytes()


def test_one_scenario_alone(tmp_path, source):
    report = prepare_300vw([source], tmp_path / '300vw', ['test_2'], broken_frames=BROKEN)
    assert report.complete
    assert annotation_files(tmp_path / '300vw') == ['anno_300vw_test_2.json']
    # Its faces have the same identity as when everything is prepared.
    prepare_300vw([source], tmp_path / 'all', broken_frames=BROKEN)
    one, everything = read(tmp_path / '300vw', '_test_2'), read(tmp_path / 'all', '_test_2')
    assert one['annotations'] == everything['annotations'] and one['images'] == everything['images']


class Stopped(Exception):
    pass


def test_interrupted_run_goes_on(tmp_path, source, monkeypatch):
    root = tmp_path / '300vw'

    def stop(stage, done, count):
        if (stage, done) == ('frames', 9):
            raise Stopped

    opened, written = [], []
    capture, write = cv2.VideoCapture, films.write_bytes
    monkeypatch.setattr(films.cv2, 'VideoCapture',
                        lambda path: opened.append(path) or capture(path))
    monkeypatch.setattr(films, 'write_bytes',
                        lambda path, content: written.append(path) or write(path, content))
    with pytest.raises(Stopped):
        prepare_300vw([source], root, broken_frames=BROKEN, progress=stop)
    assert annotation_files(root) == []
    assert len(opened) == 2
    prepare_300vw([source], root, broken_frames=BROKEN)
    # The film that was done is not opened again, and no frame is written twice.
    assert len(opened) == 6 and len(set(opened)) == 5
    assert len(written) - len(set(written)) == 0
    assert len([path for path in written if path.suffix == '.png']) == 23
    prepare_300vw([source], root, broken_frames=BROKEN)
    assert len(opened) == 6
    whole = tmp_path / 'whole'
    prepare_300vw([source], whole, broken_frames=BROKEN)
    for name in annotation_files(whole):
        assert (root / name).read_bytes() == (whole / name).read_bytes()


def test_a_lost_frame_is_written_again(tmp_path, source):
    root = tmp_path / '300vw'
    prepare_300vw([source], root, broken_frames=BROKEN)
    (root / '203/imgs/000002.png').unlink()
    prepare_300vw([source], root, broken_frames=BROKEN)
    assert (root / '203/imgs/000002.png').exists()


@pytest.mark.parametrize('kind', ['garbage', 'empty', 'missing', 'truncated', 'short'])
def test_unreadable_film(tmp_path, source, kind):
    root, film = tmp_path / '300vw', source / '203/vid.avi'
    if kind == 'garbage':
        film.write_bytes(bytes(range(256)) * 20)
    elif kind == 'empty':
        film.write_bytes(b'')
    elif kind == 'missing':
        film.unlink()
    elif kind == 'truncated':
        film.write_bytes(film.read_bytes()[:film.stat().st_size // 2])
    else:
        write_video(source / '203', 4, 203, film_frames=2)
    with pytest.raises(PreparationError) as raised:
        prepare_300vw([source], root, broken_frames=BROKEN)
    assert '203/vid.avi' in str(raised.value)
    assert 'take the archive apart again' in str(raised.value)
    assert annotation_files(root) == []
    report = prepare_300vw([source], root, broken_frames=BROKEN, allow_incomplete=True)
    assert not report.complete and 'anno_300vw_test_3.json' in report.files
    if kind == 'short':
        assert report.files['anno_300vw_test_2.json'] == 2
        assert 'frames 3 … 4 (2 of them)' in str(raised.value)
    if kind in ('garbage', 'empty', 'missing'):
        assert 'anno_300vw_test_2.json' not in report.files


def test_missing_video_is_told_before_the_work(tmp_path, source, monkeypatch):
    monkeypatch.setattr(films.cv2, 'VideoCapture', None)  # any use of it fails
    (source / '203').rename(source / 'elsewhere')
    with pytest.raises(PreparationError, match='video of test_2 missing: 1\n.*203'):
        prepare_300vw([source], tmp_path / '300vw', broken_frames=BROKEN)


def test_bad_annotation(tmp_path, source):
    (source / '001/annot/000002.pts').write_text('version: 1\nn_points: 68\n{\n1 2\n')
    with pytest.raises(PreparationError, match=r'001/annot/000002\.pts: no points between'):
        prepare_300vw([source], tmp_path / '300vw', broken_frames=BROKEN)
    assert annotation_files(tmp_path / '300vw') == []
    report = prepare_300vw([source], tmp_path / '300vw', broken_frames=BROKEN,
                           allow_incomplete=True)
    assert report.files['anno_300vw_train.json'] == 10


def test_gaps_and_other_counts_are_noted(tmp_path, source):
    (source / '001/annot/000004.pts').unlink()
    report = prepare_300vw([source], tmp_path / '300vw', broken_frames=BROKEN)
    assert any("1 frames between a video's first and last" in note for note in report.notes)
    assert any('train: 10 (published: 11)' in note for note in report.notes)
    frames = [image['frame'] for image in read(tmp_path / '300vw', '_train')['images']]
    assert frames == [1, 2, 3, 5, 6, 1, 2, 3, 4, 5]


def test_wrong_counts(tmp_path, source):
    """A frame or so may differ between decoders; two of eleven may not."""
    (source / '001/annot/000004.pts').unlink()
    (source / '001/annot/000005.pts').unlink()
    with pytest.raises(PreparationError, match=r'train: 9 \(published: 11\)'):
        prepare_300vw([source], tmp_path / '300vw', broken_frames=BROKEN)
    assert annotation_files(tmp_path / '300vw') == []


def test_lists_of_broken_frames(tmp_path):
    default = load_broken_frames()
    assert sum(map(len, default.values())) == 2127 and len(default) == 16
    test_videos = {video for videos in ibug_300vw._TEST_VIDEOS.values() for video in videos.split()}
    assert set(default) <= test_videos
    as_json = tmp_path / 'broken.json'
    as_json.write_text(json.dumps({video: sorted(frames) for video, frames in default.items()}))
    as_npy = tmp_path / 'broken.npy'
    np.save(as_npy, {video: sorted(frames) for video, frames in default.items()})
    assert load_broken_frames(as_json) == load_broken_frames(as_npy) == default
    (tmp_path / 'other.json').write_text('[1, 2]')
    with pytest.raises(ValueError, match='expected a dictionary'):
        load_broken_frames(tmp_path / 'other.json')


@pytest.mark.parametrize('options', [dict(splits=['test_4']), dict(image_format='bmp'),
                                     dict(quality=0), dict(workers=0)])
def test_wrong_arguments(tmp_path, source, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        prepare_300vw([source], tmp_path / '300vw', **options)


def test_folder_whose_name_is_no_utf8(tmp_path, source):
    """OpenCV would end the process at such a name."""
    strange = source.with_name(os.fsdecode(b'caf\xe9_\xff'))
    source.rename(strange)
    prepare_300vw([strange], tmp_path / '300vw', broken_frames=BROKEN)
    assert len(list((tmp_path / '300vw').rglob('*.png'))) == 23
