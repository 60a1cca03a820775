"""Write the results of a test to files: metrics and what they were measured with."""

from __future__ import annotations

import datetime
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

    Args:
        path: The file to write. Missing folders are made.
        mode: ``'w'`` or ``'wb'``.

    Yields:
        The open temporary file, in the same folder.
    """
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        dir=folder, prefix=f'.{os.path.basename(path)}.', suffix='.part')
    try:
        with os.fdopen(handle, mode, **({} if 'b' in mode else dict(encoding='utf-8'))) as file:
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
