"""Randomness that belongs to an image and not to the run: a name, a hash, numbers.

The identity of an image is its file's name as the annotation file has it (``helen/testset/1.jpg``):
the part of ``img_path`` below the data set's ``data_prefix['img']``. That is what two machines have
in common. Paths differ between them, and so may running numbers: 300W's ``valid_common`` numbers
the same images otherwise than ``valid``. The data set's name is left out as well, because models
of another landmark layout may have to rename it.
"""
from __future__ import annotations

import hashlib
import posixpath
import unicodedata
from typing import Any, Iterator, Optional, Tuple

import numpy as np

_DOMAIN = 'mmpose_wass perturbation'


def stable_uniforms(identity: str, seed: int, purpose: str,
                    shape: Tuple[int, ...]) -> np.ndarray:
    """Uniform numbers in [0, 1) that are the same on every machine and in every process.

    BLAKE2b of the arguments keys a Philox generator, whose raw 64-bit stream NumPy promises never
    to change (unlike the streams of ``Generator``'s distributions).

    Args:
        identity: Name of the image, see :func:`image_identity`.
        seed: Seed of the protocol.
        purpose: What the numbers are for; other purposes get independent numbers.
        shape: Shape of the result. A longer result starts with the shorter one's numbers.

    Returns:
        np.ndarray: float64 of this shape.

    Example:
        >>> stable_uniforms('helen/1.jpg', 0, 'occlusion', (3,)).round(6)
        array([0.94007 , 0.999029, 0.568686])
    """
    text = '\0'.join([_DOMAIN, purpose, str(int(seed)), identity])
    digest = hashlib.blake2b(text.encode('utf-8'), digest_size=16).digest()
    raw = np.random.Philox(key=int.from_bytes(digest, 'little')).random_raw(int(np.prod(shape)))
    return ((np.asarray(raw, dtype=np.uint64) >> np.uint64(11)) * 2.0**-53).reshape(shape)


def relative_identity(path: str, folder: str) -> Optional[str]:
    """Name of a file below a folder, spelled the same on every system.

    Args:
        path: The file, as joined from the folder and a name.
        folder: The folder, '' for none.

    Returns:
        str | None: The name with forward slashes and composed characters, or None if the file does
        not lie below the folder or (``folder=''``) is named by an absolute path.

    Example:
        >>> relative_identity('data/300w/./images/helen/1.jpg', 'data/300w/images/')
        'helen/1.jpg'
    """
    path, folder = (_tidy(str(name)) for name in (path, folder))
    if folder in ('', '.'):
        return None if _is_absolute(path) else path
    folder = folder.rstrip('/') + '/'
    return path[len(folder):] if path.startswith(folder) and len(path) > len(folder) else None


def image_identity(results: dict, data_root: Optional[str] = None) -> str:
    """Find the identity of the image in a pipeline's results.

    In this order: the field ``image_identity`` (whoever makes the sample may set it), the part of
    ``img_path`` below ``data_root``, the part below the image folder of the data set that MMPose
    puts into the results (of its parts, if it is a ``CombinedDataset``).

    Args:
        results: The results, with ``img_path``.
        data_root: Folder that all images lie in; overrides the data set's image folder.

    Returns:
        str: The identity.

    Raises:
        KeyError: If nothing tells an identity that another machine would share.
    """
    if results.get('image_identity') is not None:
        return str(results['image_identity'])
    path = results.get('img_path')
    if path is not None:
        folders = [data_root] if data_root is not None else sorted(
            _image_folders(results.get('dataset')), key=len, reverse=True)
        for folder in folders:
            name = relative_identity(path, folder)
            if name is not None:
                return name
    raise KeyError(
        f'the image {path!r} has no identity that another machine would share: '
        + (f'it does not lie below data_root={data_root!r}' if data_root is not None else
           'no data set in the results has it below its data_prefix["img"]')
        + '. Give the transform data_root= (the folder of all images), set '
        "results['image_identity'], or take fresh random numbers with random=True")


def _image_folders(dataset: Any) -> Iterator[str]:
    """Image folders of a data set and of those that it wraps."""
    prefix = getattr(dataset, 'data_prefix', None)
    parts = list(getattr(dataset, 'datasets', ()))
    if getattr(dataset, 'dataset', None) is not None:
        parts.append(dataset.dataset)
    for part in parts:
        yield from _image_folders(part)
    # A wrapper's own prefix is an empty default.
    if isinstance(prefix, dict) and not parts and isinstance(prefix.get('img'), str):
        yield prefix['img']


def _tidy(path: str) -> str:
    path = unicodedata.normalize('NFC', path.replace('\\', '/'))
    if '://' in path:  # a remote store: its double slash has a meaning
        scheme, rest = path.split('://', 1)
        return f'{scheme}://{posixpath.normpath(rest)}'
    return posixpath.normpath(path) if path else ''


def _is_absolute(path: str) -> bool:
    return path.startswith('/') or '://' in path or path[1:3] == ':/'
