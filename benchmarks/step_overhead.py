#!/usr/bin/env python
"""What the Wasserstein loss adds to a training step of HRNet-W18 on 256 x 256 faces.

One model is trained on one random batch with KeypointMSELoss and with WassersteinHeatmapLoss in
turn: forward, loss, backward, optimizer. Two figures are reported, both in per cent of the step
with MSE: the difference of whole steps, which is noisy where a step takes seconds, and the
difference of the two losses alone (forward + backward on the model's own maps), which is not.
"""
from __future__ import annotations

import argparse
import time
from typing import Callable, Dict, List, Tuple

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
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.structures import InstanceData, PixelData
from mmengine.utils import track_iter_progress
from mmpose.models.losses import KeypointMSELoss
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from mmpose_wass.engine import load_config
from mmpose_wass.models import WassersteinHeatmapLoss

CONFIG = ROOT / 'configs/face/hrnet_w18_300w_wass.py'
WARM_UPS = 2
EXAMPLES = """\
examples:
  on the CPU, batch 16:
    python benchmarks/step_overhead.py --batch-size 16
  on a GPU, batch 64, automatic mixed precision, both accuracies:
    python benchmarks/step_overhead.py --device cuda --batch-size 64 --amp
    python benchmarks/step_overhead.py --device cuda --batch-size 64 --amp --accuracy accurate \\
      --out work_dirs/benchmarks/step_overhead_accurate.json
"""


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--batch-size', type=int, default=16, metavar='N',
                        help='images (default: %(default)s)')
    parser.add_argument('--image-size', type=int, default=256, metavar='PX',
                        help='side of the images; maps have a quarter of it (default: %(default)s)')
    parser.add_argument('--landmarks', type=int, default=68, metavar='K',
                        help='landmarks, 68 for 300W, 98 for WFLW (default: %(default)s)')
    parser.add_argument('--sigma', type=float, default=3.0, metavar='PX',
                        help='of the targets, in heatmap pixels (default: %(default)s)')
    parser.add_argument('--accuracy', metavar='NAME',
                        help="of the Wasserstein loss, such as accurate (default: the loss' own)")
    parser.add_argument('--amp', action='store_true',
                        help='automatic mixed precision with a gradient scaler (GPU only)')
    parser.add_argument('--rounds', type=int, default=10, metavar='N',
                        help='steps with each loss (default: %(default)s)')
    parser.add_argument('--threads', type=int, metavar='N',
                        help="CPU threads (default: PyTorch's)")
    add_common_arguments(parser, 'step_overhead')
    args = parser.parse_args()
    args.device = select_device(parser, args.device)
    if args.amp and args.device.type != 'cuda':
        parser.error('--amp needs --device cuda')
    if min(args.batch_size, args.landmarks, args.rounds) < 1 or not args.sigma > 0:
        parser.error('--batch-size, --landmarks, --rounds and --sigma must be positive')
    if args.image_size < 64 or args.image_size % 32:
        parser.error('--image-size must be a multiple of 32, 64 or more')
    return args


def build_model(args) -> nn.Module:
    """The model of the config with random weights."""
    config = load_config(str(CONFIG)).model
    config.backbone.init_cfg = None
    config.head.out_channels = args.landmarks
    config.head.decoder.update(codec_settings(args))
    # With MSE the head would compute W1 besides, for the log.
    config.train_cfg = dict(log_wasserstein=False)
    return MODELS.build(config).to(args.device).train()


def codec_settings(args) -> Dict[str, object]:
    """What the options set in the codec."""
    side = args.image_size
    return dict(input_size=(side, side), heatmap_size=(side // 4, side // 4), sigma=args.sigma)


def random_batch(args) -> Tuple[Tensor, List[PoseDataSample]]:
    """Noise images and targets at random places."""
    random = np.random.default_rng(args.seed)
    codec = dict(load_config(str(CONFIG)).codec, **codec_settings(args))
    codec = KEYPOINT_CODECS.build(codec)
    side = args.image_size
    samples = []
    for _ in range(args.batch_size):
        keypoints = random.uniform(.1 * side, .9 * side, (1, args.landmarks, 2))
        encoded = codec.encode(keypoints.astype(np.float32),
                               np.ones((1, args.landmarks), np.float32))
        sample = PoseDataSample()
        sample.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']))
        sample.gt_instance_labels = InstanceData(
            keypoint_weights=torch.from_numpy(encoded['keypoint_weights']))
        samples.append(sample.to(args.device))
    images = torch.as_tensor(random.normal(size=(args.batch_size, 3, side, side)),
                             dtype=torch.float32, device=args.device)
    return images, samples


class Trainer:
    """Steps of one model with a loss that can be exchanged."""

    def __init__(self, args) -> None:
        self.model = build_model(args)
        self.images, self.samples = random_batch(args)
        self.device = args.device
        optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-4)
        self.optimization = (AmpOptimWrapper(optimizer=optimizer) if args.amp
                             else OptimWrapper(optimizer=optimizer))
        self.target = torch.stack([sample.gt_fields.heatmaps for sample in self.samples])
        self.weights = torch.cat(
            [sample.gt_instance_labels.keypoint_weights for sample in self.samples])

    def step(self, loss_module: nn.Module) -> None:
        """A training step, as MMEngine's runner does it."""
        self.model.head.loss_module = loss_module
        with self.optimization.optim_context(self.model):
            losses = self.model(self.images, self.samples, mode='loss')
            loss, _ = self.model.parse_losses(losses)
        self.optimization.update_params(loss)

    def maps(self) -> Tensor:
        """The model's maps for the batch, cut off from its graph."""
        with torch.no_grad(), self.optimization.optim_context(self.model):
            return self.model.head.forward(self.model.extract_feat(self.images))

    def loss_alone(self, loss_module: nn.Module, maps: Tensor) -> None:
        """The loss' share of a step: forward, and backward to the maps."""
        with self.optimization.optim_context(self.model):
            loss = loss_module(maps, self.target, self.weights)
        self.optimization.backward(loss)
        maps.grad = None

    def seconds(self, call: Callable[[], None]) -> float:
        """How long a call takes, until the device has finished."""
        self._synchronise()
        start = time.perf_counter()
        call()
        self._synchronise()
        return time.perf_counter() - start

    def _synchronise(self) -> None:
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)


def measure(args) -> Dict[str, object]:
    """Seconds of steps and of losses alone, round by round."""
    torch.manual_seed(args.seed)
    trainer = Trainer(args)
    options = {} if args.accuracy is None else dict(accuracy=args.accuracy)
    losses = dict(
        mse=KeypointMSELoss(use_target_weight=True),
        wasserstein=WassersteinHeatmapLoss(sigma=args.sigma, **options))
    for _ in range(WARM_UPS):
        for loss in losses.values():
            trainer.step(loss)
    maps = trainer.maps().detach().requires_grad_()
    for _ in range(WARM_UPS):
        for loss in losses.values():
            trainer.loss_alone(loss, maps)
    seconds = {f'{name} {part}': [] for part in ('step', 'alone') for name in losses}
    for _ in track_iter_progress(range(args.rounds)):
        for name, loss in losses.items():
            seconds[f'{name} step'].append(trainer.seconds(lambda: trainer.step(loss)))  # noqa: B023
        for name, loss in losses.items():
            seconds[f'{name} alone'].append(
                trainer.seconds(lambda: trainer.loss_alone(loss, maps)))  # noqa: B023
    return seconds


def summarise(seconds: Dict[str, List[float]]) -> Dict[str, float]:
    """Medians in milliseconds, and overheads as fractions of the step with MSE."""
    arrays = {name: np.array(values) for name, values in seconds.items()}
    step = np.median(arrays['mse step'])
    summary = {f'{name} ms'.replace(' ', '_'): 1e3 * float(np.median(values))
               for name, values in arrays.items()}
    summary['overhead_of_steps'] = float(
        np.median(arrays['wasserstein step'] / arrays['mse step']) - 1)
    summary['overhead_of_losses'] = float(
        np.median(arrays['wasserstein alone'] - arrays['mse alone']) / step)
    return summary


def main() -> None:
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    seconds = measure(args)
    summary = summarise(seconds)
    measured_on = environment(args.device)
    print(f'\n\n{describe(measured_on)}, {measured_on["threads"]} threads\n'
          f'HRNet-W18, {args.batch_size} images of {args.image_size} x {args.image_size}, '
          f'{args.landmarks} landmarks, σ {args.sigma:g}, {"AMP" if args.amp else "float32"} on '
          f'{args.device}, median of {args.rounds} rounds\n')
    rows = [
        ['KeypointMSELoss', number(summary['mse_step_ms'], 4), number(summary['mse_alone_ms']),
         '-', '-'],
        ['WassersteinHeatmapLoss', number(summary['wasserstein_step_ms'], 4),
         number(summary['wasserstein_alone_ms']), percent(summary['overhead_of_losses']),
         percent(summary['overhead_of_steps'])],
    ]
    print(table(['loss', 'step, ms', 'loss alone, ms', 'overhead by losses',
                 'overhead by steps'], rows, args.markdown))
    settings = {name: getattr(args, name) for name in (
        'batch_size', 'image_size', 'landmarks', 'sigma', 'accuracy', 'amp', 'rounds')}
    save(args.out, dict(environment=measured_on, device=str(args.device), settings=settings,
                        summary=summary, seconds=seconds))


if __name__ == '__main__':
    main()
