"""Save checkpoints so that whatever ends a run, the last whole one is still there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, List

from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmpose.registry import HOOKS

from .atomic_storage import ATOMIC_LOCAL, AtomicLocalBackend


class _RemovingLater:
    """A storage backend that only notes what it is asked to remove."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.noted: List[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.noted.append(path)

    rmtree = remove


@HOOKS.register_module()
class CrashSafeCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, safe against being killed and against full disks.

    MMEngine writes a checkpoint in place and removes the old ones (``max_keep_ckpts``, the former
    best) *before*; a run that is cut in between has none left. Here each file appears only when it
    is whole, and old ones are removed afterwards. Arguments are the same.
    """

    @classmethod
    def protect(cls, runner: Any) -> None:
        """Put this hook in the place of a runner's stock one; its config stays as it is.

        Args:
            runner: MMEngine's runner, before it trains. A ``CheckpointHook`` of another class is
                left alone.
        """
        for place, hook in enumerate(runner.hooks):
            if type(hook) is CheckpointHook:
                safe = cls.__new__(cls)
                safe.__dict__.update(hook.__dict__)
                runner.hooks[place] = safe

    def before_train(self, runner: Any) -> None:
        """Choose the storage."""
        super().before_train(runner)
        if type(self.file_backend) is LocalBackend and self.file_client_args is None:
            self.backend_args = dict(backend=ATOMIC_LOCAL)
            self.file_backend = AtomicLocalBackend()

    def _save_checkpoint_with_step(self, runner: Any, step: int, meta: dict) -> None:
        with self._removing_later():
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Any, metrics: dict) -> None:
        with self._removing_later():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removing_later(self) -> Iterator[None]:
        backend = self.file_backend
        self.file_backend = later = _RemovingLater(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        current = {self.last_ckpt, getattr(self, 'best_ckpt_path', None),
                   *(getattr(self, 'best_ckpt_path_dict', None) or {}).values()}
        for path in later.noted:
            if path in current:  # written anew under its old name
                continue
            if backend.isfile(path):
                backend.remove(path)
            elif backend.isdir(path):
                backend.rmtree(path)
