"""Image files of all kinds, usable and not."""
from __future__ import annotations

import json
import os

import cv2
import numpy as np
import pytest
from mmpose.datasets.transforms import GetBBoxCenterScale, LoadImage, TopdownAffine
from mmpose.registry import DATASETS
from PIL import Image
from situations import told
from test_tools.tiny_run import SIDE, call_tool, write_config, write_faces

from mmpose_wass.datasets.preparation import check_dataset
from mmpose_wass.engine import write_json
from mmpose_wass.engine.config_loading import load_config
from mmpose_wass.engine.data_content_check import check_data_content


@pytest.fixture()
def data(tmp_path):
    """Four faces, and a config that trains on them."""
    write_faces(tmp_path / 'data', 4, 'train')
    write_faces(tmp_path / 'data', 4, 'test', seed=1)
    write_config(tmp_path / 'tiny.py', tmp_path / 'data', tmp_path / 'run')
    return tmp_path


def replace(data, name='train_1.png', content=None, ending=None):
    """Put other bytes in the place of an image."""
    path = data / 'data/images' / name
    if ending is not None:
        coded = cv2.imencode(ending, cv2.imread(str(path)))[1].tobytes()
        content = coded if content is None else content(coded)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    return path


def photograph(side=SIDE) -> np.ndarray:
    coarse = np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize('key, ending, change', [
    ('image-missing', None, None),
    ('image-zero', None, b''),
    ('image-cut', '.jpg', lambda coded: coded[:len(coded) // 2]),
    ('image-cut', '.jpg', lambda coded: coded[:-2]),
    ('image-cut', '.png', lambda coded: coded[:-30]),
    ('image-text', None, b'<html>404 not found</html>'),
    ('image-text', None, np.random.default_rng(0).bytes(3000)),
    ('image-text', '.jpg', lambda coded: coded[:10]),
    ('image-size', '.png', lambda coded: cv2.imencode('.png', photograph(32))[1].tobytes()),
], ids=['missing', 'zero', 'jpg-half', 'jpg-end', 'png-end', 'html', 'noise', 'header', 'scaled'])
def test_unusable_images(data, monkeypatch, capsys, key, ending, change):
    path = replace(data, content=change, ending=ending)
    status, _, errors = call_tool('train.py', 'tiny.py', '--dry-run', monkeypatch=monkeypatch,
                                  capsys=capsys, cwd=data)
    assert status == 1
    assert errors.count('error:') == 1 and 'Traceback' not in errors
    assert told(key, errors) and str(path) in errors
    assert str(data / 'data/annotations/train.json') in errors
    assert '--no-data-check' in errors and 'prepare_data.py check' in errors
    # The way out that it names is one.
    status, _, _ = call_tool('train.py', 'tiny.py', '--dry-run', '--no-data-check',
                             monkeypatch=monkeypatch, capsys=capsys, cwd=data)
    assert status == 0


def test_all_faults_are_told_at_once(data):
    replace(data, 'train_0.png')
    replace(data, 'train_1.png', content=b'')
    replace(data, 'test_3.png')
    with pytest.raises(ValueError) as error:
        check_data_content(load_config(str(data / 'tiny.py')), ('train', 'val'))
    for name in ('train_0.png', 'train_1.png', 'test_3.png'):
        assert name in str(error.value)


def write_rotated(path, orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(photograph()).save(path, format='JPEG', exif=exif)


def test_exif_rotation_is_said(data, monkeypatch, capsys):
    write_rotated(data / 'data/images/train_1.png')
    status, printed, _ = call_tool('train.py', 'tiny.py', '--dry-run', monkeypatch=monkeypatch,
                                   capsys=capsys, cwd=data)
    assert status == 0 and told('image-rotated', printed) and 'train_1.png' in printed
    # It is as the message says: what is loaded is turned.
    loaded = LoadImage()(dict(img_path=str(data / 'data/images/train_1.png')))['img']
    turned = np.rot90(photograph()[..., ::-1], 3).astype(int)
    assert np.abs(loaded - turned).mean() < 5


def save_unusual(path, kind):
    pixels = photograph()
    if kind == '16 bits':
        assert cv2.imwrite(str(path), pixels.astype(np.uint16) * 257)
        return
    picture = Image.fromarray(pixels[..., ::-1])
    if kind == 'RGBA':
        picture.putalpha(128)
    elif kind != 'grey 16':
        picture = picture.convert(kind)
    else:
        assert cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.uint16)
                           * 257)
        return
    picture.save(path)


@pytest.mark.parametrize('kind, ending, close_to', [
    ('16 bits', 'png', 'colour'), ('grey 16', 'png', 'grey'), ('L', 'png', 'grey'),
    ('L', 'jpg', 'grey'), ('P', 'png', 'colour'), ('1', 'png', None), ('RGBA', 'png', 'colour'),
    ('CMYK', 'jpg', 'colour'), ('CMYK', 'tiff', 'colour'),
])
def test_unusual_images_are_read(tmp_path, kind, ending, close_to):
    path = tmp_path / f'x.{ending}'
    save_unusual(path, kind)
    loaded = LoadImage()(dict(img_path=str(path)))['img']
    assert loaded.shape == (SIDE, SIDE, 3) and loaded.dtype == np.uint8
    expected = photograph().astype(int)
    if close_to == 'grey':
        assert np.ptp(loaded.astype(int), axis=-1).max() == 0
        expected = cv2.cvtColor(photograph(), cv2.COLOR_BGR2GRAY).astype(int)[..., None]
    if close_to is not None:
        assert np.abs(loaded - expected).mean() < 25


@pytest.mark.parametrize('size, box', [
    ((1, 1), (0, 0, 1, 1)),
    ((1, 200), (0, 0, 200, 1)),
    ((64, 64), (500, 500, 40, 40)),
    ((64, 64), (-300, -300, 40, 40)),
    ((64, 64), (0, 0, 1e-3, 1e-3)),
    ((64, 64), (-1e5, -1e5, 2e5, 2e5)),
])
def test_tiny_images_and_boxes_outside(tmp_path, size, box):
    path = tmp_path / 'x.png'
    assert cv2.imwrite(str(path), np.full((*size, 3), 200, np.uint8))
    left, top, width, height = box
    sample = dict(img_path=str(path), bbox_score=np.ones(1, np.float32),
                  bbox=np.array([[left, top, left + width, top + height]], np.float32),
                  keypoints=np.full((1, 3, 2), 5, np.float32), keypoints_visible=np.ones((1, 3)))
    for step in (LoadImage(), GetBBoxCenterScale(), TopdownAffine(input_size=(32, 32))):
        sample = step(sample)
    assert sample['img'].shape == (32, 32, 3)
    assert np.isfinite(sample['transformed_keypoints']).all()


def test_flipped_bits_are_found_by_the_check(tmp_path):
    root = tmp_path / 'set'
    write_faces(root, 2, 'train')
    coded = bytearray(cv2.imencode('.jpg', photograph())[1].tobytes())
    middle = len(coded) * 2 // 3
    coded[middle:middle + 16] = np.random.default_rng(3).bytes(16)
    path = root / 'images/train_1.png'
    path.write_bytes(bytes(coded))
    assert cv2.imread(str(path)) is not None, 'the decoder guesses'
    found = [finding for finding in check_dataset(root).findings if 'image' in finding.kind]
    assert [finding.severity for finding in found] == ['warning']
    told_of = f'{found[0].kind}: {found[0].examples[0]}'
    assert 'train_1.png' in told_of and told('image-bits', told_of)


def test_names_that_are_no_utf8(data):
    strange = os.fsdecode(b'caf\xe9_\xff.png')
    (data / 'data/images/train_1.png').rename(data / 'data/images' / strange)
    file = data / 'data/annotations/train.json'
    content = json.loads(file.read_text())
    content['images'][1]['file_name'] = strange
    file.write_text(json.dumps(content))
    cfg = load_config(str(data / 'tiny.py'))
    assert check_data_content(cfg, ('train', ))[-1].endswith('4 faces in 4 images (opened) checked')
    sample = DATASETS.build(cfg.train_dataloader.dataset)[1]['data_samples']
    assert sample.img_path.endswith(strange)
    write_json(str(data / 'out.json'), dict(img_path=sample.img_path))
    (data / 'out.json').read_bytes().decode('utf-8')
    assert json.loads((data / 'out.json').read_text())['img_path'] == sample.img_path
