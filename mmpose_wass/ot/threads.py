"""Parts of a batch on several threads, each of which runs its operators alone.

PyTorch spreads every operator over threads and lets them meet at its end. A solver has hundreds
of operators, so hundreds of meetings; on a machine whose cores are busy each waits for a thread
that does not run. Here threads share out parts of the batch instead, one at a time from a queue,
and meet once. Since an operator then never sees another thread, results are the same bits
whatever the number of threads.
"""
from __future__ import annotations

import collections
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Callable, Dict, List, Optional, Sequence, TypeVar

import torch

from .arithmetic import flushes_denormals

Part = TypeVar('Part')
Result = TypeVar('Result')


def map_parts(work: Callable[[Part], Result], parts: Sequence[Part],
              device: torch.device) -> List[Result]:
    """``[work(part) for part in parts]``, on as many threads as PyTorch has on a CPU.

    The caller's thread sleeps meanwhile, so that the number of threads it has set stays as it is.
    Workers have its gradient, inference and denormal modes, and no autocast. On a GPU, with one
    thread, and while a profiler or a mode watches the caller's operators, the caller does all.

    Args:
        work: Takes a part. Different parts must not write to one place.
        parts: In the order in which they are begun.
        device: Where the tensors live.

    Returns:
        Results in the order of the parts.

    Raises:
        Exception: What the first part that fails raised; those not yet begun are left out.

    Example:
        >>> map_parts(lambda part: int(torch.arange(10)[part].sum()), [slice(0, 4), slice(4, 10)],
        ...           torch.device('cpu'))
        [6, 39]
    """
    threads = torch.get_num_threads() if device.type == 'cpu' else 1
    pool = _pool(threads) if threads > 1 and parts and not _operators_are_watched() else None
    if pool is None:
        return [work(part) for part in parts]
    results: Dict[int, Result] = {}
    failures: Dict[int, BaseException] = {}
    queue = iter(range(len(parts)))  # `next` on it is atomic
    modes = _Modes()

    def run() -> None:
        with modes.taken_over():
            for index in queue:
                try:
                    results[index] = work(parts[index])
                except BaseException as error:  # handed to the caller
                    failures[index] = error
                    collections.deque(queue, maxlen=0)

    running = [pool.submit(run) for _ in range(min(threads, len(parts)))]
    try:
        wait(running)
    except BaseException:  # an interrupt: nobody may write to the caller's tensors after it
        collections.deque(queue, maxlen=0)
        wait(running)
        raise
    for future in running:
        future.result()
    if failures:
        # The first of the parts, if not the first in time: all before it were begun and ended.
        raise failures[min(failures)]
    return [results[index] for index in range(len(parts))]


class _Modes:
    """Modes that belong to a thread, as the caller has them."""

    def __init__(self) -> None:
        self.gradient = torch.is_grad_enabled()
        self.inference = torch.is_inference_mode_enabled()
        self.flush = flushes_denormals()

    @contextmanager
    def taken_over(self):
        """The worker's modes until its next work, which sets them anew."""
        torch.set_flush_denormal(self.flush)
        with torch.inference_mode(self.inference), torch.set_grad_enabled(self.gradient):
            yield


def _operators_are_watched() -> bool:
    """Whether the caller counts or records its operators, which works on its own thread only."""
    watchers = getattr(torch._C, '_len_torch_dispatch_stack', None)  # private, hence the care
    return bool(watchers and watchers()) or torch.autograd.profiler._is_profiler_enabled


def _start_worker(starting: threading.Lock) -> None:
    with starting:
        # The first question gives a thread the number that was last set in any thread, and only
        # after it a number of its own lasts. That becomes the one for threads to come, too; to
        # set theirs back takes yet another thread, for this one has to keep 1.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        other = threading.Thread(target=_set_for_threads_to_come, args=(threads, ))
        other.start()
        other.join()


def _set_for_threads_to_come(threads: int) -> None:
    torch.get_num_threads()
    torch.set_num_threads(threads)


def _runs_alone() -> bool:
    """Whether this thread's operators use no other thread, a matrix library's included."""
    found = re.findall(r'(?:omp|mkl)_get_max_threads\(\) : (\d+)', torch.__config__.parallel_info())
    return torch.get_num_threads() == 1 and set(found) == {'1'}


_POOLS: Dict[int, Optional[ThreadPoolExecutor]] = {}
_making = threading.Lock()


def _pool(threads: int) -> Optional[ThreadPoolExecutor]:
    """The process' pool; None where a thread cannot have a number of threads of its own."""
    with _making:
        if threads not in _POOLS:
            pool = None
            if 'ATen parallel backend: OpenMP' in torch.__config__.parallel_info():
                pool = ThreadPoolExecutor(threads, 'mmpose_wass', _start_worker,
                                          (threading.Lock(), ))
                if not pool.submit(_runs_alone).result():
                    pool.shutdown()
                    pool = None
            _POOLS[threads] = pool
        return _POOLS[threads]


def _forget_pools() -> None:
    """A forked process has none of the threads, but perhaps a lock that nobody will release."""
    global _making
    _POOLS.clear()
    _making = threading.Lock()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget_pools)
