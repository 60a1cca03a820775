"""The device to compute on, checked before anything is built on it."""
from __future__ import annotations

from typing import Optional, Union

import torch
from mmengine.device import get_device


def find_device(name: Optional[Union[str, torch.device]] = None) -> str:
    """The device of a name, after a check that one can compute on it.

    Args:
        name: ``'cpu'``, ``'cuda'``, ``'cuda:1'`` …; by default a GPU where there is one.

    Returns:
        str: Its name.

    Raises:
        ValueError: If there is no such device here; names those that there are.

    Example:
        >>> find_device('cpu')
        'cpu'
    """
    if name is None:
        return get_device()
    try:
        # Only its use tells whether what PyTorch was built for is there.
        if torch.empty(1, device=str(name)).is_meta:
            raise RuntimeError('it computes nothing')
    # PyTorch built without CUDA fails by an assertion.
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        known = ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f'device {str(name)!r}: torch {torch.__version__} cannot use it here '
                         f'({reason}); choose {" or ".join(known)}, or leave --device (device=) '
                         'out') from error
    return str(name)
