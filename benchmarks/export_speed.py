#!/usr/bin/env python
"""Which models can be exported to which format, how exactly, and how fast they then are.

Every model is exported to every format and compared with PyTorch, in input pixels. The chosen ones
are then timed from crops (uint8) to landmarks: PyTorch as it runs in Python (``model.test_step`` of
MMPose; the same module that is exported, "eager"), and the exports, all in turn in every round of
one process. The compact model is the one that comes with the package. Without a checkpoint the
weights of the others are random, normalisation layers and the codec's temperature being set so that
the maps have peaks; speed does not depend on it.
"""
from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from common import (
    ROOT,
    add_common_arguments,
    describe,
    environment,
    number,
    package_version,
    save,
    table,
)
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from mmengine.utils import track_iter_progress
from mmpose.structures import PoseDataSample

import mmpose_wass  # noqa: F401  registers the models
from mmpose_wass.assets import default_model
from mmpose_wass.deployment import (
    ExportOptions,
    LandmarkExportModule,
    SourceModel,
    check_images,
    export_model,
    load_exported,
    load_source_model,
    measure_parity,
)
from mmpose_wass.deployment.random_weights import liven_random_weights
from mmpose_wass.engine import load_config
from mmpose_wass.models.layers.coord_conv import CoordinateChannels

CONFIGS = ROOT / 'configs/face'
PAPER = '300w/td-hm_{}_wass-sigma3-1xb16-60e_300w-256x256.py'
MODELS = dict(
    compact='compact_300w_wass.py', hrnet='hrnet_w18_300w_wass.py',
    simple_baselines=PAPER.format('res50'), cpn=PAPER.format('cpn50'),
    hourglass=PAPER.format('hourglass'), hrnet_coordconv=PAPER.format('hrnetv2-w18-coordconv'))
TITLES = dict(
    compact='compact, 128 x 128', hrnet='HRNetV2-W18', simple_baselines='SimpleBaselines-50',
    cpn='CPN-50', hourglass='Hourglass, 8 stacks', hrnet_coordconv='HRNetV2-W18, CoordConv',
    given='CONFIG')
#: Ending of the file, precision and exporter of every export.
EXPORTS = dict(
    onnx=('.onnx', 'fp32', 'torchscript'), onnx_fp16=('.onnx', 'fp16', 'torchscript'),
    onnx_dynamo=('.onnx', 'fp32', 'dynamo'), torchscript=('.pt', 'fp32', 'torchscript'),
    torch_export=('.pt2', 'fp32', 'torchscript'))
EXPORT_TITLES = dict(
    test_step='MMPose test_step', eager='PyTorch eager', compile='torch.compile',
    onnx='onnxruntime fp32', onnx_fp16='onnxruntime fp16', onnx_dynamo='onnxruntime fp32 (dynamo)',
    torchscript='TorchScript', torch_export='torch.export')
TIMED_SECONDS = .3  # of one measurement: as many calls as take about this long
WARM_UPS = 3  # TorchScript specialises itself in the first calls
EXAMPLES = """\
examples:
  what works, and how exactly, no timing:
    python benchmarks/export_speed.py --rounds 0 --markdown
  speed of the model that comes with the package, and of the paper's network:
    python benchmarks/export_speed.py --models compact hrnet
  what docs/deployment.md shows; python docs/deployment_tables.py then writes the page:
    python benchmarks/export_speed.py --rounds 0 --out results/export/parity.json
    python benchmarks/export_speed.py --models compact hrnet --out results/export/speed.json
  a model of one's own:
    python benchmarks/export_speed.py --config CONFIG --checkpoint CHECKPOINT
"""


class Exported(NamedTuple):
    """An export, or why there is none."""

    path: Optional[Path]
    megabytes: Optional[float]
    max_px: Optional[float]
    mean_px: Optional[float]
    max_confidence: Optional[float]
    images: int
    landmarks: int
    seconds: float
    error: str = ''


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--models', nargs='+', choices=list(MODELS), metavar='NAME',
                        help=f'{", ".join(MODELS)} (default: all, or CONFIG)')
    parser.add_argument('--config', metavar='CONFIG', help='a model of your own instead')
    parser.add_argument('--checkpoint', metavar='FILE', help='weights of the one model')
    parser.add_argument('--exports', nargs='+', choices=list(EXPORTS), metavar='NAME',
                        default=['onnx', 'onnx_fp16', 'torchscript', 'torch_export'],
                        help=f'{", ".join(EXPORTS)} (default: all but onnx_dynamo)')
    parser.add_argument('--compile', action='store_true',
                        help='time torch.compile too, which takes minutes to compile')
    parser.add_argument('--batch-sizes', nargs='+', type=int, default=[1, 16], metavar='N',
                        help='images of a call (default: 1 16)')
    parser.add_argument('--rounds', type=int, default=7, metavar='N',
                        help='timed rounds, 0 for none (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=1, metavar='N',
                        help='CPU threads of both PyTorch and onnxruntime (default: %(default)s)')
    parser.add_argument('--keep', type=Path, metavar='DIR', help='where exports go '
                        '(default: exports/ beside --out)')
    add_common_arguments(parser, 'export_speed')
    args = parser.parse_args()
    if args.device != 'cpu':
        parser.error(f'--device {args.device}: exports are measured on the CPU')
    if args.config and args.models:
        parser.error('give either --models or --config')
    args.models = args.models or (['given'] if args.config else list(MODELS))
    if args.checkpoint and len(args.models) > 1:
        parser.error('--checkpoint is for one model: choose it with --models or --config')
    if min(args.batch_sizes) < 1 or args.threads < 1 or args.rounds < 0:
        parser.error('--batch-sizes and --threads must be at least 1, --rounds at least 0')
    args.keep = args.keep or args.out.parent / 'exports'
    return args


def files_of(name: str, args) -> Tuple[str, Optional[str]]:
    """Config and checkpoint of a model; no checkpoint means random weights."""
    if name == 'compact' and not args.checkpoint:
        return default_model()
    return args.config or str(CONFIGS / MODELS[name]), args.checkpoint


def load(name: str, args) -> SourceModel:
    """A model with its weights, or with random ones and maps that have peaks."""
    config, checkpoint = files_of(name, args)
    cfg = load_config(config)
    if not checkpoint:
        cfg.model.backbone.init_cfg = None
    torch.manual_seed(args.seed)
    source = load_source_model(cfg, checkpoint)
    if not checkpoint:
        with torch.no_grad():  # coordinates, whose weights start from 0, are to count too
            for layer in source.model.modules():
                if isinstance(layer, CoordinateChannels):
                    layer.split_weight()[1].normal_(std=.01)
        liven_random_weights(source.model)
    return source


def export(name: str, kind: str, source: SourceModel, args) -> Exported:
    """Export and compare one model in one format; a failure is a result."""
    ending, precision, exporter = EXPORTS[kind]
    path = args.keep / f'{name}_{kind}{ending}'
    start = time.process_time()
    try:
        # What this table is to show is the difference itself, so none is too large.
        done = export_model(source, str(path), ExportOptions(precision=precision),
                            exporter=exporter, tolerance=math.inf)
    except (RuntimeError, ImportError, ValueError) as error:
        return Exported(None, None, None, None, None, 0, 0, time.process_time() - start, str(error))
    found = done.parity
    return Exported(path, done.size / 1e6, found.max_px, found.mean_px, found.max_confidence,
                    found.images, found.landmarks, time.process_time() - start)


def runners(source: SourceModel, exports: Dict[str, Exported], args) -> Dict[str, Callable]:
    """What is timed, by name: from images ``[B, 3, H, W]`` (uint8) to landmarks."""
    module = LandmarkExportModule(source.model)

    def eager(images: np.ndarray):
        with torch.no_grad():
            return [part.numpy() for part in module(torch.from_numpy(images))]

    found = dict(test_step=test_step(source.model), eager=eager)
    if args.compile:
        compiled = torch.compile(module)

        def run_compiled(images: np.ndarray):
            with torch.no_grad():
                return [part.numpy() for part in compiled(torch.from_numpy(images))]

        found['compile'] = run_compiled
    for kind, exported in exports.items():
        if exported.path is not None:
            found[kind] = load_exported(exported.path, threads=args.threads).predict
    return found


def own_rounding(source: SourceModel) -> float:
    """Largest distance, in input pixels, between PyTorch with oneDNN and without.

    Both compute in float32, in another order: what a model makes of that no export can undercut.
    """
    module = LandmarkExportModule(source.model)

    def without(images: np.ndarray):
        with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
            return [part.numpy() for part in module(torch.from_numpy(images))]

    return measure_parity(module, without, check_images(module), math.inf).max_px


def test_step(model) -> Callable:
    """What MMPose does with a batch of crops."""
    width, height = model.head.decoder.input_size
    boxes = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))

    def run(images: np.ndarray):
        samples = []
        for _ in images:
            sample = PoseDataSample(metainfo=dict(
                input_size=(width, height), input_center=np.zeros(2),
                input_scale=np.array([width, height], float), img_shape=(height, width)))
            sample.gt_instances = boxes
            samples.append(sample)
        with torch.no_grad():
            return model.test_step(dict(inputs=list(torch.from_numpy(images)),
                                        data_samples=samples))

    return run


def time_runners(found: Dict[str, Callable], shape: tuple, batch_size: int,
                 args) -> Dict[str, List[float]]:
    """Milliseconds an image of every round, all runners in turn."""
    generator = np.random.default_rng(args.seed)
    images = generator.integers(0, 256, (batch_size, *shape), dtype=np.uint8)
    calls = {}
    for name, run in found.items():
        for _ in range(WARM_UPS):
            start = time.perf_counter()
            run(images)
            seconds = time.perf_counter() - start
        calls[name] = max(1, int(TIMED_SECONDS / seconds))
    times: Dict[str, List[float]] = {name: [] for name in found}
    for _ in track_iter_progress(range(args.rounds)):
        for name, run in found.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                run(images)
            elapsed = time.perf_counter() - start
            times[name].append(1e3 * elapsed / calls[name] / batch_size)
    print()
    return times


def export_table(content: Dict[str, Any], markdown: bool) -> str:
    """What works, and how exactly; each model after what rounding alone does to it.

    Args:
        content: What this script writes.
        markdown: Whether the table is in Markdown.
    """
    rows = []
    for name, found in content['exports'].items():
        rows.append([TITLES[name], 'PyTorch without oneDNN', 'works', '-',
                     number(content['own_rounding_px'][name], 2), '-', '-'])
        for kind, one in found.items():
            cells = ['does not work', '-', '-', '-'] if one['path'] is None else [
                'works', f'{one["megabytes"]:.1f}', number(one['max_px'], 2),
                number(one['mean_px'], 2)]
            rows.append([TITLES[name], EXPORT_TITLES[kind], *cells, f'{one["seconds"]:.0f}'])
    return table(['model', 'export', '', 'MB', 'largest distance, px', 'mean, px', 'CPU s'], rows,
                 markdown)


def time_table(content: Dict[str, Any], markdown: bool) -> str:
    """Milliseconds an image, and the ratio to the eager module; arguments of `export_table`."""
    rows, sizes = [], []
    for name, by_batch in content['milliseconds_an_image'].items():
        sizes = list(by_batch)
        for kind in next(iter(by_batch.values())):
            row = [TITLES[name], EXPORT_TITLES[kind]]
            for measured in by_batch.values():
                # The ratio within a round, in which the machine was as busy for both.
                ratio = np.median(np.divide(measured['eager'], measured[kind]))
                row += [f'{np.median(measured[kind]):.2f}', f'{ratio:.2f}']
            rows.append(row)
    header = ['model', 'run by']
    for size in sizes:
        header += [f'batch {size}: ms an image', 'faster than eager']
    return table(header, rows, markdown)


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    MMLogger.get_current_instance().setLevel('ERROR')  # how each weight was initialised
    args.keep.mkdir(parents=True, exist_ok=True)
    load_before = os.getloadavg()
    exports: Dict[str, Dict[str, Exported]] = {}
    rounding: Dict[str, float] = {}
    times: Dict[str, Dict[int, Dict[str, List[float]]]] = {}
    for name in args.models:
        source = load(name, args)
        exports[name] = {}
        rounding[name] = own_rounding(source)
        for kind in args.exports:
            print(f'{TITLES[name]}: {EXPORT_TITLES[kind]} …', flush=True)
            exports[name][kind] = export(name, kind, source, args)
        if args.rounds:
            found = runners(source, exports[name], args)
            shape = LandmarkExportModule(source.model).input_shape
            times[name] = {size: time_runners(found, shape, size, args)
                           for size in args.batch_sizes}
    measured_on = environment(torch.device('cpu'))
    measured_on['versions'].update(
        {package: package_version(package) for package in ('onnx', 'onnxruntime')})
    weights = {name: files_of(name, args)[1] for name in args.models}
    content = dict(
        environment=measured_on, load_average=[load_before, os.getloadavg()],
        checkpoints={name: file and Path(file).name for name, file in weights.items()},
        threads=args.threads, own_rounding_px=rounding,
        exports={name: {kind: dict(one._asdict(), path=None if one.path is None else one.path.name)
                        for kind, one in found.items()} for name, found in exports.items()},
        milliseconds_an_image={name: {str(size): measured for size, measured in by_batch.items()}
                               for name, by_batch in times.items()})
    print(f'\n{describe(measured_on)}, {args.threads} thread(s)\n')
    print(export_table(content, args.markdown))
    for name, found in exports.items():
        for kind, one in found.items():
            if one.error:
                print(f'{TITLES[name]}, {EXPORT_TITLES[kind]}: {one.error}')
    if times:
        print('\n' + time_table(content, args.markdown))
    save(args.out, content)


if __name__ == '__main__':
    main()
