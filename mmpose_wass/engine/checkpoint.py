"""Load MMEngine's checkpoints with PyTorch's safe loading left on."""

from __future__ import annotations

import io
import os
import pickle
import warnings
from _codecs import encode  # how pickle spells bytes; PyTorch allows it itself from 2.5 on
from contextlib import contextmanager
from functools import cache
from typing import Any, Callable, Iterator

import numpy as np
import torch

from .distributed import is_first_process

# Kinds of numbers and strings in the NumPy arrays that a checkpoint may hold (log histories,
# data set tables). Object arrays are left out on purpose.
_DTYPE_KINDS = ('?', 'b', 'B', 'h', 'H', 'i', 'I', 'l', 'L', 'q', 'Q', 'e', 'f', 'd', 'g', 'F',
                'D', 'S', 'U')
HISTORY_STATISTICS = ('min', 'max', 'current', 'mean')
# Read by torch.load; goes before what its caller, torch.hub for one, asks for.
_FORCE_SAFE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'


def safe_checkpoint_globals() -> list:
    """Return the classes and functions that MMEngine's checkpoints need beyond PyTorch's own.

    These are MMEngine's ``HistoryBuffer`` (a log curve: two arrays and a length) and what NumPy
    arrays and scalars are rebuilt with. None of them runs code that a file could choose: pickle
    asks for ``getattr`` to name the buffer's own statistics, and gets
    :func:`history_statistic` instead, which knows nothing else.

    Returns:
        list: Entries for ``torch.serialization.add_safe_globals``: the object, or a pair of the
        object and the name by which files call it (NumPy 2 moved ``numpy.core`` to
        ``numpy._core``, and files of either are loaded under either). Before torch 2.6, which
        knows no such pairs, a function of that name stands for the pair.
    """
    from mmengine.logging.history_buffer import HistoryBuffer

    rebuild_array = np.empty(0).__reduce__()[0]
    rebuild_scalar = np.float64(0).__reduce__()[0]
    dtypes = []
    for kind in _DTYPE_KINDS:
        dtype = type(np.dtype(kind))
        if dtype not in dtypes:
            dtypes.append(dtype)
    # An array without elements is rebuilt from `bytes()`.
    entries = [HistoryBuffer, np.ndarray, np.dtype, bytes, encode, *dtypes]
    named = [(history_statistic, 'builtins.getattr')]
    for package in ('numpy.core', 'numpy._core'):
        named.append((rebuild_array, f'{package}.multiarray._reconstruct'))
        named.append((rebuild_scalar, f'{package}.multiarray.scalar'))
    return entries + (named if _names_allowed() else [_renamed(*one) for one in named])


def history_statistic(owner: type, name: str):
    """Stand in for ``getattr`` in checkpoints: look up a statistic of ``HistoryBuffer``.

    Every ``HistoryBuffer`` in a file carries its table of statistics, ``min`` … ``mean``, as
    ``getattr(HistoryBuffer, 'min')`` …. The real ``getattr`` would let a crafted file reach any
    attribute of any object.

    Args:
        owner: Must be ``HistoryBuffer``.
        name: ``'min'``, ``'max'``, ``'current'`` or ``'mean'``.

    Returns:
        The method.

    Raises:
        pickle.UnpicklingError: For anything else.
    """
    from mmengine.logging.history_buffer import HistoryBuffer
    if owner is not HistoryBuffer or name not in HISTORY_STATISTICS:
        raise pickle.UnpicklingError(
            f'getattr({owner!r}, {name!r}) is not allowed in a checkpoint: only '
            f'{", ".join(HISTORY_STATISTICS)} of HistoryBuffer are')
    return getattr(HistoryBuffer, name)


def _names_allowed() -> bool:
    """Whether ``add_safe_globals`` takes names; from the first torch on that loads safely by
    default (2.6)."""
    major, minor = (int(part) for part in torch.__version__.split('.')[:2])
    return (major, minor) >= (2, 6)


@cache
def _renamed(function: Callable, path: str) -> Callable:
    """The function, as if it had been defined under another name."""
    def renamed(*arguments):
        return function(*arguments)

    renamed.__module__, _, renamed.__name__ = path.rpartition('.')
    renamed.__qualname__ = renamed.__name__
    return renamed


def allow_mmengine_checkpoints() -> bool:
    """Allow safe loading (``weights_only=True``) of checkpoints that MMEngine wrote.

    torch >= 2.6 loads checkpoints safely by default and refuses classes that it does not know,
    among them those in every MMEngine checkpoint. This names the few that are needed; loading
    stays safe, and a file with anything else in it is still refused. Calling it twice does no
    harm. ``import mmpose_wass`` calls it.

    Returns:
        bool: Whether this torch can load such checkpoints safely. ``False`` before torch 2.4,
        which has no list of safe classes.

    Examples:
        >>> import io, torch
        >>> from mmengine.logging import HistoryBuffer
        >>> safely = allow_mmengine_checkpoints()
        >>> file = io.BytesIO()
        >>> torch.save(dict(loss=HistoryBuffer([1.0, 2.0], [1, 1])), file)
        >>> _ = file.seek(0)
        >>> float(torch.load(file, weights_only=safely)['loss'].mean())
        1.5
    """
    add_safe_globals = getattr(torch.serialization, 'add_safe_globals', None)
    if add_safe_globals is None:
        return False
    add_safe_globals(safe_checkpoint_globals())
    return _names_allowed() or _histories_load()


@cache
def _histories_load() -> bool:
    """Whether the safe loading of torch 2.4 and 2.5, which was new then, reads a log curve."""
    from mmengine.logging.history_buffer import HistoryBuffer
    file = io.BytesIO()
    torch.save(dict(loss=HistoryBuffer([1.0], [1]), scalar=np.float64(1)), file)
    file.seek(0)
    try:
        torch.load(file, weights_only=True)
    except Exception:  # pickle.UnpicklingError, or RuntimeError where it was newer still
        return False
    return True


def load_checkpoint(path: str, map_location: str = 'cpu') -> Any:
    """Read a checkpoint without running code that it brings, where this torch can.

    Args:
        path: A local file, or an address that MMEngine downloads (``https://``,
            ``open-mmlab://`` …).
        map_location: Where its tensors go.

    Returns:
        Any: What the file holds, for MMEngine's a dict.
    """
    from mmengine.runner.checkpoint import CheckpointLoader
    with safe_loading() as safely:
        if '://' in path:
            return CheckpointLoader.load_checkpoint(path, map_location, logger='silent')
        return torch.load(os.path.expanduser(path), map_location, weights_only=safely)


@contextmanager
def safe_loading() -> Iterator[bool]:
    """Make every ``torch.load`` within a safe one, whatever its caller asks for.

    MMEngine leaves the choice to torch, whose default is unsafe before 2.6, and its downloads go
    through ``torch.hub``, which asks for unsafe loading in every version.

    Yields:
        bool: Whether this torch can; if not, a warning has named the risk, once a process.
    """
    safely = allow_mmengine_checkpoints()
    if not safely:
        _warn_of_unsafe_loading()
        yield False
        return
    before = os.environ.get(_FORCE_SAFE)
    os.environ[_FORCE_SAFE] = '1'
    try:
        yield True
    finally:
        if before is None:
            del os.environ[_FORCE_SAFE]
        else:
            os.environ[_FORCE_SAFE] = before


@cache
def _warn_of_unsafe_loading() -> None:
    warnings.warn(
        f'torch {torch.__version__} cannot load checkpoints safely: a crafted file can run any '
        'code when it is loaded. Load only files that you trust, or update torch (2.6 or later '
        'loads safely)', stacklevel=5)


def check_checkpoint(path: str) -> dict:
    """Check, before a model is built, that a checkpoint is there and loads.

    Args:
        path: A local file, or an address that MMEngine downloads (``https://``,
            ``open-mmlab://`` …), which the first process looks into.

    Returns:
        dict: What the checkpoint says of itself: ``epoch``, ``iter``, ``time``,
        ``mmengine_version``, ``experiment_name``, as far as it has them.

    Raises:
        FileNotFoundError: If there is no such file; names what else lies in its folder.
        ValueError: If the file is no checkpoint, or safe loading refuses it.
    """
    remote = '://' in path
    if remote and not is_first_process():
        return {}
    if not remote and not os.path.isfile(path):
        raise FileNotFoundError(_missing_checkpoint(path))
    try:
        checkpoint = load_checkpoint(path)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f'checkpoint {path}: refused by safe loading, or damaged. {_first_lines(error)} '
            'If you trust where the file comes from, have its class allowed with '
            'torch.serialization.add_safe_globals in a module that the config imports '
            '(custom_imports).') from error
    except (RuntimeError, EOFError, OSError, KeyError) as error:
        raise ValueError(
            f'checkpoint {path}: cannot be downloaded, or is damaged ({_first_lines(error)}). '
            'Download it elsewhere and give the file.' if remote else
            f'checkpoint {path}: is damaged or no PyTorch file ({_first_lines(error)}). '
            'Save or copy it again.') from error
    meta = checkpoint.get('meta', None) if isinstance(checkpoint, dict) else None
    names = ('epoch', 'iter', 'time', 'mmengine_version', 'experiment_name')
    return {name: meta[name] for name in names if name in meta} if isinstance(meta, dict) else {}


def _first_lines(error: Exception, count: int = 2) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ' '.join(lines[:count])


def _missing_checkpoint(path: str) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    message = f'checkpoint {path}: no such file.'
    if not os.path.isdir(folder):
        return f'{message} The folder {folder} does not exist either.'
    beside = sorted(name for name in os.listdir(folder) if name.endswith(('.pth', '.pt')))
    if beside:
        return f'{message} In {folder} there are: {", ".join(beside)}.'
    return f'{message} {folder} holds no checkpoint (*.pth); train one with tools/train.py.'
