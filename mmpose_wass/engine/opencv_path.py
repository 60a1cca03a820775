"""File names that OpenCV survives."""
from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union


@contextmanager
def opencv_path(path: Union[str, Path]) -> Iterator[str]:
    """A name of a file that OpenCV can be given, for as long as the block lasts.

    At a name whose bytes are no UTF-8 (Python keeps them as lone surrogates) OpenCV's bindings end
    the whole process with a segmentation fault. Such a file is reached through a symbolic link.

    Args:
        path: A file to read or to write, which need not exist.

    Yields:
        str: The path as it is, or the link, of the same ending.

    Raises:
        ValueError: If there can be no link; names the file and the remedy.

    Example:
        >>> with opencv_path('film.mp4') as name:
        ...     name
        'film.mp4'
    """
    if _is_utf8(path):
        yield str(path)
        return
    suffix = Path(path).suffix
    with tempfile.TemporaryDirectory(prefix='opencv_') as folder:
        link = os.path.join(folder, 'file' + (suffix if suffix.isascii() else ''))
        try:
            if not _is_utf8(link):
                raise OSError('so is that of the folder for temporary files, TMPDIR')
            os.symlink(os.path.abspath(path), link)
        except (OSError, NotImplementedError) as error:
            raise ValueError(f'{printable(path)}: this name is no UTF-8, which OpenCV cannot be '
                             f'given ({error}); rename the file') from error
        yield link


def printable(text: object) -> str:
    r"""Text that can be printed and written as UTF-8: stray bytes appear as ``\udcff``.

    Example:
        >>> printable(os.fsdecode(b'caf\xe9.mp4'))
        'caf\\udce9.mp4'
    """
    return str(text).encode('utf-8', 'backslashreplace').decode('utf-8')


def _is_utf8(path: Union[str, Path]) -> bool:
    try:
        os.fspath(path).encode('utf-8')
    except UnicodeEncodeError:
        return False
    return True
