"""Downloaded archives: found, checked and taken apart, safely and once."""
from __future__ import annotations

import errno
import fnmatch
import io
import os
import re
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

from mmpose_wass.engine.results import explain_os_error

from .report import PreparationError

#: Called with (stage, done, all).
Progress = Callable[[str, int, int], None]

#: Folder below a data set's root where archives are taken apart.
EXTRACTED = '.extracted'
_TAR = ('.tar', '.tar.gz', '.tgz', '.tar.bz2', '.tbz2', '.tar.xz')
_SPLIT = re.compile(r'^(?P<name>.+\.zip)\.(?P<number>\d{3})$', re.IGNORECASE)
_CHUNK = 1 << 20
# Errors that come of a name, not of the disk.
_NAMES = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL)
# What the libraries raise for damaged files.
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError)


def archive_stem(path: Path) -> Optional[str]:
    """Name of an archive without its endings; None for other files.

    Examples:
        >>> archive_stem(Path('WFLW_images.tar.gz')), archive_stem(Path('300w.zip.001'))
        ('WFLW_images', '300w')
        >>> archive_stem(Path('COFW_train_color.mat')) is None
        True
    """
    split = _SPLIT.match(path.name)
    if split:
        # The first part stands for all of them.
        return split.group('name')[:-4] if split.group('number') == '001' else None
    for ending in ('.zip', *_TAR):
        if path.name.lower().endswith(ending):
            return path.name[:-len(ending)]
    return None


def open_sources(sources: Sequence[Path], root: Path, patterns: Iterable[str],
                 progress: Optional[Progress] = None) -> List[Path]:
    """Make everything that was downloaded available as plain files.

    Args:
        sources: Folders, archives (``.zip``, also in parts ``.zip.001`` …, or ``.tar`` in any
            packing) and other files. In folders, archives whose names match ``patterns`` are taken
            apart, unless a folder of the archive's name lies beside it.
        root: Folder of the prepared data set; archives are taken apart in ``root/.extracted``.
        patterns: Names of the data set's archives, with ``*``; letters' case does not matter.
        progress: Called while an archive is taken apart.

    Returns:
        list[Path]: Folders and files to look into, in the order of ``sources``.

    Raises:
        PreparationError: If an archive is damaged, lacks a part, or would write outside.
        FileNotFoundError: If a source does not exist.
        OSError: If the disk is too small.
    """
    opened = []
    for source in map(Path, sources):
        if not source.exists():
            raise FileNotFoundError(f'{source} does not exist; name the folder that holds the '
                                    'downloaded archives, or the archives themselves')
        if source.is_file():
            opened.append(source if archive_stem(source) is None else
                          extract(source, root / EXTRACTED, progress))
            continue
        opened.append(source)
        for path in sorted(source.iterdir()):
            stem = archive_stem(path) if path.is_file() else None
            if stem is not None and _matches(path.name, patterns) and \
                    not (source / stem).is_dir():
                opened.append(extract(path, root / EXTRACTED, progress))
    return opened


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in patterns)


def remove_extracted(root: Path) -> None:
    """Remove what :func:`open_sources` took apart."""
    if (root / EXTRACTED).is_dir():
        shutil.rmtree(root / EXTRACTED)


def walk_files(places: Iterable[Path]) -> Iterator[Path]:
    """All files in folders, and the files among ``places`` themselves, in sorted order.

    Hidden files, what macOS puts into archives (``__MACOSX``) and our own folder of extracted
    archives are left out.
    """
    for place in places:
        if place.is_file():
            yield place
            continue
        for folder, folders, names in os.walk(place):
            folders[:] = sorted(name for name in folders
                                if not name.startswith('.') and name != '__MACOSX')
            for name in sorted(names):
                if not name.startswith('.'):
                    yield Path(folder) / name


def extract(archive: Path, cache: Path, progress: Optional[Progress] = None) -> Path:
    """Take an archive apart, once.

    Args:
        archive: The archive; of one in parts, the first.
        cache: Folder to put it in.
        progress: Called while it is taken apart.

    Returns:
        Path: Folder of the content; it bears the archive's name, and exists only when it is whole.

    Raises:
        PreparationError: If the archive is damaged, or a member would be written outside.
        OSError: If the disk is too small.
    """
    stem = archive_stem(archive)
    parts = _parts(archive)
    size = sum(part.stat().st_size for part in parts)
    home = cache / f'{stem}-{size}'
    done = home / stem
    if done.is_dir():
        return done
    partial = home / f'.{stem}.part'
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    try:
        if _is_zip(archive):
            _extract_zip(archive, parts, partial, progress)
        else:
            _extract_tar(archive, partial, progress)
    except _DAMAGED as error:
        shutil.rmtree(home, ignore_errors=True)
        raise PreparationError(
            f'{archive}: truncated or damaged ({type(error).__name__}: {error}). It has {size} '
            'bytes: compare with the size at the source and download it again') from None
    except OSError as error:
        shutil.rmtree(home, ignore_errors=True)
        raise explain_os_error(error, str(done)) from None
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    os.replace(partial, done)
    return done


def _is_zip(archive: Path) -> bool:
    return archive.name.lower().endswith('.zip') or _SPLIT.match(archive.name) is not None


def _parts(archive: Path) -> List[Path]:
    """Files that make up an archive, in order."""
    split = _SPLIT.match(archive.name)
    if not split:
        return [archive]
    name = split.group('name')
    parts = sorted(path for path in archive.parent.iterdir()
                   if _SPLIT.match(path.name) and _SPLIT.match(path.name).group('name') == name)
    expected = [archive.with_name(f'{name}.{k:03d}') for k in range(1, len(parts) + 1)]
    if parts != expected:
        missing = sorted({path.name for path in expected} - {path.name for path in parts})
        raise PreparationError(f'{archive}: part {", ".join(missing)} is missing beside it; '
                               'download all parts into one folder')
    return parts


def _target(archive: Path, folder: Path, name: str) -> Path:
    """Where a member goes; refuses what would leave the folder."""
    path = PurePosixPath(name.replace('\\', '/'))
    if path.is_absolute() or '..' in path.parts or (path.parts and ':' in path.parts[0]):
        raise PreparationError(f'{archive}: its member {name!r} would be written outside of the '
                               'folder; this is no official archive, do not use it')
    if not path.parts or '\0' in name:
        raise PreparationError(f'{archive}: its member {name!r} has no usable name; this is no '
                               'official archive, do not use it')
    return folder / path


def _copy(archive: Path, name: str, stream, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, 'wb') as file:
            shutil.copyfileobj(stream, file, _CHUNK)
    except OSError as error:
        if error.errno not in _NAMES:
            raise
        raise PreparationError(
            f'{archive}: its member {name!r} cannot be written ({error.strerror}): its name is '
            'that of a file and of a folder, or too long; this is no official archive, do not use '
            'it') from None


def _extract_zip(archive: Path, parts: List[Path], folder: Path,
                 progress: Optional[Progress]) -> None:
    with _JoinedFiles(parts) as stream, zipfile.ZipFile(stream) as content:
        members = [member for member in content.infolist() if not member.filename.endswith('/')]
        targets = [_target(archive, folder, member.filename) for member in members]
        needed = sum(member.file_size for member in members)
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise OSError(f'{archive}: needs {needed / 1e9:.1f} GB in {folder.parent.parent}, '
                          f'where {free / 1e9:.1f} GB are free')
        for k, (member, target) in enumerate(zip(members, targets), 1):
            if member.flag_bits & 1:
                raise PreparationError(f'{archive}: encrypted; take it apart yourself and name the '
                                       'folder')
            with content.open(member) as source:  # checks the member's checksum while reading
                _copy(archive, member.filename, source, target)
            if progress is not None:
                progress(archive.name, k, len(members))


def _extract_tar(archive: Path, folder: Path, progress: Optional[Progress]) -> None:
    size = archive.stat().st_size // _CHUNK + 1
    with open(archive, 'rb') as raw, tarfile.open(fileobj=raw, mode='r:*') as content:
        for member in content:
            target = _target(archive, folder, member.name)
            if member.isdir():
                continue
            if not member.isreg():
                raise PreparationError(f'{archive}: its member {member.name!r} is a link or a '
                                       'device; this is no official archive, do not use it')
            _copy(archive, member.name, content.extractfile(member), target)
            if progress is not None:
                progress(f'{archive.name} (MB)', raw.tell() // _CHUNK + 1, size)


class _JoinedFiles(io.RawIOBase):
    """Several files that read as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.files = [open(path, 'rb') for path in paths]  # noqa: SIM115  closed by `close`
        self.ends: List[int] = []
        for path in paths:
            self.ends.append((self.ends[-1] if self.ends else 0) + path.stat().st_size)
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.ends[-1]}[whence]
        if start + offset < 0:
            raise OSError('seek before the start')
        self.position = start + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer) -> int:
        index, start = self._locate()
        if index is None:
            return 0
        file = self.files[index]
        file.seek(self.position - start)
        count = file.readinto(memoryview(buffer)[:self.ends[index] - self.position])
        self.position += count
        return count

    def read(self, size: int = -1) -> bytes:
        # zipfile expects as much as it asks for, also across the border of two files.
        size = self.ends[-1] - self.position if size is None or size < 0 else size
        chunks = []
        while size > 0:
            chunk = super().read(size)
            if not chunk:
                break
            chunks.append(chunk)
            size -= len(chunk)
        return b''.join(chunks)

    def _locate(self) -> Tuple[Optional[int], int]:
        start = 0
        for index, end in enumerate(self.ends):
            if self.position < end:
                return index, start
            start = end
        return None, start

    def close(self) -> None:
        for file in self.files:
            file.close()
        super().close()
