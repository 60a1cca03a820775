"""Write the results of a test to files: metrics and what they were measured with."""

from __future__ import annotations

import datetime
import errno
import json
import math
import os
import platform
import tempfile
from contextlib import contextmanager
from typing import Any, Iterator

import numpy as np


@contextmanager
def atomic_write(path: str, mode: str = 'w') -> Iterator[Any]:
    """Open a file that appears under its name only when it is complete.

    Bytes of a file name that are no UTF-8 (Python keeps them as lone surrogates) are written as
    ``\\udc..``, which is how JSON spells them.

    Args:
        path: The file to write. Missing folders are made.
        mode: ``'w'`` or ``'wb'``.

    Yields:
        The open temporary file, in the same folder.

    Raises:
        OSError: If it cannot be written; names the file and what to do. A file that was there
            before is left as it was.
    """
    try:
        with _written_whole(path, mode) as file:
            yield file
    except OSError as error:
        raise explain_os_error(error, path) from None


@contextmanager
def _written_whole(path: str, mode: str) -> Iterator[Any]:
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        dir=folder, prefix=f'.{os.path.basename(path)}.', suffix='.part')
    text = {} if 'b' in mode else dict(encoding='utf-8', errors='backslashreplace')
    try:
        with os.fdopen(handle, mode, **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for their owner alone; a result is as readable as any other file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


#: What to do about errors of the system, by number.
_REMEDIES = {
    errno.ENOSPC: 'free some space there or choose another folder',
    errno.EDQUOT: 'your quota is used up: remove files or choose another folder',
    errno.EFBIG: 'the file is larger than is allowed here (ulimit -f, or the file system)',
    errno.EROFS: 'choose a folder that can be written to',
    errno.EACCES: 'choose a folder that you may write to',
    errno.EPERM: 'choose a folder that you may write to',
}


def explain_os_error(error: OSError, path: str) -> OSError:
    """Add the file's name, the remedy, and what became of the file to an error of the system.

    Args:
        error: The error; those of writing to an open file name no file.
        path: The file.

    Returns:
        OSError: A new one of its class, or the same where it says all that already.
    """
    if getattr(error, 'explained', False) or error.errno is None:
        return error
    remedy = _REMEDIES.get(error.errno)
    state = 'what was there before is unchanged' if os.path.exists(path) else 'it was not written'
    told = type(error)(error.errno, f'{error.strerror}; {state}'
                       + (f'; {remedy}' if remedy else ''), os.path.abspath(path))
    told.explained = True
    return told


def check_writable(path: str) -> None:
    """Check that a result can be written, before the work whose result it is.

    Args:
        path: The file to be written later. Its folder is made.

    Raises:
        OSError: If it cannot be, with file and remedy.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, 'is a folder, name a file', path)
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b'0')
    except OSError as error:
        raise explain_os_error(error, path) from None


class _ErrorsLater:
    """A file that remembers an error of the system and goes on.

    NumPy's archives cannot be left in the middle: their end is written when they are forgotten,
    and fails again, aloud, at any time.
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        self.error: OSError | None = None
        self.position = file.tell()

    def _try(self, function: Any, *arguments: Any) -> None:
        if self.error is None:
            try:
                function(*arguments)
            except OSError as error:
                self.error = error

    def write(self, content: Any) -> int:
        self._try(self.file.write, content)
        self.position += len(content)
        return len(content)

    def read(self, size: int = -1) -> bytes:
        # NumPy takes what cannot be read for a path.
        return b''

    def seek(self, offset: int) -> int:
        self._try(self.file.seek, offset)
        self.position = offset
        return offset

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        self._try(self.file.flush)


def write_arrays(file: Any, arrays: dict[str, np.ndarray], compressed: bool = False) -> None:
    """Write arrays as ``.npz`` into an open file.

    Args:
        file: Open for writing bytes.
        arrays: From name to array.
        compressed: Whether to compress them.

    Raises:
        OSError: If it cannot be written.
    """
    guarded = _ErrorsLater(file)
    (np.savez_compressed if compressed else np.savez)(guarded, **arrays)
    if guarded.error is not None:
        raise guarded.error


def write_json(path: str, content: Any) -> None:
    """Write JSON that every reader accepts, atomically.

    Args:
        path: The file.
        content: Dictionaries, lists, numbers, strings, NumPy arrays and scalars, tensors. Numbers
            that are not finite become ``null``, as JSON has no word for them.
    """
    with atomic_write(path) as file:
        json.dump(plain(content), file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write('\n')


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows.

    Examples:
        >>> plain(dict(a=np.float32(0.5), b=(1, np.array([1.0, np.nan]))))
        {'a': 0.5, 'b': [1, [1.0, None]]}
    """
    if isinstance(value, dict):
        return {str(key): plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(child) for child in value]
    if hasattr(value, 'detach'):
        value = value.detach().cpu().numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def software_versions() -> dict[str, str]:
    """Return the versions of everything that may change a result."""
    from importlib import metadata
    versions = dict(python=platform.python_version())
    for name in ('mmpose_wass', 'torch', 'torchvision', 'numpy', 'mmengine', 'mmcv', 'mmdet',
                 'mmpose'):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            # Run from a folder that is not installed: the package knows its version itself.
            import importlib
            try:
                versions[name] = str(getattr(importlib.import_module(name), '__version__', '?'))
            except ImportError:
                versions[name] = 'not installed'
    return versions


def now() -> str:
    """Return the date and time (UTC, ISO 8601)."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds')
