"""Frames know their neighbours, from the annotations alone."""
from __future__ import annotations

import copy
import json
import shutil

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmpose.registry import DATASETS, HOOKS
from test_datasets.perturbation_data import (
    dataset_config,
    pixel_hashes,
    test_pipeline,
    write_frames,
)

from mmpose_wass.datasets.perturbation_report_hook import (
    count_motion_sources,
    describe_motion_sources,
)
from mmpose_wass.datasets.video_faces import frame_of

# Frame 4 of 'a' is broken; 'b' has a lone frame far from the others.
FRAMES = {'a': [1, 2, 3, 5, 6], 'b': [2, 1, 90]}
BLUR = dict(type='SyntheticMotionBlur', level='large')


def build(root, pipeline=(), **options):
    return DATASETS.build(dataset_config(root, pipeline, **options))


@pytest.mark.parametrize('fields', [True, False], ids=['fields', 'file names'])
def test_neighbours(tmp_path, fields):
    places = write_frames(tmp_path, FRAMES, fields=fields)
    # No image may be opened: there is none.
    for folder in FRAMES:
        shutil.rmtree(tmp_path / folder)
    dataset = build(tmp_path)
    assert len(dataset) == 8
    seen = set()
    for index in range(8):
        info = dataset.get_data_info(index)
        key = info['sequence'], info['frame']
        seen.add(key)
        for name, step in (('prev_keypoints', -1), ('frame_keypoints', 0), ('next_keypoints', 1)):
            expected = places.get((key[0], key[1] + step))
            if expected is None:
                assert info[name] is None
            else:
                np.testing.assert_array_equal(info[name][0], expected)
        np.testing.assert_array_equal(info['keypoints'], info['frame_keypoints'])
    assert seen == set(places)


def test_neighbours_outside_the_subset(tmp_path):
    places = write_frames(tmp_path, {'a': range(1, 10)})
    for options in (dict(indices=[4]), dict(sample_interval=4), dict(serialize_data=False)):
        dataset = build(tmp_path, **options)
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            if 1 < info['frame'] < 9:
                np.testing.assert_array_equal(info['next_keypoints'][0],
                                              places['a', info['frame'] + 1])
                np.testing.assert_array_equal(info['prev_keypoints'][0],
                                              places['a', info['frame'] - 1])
    part = build(tmp_path).get_subset([3])
    assert part.get_data_info(0)['frame'] == 4
    np.testing.assert_array_equal(part.get_data_info(0)['prev_keypoints'][0], places['a', 3])
    assert len(build(tmp_path, sample_interval=4)) == 3


def test_samples_do_not_share_memory(tmp_path):
    places = write_frames(tmp_path, {'a': [1, 2]})
    dataset = build(tmp_path)
    dataset.get_data_info(0)['next_keypoints'][:] = 0
    np.testing.assert_array_equal(dataset.get_data_info(1)['keypoints'][0], places['a', 2])
    np.testing.assert_array_equal(dataset.get_data_info(0)['next_keypoints'][0], places['a', 2])


def test_unlabelled_landmarks_are_nan(tmp_path):
    write_frames(tmp_path, {'a': [1, 2, 3]}, unlabelled=[33])
    dataset = build(tmp_path)
    info = dataset.get_data_info(1)
    assert np.isnan(info['prev_keypoints'][0, 33]).all()
    assert np.isfinite(np.delete(info['prev_keypoints'], 33, axis=1)).all()
    assert count_motion_sources(dataset) == dict(missing=3)


def test_faces_of_one_frame_need_tracks(tmp_path):
    write_frames(tmp_path, {'a': [1, 2]})
    path = tmp_path / 'anno.json'
    content = json.loads(path.read_text())
    second = copy.deepcopy(content['annotations'])
    for one in second:
        one['id'] += 10
        one['keypoints'] = (np.array(one['keypoints']) + np.tile([5, 0, 0], 68)).tolist()
    content['annotations'] += second
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='anno.json.*two faces.*track_id'):
        build(tmp_path)
    for one in content['annotations']:
        one['track_id'] = one['id'] // 10
    path.write_text(json.dumps(content))
    dataset = build(tmp_path)
    assert len(dataset) == 4
    by_id = {info['id']: info for info in map(dataset.get_data_info, range(4))}
    np.testing.assert_array_equal(by_id[10]['next_keypoints'], by_id[11]['keypoints'])
    np.testing.assert_allclose(by_id[10]['keypoints'] - by_id[0]['keypoints'],
                               np.broadcast_to([5, 0], (1, 68, 2)), atol=1e-3)


def test_wrong_settings_and_files(tmp_path):
    write_frames(tmp_path, {'a': [1, 2]}, fields=False)
    with pytest.raises(ValueError, match='bbox_file'):
        build(tmp_path, bbox_file='boxes.json')
    with pytest.raises(ValueError, match='bottomup'):
        build(tmp_path, data_mode='bottomup')
    path = tmp_path / 'anno.json'
    content = json.loads(path.read_text())
    content['images'][0]['file_name'] = 'face.png'
    path.write_text(json.dumps(content))
    with pytest.raises(KeyError, match='face.png.*sequence'):
        build(tmp_path)
    content['images'][0].update(sequence='a', frame=7)
    content['annotations'][0]['keypoints'] = [1, 1, 1]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r'\[1, 68\] landmarks'):
        build(tmp_path)


@pytest.mark.parametrize('image, expected', [
    (dict(sequence=7, frame='12', file_name='x.jpg'), ('7', 12)),
    (dict(file_name='507/imgs/000001.jpg'), ('507', 1)),
    (dict(file_name='S3\\507\\imgs\\000120.png'), ('S3/507', 120)),
    (dict(file_name='clip_2/frame-0007.jpg'), ('clip_2', 7))])
def test_frame_of(image, expected):
    assert frame_of(image) == expected


@pytest.mark.parametrize('name', ['000001.jpg', 'a/b.jpg', ''])
def test_frame_of_unknown(name):
    with pytest.raises(KeyError, match='file.json'):
        frame_of(dict(file_name=name), 'file.json')


def test_blur_of_first_last_and_missing_frames(tmp_path):
    write_frames(tmp_path, FRAMES)
    sharp = pixel_hashes(build(tmp_path, test_pipeline()), 0)
    blurred = pixel_hashes(build(tmp_path, test_pipeline(BLUR)), 0)
    for workers in (1, 4):
        assert pixel_hashes(build(tmp_path, test_pipeline(BLUR)), workers,
                            order=[3, 1, 7, 0, 2, 6, 5, 4]) == blurred
    same = {name for name in sharp if sharp[name] == blurred[name]}
    assert same == {'b/imgs/000090.png'}  # the only frame without neighbours stays sharp
    assert len(set(blurred.values())) == 8
    # a: 1 next, 2 both, 3 previous (4 is broken), 5 next, 6 previous; b: 2 previous, 1 next.
    assert count_motion_sources(build(tmp_path)) == dict(both=1, previous=3, next=3, missing=1)


def test_stock_data_set_is_refused(tmp_path):
    write_frames(tmp_path, FRAMES)
    dataset = build(tmp_path, test_pipeline(BLUR), kind='Face300VWDataset')
    with pytest.raises(KeyError, match='VideoFaceDataset'):
        dataset[0]


def test_counts_are_reported(tmp_path, monkeypatch):
    write_frames(tmp_path, FRAMES)
    lines = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'info', lambda text, *rest: lines.append(text))
    monkeypatch.setattr(logger, 'warning', lambda text, *rest: lines.append(text))
    dataset = build(tmp_path, test_pipeline(BLUR))
    assert '8 frames of 2 sequences' in lines[-1] and '1 have both' in lines[-1]
    assert '6 one, 1 none' in lines[-1]
    for index in range(8):
        dataset[index]
    assert sum('stays' in line or 'sharp' in line for line in lines) == 1  # one warning

    class Runner:
        test_dataloader = type('Loader', (), dict(dataset=dataset))

    Runner.logger = logger
    HOOKS.build(dict(type='PerturbationReportHook')).after_test_epoch(Runner)
    assert '8 frames: 1 with motion from t-1 to t+1, 6 with a one-sided' in lines[-1]
    assert '1 without a direction (1 without neighbours' in lines[-1] and 'sharp' in lines[-1]
    assert describe_motion_sources(count_motion_sources(dataset)) in lines[-1]


def test_shared_windows(shared_dir):
    """Real consecutive frames: the motions that the annotations of the neighbours tell."""
    root = shared_dir / 'data/300vw'
    if not root.is_dir():
        pytest.skip('no video frames beside the checkout')
    dataset = DATASETS.build(dict(
        type='VideoFaceDataset', data_root=str(root), test_mode=True,
        ann_file='annotations/test_video.json', data_prefix=dict(img='images'), pipeline=[]))
    counts = count_motion_sources(dataset)
    assert sum(counts.values()) == 480 and counts['missing'] == 0
    # 16 windows of 30 frames: 448 inner ones. Labels on half pixels: some noses stand still.
    assert 400 < counts['both'] <= 448 and counts['still'] < 48
