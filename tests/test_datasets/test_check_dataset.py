"""The check of prepared data: each fault is planted, and found."""
from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from miniature_archives import COUNTS_300W, encoded, picture, write_300w

from mmpose_wass.datasets.preparation import check_dataset, prepare_300w
from mmpose_wass.datasets.preparation.check_images import crop_square
from mmpose_wass.datasets.preparation.leakage import correlations

TRAIN = 'annotations/face_landmarks_300w_train.json'
TEST = 'annotations/face_landmarks_300w_test.json'


@pytest.fixture()
def root(tmp_path):
    """A sound data set."""
    root = tmp_path / '300w'
    prepare_300w([write_300w(tmp_path / 'downloads')], root, allow_incomplete=True)
    return root


def kinds(result):
    return {finding.kind: finding for finding in result.findings}


def edit(root, name, change):
    content = json.loads((root / name).read_text())
    change(content)
    (root / name).write_text(json.dumps(content))


def test_sound_set(root):
    result = check_dataset(root)
    assert result.findings == [] and result.errors == result.warnings == 0
    assert result.images == 13 and len(result.files) == 5
    assert result.files[TRAIN] == dict(images=6, faces=6, landmarks='68')
    assert {line.name: line.found for line in result.counts} == COUNTS_300W
    table = result.table()
    assert TRAIN in table and '13 images read; 0 errors, 0 warnings' in table
    written = json.loads((root / 'check/check.json').read_text())
    assert written['errors'] == 0 and written['files'][TRAIN]['faces'] == 6
    sheet = cv2.imread(str(root / 'check/contact_sheet.png'))
    assert sheet.shape == (5 * (192 + 24), 8 * 192, 3)
    again = check_dataset(root, workers=2, out=root / 'elsewhere')  # its own output is no data
    assert again.findings == [] and again.files == result.files
    assert (root / 'elsewhere/check.json').exists()


def test_sheet_puts_landmarks_where_they_are(tmp_path):
    """A white dot on black, annotated; on the sheet, the green point lies on it."""
    image = np.zeros((100, 120, 3), np.uint8)
    image[40, 70] = 255
    root = tmp_path / 'dot'
    (root / 'images').mkdir(parents=True)
    cv2.imwrite(str(root / 'images/1.png'), image)
    corners = [(50, 20), (90, 60)]
    keypoints = [value for x, y in [(70, 40), *corners] for value in (x, y, 1)]
    (root / 'x_test.json').write_text(json.dumps(dict(
        images=[dict(id=1, file_name='1.png', width=120, height=100)],
        annotations=[dict(id=1, image_id=1, keypoints=keypoints, num_keypoints=3,
                          center=[70, 40], scale=0.2, bbox=[50, 20, 40, 40])])))
    check_dataset(root)
    tile = cv2.imread(str(root / 'check/contact_sheet.png'))[24:, :192].astype(int)
    green = (tile[..., 1] > 200) & (tile[..., 0] < 120)
    center = np.argwhere(green[60:130, 60:130]).mean(0) + 60
    # The pixel (70, 40) of a square of 50 pixels that begins at (45, 15), drawn at 192.
    np.testing.assert_allclose(center, (25.5 * 192 / 50 - 0.5, ) * 2, atol=1)


def test_missing_and_damaged_images(root):
    (root / 'images/afw/1051618982_1.jpg').unlink()
    cut = root / 'images/afw/111076519_1.jpg'
    cut.write_bytes(cut.read_bytes()[:-200])
    (root / 'images/afw/111076519_2.jpg').write_bytes(encoded(picture(99, 50, 40)))
    indoor = root / 'images/Test/01_Indoor/indoor_001.png'
    indoor.write_bytes(indoor.read_bytes()[:-100])
    found = kinds(check_dataset(root))
    assert found['image missing'].count == 1
    assert '1051618982_1' in found['image missing'].examples[0]
    assert found['image corrupt'].count == 1
    assert found['image of another size than the file says'].file == TRAIN
    result = check_dataset(root)
    assert result.errors == 4  # the two damaged ones belong to different files
    # Without decoding, only the header is seen.
    quick = kinds(check_dataset(root, decode=False))
    assert 'image missing' in quick and 'image corrupt' not in quick


def test_rotated_image(root):
    from PIL import Image
    path = root / 'images/afw/1051618982_1.jpg'
    with Image.open(path) as image:
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(path, exif=exif)
    result = check_dataset(root)
    assert kinds(result)['image with an EXIF rotation, which MMPose would apply'].count == 1
    assert result.errors == 0 and result.warnings == 1


def plant_duplicate_ids(content):
    content['annotations'][1]['id'] = content['annotations'][0]['id']


def plant_duplicate_image_ids(content):
    content['images'][1]['id'] = content['images'][0]['id']


def plant_nan(content):
    content['annotations'][2]['keypoints'][7] = float('nan')


def plant_empty_box(content):
    content['annotations'][2]['scale'] = 0.0


def plant_lost_box(content):
    del content['annotations'][2]['center'], content['annotations'][2]['bbox']


def plant_outside(content):
    content['annotations'][2]['keypoints'][0] = 64.0  # the last pixel's centre is 63


def plant_far_from_box(content):
    content['annotations'][2]['scale'] /= 2


def plant_67_points(content):
    del content['annotations'][2]['keypoints'][:3]


def plant_cut_triple(content):
    del content['annotations'][2]['keypoints'][0]


def plant_no_point(content):
    content['annotations'][2]['keypoints'][2::3] = [0] * 68


def plant_flag(content):
    content['annotations'][2]['keypoints'][2] = 7


def plant_stranger(content):
    content['annotations'][2]['image_id'] = 77777


@pytest.mark.parametrize('plant,kind,severity', [
    (plant_duplicate_ids, 'annotation id given more than once', 'error'),
    (plant_duplicate_image_ids, 'image id given more than once', 'error'),
    (plant_nan, 'landmark or flag not a finite number', 'error'),
    (plant_empty_box, 'box missing, empty or not finite', 'error'),
    (plant_lost_box, 'box missing, empty or not finite', 'error'),
    (plant_outside, 'landmark outside of the image', 'warning'),
    (plant_far_from_box, 'landmark outside of the enlarged box', 'warning'),
    (plant_67_points, 'faces with unequal numbers of landmarks', 'error'),
    (plant_cut_triple, 'keypoints missing or not triples of numbers', 'error'),
    (plant_no_point, 'no landmark annotated', 'error'),
    (plant_flag, 'flag other than 0, 1, 2', 'error'),
    (plant_stranger, 'annotation of an image that is not listed', 'error'),
])
def test_bad_records(root, plant, kind, severity):
    edit(root, TRAIN, plant)
    found = kinds(check_dataset(root))
    assert found[kind].severity == severity and found[kind].count == 1
    assert found[kind].file == TRAIN


def test_edge_of_the_image_is_inside(root):
    def change(content):
        content['annotations'][2]['keypoints'][:2] = [63.5, -0.5]

    edit(root, TRAIN, change)
    assert 'landmark outside of the image' not in kinds(check_dataset(root))


def test_same_file_in_training_and_test(root):
    """Renamed copies are found by their bytes."""
    content = (root / 'images/afw/1051618982_1.jpg').read_bytes()
    (root / 'images/Test/01_Indoor/indoor_002.png').write_bytes(content)

    def same_box(content):
        source = json.loads((root / TRAIN).read_text())['annotations'][0]
        content['annotations'][1].update(center=source['center'], scale=source['scale'])

    edit(root, TEST, same_box)
    found = kinds(check_dataset(root))
    finding = found['face in training and test (same file)']
    assert finding.severity == 'error' and finding.count == 1
    assert finding.examples == ['afw/1051618982_1.jpg = Test/01_Indoor/indoor_002.png']
    # Another face of the same image is only to be looked at.
    edit(root, TEST, lambda content: content['annotations'][1].update(center=[500, 500]))
    found = kinds(check_dataset(root))
    assert found['image in training and test, with different faces'].severity == 'warning'
    assert 'face in training and test (same file)' not in found


def test_same_picture_in_training_and_test(root):
    """A copy that was brightened, enlarged and encoded anew is found by its looks."""
    image = cv2.imread(str(root / 'images/afw/1051618982_1.jpg'))
    changed = np.clip(cv2.resize(image, None, fx=2, fy=2) * 0.8 + 20, 0, 255).astype(np.uint8)
    (root / 'images/Test/01_Indoor/indoor_002.png').write_bytes(encoded(changed, '.png'))

    def enlarge(content):
        source = json.loads((root / TRAIN).read_text())['annotations'][0]
        annotation = content['annotations'][1]
        annotation.update(center=[2 * value + 0.5 for value in source['center']],
                          scale=2 * source['scale'])
        content['images'][1].update(width=128, height=96)

    edit(root, TEST, enlarge)
    found = kinds(check_dataset(root))
    finding = found['face in training and test (looks the same)']
    assert finding.count == 1 and 'afw/1051618982_1.jpg = ' in finding.examples[0]


def test_video_in_training_and_test(tmp_path):
    root = tmp_path / 'vw'
    (root / '001/imgs').mkdir(parents=True)
    for split, frames in (('train', (1, 2)), ('test_3', (8, 9))):
        images, annotations = [], []
        for frame in frames:
            name = f'001/imgs/{frame:06d}.png'
            cv2.imwrite(str(root / name), picture(frame))
            images.append(dict(id=frame, file_name=name, width=64, height=48, sequence='001',
                               frame=frame))
            annotations.append(dict(id=frame, image_id=frame, keypoints=[20, 20, 1, 40, 40, 1],
                                    num_keypoints=2, center=[30, 30], scale=0.1,
                                    bbox=[20, 20, 20, 20]))
        (root / f'anno_300vw_{split}.json').write_text(
            json.dumps(dict(images=images, annotations=annotations)))
    result = check_dataset(root)
    assert kinds(result)['video in training and test'].examples == ['001 = 001']
    assert len(result.findings) == 1


def test_file_of_everything_is_no_test_set(root):
    """A file that lists training and test faces together leaks nothing by itself."""
    train, test = (json.loads((root / name).read_text()) for name in (TRAIN, TEST))
    both = dict(images=train['images'] + test['images'],
                annotations=train['annotations'] + test['annotations'])
    (root / 'anno_everything.json').write_text(json.dumps(both))
    assert check_dataset(root).findings == []


def test_file_that_is_cut_off(root):
    path = root / TRAIN
    path.write_text(path.read_text()[:-50])
    found = kinds(check_dataset(root))
    assert found['file is no JSON; it may be cut off'].file == TRAIN


def test_no_data_set(tmp_path):
    with pytest.raises(FileNotFoundError, match='no annotation file'):
        check_dataset(tmp_path)
    with pytest.raises(FileNotFoundError, match='is no folder'):
        check_dataset(tmp_path / 'nowhere')


def test_crop_repeats_the_border():
    image = np.arange(20, dtype=np.uint8).reshape(4, 5)
    square, first, scale = crop_square(image, (0, 0), 4, 4)
    assert first.tolist() == [-2, -2] and scale == 1
    np.testing.assert_array_equal(square, np.pad(image, 2, mode='edge')[:4, :4])


def test_correlations_against_numpy():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (3, 8, 8)), rng.integers(0, 256, (2, 8, 8))
    expected = np.corrcoef(a.reshape(3, -1), b.reshape(2, -1))[:3, 3:]
    np.testing.assert_allclose(correlations(a, b), expected, atol=1e-5)
    assert correlations(a, a // 2 + 50)[1, 1] > 0.999
    # A picture of one colour has no looks that others could have.
    assert correlations(np.full((1, 8, 8), 7), np.full((1, 8, 8), 9))[0, 0] == 0
