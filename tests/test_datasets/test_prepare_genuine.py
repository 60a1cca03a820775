"""Conventions compared with genuine samples of MMPose's annotation files, where there are any."""
from __future__ import annotations

import json

import numpy as np
import pytest

from mmpose_wass.datasets.preparation.broken_frames import load_broken_frames
from mmpose_wass.datasets.preparation.coco import exact_box, outward_box, padded_box
from mmpose_wass.datasets.preparation.pts import read_pts


@pytest.fixture(scope='module')
def samples(shared_dir):
    folder = shared_dir / 'data/mmpose_samples'
    if not folder.is_dir():
        pytest.skip('no samples of genuine annotation files')

    def read(name):
        content = json.loads((folder / name).read_text())
        images = {image['id']: image for image in content['images']}
        return [(images[annotation['image_id']], annotation,
                 np.array(annotation['keypoints']).reshape(-1, 3)[:, :2])
                for annotation in content['annotations']]

    return folder, read


@pytest.mark.parametrize('name', ['300w/test_300w.json', 'wflw/test_wflw.json'])
def test_center_scale_and_box(samples, name):
    _, read = samples
    boxes = 0
    for image, annotation, points in read(name):
        center, scale = outward_box(points)
        assert center == annotation['center'] and scale == pytest.approx(annotation['scale'])
        box = padded_box(points, image['width'], image['height'])
        if annotation['id'] != 40:  # cut at 768 there, in an image of 1024 rows
            np.testing.assert_allclose(box, annotation['bbox'])
            assert annotation['area'] == pytest.approx(box[2] * box[3])
            boxes += 1
    assert boxes >= 2


def test_aflw(samples):
    """Centre, scale and box_size come from the face's box, whose sides are whole pixels."""
    _, read = samples
    for image, annotation, points in read('aflw/test_aflw.json'):
        assert annotation['box_size'] == pytest.approx(200 * annotation['scale'])
        corner = np.array(annotation['center']) - annotation['box_size'] / 2
        np.testing.assert_array_equal(corner, np.round(corner))
        np.testing.assert_allclose(padded_box(points, image['width'], image['height']),
                                   annotation['bbox'])


def test_cofw(samples):
    """No centre and scale; flags 1 and 2; training faces have the first 1,345 numbers."""
    _, read = samples
    for image, annotation, _ in read('cofw/test_cofw.json'):
        assert 'center' not in annotation and 'scale' not in annotation
        assert set(annotation['keypoints'][2::3]) <= {1, 2}
        assert image['file_name'] == f'{annotation["id"]:06d}.jpg' and annotation['id'] > 1345


def test_300vw(samples):
    folder, read = samples
    for image, annotation, points in read('300vw/anno_300vw.json'):
        video, _, name = image['file_name'].split('/')
        written = read_pts(folder / f'300vw/{video}/annot/{name[:-4]}.pts', 68)
        np.testing.assert_array_equal(written, points)
        center, scale = exact_box(points)
        assert center == pytest.approx(annotation['center'])
        assert scale == pytest.approx(annotation['scale'])


def test_broken_frames(samples):
    folder, _ = samples
    assert load_broken_frames(folder / '300vw/broken_frames.npy') == load_broken_frames()
