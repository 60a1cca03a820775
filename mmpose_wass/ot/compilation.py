"""A function through torch.compile, and as it stands where that fails."""
from __future__ import annotations

import functools
import warnings
from typing import Callable, Optional, Set, Tuple

import torch
from torch import Tensor

_FAILED: Set[Callable] = set()


def call_compiled(function: Callable[..., Tuple[Tensor, ...]], device: torch.device,
                  *args) -> Tuple[Tensor, ...]:
    """``function(*args)``, its operators fused into few kernels.

    On a GPU these are also recorded as a CUDA graph, so that a call is one launch. The first call
    with each shape compiles for a while. Where a compiler is missing or fails (Triton for a
    GPU, a C++ compiler for a CPU), the function is called as it stands, with one warning.

    Args:
        function: At the top level of a module or class, of tensors and settings; it does not look
            at the tensors' values. Settings that change compile anew.
        device: Where the tensors live.
        *args: Passed on.

    Returns:
        The function's tensors.
    """
    if function in _FAILED:
        return function(*args)
    on_gpu = device.type == 'cuda'
    try:
        result = _compiled(function, 'reduce-overhead' if on_gpu else None)(*args)
    except Exception as error:  # a compiler's, of any kind; the function's own comes again
        result = function(*args)
        _FAILED.add(function)
        cause = str(error).strip().partition('\n')[0]
        warnings.warn(f'compile=True has no effect here: {type(error).__name__}: {cause}',
                      stacklevel=2)
        return result
    # The next replay of a graph writes to the same place.
    return tuple(tensor.clone() for tensor in result) if on_gpu else result


@functools.cache
def _compiled(function: Callable, mode: Optional[str]) -> Callable:
    return torch.compile(function, dynamic=False, mode=mode)
