#!/usr/bin/env python
"""What a step costs, counted rather than timed, and what the machine could do at best.

As a script it prints the cost model of the graded solver: sources N, sinks S, nodes of an axis n,
iterations T, and the FLOP of its matrix products for each map.
"""
from __future__ import annotations

import argparse
import time
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import torch
from common import table
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.flop_counter import FlopCounterMode

from mmpose_wass.ot import disc_radius
from mmpose_wass.ot.graded import ACCURACIES, GradedSolver
from mmpose_wass.ot.graded_geometry import GradedGeometry

EXAMPLES = """\
examples:
  the table in docs/performance.md:
    python benchmarks/cost.py --markdown
  wide targets on large maps:
    python benchmarks/cost.py --size 256 256 --sigmas 3 6
"""


class TrafficCounter(TorchDispatchMode):
    """Counts operators that compute something, and the bytes of what they read and write.

    Every operator is taken to read its inputs once and to write its outputs once, as it does
    where nothing is fused and nothing stays in a cache. Views cost nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        inputs, outputs = (
            [leaf for leaf in tree_flatten(tree)[0] if isinstance(leaf, torch.Tensor)]
            for tree in ((args, kwargs), result))
        if function.is_view or not outputs:
            return result
        self.operations += 1
        self.bytes += sum(_bytes(tensor) for tensor in inputs + outputs)
        return result


def _bytes(tensor: torch.Tensor) -> int:
    # An expanded tensor is read where it lies: its zero strides hold one entry.
    entries = 1
    for size, stride in zip(tensor.shape, tensor.stride()):
        entries *= size if stride else 1
    return entries * tensor.element_size()


def count_cost(step: Callable[[], None], device: torch.device,
               launches_only: bool = False) -> Dict[str, Optional[int]]:
    """Cost of one call of ``step``.

    Args:
        step: To be called some times.
        device: Where it computes.
        launches_only: Of compiled code, whose operators do not pass through PyTorch's dispatcher.

    Returns:
        ``flop`` of all matrix products; ``operations`` and ``bytes``, see
        :class:`TrafficCounter`; ``launches``, the kernels that a GPU started (None on a CPU).
        Kernels that do not pass through PyTorch's dispatcher count as launches only.
    """
    launches = _count_launches(step) if device.type == 'cuda' else None
    if launches_only:
        return dict(flop=None, operations=None, bytes=None, launches=launches)
    with FlopCounterMode(display=False) as flops:
        step()
    with TrafficCounter() as traffic:
        step()
    return dict(flop=flops.get_total_flops(), operations=traffic.operations, bytes=traffic.bytes,
                launches=launches)


def _count_launches(step: Callable[[], None]) -> int:
    from torch.profiler import ProfilerActivity, profile
    step()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as recorded:
        step()
        torch.cuda.synchronize()
    return sum(event.count for event in recorded.key_averages()
               if 'LaunchKernel' in event.key or 'GraphLaunch' in event.key)


def machine_limits(device: torch.device) -> Dict[str, float]:
    """What this machine reaches in a large float32 matrix product and in a large copy."""
    size, entries = (8192, 2**28) if device.type == 'cuda' else (1536, 2**25)
    matrix = torch.rand(size, size, device=device)
    source = torch.rand(entries, device=device)
    target = torch.empty_like(source)
    product = torch.empty_like(matrix)
    return dict(
        flop_per_second=2 * size**3 / _best_seconds(
            lambda: torch.mm(matrix, matrix, out=product), device),
        bytes_per_second=8 * entries / _best_seconds(lambda: target.copy_(source), device))


def _best_seconds(call: Callable[[], object], device: torch.device, repeats: int = 5) -> float:
    best = float('inf')
    for _ in range(repeats):
        _synchronise(device)
        start = time.perf_counter()
        call()
        _synchronise(device)
        best = min(best, time.perf_counter() - start)
    return best


def _synchronise(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def model_rows(shape: Tuple[int, int], sigmas: Sequence[float]) -> List[List[object]]:
    """The cost model of each accuracy and sigma.

    T comes from what a solve is counted to do, since solvers may spend more on wide discs.

    Raises:
        RuntimeError: If that is not a whole number of iterations, so that the model is wrong.
    """
    rows = []
    for name, accuracy in ACCURACIES.items():
        for sigma in sigmas:
            radius = disc_radius(sigma)
            # Tables in float64, which holds every disc.
            geometry = GradedGeometry(shape, radius, accuracy.grading, torch.device('cpu'),
                                      torch.float64)
            sources, sinks = geometry.kernels[0].shape
            nodes = geometry.axis_size
            splatting = 4 * shape[0] * shape[1] * nodes + 2 * sum(shape) * nodes**2
            iterating = _flop_of_solve(GradedSolver(radius, name), shape) - splatting
            if iterating % (4 * sources * sinks):
                raise RuntimeError(f'{name}, sigma {sigma:g}: {iterating} FLOP are not a whole '
                                   'number of iterations; the model no longer fits the solver')
            rows.append([
                name, f'{sigma:g}', sources, sinks, nodes, iterating // (4 * sources * sinks),
                f'{iterating / 1e6:.2f}', f'{splatting / 1e6:.2f}'])
    return rows


def _flop_of_solve(solver: GradedSolver, shape: Tuple[int, int]) -> int:
    target = torch.zeros(1, *shape)
    target[0, shape[0] // 2, shape[1] // 2] = 1
    with FlopCounterMode(display=False) as flops:
        solver(torch.full_like(target, 1 / target.numel()), target)
    return flops.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, nargs=2, default=(64, 64), metavar=('H', 'W'),
                        help='size of the maps (default: 64 64)')
    parser.add_argument('--sigmas', type=float, nargs='+', default=[1, 1.5, 3], metavar='PX',
                        help='standard deviations of the targets (default: 1 1.5 3)')
    parser.add_argument('--markdown', action='store_true', help='print a Markdown table')
    args = parser.parse_args()
    print(table(['accuracy', 'σ, px', 'N', 'S', 'n', 'T', 'iterations, MFLOP', 'nodes, MFLOP'],
                model_rows(tuple(args.size), args.sigmas), args.markdown))


if __name__ == '__main__':
    main()
