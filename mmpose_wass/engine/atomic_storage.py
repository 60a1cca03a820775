"""Checkpoints that appear under their names only when they are complete."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend

from .results import atomic_write


class AtomicLocalBackend(LocalBackend):
    """MMEngine's storage on a local disk, except that files are never seen half written.

    MMEngine opens the file itself and writes: whoever is killed meanwhile, or runs out of disk,
    leaves a file that looks like a checkpoint and is none; if it had been there before, that is
    lost too. For a config: ``backend_args=dict(backend='atomic_local')``.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes.

        Args:
            obj: The content.
            filepath: The file.

        Raises:
            OSError: If it cannot be written; names the file. What was there before is left.
        """
        with atomic_write(os.fspath(filepath), 'wb') as file:
            file.write(obj)

    def put_text(self, obj: str, filepath: Union[str, Path], encoding: str = 'utf-8') -> None:
        """Write text.

        Args:
            obj: The content.
            filepath: The file.
            encoding: Its encoding.

        Raises:
            OSError: If it cannot be written; names the file. What was there before is left.
        """
        self.put(obj.encode(encoding), filepath)


#: Name of the backend in configs.
ATOMIC_LOCAL = 'atomic_local'
register_backend(ATOMIC_LOCAL, AtomicLocalBackend, force=True)
