"""Contact sheets."""
from __future__ import annotations

import numpy as np
import pytest

from mmpose_wass.datasets.synthetic import (
    FaceParameters,
    contact_sheet,
    render_face,
    sheet_of_dataset,
    write_dataset,
)


def test_a_sheet_has_whole_rows_of_tiles():
    drawn = [render_face(FaceParameters(yaw=yaw), 64) for yaw in (-30.0, 0.0, 30.0)]
    sheet = contact_sheet(
        [face.image for face in drawn], [face.landmarks for face in drawn], columns=2, tile=48)
    assert sheet.shape == (96, 96, 3)
    assert (sheet[48:, 48:] == 255).all()  # the fourth tile is empty
    with pytest.raises(ValueError, match='as many'):
        contact_sheet([], [])


def test_points_are_drawn_where_they_are():
    """Green where seen, red where hidden; whole numbers are pixel centres at any tile size."""
    image = np.zeros((64, 64, 3), np.uint8)
    points, flags = np.array([[10.0, 20.0], [40.0, 50.0]]), np.array([True, False])
    sheet = contact_sheet([image], [points], columns=1, tile=128, flags=[flags])
    for (x, y), channel in zip(points, (1, 2)):
        rows, columns = np.nonzero(sheet.argmax(axis=-1) == channel)
        np.testing.assert_allclose([columns.mean(), rows.mean()], [2 * x + 0.5, 2 * y + 0.5],
                                   atol=0.3)


def test_sheet_of_a_drawn_set(tmp_path):
    written = write_dataset('cofw', tmp_path, dict(train=3, test=1), image_size=64)
    train = tmp_path / next(iter(written))
    assert sheet_of_dataset(train, tmp_path / 'images', columns=3).shape == (256, 3 * 256, 3)
    (tmp_path / 'images/train/000001.jpg').unlink()
    with pytest.raises(FileNotFoundError, match='000001.jpg'):
        sheet_of_dataset(train, tmp_path / 'images')
