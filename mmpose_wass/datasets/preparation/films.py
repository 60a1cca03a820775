"""The frames of a film as image files, and their landmarks."""
from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import FrozenSet, List, Optional, Tuple

import cv2
import numpy as np

from mmpose_wass.datasets.synthetic.folder import write_bytes, write_json
from mmpose_wass.engine.opencv_path import opencv_path

from .images import remove_leftovers
from .parallel import advance
from .pts import read_pts

LANDMARKS = 68
FILM = 'vid.avi'
_VERSION = 1  # to be raised whenever the record of a finished film changes its meaning


@dataclass(frozen=True)
class FilmTask:
    """A film to take apart.

    Attributes:
        video: Name of the video.
        folder: Its folder, with ``vid.avi`` and ``annot``.
        root: Folder that ``<video>/imgs`` is written to.
        broken: Frames to leave out, counted from 1.
        image_format: ``png`` or ``jpg``.
        quality: Of JPEG.
    """

    video: str
    folder: Path
    root: Path
    broken: FrozenSet[int]
    image_format: str
    quality: int

    def annotations(self) -> List[Tuple[int, Path]]:
        """Numbers of the annotated frames with their files, in order."""
        files = [(int(path.stem), path) for path in (self.folder / 'annot').iterdir()
                 if path.suffix.lower() == '.pts' and path.stem.isdigit()]
        return sorted(files)

    def count_annotations(self) -> int:
        """Number of annotated frames, broken ones included."""
        return len(self.annotations())

    def image(self, frame: int) -> Path:
        """Where a frame goes."""
        return self.root / self.video / 'imgs' / f'{frame:06d}.{self.image_format}'


@dataclass
class FilmResult:
    """What became of a film.

    Attributes:
        video: Name of the video.
        width: Width of its frames in pixels.
        height: Height of its frames in pixels.
        frames: Numbers of the N frames written.
        landmarks: ``[N, 68, 2]`` in pixels.
        broken: Number of annotated frames left out as broken.
        gaps: Number of frames between the first and the last that have no annotation.
        without_annotation: Number of frames of the film after the last annotation.
        problems: (kind, what) of what could not be used.
    """

    video: str
    width: int = 0
    height: int = 0
    frames: List[int] = field(default_factory=list)
    landmarks: np.ndarray = field(default_factory=lambda: np.zeros((0, LANDMARKS, 2)))
    broken: int = 0
    gaps: int = 0
    without_annotation: int = 0
    problems: List[Tuple[str, str]] = field(default_factory=list)


def extract_film(task: FilmTask, progress_folder: Path) -> FilmResult:
    """Write a film's annotated frames; a film that was done before is not opened again.

    Args:
        task: The film.
        progress_folder: Where finished films are noted.

    Returns:
        FilmResult: Frames and landmarks; problems are noted in it, not raised.
    """
    annotations = task.annotations()
    numbers = [frame for frame, _ in annotations]
    note = progress_folder / f'{task.video}.json'
    key = _key(task, annotations)
    result = FilmResult(task.video)
    wanted = {}
    for frame, path in annotations:
        if frame in task.broken:
            result.broken += 1
            continue
        try:
            wanted[frame] = read_pts(path, LANDMARKS)
        except ValueError as error:
            result.problems.append(('annotation unusable', str(error)))
    finished = _finished(note, key, task)
    if finished is not None and not result.problems:
        advance(len(numbers))
        finished.landmarks = np.stack([wanted[frame] for frame in finished.frames])
        return finished
    if numbers:
        result.gaps = numbers[-1] - numbers[0] + 1 - len(set(numbers))
    else:
        result.problems.append(('no annotation', f'{task.folder / "annot"} holds no .pts files'))
    remove_leftovers(task.image(0).parent)
    _decode(task, wanted, len(numbers), result)
    if not result.problems:
        record = asdict(result)
        del record['landmarks']  # they are read again, in little time
        write_json(note, dict(key=key, result=record))
    return result


def _decode(task: FilmTask, wanted: dict, steps: int, result: FilmResult) -> None:
    film = task.folder / FILM
    capture = None
    if film.is_file():
        with opencv_path(film) as name:
            capture = cv2.VideoCapture(name)
    if capture is None or not capture.isOpened():
        what = 'cannot be opened as a film: it is truncated or damaged, or OpenCV lacks its codec' \
            if film.is_file() else 'does not exist'
        result.problems.append(('film unreadable', f'{film} {what}; take the archive apart again'))
        advance(steps)
        return
    last, frame, counted, points = max(wanted, default=0), 0, 0, []
    try:
        while capture.grab():
            frame += 1
            if frame > last:
                result.without_annotation += 1
                continue
            if frame in wanted:
                if not _save(capture, task, frame, result):
                    break
                result.frames.append(frame)
                points.append(wanted[frame])
                counted += 1
                advance()
    finally:
        capture.release()
    advance(max(0, steps - counted))
    if points:
        result.landmarks = np.stack(points)
    missing = sorted(set(wanted) - set(result.frames))
    if missing and not frame:
        result.problems.append(('film unreadable', f'{film}: no frame can be decoded; take the '
                                'archive apart again'))
    elif missing:
        result.problems.append((
            'film shorter than its annotations',
            f'{film}: {frame} frames can be decoded, but frames {missing[0]} … {missing[-1]} '
            f'({len(missing)} of them) are annotated; it may be truncated: take the archive apart '
            'again'))


def _save(capture, task: FilmTask, frame: int, result: FilmResult) -> bool:
    """Decode and write the grabbed frame; returns whether it could be decoded."""
    path = task.image(frame)
    if path.exists() and result.width:  # files appear whole, so this one is
        return True
    done, image = capture.retrieve()
    if not done or image is None:
        return False
    result.height, result.width = image.shape[:2]
    if not path.exists():
        options = [cv2.IMWRITE_JPEG_QUALITY, task.quality] if task.image_format == 'jpg' else []
        coded, content = cv2.imencode(f'.{task.image_format}', image, options)
        if not coded:
            raise OSError(f'OpenCV could not encode {path}')
        write_bytes(path, content.tobytes())
    return True


def _key(task: FilmTask, annotations: List[Tuple[int, Path]]) -> str:
    """Tells whether a film was finished with the same input and settings."""
    film = task.folder / FILM
    size = film.stat().st_size if film.is_file() else -1
    content = [_VERSION, size, [(frame, path.stat().st_size) for frame, path in annotations],
               sorted(task.broken), task.image_format, task.quality]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _finished(note: Path, key: str, task: FilmTask) -> Optional[FilmResult]:
    """Result of an earlier run, if all its frames are there."""
    try:
        record = json.loads(note.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    if record.get('key') != key:
        return None
    result = FilmResult(**record['result'])
    return result if all(task.image(frame).exists() for frame in result.frames) else None
