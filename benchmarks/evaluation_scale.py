#!/usr/bin/env python
"""Time and memory of an evaluation of many faces, by the metric and by the functions alone.

Random faces go through ``FaceLandmarkMetric`` the way MMPose's evaluator hands them over, batch by
batch. Each measurement runs in a process of its own, whose peak memory is what the operating system
says (libraries included). Making the faces is not counted in the time of the metric.
"""
from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import numpy as np
import torch
from common import RESULTS, describe, environment, number, save, table

SCHEMES = {19: 'aflw', 29: 'cofw', 68: '300w', 98: 'wflw', 106: 'lapa'}
WAYS = ('metric', 'functions')
EXAMPLES = """\
examples:
  300VW's number of frames, in two schemes (the table in docs/evaluation.md):
    python benchmarks/evaluation_scale.py --markdown
  result files included, without a word on the functions alone:
    python benchmarks/evaluation_scale.py --landmarks 68 --ways metric --files
"""


def random_faces(count: int, landmarks: int, seed: int) -> Tuple[np.ndarray, ...]:
    """Predictions and targets [count, landmarks, 2] (float32) and labelled landmarks, one in 50
    not; the outer eye corners always are."""
    from mmpose_wass.landmarks import get_scheme
    rng = np.random.default_rng(seed)
    targets = rng.uniform(0, 256, (count, landmarks, 2)).astype(np.float32)
    predictions = targets + rng.standard_normal(targets.shape, dtype=np.float32) * 8
    valid = rng.random((count, landmarks), dtype=np.float32) > .02
    valid[:, list(get_scheme(SCHEMES[landmarks]).outer_eye_corners)] = True
    return predictions, targets, valid


def batches(faces: int, landmarks: int, size: int, seed: int) -> Iterator[List[dict]]:
    """Random samples in the form in which MMPose's evaluator hands them to a metric."""
    for start in range(0, faces, size):
        count = min(size, faces - start)
        predictions, targets, valid = random_faces(count, landmarks, seed + start)
        low, high = targets.min(axis=1), targets.max(axis=1)
        boxes = np.concatenate([low, high], axis=1)
        yield [
            dict(
                id=start + row + 1,
                img_id=start + row + 1,
                img_path=f'videos/{(start + row) // 1000:04d}/{(start + row) % 1000:06d}.jpg',
                pred_instances=dict(
                    keypoints=predictions[row:row + 1],
                    keypoint_scores=np.ones((1, landmarks), dtype=np.float32)),
                gt_instances=dict(
                    keypoints=targets[row:row + 1],
                    keypoints_visible=valid[row:row + 1].astype(np.float32),
                    bboxes=boxes[row:row + 1])) for row in range(count)
        ]


def measure_metric(args: argparse.Namespace) -> Dict[str, float]:
    """Seconds of the metric: taking samples in, and reducing them."""
    from mmengine.registry import init_default_scope
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    from mmpose_wass.evaluation import FaceLandmarkMetric
    init_default_scope('mmpose')
    with tempfile.TemporaryDirectory() as folder:
        metric = FaceLandmarkMetric(outfile_prefix=f'{folder}/run' if args.files else None)
        metric.dataset_meta = parse_pose_metainfo(
            dict(from_file=f'configs/_base_/datasets/{SCHEMES[args.landmarks[0]]}.py'))
        baseline = peak_memory()
        process = np.zeros(2)
        for batch in batches(args.faces, args.landmarks[0], args.batch_size, args.seed):
            start = clocks()
            metric.process([], batch)
            process += clocks() - start
        start = clocks()
        measures = metric.evaluate(args.faces)
        evaluate = clocks() - start
    return dict(process_s=process[0], evaluate_s=evaluate[0], total_s=process[0] + evaluate[0],
                cpu_s=process[1] + evaluate[1], libraries_mib=baseline, peak_mib=peak_memory(),
                measures=measures)


def clocks() -> np.ndarray:
    """Seconds that have passed, and seconds that this process has computed. On a machine that is
    busy with other things the second is what an idle one would take."""
    return np.array([time.perf_counter(), time.process_time()])


def measure_functions(args: argparse.Namespace) -> Dict[str, float]:
    """Seconds of the functions on arrays: errors, all measures, per landmark, landmark-wise CED."""
    from mmpose_wass.evaluation.functional import (
        cumulative_error_distribution,
        inter_ocular_distance,
        landmark_breakdown,
        normalized_errors,
        summarize_errors,
    )
    from mmpose_wass.landmarks import get_scheme
    baseline = peak_memory()
    predictions, targets, valid = random_faces(args.faces, args.landmarks[0], args.seed)
    corners = get_scheme(SCHEMES[args.landmarks[0]]).outer_eye_corners
    start = clocks()
    distances = inter_ocular_distance(targets, corners, valid)
    errors = normalized_errors(predictions, targets, distances, valid)
    after_errors = clocks()
    measures = summarize_errors(errors)
    after_measures = clocks()
    landmark_breakdown(errors)
    thresholds = np.linspace(0, .3, 601)
    for level in ('images', 'landmarks'):
        cumulative_error_distribution(errors, thresholds, level)
    end = clocks()
    total, cpu = end - start
    return dict(errors_s=(after_errors - start)[0], measures_s=(after_measures - after_errors)[0],
                breakdown_s=(end - after_measures)[0], total_s=total, cpu_s=cpu,
                libraries_mib=baseline, peak_mib=peak_memory(), measures=measures)


def peak_memory() -> float:
    """Largest resident set of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == 'darwin' else 2**10)


def in_own_process(args: argparse.Namespace, way: str, landmarks: int) -> dict:
    """Run one measurement in a fresh process, so that its peak memory is its own."""
    command = [
        sys.executable, str(Path(__file__).resolve()), '--faces', str(args.faces), '--landmarks',
        str(landmarks), '--ways', way, '--batch-size', str(args.batch_size), '--seed',
        str(args.seed), '--worker', *(['--files'] if args.files else [])
    ]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        raise SystemExit(f'{" ".join(command)} failed:\n{finished.stderr[-2000:]}')
    return json.loads(finished.stdout.strip().splitlines()[-1])


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--faces', type=int, default=218_000, metavar='N',
                        help='number of faces (default: %(default)s)')
    parser.add_argument('--landmarks', type=int, nargs='+', default=[68, 98], choices=SCHEMES,
                        metavar='K', help=f'any of {", ".join(map(str, SCHEMES))} '
                        '(default: %(default)s)')
    parser.add_argument('--ways', nargs='+', default=list(WAYS), choices=WAYS,
                        help='what to measure (default: both)')
    parser.add_argument('--batch-size', type=int, default=64, metavar='B',
                        help='faces handed to the metric at a time (default: %(default)s)')
    parser.add_argument('--files', action='store_true',
                        help='have the metric write its result files too')
    parser.add_argument('--out', type=Path, default=RESULTS / 'evaluation_scale.json',
                        metavar='JSON', help='where the results go (default: %(default)s)')
    parser.add_argument('--markdown', action='store_true', help='print a Markdown table')
    parser.add_argument('--seed', type=int, default=0, help='seed (default: %(default)s)')
    parser.add_argument('--worker', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.faces < 1 or args.batch_size < 1:
        parser.error('--faces and --batch-size must be positive')
    return args


def main() -> None:
    args = parse_args()
    if args.worker:
        measure = dict(metric=measure_metric, functions=measure_functions)[args.ways[0]]
        print(json.dumps(measure(args)))
        return
    results, rows = [], []
    for landmarks in args.landmarks:
        for way in args.ways:
            result = in_own_process(args, way, landmarks)
            results.append(dict(way=way, faces=args.faces, landmarks=landmarks, **result))
            rows.append([f'{args.faces:,} × {landmarks}', way, number(result['total_s']),
                         number(result['cpu_s']),
                         f'{result["peak_mib"]:,.0f}',
                         f'{result["peak_mib"] - result["libraries_mib"]:,.0f}'])
    measured_on = environment(torch.device('cpu'))
    print(f'{describe(measured_on)}\n')
    print(table(['faces × landmarks', 'way', 'time, s', 'CPU time, s', 'peak memory, MiB',
                 'of it data, MiB'], rows, args.markdown))
    save(args.out, dict(environment=measured_on, files=args.files, batch_size=args.batch_size,
                        results=results))


if __name__ == '__main__':
    main()
