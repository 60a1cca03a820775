"""The sheet of faces: points land where they belong, and every face is accounted for."""
import cv2
import numpy as np
import pytest

from mmpose_wass.visualization import choose_faces, draw_prediction_sheet, draw_result_sheet
from mmpose_wass.visualization.sheet import PREDICTION_COLOR, TRUTH_COLOR

NAN = float('nan')
TILE, GAP = 240, 8


def centers(picture, color):
    """Centres of the dots of ``color``, by x."""
    mask = (np.abs(picture.astype(int) - color) < 12).all(axis=-1).astype(np.uint8)
    _, _, stats, found = cv2.connectedComponentsWithStats(mask)
    return sorted(tuple(c) for c, s in zip(found[1:], stats[1:]) if s[cv2.CC_STAT_AREA] >= 4)


def only_face(path):
    """The tile of a sheet of one face and one row: it ends above its caption."""
    sheet = cv2.imread(str(path))
    caption = 2 * round(TILE / 18)
    bottom = sheet.shape[0] - GAP - caption
    return sheet[bottom - TILE:bottom, GAP:GAP + TILE]


@pytest.mark.parametrize('offset', [(0, 0), (-60, -90), (100, 80)])
@pytest.mark.parametrize('size', [40, 150, 500])
def test_points_land_on_what_they_mark(tmp_path, offset, size):
    """White squares of the image lie below the dots, at any scale and across its border."""
    image = np.zeros((400, 400, 3), np.uint8)
    targets = np.array([[[50., 50.], [50. + size, 50.], [50., 50. + size]]]) + offset
    predictions = targets + size * .15
    draw_prediction_sheet([image], predictions, targets, [.1], str(tmp_path / 'sheet.png'))
    face = only_face(tmp_path / 'sheet.png')
    scale = TILE / np.ceil(1.35 * size)
    for color in (TRUTH_COLOR, PREDICTION_COLOR):
        found = np.array(centers(face, color))
        assert len(found) == 3
        gaps = np.linalg.norm(found[:, None] - found[None], axis=-1).max()
        assert gaps == pytest.approx(size * 2**.5 * scale, abs=1.5)
    shift = np.mean(centers(face, PREDICTION_COLOR), axis=0) - np.mean(
        centers(face, TRUTH_COLOR), axis=0)
    np.testing.assert_allclose(shift, size * .15 * scale, atol=1.5)


def test_image_and_points_move_together(tmp_path):
    """A bright pixel block stays under its landmark."""
    image = np.zeros((200, 300, 3), np.uint8)
    image[96:105, 196:205] = 255
    targets = np.array([[[150., 60.], [200., 100.], [150., 140.]]])
    far = np.full((1, 3, 2), 1e9)
    draw_prediction_sheet([image], far, targets, [.1], str(tmp_path / 'sheet.png'))
    face = only_face(tmp_path / 'sheet.png')
    rightmost = centers(face, TRUTH_COLOR)[-1]
    white_rows, white_columns = np.where((face > 240).all(axis=-1))
    assert np.hypot(white_columns.mean() - rightmost[0], white_rows.mean() - rightmost[1]) < 2.5


def test_unlabelled_and_lost_points_are_not_drawn(tmp_path):
    targets = np.array([[[20., 20.], [80., 20.], [50., 50.], [20., 80.]]])
    predictions = targets + [6, 0]
    predictions[0, 0] = NAN
    valid = np.array([[True, True, False, True]])
    image = np.zeros((100, 100, 3), np.uint8)
    path = tmp_path / 'sheet.png'
    draw_prediction_sheet([image], predictions, targets, [np.inf], str(path), valid=valid)
    face = only_face(path)
    assert len(centers(face, TRUTH_COLOR)) == 3
    assert len(centers(face, PREDICTION_COLOR)) == 2
    # Nor do they move the cut-out: unlabelled points often stand at (0, 0) or worse.
    elsewhere = targets.copy()
    elsewhere[0, 2] = -5000
    draw_prediction_sheet([image], predictions, elsewhere, [np.inf], str(path), valid=valid)
    np.testing.assert_array_equal(only_face(path), face)
    # The caption changes where predictions are lost, so the reader is told.
    plain = tmp_path / 'plain.png'
    draw_prediction_sheet([image], targets, targets, [np.inf], str(plain), valid=valid)
    height = 2 * round(TILE / 18)
    assert (cv2.imread(str(path))[-height:] != cv2.imread(str(plain))[-height:]).any()


def test_all_faces_are_there_in_rows(tmp_path):
    images = [np.full((60, 60, 3), 20 * i, np.uint8) for i in range(7)]
    targets = np.tile(np.array([[10., 10.], [50., 50.]]), (7, 1, 1))
    path = tmp_path / 'new' / 'sheet.png'
    written = draw_prediction_sheet(images, targets, targets, np.zeros((7, 2)), str(path),
                                    columns=3, captions=['ä name'] * 7, title='Tïtle')
    assert written == str(path)
    sheet = cv2.imread(str(path))
    assert sheet.shape[1] == 3 * (TILE + GAP) + GAP
    height = TILE + 2 * round(TILE / 18) + GAP
    band = sheet.shape[0] - 3 * height
    assert 0 < band < TILE
    for index in range(9):
        row, column = divmod(index, 3)
        # Near the left border of the tile, at half height: no dot is there.
        value = sheet[band + row * height + TILE // 2, GAP + column * (TILE + GAP) + 12]
        assert value.tolist() == ([20 * index] * 3 if index < 7 else [255] * 3)


class TestChoice:
    errors = [.3, NAN, .1, .5, .2, .4]

    @pytest.mark.parametrize('order, count, expected', [
        ('given', 3, [0, 1, 2]),
        ('worst', 2, [3, 5]),
        ('best', 2, [2, 4]),
        ('spread', 3, [2, 0, 3]),
        ('spread', 99, [2, 4, 0, 5, 3]),
        ('worst', None, [3, 5, 0, 4, 2]),
    ])
    def test_orders(self, order, count, expected):
        assert choose_faces(self.errors, count, order).tolist() == expected

    def test_unknown(self):
        with pytest.raises(ValueError, match="found 'random'"):
            choose_faces(self.errors, 1, 'random')


def test_sheet_of_a_result_file(tmp_path):
    paths = []
    for index, value in enumerate((40, 80, 120)):
        paths.append(str(tmp_path / f'{index}.png'))
        cv2.imwrite(paths[-1], np.full((60, 60, 3), value, np.uint8))
    targets = np.tile(np.array([[10., 10.], [50., 50.]]), (3, 1, 1))
    np.savez(tmp_path / 'run.errors.npz', image_paths=np.array(paths), predictions=targets,
             targets=targets, errors=np.array([[.1, .1], [.3, .3], [.2, .2]]),
             valid=np.ones((3, 2), bool))
    draw_result_sheet(str(tmp_path / 'run.errors.npz'), str(tmp_path / 'sheet.png'), count=1,
                      order='worst')
    assert only_face(tmp_path / 'sheet.png')[TILE // 2, 12].tolist() == [80] * 3


def test_refusals(tmp_path):
    targets, path = np.zeros((1, 2, 2)), str(tmp_path / 'sheet.png')
    image = np.zeros((9, 9, 3), np.uint8)
    with pytest.raises(FileNotFoundError, match='nowhere.png'):
        draw_prediction_sheet(['nowhere.png'], targets, targets, [0.], path)
    with pytest.raises(ValueError, match=r"'predictions': \(1, 3, 2\)"):
        draw_prediction_sheet([image], np.zeros((1, 3, 2)), targets, [0.], path)
    with pytest.raises(ValueError, match='no face to draw'):
        draw_prediction_sheet([image], targets, targets, [NAN], path, order='worst')
    with pytest.raises(ValueError, match='uint8'):
        draw_prediction_sheet([image / 255.], targets, targets, [0.], path)
    with pytest.raises(ValueError, match='captions must be 1'):
        draw_prediction_sheet([image], targets, targets, [0.], path, captions=[])
    with pytest.raises(OSError, match='sheet.xyz'):
        draw_prediction_sheet([image], targets, targets, [0.], str(tmp_path / 'sheet.xyz'))
