"""Work in several processes, with progress from inside of them."""
from __future__ import annotations

import multiprocessing
from typing import Callable, Iterator, List, Optional, TypeVar

import cv2

Item = TypeVar('Item')
Result = TypeVar('Result')

_POLL = 0.25  # seconds between looks at the counter
_counter = None


def advance(count: int = 1) -> None:
    """Count finished steps; called by the work."""
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += count


def _initialize(counter) -> None:
    global _counter
    _counter = counter
    cv2.setNumThreads(1)


def run_parallel(work: Callable[[Item], Result], items: List[Item], workers: int = 1,
                 on_step: Optional[Callable[[int], None]] = None) -> Iterator[Result]:
    """Results of ``work`` in the order of ``items``.

    Args:
        work: A function of a module (other processes are called with it); it may call
            :func:`advance`.
        items: What to work on.
        workers: Processes; with 1, everything is done in this one.
        on_step: Called with the number of steps so far, now and then.

    Yields:
        Results, in the order of ``items``. What ``work`` raises is raised here.

    Raises:
        ValueError: If ``workers`` is not positive.
    """
    if workers < 1:
        raise ValueError(f'workers must be at least 1, got {workers}')
    report = on_step or (lambda steps: None)
    if workers == 1 or len(items) < 2:
        yield from _in_this_process(work, items, report)
        return
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else 'spawn'
    context = multiprocessing.get_context(method)
    counter = context.Value('q', 0)
    # A child that inherits OpenCV's thread pool without its threads waits for ever: end the pool
    # before forking.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with context.Pool(min(workers, len(items)), _initialize, (counter, )) as pool:
            results = pool.imap(work, items)
            remaining = len(items)
            while remaining:
                try:
                    result = results.next(timeout=_POLL)
                except multiprocessing.TimeoutError:
                    report(counter.value)
                    continue
                remaining -= 1
                report(counter.value)
                yield result
    finally:
        cv2.setNumThreads(threads)


class _LocalCounter:
    """Stands in for the counter that processes share."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self.count, self.report = 0, report

    def get_lock(self) -> _LocalCounter:
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error) -> None:
        return None

    @property
    def value(self) -> int:
        return self.count

    @value.setter
    def value(self, count: int) -> None:
        self.count = count
        self.report(count)


def _in_this_process(work, items, report) -> Iterator:
    global _counter
    previous, _counter = _counter, _LocalCounter(report)
    try:
        for item in items:
            yield work(item)
    finally:
        _counter = previous
