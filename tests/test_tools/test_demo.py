"""tools/demo.py from the command line: images, films, lists; nothing lost, nothing silent."""
import csv
import io
import json
import logging
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import mmengine.logging
import numpy as np
import pytest
import torch
from PIL import Image
from test_inference.dot_model import BrightDetector, dots, face_at, write_dot_model
from test_tools.tiny_run import call_tool

from mmpose_wass.datasets.preparation.pts import read_pts
from mmpose_wass.inference import FilmReader, FilmWriter, read_records
from mmpose_wass.inference.detectors import FACE_DETECTORS
from mmpose_wass.inference.face_landmarker import FaceLandmarker
from mmpose_wass.inference.outputs import KINDS

SIZE = (200, 160)
FACES = {'a.jpg': [face_at(30, 40)], 'b.png': [face_at(20, 20), face_at(130, 90)], 'c.png': []}


@pytest.fixture(scope='module')
def dot_model(tmp_path_factory):
    return write_dot_model(tmp_path_factory.mktemp('dots'))


@pytest.fixture
def demo(dot_model, tmp_path, monkeypatch, capsys):
    """Run the tool with the dot model and a detector that knows its faces."""
    FACE_DETECTORS.register_module('bright', module=BrightDetector, force=True)

    def run(*arguments, model=dot_model):
        options = ['--config', model[0], '--checkpoint', model[1]] if model else []
        options += [] if '--device' in arguments else ['--device', 'cpu']
        detector = [] if '--detector' in arguments else ['--detector', 'bright']
        return call_tool('demo.py', *arguments, *options, *detector, monkeypatch=monkeypatch,
                         capsys=capsys, cwd=tmp_path)

    yield run
    FACE_DETECTORS.module_dict.pop('bright')


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    (folder / 'sub').mkdir(parents=True)
    for name, faces in FACES.items():
        place = folder / ('sub' if name == 'c.png' else '') / name
        options = [cv2.IMWRITE_JPEG_QUALITY, 98]
        cv2.imwrite(str(place), dots(SIZE, np.array(faces).reshape(-1, 3, 2)), options)
    return folder


def write_film(path, count=24, size=SIZE, empty=range(0)):
    writer = FilmWriter(path, 20, size, ffmpeg=False)
    for index in range(count):
        faces = [] if index in empty else face_at(20 + 3 * index, 40)
        writer.write(dots(size, np.array(faces).reshape(-1, 3, 2)))
    writer.close()
    return path


def test_folder(demo, photos, tmp_path):
    status, out, err = demo('photos', '--out', 'results', '--write', 'pictures', 'json', 'csv',
                            'pts')
    assert status == 0, err
    assert '3 frames: 2 with a face, 1 without, 0 unreadable; 3 faces' in out
    content = read_records(tmp_path / 'results/landmarks.json')
    assert content['counts']['frames'] == 3 and content['problems'] == []
    for frame in content['frames']:
        expected = FACES[Path(frame['source']).name]
        assert (frame['width'], frame['height']) == SIZE and len(frame['faces']) == len(expected)
        for face in frame['faces']:
            nearest = min(expected, key=lambda one: np.abs(one - face['landmarks']).max())
            np.testing.assert_allclose(face['landmarks'], nearest, atol=.6)
            assert face['covariance'].shape == (3, 3) and (face['confidence'] > .8).all()
    with open(tmp_path / 'results/landmarks.csv', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    row = next(row for row in rows if row['source'].endswith('a.jpg') and row['landmark'] == '1')
    assert float(row['x']) == pytest.approx(70, abs=.6) and float(row['deviation_major']) > 1
    np.testing.assert_allclose(read_pts(tmp_path / 'results/pts/a.pts', 3), FACES['a.jpg'][0],
                               atol=.6)
    assert {path.name for path in (tmp_path / 'results/pts').iterdir()} == {
        'a.pts', 'b.pts', 'b_2.pts'}
    pictures = {str(path.relative_to(tmp_path / 'results/pictures')): cv2.imread(str(path))
                for path in (tmp_path / 'results/pictures').rglob('*.*')}
    assert set(pictures) == {'a.jpg', 'b.png', 'sub/c.png'}
    # Without a face it is the picture as it was; with one it is drawn on.
    assert (pictures['sub/c.png'] == cv2.imread(str(photos / 'sub/c.png'))).all()
    assert (pictures['b.png'] != cv2.imread(str(photos / 'b.png'))).any()
    assert not list((tmp_path / 'results').rglob('*.part'))


def test_one_picture_into_one_file(demo, photos, tmp_path):
    status, out, err = demo('photos/b.png', '--out', 'new/drawn.png', '--numbers', '--no-boxes',
                            '--deviations', 3)
    assert status == 0, err
    assert {path.name for path in (tmp_path / 'new').iterdir()} == {
        'drawn.png', 'drawn.json', 'drawn.csv'}
    assert 'pictures: new/drawn.png' in out


def test_list_on_standard_input(demo, photos, monkeypatch):
    monkeypatch.setattr(sys, 'stdin', io.StringIO('photos/a.jpg\nphotos/missing.jpg\n'))
    status, out, err = demo('-', '--out', 'results')
    assert status == 1
    assert 'problem: photos/missing.jpg: no such file' in err
    assert '2 frames: 1 with a face, 0 without, 1 unreadable' in out


def test_names_that_are_no_utf8(demo, photos, tmp_path, monkeypatch):
    """They come from standard input, go into all results and come back from them."""
    found, missing = (os.fsdecode(name) for name in (b'photos/caf\xe9.jpg', b'photos/\xff.jpg'))
    (photos / 'a.jpg').rename(tmp_path / found)
    names = f'{found}\nphotos/b.png\n{missing}\n'
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(os.fsencode(names)), 'utf-8'))
    status, out, err = demo('-', '--out', 'results', '--write', *KINDS)
    assert status == 1 and r'problem: photos/\udcff.jpg: no such file' in err
    assert '3 frames: 2 with a face, 0 without, 1 unreadable' in out
    frames = read_records(tmp_path / 'results/landmarks.json')['frames']
    assert [frame['source'] for frame in frames] == [found, 'photos/b.png', missing]
    with open(tmp_path / 'results/landmarks.csv', encoding='utf-8', newline='') as file:
        assert [row['source'] for row in csv.DictReader(file)][::3] == [
            r'photos/caf\udce9.jpg', 'photos/b.png', 'photos/b.png']
    for folder, ending in (('pictures', 'jpg'), ('pts', 'pts')):
        name = f'{Path(found).stem}.{ending}'
        assert (tmp_path / 'results' / folder / name).is_file()
    # Its own results name the same file again.
    status, out, err = demo(found, '--boxes', 'results/landmarks.json', '--out', 'again.png')
    assert '1 frames: 1 with a face' in out
    assert 'are not among the inputs' in err  # of the other picture


def test_no_warning_on_the_screen(photos, tmp_path, root_dir):
    """In a process of its own: what is imported once warns once."""
    done = subprocess.run(
        [sys.executable, root_dir / 'tools/demo.py', 'photos/a.jpg', '--out', 'drawn.png'],
        cwd=tmp_path, capture_output=True, text=True, timeout=900,
        env=dict(os.environ, PYTHONPATH=str(root_dir)))
    assert done.returncode == 0, done.stderr
    assert 'WARNING' not in done.stdout + done.stderr


def test_detectors_are_found_without_a_warning(monkeypatch):
    """MMEngine warns where a registry does not say in which modules its members are."""
    told = []
    monkeypatch.setattr(mmengine.logging, 'print_log',
                        lambda text, logger=None, level=logging.INFO: told.append((level, text)))
    monkeypatch.setattr(FACE_DETECTORS, '_imported', False)
    assert FACE_DETECTORS.get('yunet') is not None
    assert told and max(level for level, _ in told) < logging.WARNING


def test_damaged_pictures_are_told_and_the_rest_goes_on(demo, photos, tmp_path):
    (photos / 'd.jpg').write_bytes((photos / 'a.jpg').read_bytes()[:900])
    (photos / 'e.png').write_bytes(b'')
    (photos / 'f.jpg').write_text('no picture')
    status, out, err = demo('photos', '--out', 'results', '--quiet')
    assert status == 1 and out == ''
    problems = [line for line in err.splitlines() if line.startswith('problem: ')]
    assert len(problems) == 3
    for name, line in zip(('d.jpg', 'e.png', 'f.jpg'), problems):
        assert line.startswith(f'problem: photos/{name}: ')
    content = read_records(tmp_path / 'results/landmarks.json')
    assert content['counts']['unreadable'] == 3 and content['counts']['faces'] == 3
    assert [f'problem: {text}' for text in content['problems']] == problems
    assert [frame['source'] for frame in content['frames']] == [
        f'photos/{name}' for name in ('a.jpg', 'b.png', 'd.jpg', 'e.png', 'f.jpg', 'sub/c.png')]
    assert [frame['problem'] for frame in content['frames'] if 'problem' in frame] \
        == content['problems']
    assert content['frames'][2] == dict(source='photos/d.jpg', frame=0, faces=[],
                                        problem=content['problems'][0])
    assert 'Traceback' not in err


def test_held_turned(demo, tmp_path):
    """A photograph with EXIF orientation: landmarks in the upright picture, which is written."""
    upright = dots(SIZE, face_at(30, 40))[..., ::-1]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(
        tmp_path / 'a.jpg', exif=exif, quality=98)
    assert demo('a.jpg', '--out', 'b.jpg')[0] == 0
    face = read_records(tmp_path / 'b.json')['frames'][0]['faces'][0]
    np.testing.assert_allclose(face['landmarks'], face_at(30, 40), atol=.6)
    assert cv2.imread(str(tmp_path / 'b.jpg')).shape[:2] == SIZE[::-1]


@pytest.mark.parametrize('every', [1, 10])
def test_film(demo, tmp_path, every):
    """As many frames out as came in; those without a face are written as they are."""
    film = write_film(tmp_path / 'film.mp4', empty=range(9, 15))
    status, out, err = demo('film.mp4', '--out', 'drawn.mp4', '--detect-every', every)
    assert status == 0, err
    assert '24 frames: 18 with a face, 6 without, 0 unreadable; 18 faces' in out
    before, after = list(FilmReader(film)), list(FilmReader(tmp_path / 'drawn.mp4'))
    assert len(before) == len(after) == 24
    assert FilmReader(tmp_path / 'drawn.mp4').rate == pytest.approx(20)
    content = read_records(tmp_path / 'drawn.json')
    assert [frame['frame'] for frame in content['frames']] == list(range(24))
    tracks = set()
    for index, frame in enumerate(content['frames']):
        assert len(frame['faces']) == (0 if index in range(9, 15) else 1)
        for face in frame['faces']:
            np.testing.assert_allclose(face['landmarks'], face_at(20 + 3 * index, 40), atol=1)
            tracks.add(face.get('track'))
        assert frame['seconds'] == pytest.approx(index / 20, abs=.06)
    assert tracks == ({None} if every == 1 else {0, 1})
    assert after[10].pixels.max() < 40 < after[0].pixels.max()


def test_film_with_given_boxes_and_limit(demo, tmp_path):
    write_film(tmp_path / 'film.mp4')
    with open(tmp_path / 'boxes.csv', 'w', encoding='utf-8') as file:
        file.write('file_name,frame,left,top,width,height\n')
        file.writelines(f'film.mp4,{index},{20 + 3 * index},40,40,40\n' for index in (0, 2, 3))
    status, out, err = demo('film.mp4', '--out', 'results', '--boxes', 'boxes.csv', '--limit', 5,
                            '--write', 'pictures', 'json', 'pts')
    assert status == 0, err
    assert '5 frames: 3 with a face, 2 without' in out
    assert {path.name for path in (tmp_path / 'results/pts/film').iterdir()} == {
        '000000.pts', '000002.pts', '000003.pts'}
    assert len(list(FilmReader(tmp_path / 'results/film.mp4'))) == 5


def test_cut_off_film(demo, tmp_path):
    film = write_film(tmp_path / 'film.avi')
    film.write_bytes(film.read_bytes()[:film.stat().st_size // 2])
    status, out, err = demo('film.avi', '--out', 'results')
    found = len(list(FilmReader(film)))
    assert status == 1 and f'states 24 frames, {found} could be decoded' in err
    assert len(list(FilmReader(tmp_path / 'results/film.mp4'))) == found > 0
    (tmp_path / 'none.mp4').write_bytes(b'nothing')
    status, out, err = demo('none.mp4', '--out', 'results')
    assert status == 1 and 'none.mp4: cannot be opened as a film' in err


def test_frames_that_cannot_be_decoded_keep_their_place(demo, tmp_path, monkeypatch):
    write_film(tmp_path / 'film.mp4')
    whole = FilmReader.__iter__

    def broken(self):
        for frame in whole(self):
            yield frame._replace(pixels=None) if frame.index in (0, 1, 7) else frame

    monkeypatch.setattr(FilmReader, '__iter__', broken)
    status, out, err = demo('film.mp4', '--out', 'results')
    monkeypatch.undo()
    assert status == 1 and '24 frames: 21 with a face, 0 without, 3 unreadable' in out
    assert 'film.mp4: frame 7 cannot be decoded' in err
    assert len(list(FilmReader(tmp_path / 'results/film.mp4'))) == 24
    frames = read_records(tmp_path / 'results/landmarks.json')['frames']
    assert [frame['frame'] for frame in frames] == list(range(24))
    assert {frame['frame']: frame['problem'] for frame in frames if 'problem' in frame} == {
        index: f'film.mp4: frame {index} cannot be decoded; the film is damaged there'
        for index in (0, 1, 7)}
    assert all(bool(frame['faces']) != ('problem' in frame) for frame in frames)


def test_given_boxes(demo, photos, tmp_path):
    (tmp_path / 'boxes.json').write_text(json.dumps([
        dict(file_name='a.jpg', bbox=[30, 40, 40, 40], score=.5),
        dict(file_name='b.png', bbox=[500, 0, 40, 40]),
        dict(file_name='nowhere.png', bbox=[0, 0, 40, 40])]))
    status, out, err = demo('photos', '--boxes', 'boxes.json', '--out', 'results')
    assert status == 1
    assert 'problem: photos/b.png: box 0 (500, 0, 540, 40): lies outside the image' in err
    assert 'boxes of 1 images that are not among the inputs, such as nowhere.png' in err
    assert '3 frames: 1 with a face, 2 without, 0 unreadable, 1 with boxes that do not fit' in out
    content = read_records(tmp_path / 'results/landmarks.json')
    face, = [face for frame in content['frames'] for face in frame['faces']]
    assert [frame.get('problem', '') in content['problems'] for frame in content['frames']] == [
        False, True, False]
    assert face['box'].tolist() == [30, 40, 70, 80] and face['box_score'] == .5
    # Its own results are boxes, too.
    status, out, err = demo('photos/a.jpg', '--boxes', 'results/landmarks.json', '--out', 'again')
    assert status == 0, err
    status, out, err = demo('photos/a.jpg', '--box', 30, 40, 40, 40, '--out', 'third')
    assert status == 0, err
    again, third = (read_records(tmp_path / name / 'landmarks.json')['frames'][0]['faces'][0]
                    for name in ('again', 'third'))
    np.testing.assert_array_equal(again['landmarks'], face['landmarks'])
    np.testing.assert_array_equal(third['landmarks'], face['landmarks'])


def test_interrupted_run_keeps_what_was_done(demo, photos, tmp_path, monkeypatch):
    write_film(tmp_path / 'film.mp4')
    predict, calls = FaceLandmarker.predict, []

    def interrupt(self, *arguments):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return predict(self, *arguments)

    monkeypatch.setattr(FaceLandmarker, 'predict', interrupt)
    status, out, err = demo('photos', 'film.mp4', '--out', 'results')
    assert status == 130 and 'interrupted: the results hold what was done' in err
    content = read_records(tmp_path / 'results/landmarks.json')
    assert content['counts']['interrupted'] is True
    frames = [frame for frame in content['frames'] if frame['source'] == 'film.mp4']
    assert len(content['frames']) == 3 + len(frames) and len(frames) > 2
    assert len(list(FilmReader(tmp_path / 'results/film.mp4'))) == len(frames)


@pytest.mark.parametrize('arguments, problem', [
    (('photos/a.jpg', '--box', 30, 40, 40, 40), 'photos/a.jpg: landmarks of 1 faces are'),
    (('photos/a.jpg', ), 'photos/a.jpg: landmarks of 1 faces are'),
    (('photos/a.jpg', '--min-confidence', .9), 'photos/a.jpg: landmarks of 1 faces are'),
    (('film.mp4', ), 'film.mp4, from frame 2 on: landmarks of 6 faces are'),
    (('film.mp4', '--detect-every', 1), 'film.mp4, from frame 2 on: landmarks of 6 faces are'),
])
def test_landmarks_that_are_not_finite(demo, photos, dot_model, tmp_path, arguments, problem):
    """Of a damaged checkpoint: they are never taken for a picture without a face."""
    write_film(tmp_path / 'film.mp4', 8, empty=range(2))
    content = torch.load(dot_model[1])
    content['state_dict']['head.final_layer.bias'].fill_(float('nan'))
    torch.save(content, tmp_path / 'nan.pth')
    status, out, err = demo(*arguments, '--out', 'results', '--write', *KINDS,
                            model=(dot_model[0], str(tmp_path / 'nan.pth')))
    assert status == 1 and err.count('problem: ') == 1
    assert f'problem: {problem} not finite: is the checkpoint sound?' in err
    text = (tmp_path / 'results/landmarks.json').read_text()
    frames = json.loads(text)['frames']
    assert 'NaN' not in text and [len(frame['faces']) for frame in frames] == (
        [1] if len(frames) == 1 else [0, 0] + [1] * 6)
    face = frames[-1]['faces'][0]
    assert face['landmarks'][0][0] is None and 'track' not in face
    face = read_records(tmp_path / 'results/landmarks.json')['frames'][-1]['faces'][0]
    assert np.isnan(face['landmarks']).all()


def test_full_disk(demo, photos, tmp_path, monkeypatch):
    """One message, and what was found until then can be read line by line."""
    from mmpose_wass.inference import outputs
    written = []

    def full(path, content):
        written.append(path)
        if len(written) == 2:
            raise OSError(28, 'No space left on device', str(path))

    monkeypatch.setattr(outputs, 'write_bytes', full)
    status, out, err = demo('photos', '--out', 'results')
    assert status == 1 and 'No space left on device' in err and 'b.png' in err
    assert 'Traceback' not in err
    assert not (tmp_path / 'results/landmarks.json').exists()
    lines = (tmp_path / 'results/landmarks.json.part').read_text().splitlines()
    assert json.loads(lines[1].rstrip(','))['source'] == 'photos/a.jpg'


@pytest.mark.parametrize('arguments, message', [
    (('nowhere', '--config', 'a.py'), '--config and --checkpoint go together'),
    (('photos', '--detector', 'eyes'), 'invalid choice'),
    (('photos', '--detector', 'yunet'), '--detector yunet needs --detector-model'),
    (('photos', '--detector', 'mmdet'), '--detector mmdet needs --detector-config'),
    (('photos', '--boxes', 'none.json'), 'none.json: no such file of boxes'),
    (('photos', '--boxes', 'a', '--box', 1, 2, 3, 4), 'give --boxes or --box, not both'),
    (('photos', '--limit', 0), '--limit must be at least 1'),
    (('photos', '--out', 'drawn.png'), 'one file for 3 inputs'),
    (('photos/a.jpg', '--out', 'drawn.mp4'), 'the input is a picture'),
    (('photos/a.jpg', '--out', 'photos/a.jpg'), 'is the input itself'),
    (('photos/*.gif', ), 'no file fits this pattern'),
    (('photos/a.jpg', '--out', 'drawn.gif'), '.gif cannot be written; films are written as .mp4, '),
    (('photos', '--out', 'drawn.webm'), '.webm cannot be written; films are written as .mp4, '),
    (('photos', '--device', 'foo'), "error: device 'foo': torch "),
    (('photos', '--device', 'cuda:99'), 'or leave --device (device=) out'),
    (('photos', '--write', 'xml'), 'invalid choice'),
])
def test_errors_say_what_to_do(demo, photos, dot_model, arguments, message):
    model = None if '--config' in arguments else dot_model
    status, out, err = demo(*arguments, model=model)
    assert status != 0 and message in err and 'Traceback' not in err
    assert not list(Path().glob('drawn*'))


def test_documented_commands_are_understood(root_dir, monkeypatch):
    """Options and values of every example, on the page and in the tool's own help."""
    tool = runpy.run_path(str(root_dir / 'tools/demo.py'))
    page = (root_dir / 'docs/inference.md').read_text(encoding='utf-8')
    text = (page + tool['EXAMPLES']).replace('\\\n', ' ')
    commands = re.findall(r'python tools/demo\.py (.*)', text)
    assert len(commands) > 12
    for command in commands:
        args = tool['parse_args'](shlex.split(command, comments=True))
        assert args.out != 'work_dirs/demo'
    # What the page names exists.
    import mmpose_wass.inference as inference
    for name in ('read_records', 'draw_faces', 'FaceTracker', 'FilmReader', 'FilmWriter',
                 'read_image', 'FACE_DETECTORS', 'Boxes'):
        assert name in page and hasattr(inference, name)


def test_help_has_examples(demo):
    status, out, _ = demo('--help')
    assert status == 0 and 'python tools/demo.py photo.jpg --out' in out
