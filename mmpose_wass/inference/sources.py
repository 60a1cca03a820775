"""What to look at: images, folders, patterns, films, cameras, lists."""
from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .films import FILM_SUFFIXES, FilmReader
from .images import IMAGE_SUFFIXES, read_image

_CAMERA = re.compile(r'(?:webcam|camera)(?::(\d+))?', re.IGNORECASE)
_WILD = re.compile(r'[*?[]')


class Frame(NamedTuple):
    """A picture: a whole file, or a moment of a film.

    Attributes:
        index (int): Its number in the film, 0 for a file.
        pixels (np.ndarray | None): [H, W, 3], BGR, uint8; None where it cannot be read.
        seconds (float | None): Its time in the film.
        problem (str): Why it cannot be read, or looked at; names the file and the remedy.
        note (str): What the user should know of it.
    """
    index: int
    pixels: Optional[np.ndarray]
    seconds: Optional[float] = None
    problem: str = ''
    note: str = ''


@dataclass
class ImageSource:
    """An image file.

    Attributes:
        path (str): The file.
        name (str): What its results are called: its path below the common folder, without ending.
    """
    path: str
    name: str
    is_film = False
    total = 1

    def frames(self) -> Iterator[Frame]:
        """Its one frame."""
        try:
            loaded = read_image(self.path)
        except (ValueError, OSError) as error:
            yield Frame(0, None, problem=str(error))
            return
        note = f'{self.path}: {loaded.note}' if loaded.note else ''
        yield Frame(0, loaded.pixels, note=note)


class FilmSource:
    """A film or a camera.

    Args:
        path: The film, or the number of a camera.
        name: What its results are called.
    """
    is_film = True

    def __init__(self, path: Union[str, int], name: str) -> None:
        self.path = f'webcam:{path}' if isinstance(path, int) else path
        self.name = name
        self._open = path
        self.rate = 0.0
        self.problem = self.note = ''
        self.is_camera = isinstance(path, int)

    @property
    def total(self) -> Optional[int]:
        """Number of frames as the file states it, None where it is not known."""
        if self.is_camera:
            return None
        try:
            return FilmReader(self._open).stated
        except (ValueError, OSError):
            return None

    def frames(self) -> Iterator[Frame]:
        """Its frames. What is wrong with it as a whole stands in ``problem`` and ``note`` then."""
        try:
            reader = FilmReader(self._open)
        except (ValueError, OSError) as error:
            self.problem = str(error)
            return
        self.rate = reader.rate
        for index, pixels, seconds in reader:
            problem = '' if pixels is not None else \
                f'{self.path}: frame {index} cannot be decoded; the film is damaged there'
            yield Frame(index, pixels, seconds, problem)
        self.problem, self.note = reader.problem, reader.note


Source = Union[ImageSource, FilmSource]


def find_sources(inputs: Sequence[str], lines: Iterable[str] = (),
                 recursive: bool = True) -> Tuple[List[Source], List[str]]:
    """Find what the inputs name.

    Args:
        inputs: Image and film files, folders, patterns (``'shots/*.jpg'``, ``**`` for folders of
            folders), ``'webcam'`` or ``'webcam:1'``, and ``'-'`` for a list.
        lines: The list: one input a line; blank lines and lines that begin with ``#`` are left out.
        recursive: Whether folders within folders are looked into.

    Returns:
        tuple[list, list[str]]: The sources, each with a name of its own, and notes on what was left
        aside.

    Raises:
        FileNotFoundError: If a folder has no picture in it or nothing fits a pattern. A file that
            is not there is a source all the same: reading it tells.
    """
    found: List[Tuple[Union[str, int], str]] = []
    notes: List[str] = []
    for text in inputs:
        listed = [text]
        if text == '-':
            listed = [line.strip() for line in lines]
            listed = [line for line in listed if line and not line.startswith('#')]
            if not listed:
                raise FileNotFoundError('the list on standard input is empty')
        for one in listed:
            found += _expand(one, recursive, notes)
    return _named(found), notes


def _expand(text: str, recursive: bool, notes: List[str]) -> List[Tuple[Union[str, int], str]]:
    """Files, each with the path that names it."""
    camera = _CAMERA.fullmatch(text)
    if camera and not os.path.exists(text):
        return [(int(camera.group(1) or 0), 'webcam')]
    if os.path.isdir(text):
        files = sorted(path for path in Path(text).glob('**/*' if recursive else '*')
                       if path.is_file() and not path.name.startswith('.'))
        fitting = [path for path in files
                   if path.suffix.lower() in (*IMAGE_SUFFIXES, *FILM_SUFFIXES)]
        if not fitting:
            raise FileNotFoundError(f'{text}: this folder holds no picture and no film '
                                    f'({len(files)} files of other kinds)')
        if len(fitting) < len(files):
            notes.append(f'{text}: {len(files) - len(fitting)} files are neither pictures nor '
                         'films by their endings, and were left aside')
        return [(str(path), str(path.relative_to(text))) for path in fitting]
    if _WILD.search(text) and not os.path.exists(text):
        files = sorted(path for path in glob.glob(text, recursive=True) if os.path.isfile(path))
        if not files:
            raise FileNotFoundError(f'{text}: no file fits this pattern')
        root = os.path.dirname(_WILD.split(text)[0]) or '.'
        return [(path, os.path.relpath(path, root)) for path in files]
    return [(text, os.path.basename(text))]


def _named(found: List[Tuple[Union[str, int], str]]) -> List[Source]:
    """Sources with names of their own: two of one name are numbered."""
    sources: List[Source] = []
    taken = set()
    for path, place in found:
        stem = str(Path(place).with_suffix('')) if not isinstance(path, int) else place
        # A result must not leave the folder of results.
        stem = '/'.join(part for part in Path(stem).parts if part not in ('..', os.sep)) or 'image'
        name, number = stem, 1
        while name.lower() in taken:
            number += 1
            name = f'{stem}_{number}'
        taken.add(name.lower())
        is_film = isinstance(path, int) or Path(path).suffix.lower() in FILM_SUFFIXES
        sources.append(FilmSource(path, name) if is_film else ImageSource(path, name))
    return sources
