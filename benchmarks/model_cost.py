#!/usr/bin/env python
"""Parameters, FLOPs and step times of the paper's four models, plain and with CoordConv.

FLOPs are multiply-adds of one image, counted by mmengine.analysis.get_model_complexity_info:
convolutions and matrix products, and the little that normalisation and interpolation take; no
activations; transposed convolutions by the input's positions. Each model is also counted at the
size and with the number of landmarks of published counts of the same model, and compared with them.
"""
from __future__ import annotations

import argparse
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from common import (
    ROOT,
    add_common_arguments,
    describe,
    environment,
    number,
    percent,
    save,
    select_device,
    table,
)
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress
from mmpose.registry import MODELS
from torch import nn

import mmpose_wass  # noqa: F401  registers the models
from mmpose_wass.models import convert_to_coord_conv

CONFIGS = ROOT / 'configs/face/_base_'
# Files whose `model_part` or `model` holds backbone, neck and head.
MODEL_FILES = dict(
    hrnet='hrnet_w18_300w_paper.py', hourglass='models/hourglass.py', cpn='models/cpn50.py',
    simple_baselines='models/res50.py')
TITLES = dict(hrnet='HRNetV2-W18', hourglass='Hourglass, 8 stacks', cpn='CPN, ResNet-50',
              simple_baselines='SimpleBaselines, ResNet-50')
WARM_UPS = 2
EXAMPLES = """\
examples:
  counts alone:
    python benchmarks/model_cost.py --rounds 0 --markdown
  counts and training steps of two models, on the CPU:
    python benchmarks/model_cost.py --models hrnet cpn --image-size 128 --batch-size 4 --rounds 5
  on a GPU:
    python benchmarks/model_cost.py --device cuda --batch-size 32
"""


class Published(NamedTuple):
    """A count that somebody published.

    Attributes:
        model: Key of ``TITLES``.
        landmarks: Number of maps.
        size: Height and width of the image.
        params: In millions, None where not given.
        flops: In 10^9, None where not given.
        source: Where it stands.
        remark: Why it differs, where it does; what was changed to count the same model.
        per_mac: FLOPs that a multiply-add counts as there.
        giga: What a billion is there, 10^9 or 2^30.
        backbone: Options of the backbone that differ from our config's.
        tested: Whether what only the training needs is left out there.
    """

    model: str
    landmarks: int
    size: Tuple[int, int]
    params: Optional[float]
    flops: Optional[float]
    source: str
    remark: str = ''
    per_mac: int = 1
    giga: float = 1e9
    backbone: Tuple[Tuple[str, object], ...] = ()
    tested: bool = False


HRNET_TABLE = 'Sun et al. 2019 (arXiv 1902.09212), Table 1'
CPN_TABLE = 'Chen et al. 2018 (CVPR), Table 3'
# In 2^30: with 10^9, what CPN's Tables 4 and 5 say of single layers does not come out
# (tests/test_models/test_necks/test_cpn.py).
BINARY = dict(giga=2.0**30)
PUBLISHED = [
    Published('hrnet', 98, (64, 64), 9.66, .6,
              'Open Model Zoo, facial-landmarks-98-detection-0001', per_mac=2),
    Published('hrnet', 68, (256, 256), 9.3, 4.3, 'README of HRNet-Facial-Landmark-Detection',
              'not said how it was counted'),
    Published('simple_baselines', 17, (256, 192), 34.0, 5.46,
              'MMPose 0.29, inference_speed_summary.md'),
    Published('simple_baselines', 17, (256, 192), 34.0, 8.9, HRNET_TABLE,
              'not said how it was counted'),
    Published('cpn', 17, (256, 192), 27.0, None, HRNET_TABLE),
    Published('cpn', 17, (256, 192), None, 6.2, CPN_TABLE,
              'of 2^30; ResNet-50 as He et al. have it, strides in the 1 x 1 convolutions, not as '
              "torchvision has it; without GlobalNet's predictions, which a test does not need",
              backbone=(('style', 'caffe'), ), tested=True, **BINARY),
    Published('hourglass', 17, (256, 192), None, 19.48, CPN_TABLE, 'of 2^30', **BINARY),
    Published('hourglass', 17, (256, 192), 25.1, 14.3, HRNET_TABLE,
              'not said how it was counted; the row above has another count of it'),
    Published('hourglass', 16, (256, 256), 25.1, 19.1, f'{HRNET_TABLE[:-1]}4',
              'not said how it was counted'),
]


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--models', nargs='+', choices=list(TITLES), default=list(TITLES),
                        metavar='NAME', help=f'{", ".join(TITLES)} (default: all)')
    parser.add_argument('--image-size', type=int, default=256, metavar='PX',
                        help='side of the images (default: %(default)s)')
    parser.add_argument('--landmarks', type=int, default=68, metavar='K',
                        help='number of landmarks (default: %(default)s)')
    parser.add_argument('--radius', action='store_true', help='CoordConv with the radius too')
    parser.add_argument('--batch-size', type=int, default=4, metavar='N',
                        help='images of a timed step (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=5, metavar='N',
                        help='timed training steps of each, 0 for none (default: %(default)s)')
    parser.add_argument('--threads', type=int, metavar='N',
                        help="CPU threads (default: PyTorch's)")
    add_common_arguments(parser, 'model_cost')
    args = parser.parse_args()
    args.device = select_device(parser, args.device)
    if args.image_size < 64 or args.image_size % 64:
        parser.error(f'--image-size {args.image_size}: must be a multiple of 64')
    return args


def build_model(name: str, landmarks: int, **backbone) -> nn.Module:
    """Build one of the models from its config, with random weights.

    Args:
        name: Key of ``TITLES``.
        landmarks: Number of maps.
        **backbone: Options of the backbone to change.
    """
    part = Config.fromfile(str(CONFIGS / MODEL_FILES[name]))
    part = part.model_part if 'model_part' in part else part.model
    model = {key: dict(part[key]) for key in ('backbone', 'neck', 'head') if key in part}
    model['backbone'].pop('init_cfg', None)
    model['backbone'].update(backbone)
    for key in ('loss', 'decoder'):
        model['head'].pop(key, None)
    model['head']['out_channels'] = landmarks
    for dotted in part.get('landmark_channels', ()):
        owner, key = dotted.split('.')
        model[owner][key] = landmarks
    return MODELS.build(dict(type='TopdownPoseEstimator', **model))


def count(model: nn.Module, size: Tuple[int, int], tested: bool = False) -> Dict[str, float]:
    """Parameters, and multiply-adds of an image of ``[height, width]``.

    Args:
        model: The model.
        size: Height and width.
        tested: Whether to count only what the predicting stage needs.
    """
    def predict(images: torch.Tensor) -> torch.Tensor:
        return model.head.final_stage(model.extract_feat(images))

    model.eval()
    forward, model.forward = model.forward, predict if tested else model._forward
    try:
        counted = get_model_complexity_info(
            model, inputs=torch.zeros(1, 3, *size), show_table=False, show_arch=False)
    finally:
        model.forward = forward
    return dict(params=int(counted['params']), macs=int(counted['flops']))


def seconds_of_a_step(models: Dict[str, nn.Module], args) -> Dict[str, float]:
    """Median seconds of a training step of each, taken in turn on the same images."""
    images = torch.randn(args.batch_size, 3, args.image_size, args.image_size, device=args.device)
    optimizers = {}
    for name, model in models.items():
        model.to(args.device).train()
        optimizers[name] = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step(name: str) -> float:
        _synchronise(args.device)
        start = time.perf_counter()
        maps = models[name](images, None, mode='tensor')
        maps = maps if isinstance(maps, (list, tuple)) else [maps]
        optimizers[name].zero_grad()
        sum(one.square().mean() for one in maps).backward()
        optimizers[name].step()
        _synchronise(args.device)
        return time.perf_counter() - start

    for _ in range(WARM_UPS):
        for name in models:
            step(name)
    seconds: Dict[str, List[float]] = {name: [] for name in models}
    for _ in track_iter_progress(range(args.rounds)):
        for name in models:
            seconds[name].append(step(name))
    return {name: float(np.median(values)) for name, values in seconds.items()}


def _synchronise(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def measure(name: str, args) -> Dict[str, float]:
    """Counts of a model, plain and with CoordConv, and its step times."""
    torch.manual_seed(args.seed)
    plain, coord = build_model(name, args.landmarks), build_model(name, args.landmarks)
    layers = convert_to_coord_conv(coord, radius=args.radius)
    size = (args.image_size, args.image_size)
    before, after = count(plain, size), count(coord, size)
    result = dict(convolutions=len(layers), **before, coord_conv_params=after['params'],
                  coord_conv_macs=after['macs'])
    if args.rounds:
        print(f'\n{TITLES[name]}: timing', flush=True)
        seconds = seconds_of_a_step(dict(plain=plain, coord_conv=coord), args)
        result.update(step=seconds['plain'], coord_conv_step=seconds['coord_conv'])
    return result


def compare(published: Published) -> Dict[str, object]:
    """A published count beside ours of the same model at the same size."""
    model = build_model(published.model, published.landmarks, **dict(published.backbone))
    ours = count(model, published.size, published.tested)
    entry = dict(published._asdict(), our_params=ours['params'] / 1e6,
                 our_flops=published.per_mac * ours['macs'] / published.giga)
    for kind in ('params', 'flops'):
        theirs = entry[kind]
        entry[f'{kind}_difference'] = (
            None if theirs is None else entry[f'our_{kind}'] / theirs - 1)
    return entry


def print_costs(costs: Dict[str, Dict[str, float]], args) -> None:
    rows = []
    for name, cost in costs.items():
        row = [TITLES[name], f'{cost["params"] / 1e6:.2f}', f'{cost["macs"] / 1e9:.2f}',
               percent(cost['coord_conv_params'] / cost['params'] - 1),
               percent(cost['coord_conv_macs'] / cost['macs'] - 1)]
        if args.rounds:
            row += [number(1e3 * cost['step'], 4),
                    percent(cost['coord_conv_step'] / cost['step'] - 1)]
        rows.append(row)
    header = ['model', 'parameters, M', 'multiply-adds, G', '+ CoordConv, parameters',
              '+ CoordConv, multiply-adds']
    if args.rounds:
        header += ['step, ms', '+ CoordConv, step']
    print(table(header, rows, args.markdown))


def print_comparison(entries: List[Dict[str, object]], args) -> None:
    def cell(entry, kind: str) -> str:
        if entry[kind] is None:
            return '-'
        return (f'{entry[kind]:g} | {entry[f"our_{kind}"]:.2f} | '
                f'{100 * entry[f"{kind}_difference"]:+.1f} %').replace(
                    ' | ', ' / ' if args.markdown else '  ')

    rows = [[TITLES[entry['model']], entry['landmarks'], '{} x {}'.format(*entry['size']),
             cell(entry, 'params'), cell(entry, 'flops'), entry['source']] for entry in entries]
    print('\npublished, ours, difference; parameters in millions, FLOPs in 10^9 or 2^30, as '
          'the source counts them\n')
    print(table(['model', 'landmarks', 'image', 'parameters', 'FLOPs', 'source'], rows,
                args.markdown))
    for entry in entries:
        if entry['remark']:
            print(f'  {TITLES[entry["model"]]}, {entry["source"]}: {entry["remark"]}')


def main() -> None:
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    init_default_scope('mmpose')
    MMLogger.get_current_instance().setLevel('ERROR')  # operators that count as nothing
    costs = {name: measure(name, args) for name in args.models}
    comparison = [compare(entry) for entry in PUBLISHED if entry.model in args.models]
    measured_on = environment(args.device)
    print(f'\n{describe(measured_on)}, {measured_on["threads"]} threads\n'
          f'{args.landmarks} landmarks, {args.image_size} x {args.image_size}'
          + (f', steps with {args.batch_size} images in float32 on {args.device}, median of '
             f'{args.rounds}' if args.rounds else '') + '\n')
    print_costs(costs, args)
    print_comparison(comparison, args)
    settings = {name: getattr(args, name) for name in (
        'image_size', 'landmarks', 'radius', 'batch_size', 'rounds')}
    save(args.out, dict(environment=measured_on, device=str(args.device), settings=settings,
                        costs=costs, published=comparison))


if __name__ == '__main__':
    main()
