#!/usr/bin/env python
"""Images per second of the perturbations: 512 x 512 pixels, 8 bits, one CPU thread.

Images are noise in memory; loading them is not counted. Directions and places are random, so that
kernels of all angles take part. The face box covers half the image's side (as in a crop of twice
the box) unless --box says otherwise. Images per second are per second of CPU time, so that other
work on the machine counts as little as possible; the wall clock's median stands beside it.
"""
from __future__ import annotations

import argparse
import time
from typing import Dict, List

import cv2
import numpy as np
import torch
from common import add_common_arguments, describe, environment, number, save, select_device, table
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS

import mmpose_wass  # noqa: F401  (registers the transforms)
from mmpose_wass.datasets.perturbations import get_protocol

EXAMPLES = """\
examples:
  the requirement, 300 images/s:
    python benchmarks/perturbations.py
  larger faces, and the whole image blurred:
    python benchmarks/perturbations.py --box 0.8 --region 0
"""
WARM_UPS = 5


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--image-size', type=int, default=512, metavar='PX',
                        help='side of the images (default: %(default)s)')
    parser.add_argument('--box', type=float, default=0.5, metavar='SHARE',
                        help="side of the face box as a share of the image's (default: "
                        '%(default)s)')
    parser.add_argument('--region', type=float, metavar='FACTOR',
                        help="of SyntheticMotionBlur; 0 blurs the whole image (default: the "
                        "transform's own)")
    parser.add_argument('--images', type=int, default=200, metavar='N',
                        help='images per measurement (default: %(default)s)')
    add_common_arguments(parser, 'perturbations')
    args = parser.parse_args()
    select_device(parser, args.device)
    if args.device != 'cpu':
        parser.error('the perturbations run on the CPU')
    if args.image_size < 32 or args.images < 1 or not 0 < args.box <= 1:
        parser.error('--image-size must be 32 or more, --images 1 or more, --box in (0, 1]')
    return args


def transforms(args: argparse.Namespace) -> Dict[str, dict]:
    """Configs to measure, by name."""
    region = {} if args.region is None else dict(region=args.region or None)
    found = {}
    for level in get_protocol()['occlusion']['levels']:
        found[f'occlusion, {level}'] = dict(type='SyntheticOcclusion', level=level)
    for level in get_protocol()['motion_blur']['levels']:
        found[f'motion blur, {level}'] = dict(
            type='SyntheticMotionBlur', level=level, direction='random', **region)
    found['box, all three'] = dict(type='BoxPerturbation', shift=.1, scale=.1, rotation=10)
    return found


def samples(args: argparse.Namespace) -> List[dict]:
    """What a pipeline holds after loading; a few images, all with their own identity."""
    rng = np.random.default_rng(args.seed)
    size = args.image_size
    images = [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for _ in range(8)]
    low, high = size * (1 - args.box) / 2, size * (1 + args.box) / 2
    keypoints = rng.uniform(low, high, (1, 68, 2)).astype(np.float32)
    box = np.array([[low, low, high, high]], np.float32)
    return [dict(img=images[index % 8], img_path=f'{index}.png', image_identity=f'{index}.png',
                 bbox=box, bbox_center=np.full((1, 2), size / 2, np.float32),
                 bbox_scale=np.full((1, 2), 1.25 * (high - low), np.float32),
                 keypoints=keypoints) for index in range(args.images + WARM_UPS)]


def measure(transform, results: List[dict]) -> np.ndarray:
    """Seconds of each image, ``[N, 2]``: of CPU time, and by the clock on the wall."""
    seconds = []
    for one in results:
        one = dict(one)
        start = time.process_time(), time.perf_counter()
        transform(one)
        seconds.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    return np.array(seconds[WARM_UPS:])


def main() -> None:
    args = parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    init_default_scope('mmpose')
    rows, summary = [], {}
    results = samples(args)
    for name, config in transforms(args).items():
        cpu, wall = measure(TRANSFORMS.build(config), results).T
        summary[name] = dict(
            config=config, images_per_second=len(cpu) / cpu.sum(),
            cpu_median_milliseconds=1e3 * np.median(cpu),
            wall_median_milliseconds=1e3 * np.median(wall))
        rows.append([name, number(summary[name]['images_per_second'], 4),
                     number(summary[name]['cpu_median_milliseconds']),
                     number(summary[name]['wall_median_milliseconds'])])
    measured_on = environment(torch.device('cpu'))
    print(f'{describe(measured_on)}\n{args.images} images of {args.image_size} x '
          f'{args.image_size}, face box {args.box:g} of the side, 1 thread\n')
    print(table(['perturbation', 'images/s', 'CPU, ms', 'wall, ms'], rows,
                args.markdown))
    save(args.out, dict(environment=measured_on, summary=summary, settings={
        name: getattr(args, name) for name in ('image_size', 'box', 'region', 'images', 'seed')}))


if __name__ == '__main__':
    main()
