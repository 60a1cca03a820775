"""Memory over a thousand steps."""
from __future__ import annotations

import ctypes
import gc
import sys

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from test_tools.tiny_run import write_config, write_faces

from mmpose_wass import turn_on
from mmpose_wass.engine import FiniteTrainingHook, RandomStateHook
from mmpose_wass.engine.config_loading import load_config

STEPS = 1000
#: Bytes a step: log curves keep a few numbers of each step for ever, images and maps far more.
ALLOWED = 2000
BLOCK = 64  # bytes; about the mean of Python's small objects


class HeapState(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""
    _fields_ = [(name, ctypes.c_size_t) for name in (
        'arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks',
        'fordblks', 'keepcost')]


def heap_state():
    """The function, or None where the C library is another one."""
    function = getattr(ctypes.CDLL(None), 'mallinfo2', None)
    if function is not None:
        function.restype = HeapState
    return function


def held() -> int:
    """Bytes in use. What the system counts hides a leak in pages that were free before."""
    gc.collect()
    heap = heap_state()()
    return heap.uordblks + heap.hblkhd + BLOCK * sys.getallocatedblocks()


needs_glibc = pytest.mark.skipif(heap_state() is None, reason='needs glibc 2.33 or later')


@HOOKS.register_module()
class MemoryHook(Hook):
    """Note the memory every hundred steps."""

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if (runner.iter + 1) % 100 == 0:
            self.seen.append(held())


@pytest.mark.stress
@needs_glibc
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('loss', ['wasserstein', 'wasserstein+kl'])
def test_memory_is_flat(tmp_path, loss):
    write_faces(tmp_path / 'data', 4, 'train')
    write_faces(tmp_path / 'data', 4, 'test', seed=1)
    config = write_config(tmp_path / 'tiny.py', tmp_path / 'data', tmp_path / 'run',
                          train_batch=2, test_batch=2, learning_rate=1e-3)
    cfg = turn_on(load_config(str(config)), loss=loss)
    cfg.train_cfg = dict(by_epoch=True, max_epochs=STEPS // 2, val_interval=50)
    cfg.default_hooks.logger.interval = 100
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=100, max_keep_ckpts=1)
    memory = MemoryHook()
    runner = Runner.from_cfg(cfg)
    for hook in (memory, FiniteTrainingHook(), RandomStateHook()):
        runner.register_hook(hook)
    runner.train()
    assert len(memory.seen) == STEPS // 100
    check_flat(memory.seen)
    decoder, seen = runner.model.head.decoder, []
    maps = torch.randn(8, 68, 16, 16)
    for step in range(STEPS):
        decoder.batch_decode(maps + step)
        if (step + 1) % 100 == 0:
            seen.append(held())
    check_flat(seen)


def check_flat(seen):
    """Compare the later half with its start; the first steps fill caches."""
    later = np.array(seen[len(seen) // 2:], dtype=float)
    growth = (later[-1] - later[0]) / (100 * (len(later) - 1))
    assert growth < ALLOWED, f'{growth:.0f} bytes a step: {np.diff(seen).tolist()}'


@pytest.mark.stress
@needs_glibc
@pytest.mark.parametrize('leak', [lambda step: np.ones(400) * step,
                                  lambda step: [object() for _ in range(50)],
                                  lambda step: torch.ones(400) * step],
                         ids=['array', 'objects', 'tensor'])
def test_a_leak_would_be_seen(leak):
    kept, seen = [], []
    for step in range(STEPS):
        kept.append(leak(step))
        if (step + 1) % 100 == 0:
            seen.append(held())
    with pytest.raises(AssertionError, match='bytes a step'):
        check_flat(seen)
