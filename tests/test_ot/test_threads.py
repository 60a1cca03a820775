"""Several threads give the same bits as one, and leave everything as they found it."""
import multiprocessing
import os
import threading

import pytest
import torch
from maps import gaussian
from torch.utils.flop_counter import FlopCounterMode

from mmpose_wass.ot import GradedSolver, softmax_wasserstein1
from mmpose_wass.ot.arithmetic import flushes_denormals
from mmpose_wass.ot.threads import map_parts

CPU = torch.device('cpu')
PARTS = [slice(start, start + 3) for start in range(0, 30, 3)]


@pytest.fixture
def threads():
    """Sets the number of threads until the test's end."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def small_parts(monkeypatch):
    """Batches of the tests' size have several parts."""
    monkeypatch.setattr('mmpose_wass.ot.graded.PIXELS_AT_ONCE', 4 * 24 * 28)


def pairs(count=22, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(count, 24, 28, generator=generator)
    centres = 10 * torch.rand(count, 2, generator=generator) + 7
    target = torch.stack([gaussian(c.numpy(), 1.5, (24, 28)) for c in centres])
    return logits.to(dtype).requires_grad_(), target.to(dtype)


def others_threads():
    """Each part's thread, which waits until there is another or all have begun."""
    barrier = threading.Barrier(2)

    def work(part):
        if part.start < 6:
            barrier.wait(timeout=20)
        return threading.current_thread().name, torch.get_num_threads()

    return map_parts(work, PARTS, CPU)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize('options', [{}, dict(bfloat16_tables=True), dict(accuracy='accurate')])
def test_bits_are_those_of_one_thread(threads, small_parts, dtype, options):
    logits, target = pairs(dtype=dtype)
    with torch.no_grad():
        logits[5] = torch.nan
    valid = torch.ones(len(logits), dtype=torch.bool)
    valid[8] = False
    solver = GradedSolver(radius=5.5, check_interval=1, **options)
    found = []
    for count in (1, 2, 3):
        threads(count)
        values = softmax_wasserstein1(logits, target, solver, valid=valid)
        gradient, = torch.autograd.grad(values.sum(), logits)
        result = solver(logits[8:].detach().softmax(dim=-1) / 24, target[8:])
        found.append([values, gradient, result.value, result.potential])
    assert torch.isnan(found[0][0]).tolist() == [index == 5 for index in range(22)]
    for other in found[1:]:
        for one, several in zip(found[0], other):
            torch.testing.assert_close(several, one, rtol=0, atol=0, equal_nan=True)


def test_parts_run_at_the_same_time_on_threads_of_their_own(threads):
    threads(2)
    names, counts = zip(*others_threads())
    assert len(set(names)) == 2 and set(counts) == {1}
    assert threading.current_thread().name not in names


def test_numbers_of_threads_stay(threads):
    for count in (3, 2):
        threads(count)
        others_threads()
        assert torch.get_num_threads() == count
        later = []
        other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))  # noqa: B023
        other.start()
        other.join()
        assert later == [count], 'a thread that starts later'
    alive = threading.active_count()
    for _ in range(50):
        others_threads()
    assert threading.active_count() == alive


def test_one_thread_does_all_itself(threads):
    threads(1)
    assert map_parts(lambda _: threading.get_ident(), PARTS, CPU) == 10 * [threading.get_ident()]


def test_results_come_in_order_and_parts_may_have_parts(threads):
    threads(2)
    values = torch.arange(30.)

    def work(part):
        return sum(map_parts(lambda index: float(values[part][index]), range(3), CPU))

    assert map_parts(work, PARTS, CPU) == [float(values[part].sum()) for part in PARTS]
    assert map_parts(work, [], CPU) == []


def test_the_first_failing_part_is_raised_and_no_more_are_begun(threads):
    threads(2)
    both, begun = threading.Barrier(2), []

    def work(part):
        begun.append(part.start)
        both.wait(timeout=20)
        raise ValueError(f'part {part.start}')

    for _ in range(20):
        begun.clear()
        with pytest.raises(ValueError, match='part 0'):
            map_parts(work, PARTS, CPU)
        assert sorted(begun) == [0, 3]
    assert map_parts(lambda part: part.start, PARTS, CPU) == [part.start for part in PARTS]


def test_targets_that_are_not_compact_are_refused_on_several_threads(threads, small_parts):
    logits, target = pairs()
    target[13] = 1
    threads(2)
    with pytest.raises(ValueError, match='several modes'):
        softmax_wasserstein1(logits, target, GradedSolver(radius=5.5, check_interval=1))


@pytest.mark.parametrize('flush', [False, True])
def test_workers_have_the_callers_modes(threads, flush):
    if flush and not torch.set_flush_denormal(True):
        pytest.skip('this processor cannot flush denormals')
    threads(2)

    def modes(_=None):
        return (flushes_denormals(), torch.is_grad_enabled(), torch.is_inference_mode_enabled())

    try:
        for context in (torch.no_grad(), torch.enable_grad(), torch.inference_mode()):
            with context:
                assert map_parts(modes, PARTS, CPU) == 10 * [modes()]
        with torch.autocast('cpu', dtype=torch.bfloat16):
            assert map_parts(lambda _: torch.is_autocast_cpu_enabled(), PARTS, CPU) == 10 * [False]
    finally:
        torch.set_flush_denormal(False)
    assert not any(found[0] for found in map_parts(modes, PARTS, CPU))


def test_inference_mode(threads, small_parts):
    logits, target = pairs()
    expected = softmax_wasserstein1(logits, target, GradedSolver(radius=5.5))
    threads(2)
    with torch.inference_mode():
        found = softmax_wasserstein1(logits.clone(), target, GradedSolver(radius=5.5))
    assert torch.equal(found, expected)


def test_operators_are_counted_on_several_threads_too(threads):
    threads(2)
    with FlopCounterMode(display=False) as flops:
        map_parts(lambda _: torch.ones(2, 3) @ torch.ones(3, 4), PARTS, CPU)
    assert flops.get_total_flops() == 10 * 2 * 2 * 3 * 4


def test_several_callers_at_once(threads, small_parts):
    logits, target = pairs()
    solver = GradedSolver(radius=5.5)
    expected = softmax_wasserstein1(logits, target, solver)
    threads(2)
    found = [None] * 4

    def call(index):
        found[index] = softmax_wasserstein1(logits, target, solver)

    callers = [threading.Thread(target=call, args=(index, )) for index in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all(torch.equal(values, expected) for values in found)


def _in_child(connection):
    torch.set_num_threads(2)
    connection.send(([name for name, _ in others_threads()], os.getpid()))


@pytest.mark.skipif('fork' not in multiprocessing.get_all_start_methods(), reason='needs fork')
@pytest.mark.filterwarnings('ignore:.*fork:DeprecationWarning')
def test_a_forked_process_starts_threads_of_its_own(threads):
    threads(2)
    others_threads()
    context = multiprocessing.get_context('fork')
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(sender, ))
    child.start()
    try:
        assert receiver.poll(30), 'the child waits for threads that it does not have'
        names, process = receiver.recv()
    finally:
        child.join(5)
        child.kill()
    assert len(set(names)) == 2 and process != os.getpid()
    assert child.exitcode == 0
