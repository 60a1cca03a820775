"""Where results go: drawn images, films, tables."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..datasets.synthetic.folder import write_bytes
from .face import LandmarkedFace
from .films import FILM_SUFFIXES, FilmWriter
from .images import IMAGE_SUFFIXES
from .overlay import draw_faces
from .records import Records, write_face_pts
from .sources import FilmSource, Frame, Source
from .uncertainty import DEVIATIONS

KINDS = ('pictures', 'json', 'csv', 'pts')
_KEPT_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff')
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class DrawingOptions:
    """How faces are drawn, see :func:`~.overlay.draw_faces`."""
    deviations: float = DEVIATIONS
    boxes: bool = True
    numbers: bool = False
    size: float = 1.0


@dataclass
class Outputs:
    """Writes what was found.

    A folder gets ``pictures/<name>.<ending>`` and ``<name>.mp4``, ``landmarks.json``,
    ``landmarks.csv`` and ``pts/<name>.pts`` (a second face ``<name>_2.pts``, films
    ``pts/<name>/000017.pts``). Where ``single`` is set, the only picture or film goes there, and
    the tables beside it under its name.

    Args:
        folder: Where to write.
        kinds: What to write, of :data:`KINDS`.
        drawing: How faces are drawn.
        head: What stands in the JSON before the frames.
        names: Names of the landmarks.
        single: File of the only picture or film.
        show: Whether to show pictures in a window.
        ffmpeg: See :class:`~.films.FilmWriter`.
    """
    folder: Path
    kinds: Sequence[str] = ('pictures', 'json', 'csv')
    drawing: DrawingOptions = DrawingOptions()
    head: Dict[str, Any] = field(default_factory=dict)
    names: Sequence[str] = ()
    single: Optional[Path] = None
    show: bool = False
    ffmpeg: Optional[bool] = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise ValueError(f'unknown outputs {", ".join(unknown)}; there are {", ".join(KINDS)}')
        self.folder = Path(self.folder)
        stem = 'landmarks' if self.single is None else self.single.stem
        tables = [self.folder / f'{stem}.{kind}' if kind in self.kinds else None
                  for kind in ('json', 'csv')]
        self.records = Records(*tables, self.head, self.names)
        #: Files written, by kind.
        self.written: Dict[str, List[str]] = {
            kind: [str(path)] for kind, path in zip(('json', 'csv'), tables) if path is not None}
        self.stopped = False
        self._film: Optional[FilmWriter] = None
        self._last: Optional[np.ndarray] = None
        self._waiting = 0

    def add(self, source: Source, frame: Frame, faces: Sequence[LandmarkedFace]) -> None:
        """Write a frame; one that could not be read has no faces and says why, and shows the
        picture before it in a film.

        Raises:
            OSError: If something cannot be written.
        """
        size = None if frame.pixels is None else frame.pixels.shape[1::-1]
        self.records.add(source.path, frame.index, frame.seconds, size, faces, frame.problem)
        if frame.pixels is None:
            if source.is_film:
                self._add_unreadable(source)
            return
        if 'pts' in self.kinds:
            for number, face in enumerate(faces):
                self._write_pts(source, frame, number, face)
        if 'pictures' not in self.kinds and not self.show:
            return
        picture = draw_faces(frame.pixels, faces, self.drawing.deviations, self.drawing.boxes,
                             self.drawing.numbers, self.drawing.size)
        if 'pictures' in self.kinds:
            if source.is_film:
                self._add_to_film(source, picture)
            else:
                self._write_picture(source, picture)
        if self.show:
            self._show(source, picture)

    def finish_source(self, source: Source) -> None:
        """After the last frame of a source: its film is closed.

        Raises:
            OSError: If the film does not hold what was written.
        """
        film, self._film, self._last, self._waiting = self._film, None, None, 0
        if film is not None:
            film.close()
            self.written.setdefault('films', []).append(str(film.path))

    def close(self, tail: Dict[str, Any]) -> None:
        """Finish all files.

        Args:
            tail: What stands in the JSON after the frames.
        """
        if self._film is not None:
            self.finish_source(None)
        self.records.close(tail)
        if self.show:
            cv2.destroyAllWindows()

    def abandon(self) -> None:
        """After an error: what was written stays, under its ``.part`` names."""
        self.records.abandon()
        if self.show:
            cv2.destroyAllWindows()

    def _write_picture(self, source: Source, picture: np.ndarray) -> None:
        suffix = Path(source.path).suffix.lower()
        if self.single is not None:
            path = self.single
        else:
            path = self.folder / 'pictures' / (
                source.name + (suffix if suffix in _KEPT_SUFFIXES else '.png'))
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] \
            if path.suffix.lower() in ('.jpg', '.jpeg') else []
        coded, content = cv2.imencode(path.suffix, picture, options)
        if not coded:
            raise OSError(f'{path}: OpenCV cannot write this kind of picture')
        write_bytes(path, content.tobytes())
        self.written.setdefault('pictures', []).append(str(path))

    def _write_pts(self, source: Source, frame: Frame, number: int, face: LandmarkedFace) -> None:
        if self.single is not None and not source.is_film:
            stem = self.single.with_suffix('')
        else:
            stem = self.folder / 'pts' / source.name
            stem = stem / f'{frame.index:06d}' if source.is_film else stem
        path = stem.with_name(stem.name + (f'_{number + 1}' if number else '') + '.pts')
        write_face_pts(path, face)
        self.written.setdefault('pts', []).append(str(path))

    def _add_to_film(self, source: FilmSource, picture: np.ndarray) -> None:
        if self._film is None:
            path = self.single or self.folder / f'{source.name}.mp4'
            self._film = FilmWriter(path, source.rate, picture.shape[1::-1], self.ffmpeg)
            for _ in range(self._waiting):
                self._film.write(picture)
            self._waiting = 0
        if picture.shape[1::-1] != self._film.size:  # some cameras and streams change
            picture = cv2.resize(picture, self._film.size, interpolation=cv2.INTER_AREA)
        self._film.write(picture)
        self._last = picture

    def _add_unreadable(self, source: FilmSource) -> None:
        if 'pictures' not in self.kinds:
            return
        if self._film is None:
            self._waiting += 1
        else:
            self._film.write(self._last)

    def _show(self, source: Source, picture: np.ndarray) -> None:
        try:
            cv2.imshow('mmpose_wass', picture)
            key = cv2.waitKey(1 if source.is_film else 0) & 0xFF
        except cv2.error as error:
            raise OSError('no window can be shown here (no display, or OpenCV without windows: '
                          'opencv-python-headless); leave out --show') from error
        self.stopped = key in (27, ord('q'))  # Escape


def single_file(out: str, sources: Sequence[Source]) -> Tuple[Path, Optional[Path]]:
    """Folder of results, and the file of the only picture or film where ``out`` names one.

    Raises:
        ValueError: If ``out`` names a file that cannot hold the results.

    Examples:
        >>> from mmpose_wass.inference.sources import ImageSource
        >>> single_file('results/a.png', [ImageSource('photo.jpg', 'photo')])[1].name
        'a.png'
    """
    path = Path(out)
    suffix = path.suffix.lower()
    is_film, is_picture = suffix in FilmWriter.SUFFIXES, suffix in _KEPT_SUFFIXES
    if not (is_film or is_picture) or path.is_dir():
        if suffix in (*FILM_SUFFIXES, *IMAGE_SUFFIXES) and not path.is_dir():
            raise ValueError(f'--out {out}: {suffix} cannot be written; films are written as '
                             f'{", ".join(FilmWriter.SUFFIXES)}, pictures as '
                             f'{", ".join(_KEPT_SUFFIXES)}')
        if path.exists() and not path.is_dir():
            raise ValueError(f'--out {out}: is a file; give a folder, or a picture or film to '
                             'write')
        return path, None
    if len(sources) != 1:
        raise ValueError(f'--out {out}: one file for {len(sources)} inputs; give a folder')
    if sources[0].is_film != is_film:
        kind, suffixes = ('film', FilmWriter.SUFFIXES) if sources[0].is_film else (
            'picture', _KEPT_SUFFIXES)
        raise ValueError(f'--out {out}: the input is a {kind}; give a name that ends in '
                         f'{", ".join(suffixes)}, or a folder')
    if path.exists() and path.resolve() == Path(sources[0].path).resolve():
        raise ValueError(f'--out {out}: is the input itself')
    return path.parent, path
