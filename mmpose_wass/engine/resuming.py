"""Find the checkpoint that a run goes on from."""

from __future__ import annotations

import os
import re
from typing import Callable, Optional

from .checkpoint import check_checkpoint

_LAST = 'last_checkpoint'
_NUMBERED = re.compile(r'^(?:epoch|iter)_(\d+)\.pth$')


def find_resumable(work_dir: str, tell: Callable[[str], None] = print) -> Optional[str]:
    """Find the latest checkpoint of a run that is whole.

    Args:
        work_dir: The run's folder.
        tell: Called with a line for each checkpoint that is passed over.

    Returns:
        str | None: The checkpoint; ``None`` if the run has saved none yet.

    Raises:
        ValueError: If there are checkpoints and all of them are damaged.
    """
    candidates = _candidates(work_dir)
    for path in candidates:
        try:
            check_checkpoint(path)
        except (ValueError, FileNotFoundError) as error:
            tell(f'warning: not resumed from {path}: {error}')
            continue
        return path
    if candidates:
        raise ValueError(f'--resume: all {len(candidates)} checkpoints in {work_dir} are damaged '
                         f'({", ".join(map(os.path.basename, candidates))}). Remove them to start '
                         'anew, or name another one: --resume CHECKPOINT')
    return None


def _candidates(work_dir: str) -> list[str]:
    """The one that MMEngine noted as the last, then all others, the newest first."""
    if not os.path.isdir(work_dir):
        return []
    found = []
    for name in os.listdir(work_dir):
        match = _NUMBERED.match(name)
        if match:
            found.append((int(match.group(1)), os.path.join(work_dir, name)))
    newest_first = [path for _, path in sorted(found, reverse=True)]
    note = os.path.join(work_dir, _LAST)
    if os.path.isfile(note):
        with open(note, encoding='utf-8', errors='surrogateescape') as file:
            noted = file.read().strip()
        # A folder that was moved holds its checkpoints all the same.
        beside = os.path.join(work_dir, os.path.basename(noted)) if noted else ''
        last = noted if os.path.isfile(noted) else beside
        if noted and os.path.isfile(last):
            same = os.path.abspath(last)
            return [last, *(path for path in newest_first if os.path.abspath(path) != same)]
    return newest_first
