"""The folder of a drawn set: whose it is, whether it is whole, and how it is emptied."""
from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Dict, Optional

from mmpose_wass.engine.results import explain_os_error

from .splits import SCENARIO_SPLITS, DatasetLayout

MANIFEST = 'synthetic_manifest.json'


def write_json(path: Path, content: dict) -> None:
    """Write atomically: whoever finds the file finds all of it."""
    write_bytes(path, json.dumps(content).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write atomically, into a folder that is made where it is missing.

    Raises:
        OSError: If it cannot be written; names the file. One that was there before is left.
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise explain_os_error(error, str(path)) from None


def partial_log(root: Path, split: str) -> Path:
    """Where the records of a split's images are kept while it is drawn."""
    return root / f'.{split}.partial.jsonl'


def claim(root: Path, settings: dict, layout: DatasetLayout, overwrite: bool) -> None:
    """Make a folder the home of a set with these settings, by a manifest in it.

    Args:
        root: The folder.
        settings: All that the set depends on.
        layout: Its layout.
        overwrite: Whether a set of other settings is removed.

    Raises:
        FileExistsError: If the folder holds a set of other settings, or anything else.
    """
    manifest = root / MANIFEST
    if manifest.exists():
        found = json.loads(manifest.read_text())
        if found == settings:
            return
        if not overwrite:
            differences = '; '.join(
                f'{key} is {found.get(key)} there, {settings.get(key)} asked for'
                for key in sorted({*found, *settings}) if found.get(key) != settings.get(key))
            raise FileExistsError(
                f'{root} holds a set that was drawn with other settings: {differences}. '
                'Choose another folder, or replace it with --overwrite (overwrite=True)')
        _empty(root, layout)
    elif root.exists() and any(root.iterdir()):
        # Never replaced: it may be real data.
        raise FileExistsError(f'{root} is not empty and was not written by this generator (no '
                              f'{MANIFEST} in it); choose another folder')
    write_json(manifest, settings)


def sizes_if_whole(root: Path, layout: DatasetLayout) -> Optional[Dict[str, int]]:
    """Sizes of the annotation files if all of them and all their images are there, else None."""
    sizes = {}
    for path in layout.annotations:
        if not (root / path).exists():
            return None
        images = json.loads((root / path).read_text())['images']
        if not all((root / layout.image_folder / image['file_name']).exists() for image in images):
            return None
        sizes[path] = len(images)
    return sizes


def _empty(root: Path, layout: DatasetLayout) -> None:
    """Remove what this generator wrote, and nothing else."""
    logs = [partial_log(root, split.name) for split in layout.splits]
    for path in [*(root / path for path in layout.annotations), *logs]:
        if path.exists():
            path.unlink()
    for split in layout.splits:
        if layout.image_folder:
            folders = [root / layout.image_folder / split.name]
        else:
            folders = root.glob(f'{SCENARIO_SPLITS[split.name].lower()}_[0-9]*')
        for folder in folders:
            if folder.is_dir():
                shutil.rmtree(folder)
