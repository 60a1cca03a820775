"""Annotation files with every fault, as a user of tools/train.py meets them."""
from __future__ import annotations

import json
import os

import pytest
from situations import told
from test_tools.tiny_run import call_tool, write_config, write_faces


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """Four faces and a config; not to be changed."""
    folder = tmp_path_factory.mktemp('annotations')
    write_faces(folder / 'data', 4, 'test')
    write_config(folder / 'tiny.py', folder / 'data', folder / 'run')
    return folder


@pytest.fixture()
def train(sound, tmp_path, monkeypatch, capsys):
    """Write an annotation file and start a training with it."""
    def start(content):
        file = tmp_path / 'bad.json'
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        status, printed, errors = call_tool(
            'train.py', 'tiny.py', '--dry-run', '--cfg-options',
            f'train_dataloader.dataset.ann_file={file}',
            f'val_dataloader.dataset.ann_file={sound}/data/annotations/test.json',
            monkeypatch=monkeypatch, capsys=capsys, cwd=sound)
        assert 'Traceback' not in errors
        assert str(file) in printed + errors
        return status, printed, errors
    return start


@pytest.fixture()
def content(sound):
    return json.loads((sound / 'data/annotations/test.json').read_text())


def put(path, value):
    """A change of one number of the third face."""
    def change(content):
        node = content['annotations'][2]
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
    return change


def remove(*fields):
    def change(content):
        for field in fields:
            del content['annotations'][2][field]
    return change


def cut_keypoints(count):
    def change(content):
        del content['annotations'][2]['keypoints'][-count:]
    return change


def no_point(content):
    content['annotations'][2]['keypoints'][2::3] = [0] * 68


def same(kind, field):
    def change(content):
        content[kind][2][field] = content[kind][1][field]
    return change


STOPS = [
    ('ann-nan', put(('keypoints', 7), float('nan'))),
    ('ann-nan', put(('keypoints', 6), float('-inf'))),
    ('ann-box', put(('scale', ), 0.0)),
    ('ann-box', put(('scale', ), -1.0)),
    ('ann-box', put(('scale', ), float('nan'))),
    ('ann-box', put(('center', 0), float('inf'))),
    ('ann-box', put(('center', ), None)),
    ('ann-count', cut_keypoints(3)),
    ('ann-triples', cut_keypoints(1)),
    ('ann-triples', put(('keypoints', ), 'none')),
    ('ann-triples', put(('keypoints', 5), 'left')),
    ('ann-triples', put(('keypoints', ), None)),
    ('ann-triples', remove('keypoints')),
    ('ann-none', no_point),
    ('ann-ids', same('annotations', 'id')),
    ('ann-image-ids', same('images', 'id')),
    ('ann-stranger', put(('image_id', ), 77777)),
    ('ann-fields', remove('num_keypoints')),
    ('ann-fields', remove('iscrowd')),
    ('ann-fields', remove('id')),
    ('ann-fields', remove('center')),
]


@pytest.mark.parametrize('key, change', STOPS, ids=[
    f'{place}-{key}' for place, (key, _) in enumerate(STOPS)])
def test_bad_records(train, content, key, change):
    change(content)
    status, printed, errors = train(content)
    assert status == 1 and errors.count('error:') == 1
    assert told(key, errors) and 'train_dataloader' not in printed
    assert '--no-data-check' in errors


@pytest.mark.parametrize('value', [-500.0, 1e6])
def test_landmarks_far_outside_are_said(train, content, value):
    put(('keypoints', 0), value)(content)
    status, printed, _ = train(content)
    assert status == 0 and told('ann-far', printed)


@pytest.mark.parametrize('key, data', [
    ('ann-empty', b''),
    ('ann-cut', b'{"images": [{"id": 1'),
    ('ann-cut', b'x'),
    ('ann-cut', b'[' * 100000),
    ('ann-latin', '{"images": "café"}'.encode('latin-1')),
    ('ann-other', b'[]'),
    ('ann-other', b'{"annotations": []}'),
    ('ann-other', b'{"images": [1], "annotations": [2]}'),
    ('ann-no-faces', b'{"images": [], "annotations": []}'),
    ('ann-no-faces', b'{"images": [{"id": 1, "file_name": "x.png"}], "annotations": []}'),
])
def test_bad_files(train, key, data):
    status, _, errors = train(data)
    assert status == 1 and told(key, errors)
    assert '(train_dataloader.dataset.ann_file)' in errors


def test_folders_that_are_no_utf8(sound, tmp_path, monkeypatch, capsys):
    folder = tmp_path / os.fsdecode(b'd\xe9p\xf4t')
    folder.symlink_to(sound / 'data')
    status, _, errors = call_tool(
        'train.py', 'tiny.py', '--dry-run', '--cfg-options',
        f'train_dataloader.dataset.data_root={folder}', monkeypatch=monkeypatch, capsys=capsys,
        cwd=sound)
    assert status == 1 and told('ann-path', errors)
    # The way out that it names is one.
    link = tmp_path / 'depot'
    link.symlink_to(folder)
    status, _, errors = call_tool(
        'train.py', 'tiny.py', '--dry-run', '--cfg-options', f'train_dataloader.dataset.data_root='
        f'{link}', f'train_dataloader.dataset.ann_file={link}/annotations/test.json',
        f'val_dataloader.dataset.data_root={link}', monkeypatch=monkeypatch, capsys=capsys,
        cwd=sound)
    assert status == 0, errors
