"""Films: every frame out that came in, and whatever is missing is told."""
import multiprocessing
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mmpose_wass.inference import films
from mmpose_wass.inference.films import FilmReader, FilmWriter, count_frames, has_ffmpeg

SIZE = (64, 48)
BACKENDS = [False, pytest.param(True, marks=pytest.mark.skipif(
    not has_ffmpeg(), reason='imageio-ffmpeg is not installed'))]


def frame(index, size=SIZE):
    """Grey that tells the number, with a gradient."""
    image = np.full((size[1], size[0], 3), 20 + 8 * index, np.uint8)
    image[:, :size[0] // 2] //= 2
    return image


def write(path, count=20, size=SIZE, rate=25, ffmpeg=False):
    writer = FilmWriter(path, rate, size, ffmpeg)
    for index in range(count):
        writer.write(frame(index, size))
    writer.close()
    return path


@pytest.mark.parametrize('ffmpeg', BACKENDS)
@pytest.mark.parametrize('name, size', [('a.mp4', SIZE), ('a.avi', SIZE), ('a.mkv', SIZE),
                                        ('odd.mp4', (65, 47))])
def test_round_trip(tmp_path, name, size, ffmpeg):
    path = write(tmp_path / 'new' / name, size=size, ffmpeg=ffmpeg)
    reader = FilmReader(path)
    frames = list(reader)
    assert [one.index for one in frames] == list(range(20)) and reader.problem == ''
    assert reader.rate == pytest.approx(25)
    assert reader.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    for one in frames:
        right = one.pixels[5:-5, size[0] // 2 + 5:-5]
        assert abs(right.mean() - 20 - 8 * one.index) < 4
    assert [one.seconds for one in frames] == pytest.approx(np.arange(20) / 25, abs=.045)
    assert [path.name for path in path.parent.iterdir()] == [name]  # nothing is left behind


def test_cut_off_film_is_told(tmp_path):
    path = write(tmp_path / 'a.avi', count=30)
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    reader = FilmReader(path)
    found = list(reader)
    assert 0 < len(found) < 30
    assert f'{path}: states 30 frames, {len(found)} could be decoded' in reader.problem
    assert f'{30 - len(found)} are missing' in reader.problem


@pytest.mark.parametrize('content, message', [
    (b'', 'is empty'), (b'no film at all' * 50, 'cannot be opened as a film')])
def test_what_is_no_film(tmp_path, content, message):
    path = tmp_path / 'a.mp4'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        FilmReader(path)
    with pytest.raises(FileNotFoundError, match='no such file'):
        FilmReader(tmp_path / 'b.mp4')


def test_no_such_camera():
    with pytest.raises(ValueError, match='camera 99 cannot be opened'):
        FilmReader(99)


@pytest.mark.parametrize('ffmpeg', BACKENDS)
def test_lost_frames_are_noticed(tmp_path, monkeypatch, ffmpeg):
    """A full disk: OpenCV goes on writing into nothing."""
    writer = FilmWriter(tmp_path / 'a.mp4', 25, SIZE, ffmpeg)
    for index in range(8):
        writer.write(frame(index))
    monkeypatch.setattr(films, 'count_frames', lambda path: count_frames(path) - 3)
    with pytest.raises(OSError, match='8 frames were written, the film holds 5'):
        writer.close()
    assert not (tmp_path / 'a.mp4').exists() and (tmp_path / '.a.part.mp4').exists()


def test_wrong_frames_and_names(tmp_path):
    with pytest.raises(ValueError, match='films are written as'):
        FilmWriter(tmp_path / 'a.gif', 25, SIZE)
    writer = FilmWriter(tmp_path / 'a.mp4', 25, SIZE, False)
    with pytest.raises(ValueError, match='frame 0 is 64 x 50, the film 64 x 48'):
        writer.write(frame(0, (64, 50)))
    writer.close()
    assert list(tmp_path.iterdir()) == []  # a film without frames is none
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError):
        FilmWriter(tmp_path / 'file/a.mp4', 25, SIZE, False)


STRANGE = os.fsdecode(b'caf\xe9_\xff')  # no UTF-8: OpenCV ends the process at such a name


@pytest.mark.parametrize('ffmpeg', BACKENDS)
@pytest.mark.parametrize('ending', ['.avi', '.mp4'])
def test_names_that_are_no_utf8(tmp_path, ending, ffmpeg):
    """Written and read back, in a process of its own, since it may die."""
    path = tmp_path / STRANGE / f'{STRANGE}{ending}'

    def round_trip():
        reader = FilmReader(write(path, ffmpeg=ffmpeg))
        whole = [one.index for one in reader if one.pixels is not None] == list(range(20))
        os._exit(0 if whole and not reader.problem else 3)

    child = multiprocessing.get_context('fork').Process(target=round_trip)
    child.start()
    child.join(600)
    assert child.exitcode == 0
    assert os.listdir(path.parent) == [path.name]
    assert not list(Path(tempfile.gettempdir()).glob('opencv_*/file*'))


def test_the_remedy_where_there_can_be_no_link(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError('links are not allowed')

    path = tmp_path / f'{STRANGE}.avi'
    path.write_bytes(b'any')
    monkeypatch.setattr(os, 'symlink', refuse)
    with pytest.raises(ValueError, match=r'caf\\udce9_\\udcff\.avi: this name is no UTF-8.*links '
                                         r'are not allowed\); rename the file'):
        FilmReader(path)
