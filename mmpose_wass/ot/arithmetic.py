"""Which arithmetic the solvers run in: no autocast, no denormals, half-precision tables."""
from __future__ import annotations

from contextlib import contextmanager, nullcontext

import torch


def full_precision(device: torch.device):
    """Context that switches autocast off, where the device has it (older torch: not on all)."""
    try:
        return torch.autocast(device.type, enabled=False)
    except RuntimeError:
        return nullcontext()


def flushes_denormals() -> bool:
    """Whether the CPU takes numbers below the smallest normal one for 0 at present."""
    return (torch.tensor(1e-40) * 1).item() == 0


@contextmanager
def denormals_flushed(device: torch.device):
    """Context in which a CPU takes denormal numbers (float32: below 1.2e-38) for 0.

    The products of a scaling iteration span more than the floating-point range, so that many
    terms of its sums underflow. They do not matter, but a CPU handles each in microcode, which
    makes a matrix product 5 times slower. The state before is restored; GPUs need none of this.

    Example:
        >>> with denormals_flushed(torch.device('cpu')):
        ...     inside = flushes_denormals()
        >>> inside == torch.set_flush_denormal(False)  # False only where the CPU cannot
        True
    """
    if device.type != 'cpu' or flushes_denormals() or not torch.set_flush_denormal(True):
        yield
        return
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def multiplies_bfloat16_faster(device: torch.device) -> bool:
    """Whether the device has matrix units for bfloat16: AMX on a CPU, tensor cores on a GPU."""
    if device.type == 'cuda':
        return torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == 'cpu':
        # Private, and only in newer torch; without it float32 is used.
        supported = getattr(getattr(torch, 'cpu', None), '_is_amx_tile_supported', None)
        return bool(supported and supported())
    return False
