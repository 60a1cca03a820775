"""Matlab files, old (up to v7) and new (v7.3, which are HDF5)."""
from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence

import numpy as np

from .report import PreparationError

_HDF5 = b'\x89HDF\r\n\x1a\n'
_HDF5_OFFSET = 512  # behind Matlab's own header


class MatlabFile(NamedTuple):
    """Variables of a Matlab file, shaped as Matlab shows them.

    Attributes:
        arrays: From name to its array.
        cells: From name of a cell array to a function that reads the cell of an index.
        close: To be called at the end.
    """

    arrays: Dict[str, np.ndarray]
    cells: Dict[str, Callable[[int], np.ndarray]]
    close: Callable[[], None]


def is_hdf5(path: Path) -> bool:
    """Whether a Matlab file is of version 7.3."""
    with open(path, 'rb') as file:
        head = file.read(_HDF5_OFFSET + len(_HDF5))
    return head.startswith(_HDF5) or head[_HDF5_OFFSET:] == _HDF5


def open_matlab(path: Path, arrays: Sequence[str], cells: Sequence[str] = ()) -> MatlabFile:
    """Open a Matlab file and look for variables.

    Args:
        path: The file.
        arrays: Names of numeric variables, which are read at once.
        cells: Names of cell arrays, whose cells are read one by one.

    Returns:
        MatlabFile: The variables.

    Raises:
        PreparationError: If the file is damaged, or lacks a variable.
        ImportError: If the file is of version 7.3 and h5py is not installed.
    """
    try:
        opened = _open_new(path, arrays, cells) if is_hdf5(path) else _open_old(path, arrays, cells)
    except (ImportError, FileNotFoundError, PreparationError):
        raise
    except Exception as error:  # both libraries raise all sorts of errors for damaged files
        raise PreparationError(
            f'{path}: truncated, damaged or no Matlab file ({type(error).__name__}: {error}). It '
            f'has {path.stat().st_size} bytes: compare with the size at the source and download '
            'it again') from None
    return opened


def _demand(path: Path, names: Sequence[str], found: Sequence[str]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise PreparationError(f'{path}: no variable {", ".join(missing)}; found '
                               f'{", ".join(sorted(found)) or "none"}. Is it the right file?')


def _open_new(path: Path, arrays: Sequence[str], cells: Sequence[str]) -> MatlabFile:
    try:
        import h5py
    except ImportError:
        raise ImportError(
            f'{path} is a Matlab file of version 7.3; to read it, install h5py: pip install h5py '
            '(or pip install "mmpose-wass[data]")') from None
    file = h5py.File(path, 'r')
    try:
        names = [name for name in file if not name.startswith('#')]
        _demand(path, [*arrays, *cells], names)
        # HDF5 stores Matlab's columns as rows.
        read = {name: np.array(file[name]).T for name in arrays}
    except BaseException:
        file.close()
        raise

    def reader(name: str) -> Callable[[int], np.ndarray]:
        references = np.array(file[name]).reshape(-1)
        return lambda index: np.array(file[references[index]]).T

    return MatlabFile(read, {name: reader(name) for name in cells}, file.close)


def _open_old(path: Path, arrays: Sequence[str], cells: Sequence[str]) -> MatlabFile:
    from scipy.io import loadmat

    content = loadmat(str(path), variable_names=[*arrays, *cells])
    found: List[str] = [name for name in content if not name.startswith('__')]
    _demand(path, [*arrays, *cells], found)

    def reader(name: str) -> Callable[[int], np.ndarray]:
        column = content[name].reshape(-1)
        return lambda index: column[index]

    return MatlabFile({name: content[name] for name in arrays},
                      {name: reader(name) for name in cells}, lambda: None)
