"""Boxes that the user brings, and what the inputs name."""
import json

import numpy as np
import pytest

from mmpose_wass.inference import GivenBoxes, find_sources
from mmpose_wass.inference.sources import FilmSource, ImageSource


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_forms_of_files(tmp_path):
    listed = write(tmp_path / 'a.json', [
        dict(file_name='x/a.jpg', bbox=[1, 2, 3, 4], score=.5),
        dict(file_name='x/a.jpg', bbox=[5, 6, 7, 8]), dict(file_name='b.jpg', bbox=[0, 0, 1, 1])])
    coco = write(tmp_path / 'coco.json', dict(
        images=[dict(id=3, file_name='x/a.jpg'), dict(id=4, file_name='b.jpg')],
        annotations=[dict(image_id=3, bbox=[1, 2, 3, 4]), dict(image_id=3, bbox=[5, 6, 7, 8])]))
    table = write(tmp_path / 'a.csv',
                  'file_name,left,top,width,height,score\nx/a.jpg,1,2,3,4,.5\nx/a.jpg,5,6,7,8,\n')
    for path in (listed, coco, table):
        boxes = GivenBoxes(path).of('/data/x/a.jpg')
        assert boxes.corners.tolist() == [[1, 2, 4, 6], [5, 6, 12, 14]]
        assert boxes.scores.tolist() == ([1, 1] if path == coco else [.5, 1])
    boxes = GivenBoxes(listed)
    assert len(boxes.of('other.jpg').scores) == 0 and len(boxes.of('y/a.jpg').scores) == 0
    assert len(boxes.of('a.jpg').scores) == 2  # the shorter path, the same end
    assert boxes.unused() == ['b.jpg']


def test_frames_of_films(tmp_path):
    path = write(tmp_path / 'a.csv', 'file_name,frame,left,top,width,height\nf.mp4,0,1,1,2,2\n'
                 'f.mp4,7,2,2,2,2\n')
    boxes = GivenBoxes(path)
    assert boxes.of('films/f.mp4', 7).corners.tolist() == [[2, 2, 4, 4]]
    assert len(boxes.of('films/f.mp4', 1).corners) == 0 and boxes.unused() == []


def test_two_names_that_fit(tmp_path):
    path = write(tmp_path / 'a.json', [dict(file_name=f'{folder}/a.jpg', bbox=[0, 0, 1, 1])
                                       for folder in 'xy'])
    with pytest.raises(ValueError, match='both of x/a.jpg, y/a.jpg fit a.jpg'):
        GivenBoxes(path).of('a.jpg')


@pytest.mark.parametrize('name, content, message', [
    ('a.json', '{', 'is no JSON'),
    ('a.json', '3', 'A file of boxes is one of'),
    ('a.json', [dict(image_id=3, bbox=[1, 2, 3, 4])], 'box 0: needs file_name and bbox'),
    ('a.json', [dict(file_name='a', bbox=[1, 2, 3])], 'box 0: bbox must be four numbers'),
    ('a.json', [dict(file_name='a', bbox=[1, 2, 0, 3])], 'box 0: bbox is .left, top, width'),
    ('a.json', [dict(file_name='a', bbox=[1, 2, 4, 3], frame=-1)], 'frame must be a whole number'),
    ('a.json', [dict(file_name=7, bbox=[1, 2, 4, 3])], 'file_name must be the name'),
    ('a.csv', 'file_name,left\n', 'has no column top, width, height'),
    ('a.csv', 'file_name,left,top,width,height\na,1,2,x,4\n', 'line 2: bbox must be four numbers'),
    ('a.csv', 'file_name,left,top,width,height\na,1,2\n', 'line 2: bbox must be four numbers'),
])
def test_wrong_files(tmp_path, name, content, message):
    with pytest.raises(ValueError, match=message):
        GivenBoxes(write(tmp_path / name, content))
    with pytest.raises(FileNotFoundError, match='no such file of boxes'):
        GivenBoxes(str(tmp_path / 'nothing.json'))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    for name in ('a.jpg', 'b.PNG', 'c.txt', 'sub/a.jpg', 'sub/film.mp4', '.hidden.jpg'):
        (tmp_path / 'photos' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'photos' / name).write_bytes(b'')
    monkeypatch.chdir(tmp_path)


def names(found):
    return [source.name for source in found[0]]


def test_folder(photos):
    found = find_sources(['photos'])
    assert names(found) == ['a', 'b', 'sub/a', 'sub/film']
    assert [source.is_film for source in found[0]] == [False, False, False, True]
    assert found[1] == ['photos: 1 files are neither pictures nor films by their endings, and were '
                        'left aside']
    assert names(find_sources(['photos'], recursive=False)) == ['a', 'b']


def test_pattern_list_and_camera(photos):
    assert names(find_sources(['photos/**/*.jpg'])) == ['a', 'sub/a']
    found = find_sources(['-'], ['# mine\n', 'photos/a.jpg\n', '\n', 'photos/missing.jpg\n'])
    assert names(found) == ['a', 'missing'] and isinstance(found[0][0], ImageSource)
    camera, = find_sources(['webcam:2'])[0]
    assert isinstance(camera, FilmSource) and camera.path == 'webcam:2' and camera.total is None


def test_names_do_not_collide(photos):
    found = find_sources(['photos/a.jpg', 'photos/sub/a.jpg', 'photos/A.jpg', '../../a.jpg'])
    assert names(found) == ['a', 'a_2', 'A_3', 'a_4']


def test_nothing_found(photos, tmp_path):
    (tmp_path / 'empty').mkdir()
    for inputs, message in ((['empty'], 'holds no picture and no film'),
                            (['photos/*.gif'], 'no file fits this pattern'),
                            (['-'], 'the list on standard input is empty')):
        with pytest.raises(FileNotFoundError, match=message):
            find_sources(inputs, ['\n'])


def test_missing_image_is_a_frame_that_cannot_be_read(photos):
    source, = find_sources(['photos/missing.jpg'])[0]
    frame, = source.frames()
    assert frame.pixels is None and frame.problem == 'photos/missing.jpg: no such file'


def test_boxes_of_own_results(tmp_path):
    """What tools/demo.py wrote can be given back to it."""
    path = write(tmp_path / 'landmarks.json', dict(frames=[
        dict(source='f.mp4', frame=2, faces=[dict(box=[1, 2, 4, 6], box_score=.5)])]))
    boxes = GivenBoxes(path).of('f.mp4', 2)
    np.testing.assert_array_equal(boxes.corners, [[1, 2, 4, 6]])
    assert boxes.scores.tolist() == [.5]
