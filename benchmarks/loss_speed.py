#!/usr/bin/env python
"""Time and memory of every method and peer, forward + backward, against softmax + MSE.

All methods take turns in every round, and what is reported is the median over rounds of the
ratio to softmax + MSE in the same round: a busy machine slows both. Slow methods get few maps,
and few rounds; their time is scaled to the number of maps and marked with `~`.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from common import (
    add_common_arguments,
    describe,
    environment,
    number,
    percent,
    report_skipped,
    save,
    select_device,
    table,
)
from cost import count_cost, machine_limits
from methods import Method, select_methods
from mmengine.utils import track_iter_progress
from pairs import draw_pair
from torch import Tensor
from torch.nn import functional

from mmpose_wass.models import SoftmaxMSEHeatmapLoss, WassersteinHeatmapLoss
from mmpose_wass.ot import softmax_map

REFERENCE = 'softmax + MSE'
WARM_UPS = 2
EXAMPLES = """\
examples:
  all methods, 1088 maps (16 images of 68 landmarks) of 64 x 64, sigma 1, 1.5 and 3:
    python benchmarks/loss_speed.py
  on a GPU, also with 6272 maps (64 images of 98 landmarks), Markdown tables:
    python benchmarks/loss_speed.py --device cuda --maps 1088 6272 --markdown
  with torch.compile and CUDA graphs beside it, on a GPU (on a CPU minutes of compiling):
    python benchmarks/loss_speed.py --device cuda --maps 1088 6272 --compile
  one and two threads, without the slow peers:
    python benchmarks/loss_speed.py --threads 1 2 --skip geomloss pot exact
  one setting of one's own:
    python benchmarks/loss_speed.py --sigmas 1.5 \\
      --methods graded 'sinkhorn:epsilon=1.0,iterations=5'
"""


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--maps', type=int, nargs='+', default=[1088], metavar='N',
                        help='numbers of maps in a call (default: 1088)')
    parser.add_argument('--size', type=int, nargs=2, default=(64, 64), metavar=('H', 'W'),
                        help='size of the maps (default: 64 64)')
    parser.add_argument('--sigmas', type=float, nargs='+', default=[1, 1.5, 3], metavar='PX',
                        help='standard deviations of the targets (default: 1 1.5 3)')
    parser.add_argument('--threads', type=int, nargs='+', metavar='N',
                        help='numbers of CPU threads (default: 1 and the number of cores; on a GPU '
                        'only the latter)')
    parser.add_argument('--rounds', type=int, default=10, metavar='N',
                        help='rounds of measurement (default: %(default)s)')
    parser.add_argument('--slow-rounds', type=int, default=2, metavar='N',
                        help='rounds of the methods that get few maps (default: %(default)s)')
    parser.add_argument('--peer-maps', type=int, metavar='N',
                        help='at most N maps for these methods (default: 1 to 64, by method)')
    parser.add_argument('--methods', nargs='+', metavar='NAME',
                        help='parts of labels, or solver:option=value,... (default: all)')
    parser.add_argument('--skip', nargs='+', default=[], metavar='NAME',
                        help='parts of the labels of methods to leave out')
    parser.add_argument('--compile', action='store_true',
                        help='measure the Wasserstein loss with compile=True too')
    parser.add_argument('--no-memory', action='store_true', help='do not measure memory')
    parser.add_argument('--no-cost', action='store_true',
                        help='do not count operations and bytes, and no limits of the machine')
    parser.add_argument('--memory-of', metavar='LABEL', help=argparse.SUPPRESS)
    add_common_arguments(parser, 'loss_speed')
    args = parser.parse_args()
    args.device = select_device(parser, args.device)
    cores = environment(args.device)['cores']
    if args.threads is None:
        args.threads = [cores] if args.device.type == 'cuda' else sorted({1, cores})
    if min(args.maps + args.threads + [args.rounds, args.slow_rounds]) < 1 or min(args.size) < 8:
        parser.error('--maps, --threads and --rounds must be positive, --size 8 or more')
    if min(args.sigmas) <= 0:
        parser.error('--sigmas must be positive')
    try:
        args.selected, args.skipped = select_methods(args.methods, args.skip, args.device)
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    if args.peer_maps:
        args.selected = [method._replace(maps=min(method.maps, args.peer_maps))
                         if method.maps else method for method in args.selected]
    args.selected = [Method(REFERENCE, softmax_mse)] + args.selected + loss_modules(args)
    return args


def softmax_mse(q: Tensor, sigma: float) -> Callable[[Tensor], Tensor]:
    """The least that a loss between softmaxed maps can cost: one fused operator after them."""
    return lambda logits: functional.mse_loss(softmax_map(logits), q)


def loss_modules(args) -> List[Method]:
    """The losses as a model calls them, unless methods were picked by name."""
    if args.methods is not None:
        return []

    def prepare_with(build) -> Callable[[Tensor, float], Callable[[Tensor], Tensor]]:

        def prepare(q: Tensor, sigma: float) -> Callable[[Tensor], Tensor]:
            loss, target = build(sigma), q[None]
            weights = q.new_ones(1, len(q))
            return lambda logits: loss(logits[None], target, weights)

        return prepare

    modules = [
        Method('SoftmaxMSEHeatmapLoss', prepare_with(lambda sigma: SoftmaxMSEHeatmapLoss())),
        Method('WassersteinHeatmapLoss',
               prepare_with(lambda sigma: WassersteinHeatmapLoss(sigma=sigma))),
    ]
    if args.compile:
        modules.append(Method(
            'WassersteinHeatmapLoss, compiled',
            prepare_with(lambda sigma: WassersteinHeatmapLoss(sigma=sigma, compile=True)),
            compiled=True))
    return modules


def draw_maps(count: int, shape: Tuple[int, int], sigma: float, seed: int,
              device: torch.device) -> Tuple[Tensor, Tensor]:
    """Logits and targets ``[M, H, W]`` as in the middle of a training: 64 pairs, repeated."""
    random = np.random.default_rng(seed)
    kinds = ('near', 'shifted', 'bimodal', 'border')
    drawn = [draw_pair(kinds[index % len(kinds)], shape, sigma, random)
             for index in range(min(count, 64))]
    chosen = torch.arange(count) % len(drawn)
    return tuple(
        torch.as_tensor(np.stack(part), dtype=torch.float32)[chosen].to(device)
        for part in zip(*drawn))


class Timed:
    """One method with its maps, ready to be called again and again."""

    def __init__(self, method: Method, logits: Tensor, target: Tensor, sigma: float) -> None:
        count = min(method.maps or len(logits), len(logits))
        self.label = method.label
        self.scale = len(logits) / count
        self.logits = logits[:count].clone().requires_grad_()
        self.distance = method.prepare(target[:count].clone(), sigma)
        self.milliseconds: List[float] = []

    def step(self) -> None:
        """Forward and backward."""
        self.logits.grad = None
        self.distance(self.logits).sum().backward()

    def time(self) -> None:
        """Measure one step."""
        if self.logits.is_cuda:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda.synchronize()
            start.record()
            self.step()
            end.record()
            end.synchronize()
            self.milliseconds.append(start.elapsed_time(end))
        else:
            start = time.perf_counter()
            self.step()
            self.milliseconds.append(1e3 * (time.perf_counter() - start))


def measure_setting(methods: Sequence[Method], maps: int, sigma: float, threads: int,
                    args) -> List[Dict[str, object]]:
    """Times of all methods for one number of maps, sigma and number of threads."""
    torch.set_num_threads(threads)
    logits, target = draw_maps(maps, tuple(args.size), sigma, args.seed, args.device)
    timed = []
    for method in methods:
        entry = Timed(method, logits, target, sigma)
        # The slowest (one or two maps) start cold: what a first call costs is nothing to them.
        for _ in range(WARM_UPS if len(entry.logits) > 2 else 0):
            entry.step()
        timed.append(entry)
    for index in range(args.rounds):
        for entry in timed:
            if entry.scale == 1 or index < args.slow_rounds:
                entry.time()
    reference = np.array(timed[0].milliseconds)
    results = []
    for method, entry in zip(methods, timed):
        taken = entry.scale * np.array(entry.milliseconds)
        result = dict(
            method=entry.label, maps=maps, maps_measured=len(entry.logits), sigma=sigma,
            threads=threads, milliseconds=float(np.median(taken)),
            milliseconds_min=float(taken.min()), rounds=len(taken),
            ratio=float(np.median(taken / reference[:len(taken)])))
        # Memory hardly depends on the number of threads.
        if not args.no_memory and entry.scale == 1 and threads == args.threads[0]:
            result['peak_bytes'] = peak_memory(method, entry, maps, sigma, args)
        results.append(result)
    base = results[0].get('peak_bytes')
    for result in results:
        if base is not None and result.get('peak_bytes') is not None:
            result['extra_bytes'] = result['peak_bytes'] - base
    return results


def peak_memory(method: Method, entry: Timed, maps: int, sigma: float, args) -> Optional[int]:
    """Most memory in use during a step over that before it, in bytes, the gradient included."""
    if entry.logits.is_cuda:
        entry.logits.grad = None
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        entry.step()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    # The high-water mark of a process of its own: nothing else has grown its heap.
    command = [sys.executable, str(Path(__file__).resolve()), '--memory-of', method.label,
               '--maps', str(maps), '--sigmas', str(sigma), '--size', *map(str, args.size),
               '--threads', '1', '--seed', str(args.seed)]
    if args.methods is not None:
        command += ['--methods', *args.methods]
    if args.compile:
        command.append('--compile')
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        raise RuntimeError(f'measuring the memory of {method.label} failed:\n{finished.stderr}')
    return json.loads(finished.stdout.splitlines()[-1])


def print_memory(args) -> None:
    """Peak resident memory of one step, in this process; prints bytes or null."""
    torch.set_num_threads(args.threads[0])
    method = next(method for method in args.selected if method.label == args.memory_of)
    sigma, maps = args.sigmas[0], args.maps[0]
    logits, target = draw_maps(maps, tuple(args.size), sigma, args.seed, args.device)
    # Code and tables are loaded by a small step, which is not counted: they do not grow with maps.
    # What is compiled is made for one number of maps.
    few = len(logits) if method.compiled else 2
    Timed(method, logits[:few], target[:few], sigma).step()
    entry = Timed(method, logits, target, sigma)
    try:
        Path('/proc/self/clear_refs').write_text('5')  # resets the high-water mark
        before = _status('VmRSS')
        entry.step()
        print(_status('VmHWM') - before)
    except OSError:  # not Linux, or not allowed
        print('null')


def _status(field: str) -> int:
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(field + ':'):
            return 1024 * int(line.split()[1])
    raise OSError(f'/proc/self/status has no {field}')


def measure_cost(methods: Sequence[Method], maps: int, sigma: float, args) -> List[dict]:
    """Operations, bytes and kernels of a step of each method that gets all maps."""
    logits, target = draw_maps(maps, tuple(args.size), sigma, args.seed, args.device)
    costs = []
    for method in methods:
        entry = Timed(method, logits, target, sigma)
        if entry.scale == 1:
            entry.step()  # tables are built once
            entry.step()  # what is compiled warms up, then records
            cost = count_cost(entry.step, logits.device, launches_only=method.compiled)
            costs.append(dict(method=method.label, maps=maps, sigma=sigma, **cost))
    return costs


def time_rows(results: Sequence[dict]) -> List[List[str]]:
    """Rows of the table of times."""
    rows = []
    for result in results:
        mark = '~' if result['maps_measured'] < result['maps'] else ''
        extra = result.get('extra_bytes')
        rows.append([
            result['method'], result['maps'], f'{result["sigma"]:g}', result['threads'],
            mark + number(result['milliseconds']), mark + number(result['ratio']),
            '-' if extra is None else f'{extra / 2**20:.0f}'])
    return rows


def cost_rows(costs: Sequence[dict], results: Sequence[dict], limits: dict) -> List[List[str]]:
    """Rows of the cost model; the bound is what the machine's limits allow at best."""
    rows = []
    for cost in costs:
        maps, launches = cost['maps'], '-' if cost['launches'] is None else cost['launches']
        if cost['operations'] is None:
            rows.append([cost['method'], maps, f'{cost["sigma"]:g}', '-', '-', '-', launches,
                         '-', '-'])
            continue
        taken = min(result['milliseconds'] for result in results
                    if all(result[key] == cost[key] for key in ('method', 'maps', 'sigma')))
        bound = 1e3 * max(cost['flop'] / limits['flop_per_second'],
                          cost['bytes'] / limits['bytes_per_second'])
        cost.update(bound_milliseconds=bound, share_of_bound=bound / taken)
        rows.append([
            cost['method'], maps, f'{cost["sigma"]:g}', f'{cost["flop"] / maps / 1e6:.2f}',
            f'{cost["bytes"] / maps / 1e6:.2f}', cost['operations'], launches,
            number(bound), percent(bound / taken)])
    return rows


def main() -> None:
    args = parse_args()
    if args.memory_of is not None:
        print_memory(args)
        return
    report_skipped(args.skipped)
    settings = [(maps, sigma, threads) for threads in args.threads for maps in args.maps
                for sigma in args.sigmas]
    print(f'{len(args.selected)} methods, {len(settings)} settings of maps, sigma and threads')
    results = []
    for setting in track_iter_progress(settings):
        results += measure_setting(args.selected, *setting, args)
    measured_on = environment(args.device)
    print(f'\n\n{describe(measured_on)}\n{args.size[0]} x {args.size[1]} maps on {args.device}, '
          f'forward + backward, median of {args.rounds} rounds; ~: scaled from fewer maps\n')
    header = ['method', 'maps', 'σ, px', 'threads', 'ms', f'× {REFERENCE}', 'extra peak MiB']
    print(table(header, time_rows(results), args.markdown))
    costs, limits = [], None
    if not args.no_cost:
        torch.set_num_threads(args.threads[-1])
        limits = machine_limits(args.device)
        for sigma in args.sigmas:
            costs += measure_cost(args.selected, args.maps[-1], sigma, args)
        rows = cost_rows(costs, results, limits)
        print(f'\nper map, counted; bound: the time at {limits["flop_per_second"] / 1e9:,.0f} '
              f'GFLOP/s and {limits["bytes_per_second"] / 1e9:,.0f} GB/s, which this machine '
              f'reaches in a matrix product and a copy with {args.threads[-1]} threads\n')
        print(table(['method', 'maps', 'σ, px', 'MFLOP', 'MB', 'operators', 'launches',
                     'bound, ms', 'reached'], rows, args.markdown))
    save(args.out, dict(environment=measured_on, device=str(args.device), size=list(args.size),
                        reference=REFERENCE, times=results, costs=costs, limits=limits,
                        skipped=args.skipped))


if __name__ == '__main__':
    main()
