"""Hashes of files and of values."""
from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..engine.results import plain

#: Beginnings of paths in the package that no measured number depends on: what trains, prepares
#: data, compares and draws. Everything else counts, so that a new module does.
NOT_MEASURING = (
    '.mim/', 'datasets/preparation/', 'datasets/synthetic/', 'evaluation/comparison/',
    'models/losses/', 'ot/', 'turning_on/', 'visualization/',
    *(f'robustness/{name}' for name in ('figures', 'gallery', 'markup', 'pictures', 'progress',
                                        'report', 'summary', 'texts')))


def file_hash(path: str) -> str:
    """SHA-256 of a file's content."""
    status = os.stat(path)
    return _file_hash(os.path.abspath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_hash(path: str, _size: int, _time: int) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def value_hash(value: Any) -> str:
    """SHA-256 of a value that JSON can hold; the order of dictionaries does not matter.

    Examples:
        >>> value_hash(dict(a=1, b=(2, 3))) == value_hash(dict(b=[2, 3], a=1))
        True
    """
    text = json.dumps(plain(value), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode('utf-8')).hexdigest()


@lru_cache(maxsize=1)
def package_hash() -> str:
    """Hash of the package's own source as far as measurements depend on it.

    The version alone would not tell two states of a checkout apart.
    """
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob('*.py')):
        name = path.relative_to(root).as_posix()
        if not name.startswith(NOT_MEASURING):
            digest.update(name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
