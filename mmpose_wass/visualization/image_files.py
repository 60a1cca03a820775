"""Find the images of a result file on this machine."""
from __future__ import annotations

import os.path as osp
from pathlib import PureWindowsPath
from typing import List, Optional, Sequence, Tuple


def find_images(paths: Sequence[str], root: Optional[str] = None) -> Tuple[List[str], List[str]]:
    """Where images lie whose paths were recorded elsewhere.

    Args:
        paths (Sequence[str]): Paths as recorded.
        root (str, optional): Folder to look in: for the longest end of each path that exists below
            it. Where there is none, and without a root, the recorded path is taken.

    Returns:
        tuple[list[str], list[str]]: A path for each, and those of them that do not exist.

    Raises:
        FileNotFoundError: If ``root`` is no folder.

    Examples:
        >>> find_images(['/nowhere/face.png'])
        (['/nowhere/face.png'], ['/nowhere/face.png'])
    """
    if root is not None and not osp.isdir(root):
        raise FileNotFoundError(f'{root}: there is no such folder to look for images in')
    found = [_find(str(path), root) for path in paths]
    return found, [path for path in found if not osp.isfile(path)]


def _find(path: str, root: Optional[str]) -> str:
    if root is not None:
        # Splits at both kinds of slashes, whatever machine the path was recorded on.
        parts = PureWindowsPath(path).parts
        for start in range(len(parts)):
            candidate = osp.join(root, *parts[start:]) if start else osp.join(
                root, path.lstrip('/\\'))
            if osp.isfile(candidate):
                return candidate
    return path
