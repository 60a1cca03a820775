"""Image files: their sizes, and how they get to where MMPose looks for them."""
from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Mapping, Optional, Tuple

from PIL import Image

from .archives import EXTRACTED
from .report import Problems

IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp')


def image_size(path: Path) -> Tuple[int, int]:
    """Width and height from the file's header.

    Raises:
        ValueError: If the file is no image.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f'{path}: not an image: {error}') from None


def find_size(name: str, images: Mapping[str, Path], problems: Problems) -> \
        Optional[Tuple[int, int]]:
    """Width and height of a listed image; None, and a note, if it is missing or no image."""
    if name not in images:
        problems.add('image missing', name)
        return None
    try:
        return image_size(images[name])
    except ValueError as error:
        problems.add('unusable', error)
        return None


def remove_leftovers(folder: Path) -> None:
    """Remove what a run that was killed left half written in a folder."""
    if folder.is_dir():
        for path in folder.glob('.*.tmp'):
            path.unlink()


def place(source: Path, target: Path) -> None:
    """Put an image where it belongs, whole or not at all; one that is there is left alone.

    What came out of an archive is linked, since its folder is removed later; the user's own files
    are copied.
    """
    if target.exists() and target.stat().st_size == source.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f'.{target.name}.part')
    temporary.unlink(missing_ok=True)
    try:
        if EXTRACTED in source.parts:
            try:
                os.link(source, temporary)
            except OSError:  # a file system without links
                shutil.copyfile(source, temporary)
        else:
            shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    finally:
        # A link to the very file that is there already is left over by `replace`.
        temporary.unlink(missing_ok=True)
