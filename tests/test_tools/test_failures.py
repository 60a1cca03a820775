"""tools/failures.py from the command line: the right faces, in the right order, and no silence."""
import csv

import cv2
import numpy as np
import pytest
from tiny_run import call_tool
from written_results import random_errors, write_images, write_result

TILE, GAP, CAPTION = 240, 8, 2 * round(240 / 18)
NAMES = ['chin', 'nose_tip', 'right_eye', 'left_eye']


@pytest.fixture
def failures(tmp_path, monkeypatch, capsys):

    def run(*arguments):
        return call_tool('failures.py', *arguments, monkeypatch=monkeypatch, capsys=capsys,
                         cwd=tmp_path)

    return run


@pytest.fixture
def errors(tmp_path):
    """Six faces on images of their own grey; ``a`` and ``b`` are results on them."""
    images = write_images(tmp_path / 'images', 6)
    found = np.full((6, 4), .02)
    found[1] = .3
    found[4] = .2
    found[2, 1] = .5  # one landmark far off; the mean is small
    found[5] = np.nan
    write_result(tmp_path / 'a', found, images=images, names=NAMES)
    write_result(tmp_path / 'b', np.where(np.isnan(found), np.nan, .1), images=images,
                 names=NAMES)
    return found


def table(path):
    with open(path, encoding='utf-8') as file:
        return list(csv.DictReader(file))


def greys(path, count, columns=6):
    """Grey of the image of each tile, which tells the face: near the tile's left border."""
    sheet = cv2.imread(str(path))
    rows = -(-count // columns)
    band = sheet.shape[0] - rows * (TILE + CAPTION + GAP)
    found = []
    for index in range(count):
        row, column = divmod(index, columns)
        tile = sheet[band + row * (TILE + CAPTION + GAP):, GAP + column * (TILE + GAP):][
            :TILE, :TILE]
        found.append(int(np.median(tile[..., 0])))
    return found


def test_by_image(failures, errors, tmp_path):
    status, out, err = failures('a', '--out', 'new/sheet.png', '--top', 3)
    assert status == 0, err
    rows = table(tmp_path / 'new/sheet.csv')
    assert [row['image'][-5] for row in rows] == ['1', '4', '2']
    assert float(rows[2]['error_percent']) == pytest.approx(100 * (.5 + 3 * .02) / 4)
    assert greys(tmp_path / 'new/sheet.png', 3) == [45, 60, 50]
    assert '3 of 5 faces (1 not ranked' in out and 'sheet: new/sheet.png' in out


def test_by_landmark(failures, errors, tmp_path):
    assert failures('a', '--by', 'landmark', '--out', 'sheet.png')[0] == 0
    rows = table(tmp_path / 'sheet.csv')
    assert [(row['image'][-5], row['landmark']) for row in rows[:2]] == [('2', 'nose_tip'),
                                                                         ('1', 'chin')]
    for landmark in ('left_eye', '3'):
        assert failures('a', '--by', 'landmark', '--landmark', landmark, '--out',
                        'eye.png')[0] == 0
        rows = table(tmp_path / 'eye.csv')
        assert [row['image'][-5] for row in rows[:2]] == ['1', '4']
        assert {row['landmark'] for row in rows} == {'left_eye'}


def test_against_another_run(failures, errors, tmp_path):
    status, out, err = failures('a', '--against', 'b', '--out', 'worse.png', '--names', 'A', 'B')
    assert status == 0, err
    rows = table(tmp_path / 'worse.csv')
    # Faces 1, 4 and 2 (mean .14) are worse than .1.
    assert [row['image'][-5] for row in rows] == ['1', '4', '2']
    assert float(rows[0]['other_error_percent']) == pytest.approx(10)
    # Each face twice, side by side.
    assert greys(tmp_path / 'worse.png', 6) == [45, 45, 60, 60, 50, 50]
    assert failures('a', '--against', 'b', '--change', 'improved', '--out', 'better.png')[0] == 0
    assert [row['image'][-5] for row in table(tmp_path / 'better.csv')] == ['0', '3']


def test_no_change_is_told(failures, errors):
    status, _, err = failures('a', '--against', 'a.errors.npz', '--out', 'sheet.png')
    assert status == 1 and 'no face to show: none worsened' in err


def test_missing_images_are_named(failures, errors, tmp_path):
    (tmp_path / 'images/face_4.png').unlink()
    status, out, _ = failures('a', '--out', 'sheet.png', '--top', 3)
    assert status == 0
    assert '1 of 3 images are missing' in out and 'images/face_4.png' in out
    assert 'Give the folder they lie in as --image-root' in out
    shown = greys(tmp_path / 'sheet.png', 3)
    assert shown[0] == 45 and shown[1] == 225 and shown[2] == 50  # the order stays


def test_images_elsewhere(failures, errors, tmp_path):
    (tmp_path / 'images').rename(tmp_path / 'moved')
    status, _, err = failures('a', '--out', 'sheet.png', '--top', 2)
    assert status == 1 and 'none of the 2 images is there' in err and 'face_1.png' in err
    assert failures('a', '--out', 'sheet.png', '--top', 2, '--image-root', 'moved')[0] == 0
    assert greys(tmp_path / 'sheet.png', 2) == [45, 60]
    status, _, err = failures('a', '--out', 'sheet.png', '--data-root', 'nowhere')
    assert status == 1 and 'nowhere: there is no such folder' in err


def test_predictions_that_are_not_finite_come_first(failures, errors, tmp_path):
    errors[3, 2] = np.inf
    write_result(tmp_path / 'c', errors, images=write_images(tmp_path / 'images', 6), names=NAMES)
    for by in ('image', 'landmark'):
        assert failures('c', '--by', by, '--out', 'sheet.png')[0] == 0
        assert table(tmp_path / 'sheet.csv')[0]['image'].endswith('face_3.png')


@pytest.mark.parametrize('arguments, message', [
    (('nowhere', ), 'nowhere'),
    (('a', '--landmark', 'chin'), '--landmark needs --by landmark'),
    (('a', '--by', 'landmark', '--landmark', 'eye'), 'similar are right_eye, left_eye'),
    (('a', '--change', 'improved'), 'needs --against'),
    (('a', '--names', 'x', 'y'), 'needs --against'),
    (('a', '--top', '0'), '--top must be at least 1'),
    (('a', '--out', 'sheet.pdf'), 'must end in .png or .jpg'),
])
def test_errors_say_what_to_do(failures, errors, arguments, message):
    out = () if '--out' in arguments else ('--out', 'sheet.png')
    status, _, err = failures(*arguments, *out)
    assert status != 0 and message in err and 'Traceback' not in err


def test_other_faces_are_refused(failures, errors, tmp_path):
    write_result(tmp_path / 'c', random_errors(6, 4, 0), names=NAMES)
    status, _, err = failures('a', '--against', 'c', '--out', 'sheet.png')
    assert status == 1 and 'different' in err


def test_help_has_examples(failures):
    status, out, _ = failures('--help')
    assert status == 0 and '--landmark nose_tip' in out
