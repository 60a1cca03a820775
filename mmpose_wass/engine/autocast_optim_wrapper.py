"""Mixed precision where MMEngine's own wrapper asks for a GPU."""
from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from mmpose.registry import HOOKS, OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Runs the forward pass in bfloat16 where that is safe, on a CPU too.

    MMEngine's ``AmpOptimWrapper`` refuses a machine without a GPU. bfloat16 has the range of
    float32, so that no gradient scaler is needed; weights and optimizer stay in float32. It pays on
    CPUs that multiply bfloat16 in hardware (AVX512-BF16, AMX), elsewhere it can be slower.

    Args:
        device_type: ``'cpu'`` or ``'cuda'``.
        **kwargs: Of MMEngine's ``OptimWrapper``: ``optimizer``, ``clip_grad``, ...

    Example:
        >>> weights = torch.nn.Linear(4, 4)
        >>> optimizer = torch.optim.SGD(weights.parameters(), lr=.1)
        >>> wrapper = AutocastOptimWrapper(optimizer=optimizer)
        >>> with wrapper.optim_context(weights):
        ...     weights(torch.ones(1, 4)).dtype
        torch.bfloat16
    """

    def __init__(self, device_type: str = 'cpu', **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if device_type not in ('cpu', 'cuda'):
            raise ValueError(f"device_type must be 'cpu' or 'cuda', got {device_type!r}")
        self.device_type = device_type

    @contextmanager
    def optim_context(self, model: torch.nn.Module):
        """Autocast, and the accumulation of gradients as MMEngine does it."""
        with super().optim_context(model), autocast(
                device_type=self.device_type, dtype=torch.bfloat16):
            yield


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Stores weights, and with them all maps, channels last: faster in bfloat16."""

    priority = 'VERY_LOW'

    def before_run(self, runner) -> None:
        """Convert the model in place; values do not change."""
        runner.model.to(memory_format=torch.channels_last)
