#!/usr/bin/env python
"""Accuracy of every method and peer on pairs of heatmaps whose W1 is known exactly.

Compared are the value, the direction of the gradient with respect to the logits, and whether exact
W1 falls after a small step along that gradient.
"""
from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
import torch
from common import (
    add_common_arguments,
    describe,
    environment,
    percent,
    report_skipped,
    save,
    select_device,
    table,
)
from methods import Method, select_methods, value_and_gradient
from mmengine.utils import track_iter_progress
from pairs import CATEGORIES, Pair, exact_transport, load_fixtures, random_pairs
from scipy.special import softmax

# The step's length: exact W1 would fall by this share if it were linear in the step...
STEP_SHARE = .01
# ... but no logit changes by more than this.
LARGEST_STEP = .5
EXAMPLES = """\
examples:
  12 fresh pairs of 32 x 32, solved exactly by POT, all methods:
    python benchmarks/loss_accuracy.py
  stored pairs; each .npz holds logits [N, H, W], centre [N, 2] (x, y), sigma [N], category [N],
  w1 [N] and f [N, H, W], the exact values and dual potentials:
    python benchmarks/loss_accuracy.py --fixtures DIR --random 0
  the fast solver only, larger maps, wide targets, one more setting of a solver:
    python benchmarks/loss_accuracy.py --random 30 --size 64 64 --sigmas 1 3 6 \\
      --methods graded 'sinkhorn:epsilon=0.5,iterations=50'
"""


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--fixtures', type=Path, metavar='DIR',
                        help='folder of .npz files with exact pairs')
    parser.add_argument('--random', type=int, default=12, metavar='N',
                        help='fresh pairs, of all categories in turn (default: %(default)s): '
                        f'{", ".join(CATEGORIES)}')
    parser.add_argument('--size', type=int, nargs=2, default=(32, 32), metavar=('H', 'W'),
                        help='size of the fresh pairs (default: 32 32)')
    parser.add_argument('--sigmas', type=float, nargs='+', default=[1, 1.5, 3], metavar='PX',
                        help='standard deviations of their targets (default: 1 1.5 3)')
    parser.add_argument('--methods', nargs='+', metavar='NAME',
                        help='parts of labels, or solver:option=value,... (default: all)')
    parser.add_argument('--skip', nargs='+', default=[], metavar='NAME',
                        help='parts of the labels of methods to leave out')
    parser.add_argument('--limit', type=int, metavar='N',
                        help='at most N pairs, evenly spread (slow methods see fewer anyway)')
    parser.add_argument('--no-step', action='store_true',
                        help='do not test whether exact W1 falls after a step, which solves '
                        'another linear program for each pair and method')
    parser.add_argument('--by-category', action='store_true',
                        help='also print the errors of each kind of prediction')
    parser.add_argument('--dtype', choices=('float32', 'float64'), default='float32',
                        help='of logits and targets (default: %(default)s)')
    add_common_arguments(parser, 'loss_accuracy')
    args = parser.parse_args()
    args.device = select_device(parser, args.device)
    if args.fixtures is None and args.random < 1:
        parser.error('nothing to do: give --fixtures DIR or --random N with N > 0')
    if min(args.size) < 8 or min(args.sigmas) <= 0:
        parser.error('--size must be 8 or more, --sigmas positive')
    try:
        args.selected, args.skipped = select_methods(args.methods, args.skip, args.device)
        args.stored = load_fixtures(args.fixtures) if args.fixtures else []
    except (ValueError, TypeError, OSError) as error:
        parser.error(str(error))
    except KeyError as error:
        parser.error(error.args[0])
    return args


def spread_evenly(items: Sequence, count: int) -> List:
    """At most ``count`` items, from the whole of the sequence."""
    if count is None or count >= len(items):
        return list(items)
    return [items[int((index + .5) * len(items) / count)] for index in range(count)]


def affordable(method: Method, pairs: Sequence[Pair]) -> int:
    """How many of the pairs a method gets; what slow methods take grows as pixels squared."""
    if method.pairs is None:
        return len(pairs)
    cost = np.mean([(pair.logits.size / 4096)**2 for pair in pairs])
    return int(np.clip(method.pairs / cost, 1, len(pairs)))


def compare(pair: Pair, value: float, gradient: np.ndarray, seconds: float,
            step: bool) -> Dict[str, object]:
    """A method's figures for one pair."""
    exact_gradient = pair.gradient
    lengths = np.linalg.norm(gradient) * np.linalg.norm(exact_gradient)
    inner = float((gradient * exact_gradient).sum())
    result = dict(
        pair=pair.name, category=pair.category, sigma=pair.sigma, exact=pair.exact, value=value,
        error=abs(value - pair.exact) / max(pair.exact, 1e-12),
        cosine=inner / lengths if lengths > 0 else 0.0,
        seconds=seconds)
    if step:
        result['falls'] = falls_after_step(pair, gradient)
    return result


def falls_after_step(pair: Pair, gradient: np.ndarray) -> bool:
    """Whether exact W1 is smaller after a small step against the gradient."""
    squares, largest = float((gradient**2).sum()), float(np.abs(gradient).max())
    if not (np.isfinite(squares) and largest > 0):
        return False
    length = min(STEP_SHARE * pair.exact / squares, LARGEST_STEP / largest)
    p = softmax(pair.logits.astype(np.float64) - length * gradient)
    return exact_transport(p, pair.target)[0] < pair.exact


def measure(method: Method, pairs: Sequence[Pair], args) -> List[Dict[str, object]]:
    """Figures of a method for each pair; pairs of one sigma and shape form a batch."""
    dtype = getattr(torch, args.dtype)
    results = []
    chosen = sorted(spread_evenly(pairs, affordable(method, pairs)),
                    key=lambda pair: (pair.sigma, pair.logits.shape))
    for (sigma, _), group in itertools.groupby(
            chosen, key=lambda pair: (pair.sigma, pair.logits.shape)):
        group = list(group)
        target = torch.as_tensor(np.stack([pair.target for pair in group]), dtype=dtype,
                                 device=args.device)
        logits = torch.as_tensor(np.stack([pair.logits for pair in group]), dtype=dtype,
                                 device=args.device)
        start = time.perf_counter()
        values, gradients = value_and_gradient(method.prepare(target, sigma), logits)
        seconds = (time.perf_counter() - start) / len(group)
        results += [compare(pair, float(value), gradient, seconds, not args.no_step)
                    for pair, value, gradient in zip(group, values, gradients)]
    return results


def summarise(results: Sequence[Dict[str, object]]) -> Dict[str, object]:
    """Median and extremes over pairs."""
    errors, cosines = (np.array([result[key] for result in results]) for key in ('error', 'cosine'))
    summary = dict(
        pairs=len(results), error_median=float(np.median(errors)), error_max=float(errors.max()),
        cosine_median=float(np.median(cosines)), cosine_min=float(cosines.min()),
        seconds_per_map=float(np.median([result['seconds'] for result in results])))
    if 'falls' in results[0]:
        summary['falls'] = sum(result['falls'] for result in results)
    return summary


def summary_row(label: str, summary: Dict[str, object]) -> List[str]:
    falls = f'{summary["falls"]}/{summary["pairs"]}' if 'falls' in summary else '-'
    return [label, summary['pairs'], percent(summary['error_median']),
            percent(summary['error_max']), f'{summary["cosine_median"]:.4f}',
            f'{summary["cosine_min"]:.3f}', falls]


def main() -> None:
    args = parse_args()
    report_skipped(args.skipped)
    pairs = args.stored
    if args.random:
        print(f'solving {args.random} random pairs exactly')
        drawn = random_pairs(args.random, tuple(args.size), args.sigmas,
                             np.random.default_rng(args.seed))
        pairs += list(track_iter_progress((drawn, args.random)))
    pairs = spread_evenly(pairs, args.limit)

    print(f'\n{len(args.selected)} methods on {len(pairs)} pairs')
    results = {}
    for method in track_iter_progress(args.selected):
        results[method.label] = measure(method, pairs, args)

    summaries = {label: summarise(entries) for label, entries in results.items()}
    header = ['method', 'pairs', 'rel. error median', 'max', 'cosine median', 'min', 'W1 falls']
    measured_on = environment(args.device)
    print(f'\n\n{describe(measured_on)}\n')
    print(table(header, [summary_row(*item) for item in summaries.items()], args.markdown))
    if args.by_category:
        kinds = sorted({pair.category for pair in pairs})
        rows = [summary_row(f'{label}: {kind}', summarise(chosen))
                for label, entries in results.items() for kind in kinds
                if (chosen := [entry for entry in entries if entry['category'] == kind])]
        print('\n' + table(header, rows, args.markdown))
    for label, summary in summaries.items():
        if summary['pairs'] < len(pairs):
            print(f'\n{label}: slow, on {summary["pairs"]} of the {len(pairs)} pairs', end='')
    shapes = sorted({'x'.join(map(str, pair.logits.shape)) for pair in pairs})
    save(args.out, dict(environment=measured_on, dtype=args.dtype, device=str(args.device),
                        shapes=shapes, pair_count=len(pairs), summary=summaries, pairs=results,
                        skipped=args.skipped))


if __name__ == '__main__':
    main()
