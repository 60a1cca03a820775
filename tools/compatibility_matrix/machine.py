"""What is at hand on this machine: interpreters, and the working tree."""
from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Optional

from compatibility_matrix.cells import ROOT


def find_python(version: str) -> Optional[str]:
    """An interpreter of a version such as ``3.11``: from PATH, or one that pyenv has installed."""
    pyenv = Path(os.environ.get('PYENV_ROOT', Path.home() / '.pyenv')) / 'versions'
    candidates = [shutil.which(f'python{version}'), shutil.which('python3'),
                  *sorted(map(str, pyenv.glob(f'{version}.*/bin/python')), reverse=True)]
    code = 'import sys; print("%d.%d" % sys.version_info[:2])'
    for candidate in filter(None, candidates):
        # A shim of pyenv exists for versions that are not switched on, and fails.
        found = subprocess.run([candidate, '-c', code], capture_output=True, text=True, check=False)
        if found.returncode == 0 and found.stdout.strip() == version:
            return candidate
    return None


def machine() -> str:
    """This machine in words."""
    return f'{platform.system()} {platform.machine()}, {os.cpu_count()} cores'


def commit() -> str:
    """The commit of the working tree, with a plus behind it where files have changed since."""
    def git(*words: str) -> str:
        return subprocess.run(['git', *words], cwd=ROOT, capture_output=True, text=True,
                              check=True).stdout.strip()
    try:
        return git('rev-parse', '--short', 'HEAD') + ('+' if git('status', '--porcelain') else '')
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'


def copy_tree(target: Path) -> None:
    """Copy what git knows, or would take: edits and runs meanwhile must not reach the tests."""
    listed = subprocess.run(['git', 'ls-files', '-coz', '--exclude-standard'], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    if listed.returncode:  # an unpacked archive
        shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(
            '.venv*', 'work_dirs', 'data', '__pycache__', '*.egg-info'))
        return
    for name in filter(None, listed.stdout.split('\0')):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
