"""Turn a heatmap model trained with the L2 loss into a start for the Wasserstein loss."""

from __future__ import annotations

import argparse
import os

import torch
from mmengine.config import Config, DictAction
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from mmpose.registry import MODELS

import mmpose_wass  # noqa: F401  (registers everything; makes checkpoints loadable)
from mmpose_wass.engine import (
    check_checkpoint,
    check_data_files,
    load_checkpoint,
    load_config,
    write_json,
)
from mmpose_wass.engine.device import find_device
from mmpose_wass.engine.logit_scale import StageReport, convert_model, load_weights
from mmpose_wass.engine.options import (
    add_turn_on_options,
    apply_turn_on,
    check_turn_on_options,
    clear_errors,
    merge_cfg_options,
    set_preprocessor,
    write_config,
)
from mmpose_wass.engine.results import atomic_write
from mmpose_wass.models import check_coordinate_channels

DESCRIPTION = """\
Turn a heatmap model trained with the L2 loss into a start for the Wasserstein loss.

The softmax of an L2 model's maps is almost uniform. This fits the factor by which the maps must be
multiplied for their softmax to come closest to the targets (Kullback-Leibler divergence), one for
each landmark where that helps, on a few batches of the training data, and puts it into the last
convolution. The result is loaded by load_from and wants a short fine-tuning; arg max decoding of
it gives what it gave before.
"""
EXAMPLES = """\
examples:
  CONFIG is the one to train with from then on (Wasserstein loss, BarycenterCodec):
    python tools/convert_checkpoint.py configs/face/hrnet_w18_300w_wass.py l2.pth start.pth
    python tools/train.py configs/face/hrnet_w18_300w_wass.py --cfg-options load_from=start.pth \\
        model.backbone.init_cfg=None train_cfg.max_epochs=10
  a model of MMPose's own, turned on the fly:
    python tools/convert_checkpoint.py mmpose::face_2d_keypoint/topdown_heatmap/300w/\\
td-hm_hrnetv2-w18_8xb64-60e_300w-256x256 hrnetv2_w18_300w.pth start.pth --wass --sigma 3
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'config', help='config of the model to train next, with maps that are softmaxed')
    parser.add_argument('checkpoint', help='checkpoint of the L2 model')
    parser.add_argument('out', metavar='OUT.pth', help='where to write the new checkpoint')
    parser.add_argument(
        '--batches', type=int, default=8, metavar='N',
        help='batches of the training data to fit to (default: %(default)s)')
    parser.add_argument(
        '--shared', action='store_true', help='one factor for all landmarks of a stage')
    parser.add_argument('--device', default='cpu', help='cpu, cuda or cuda:N (default: cpu)')
    parser.add_argument('--seed', type=int, default=0, help='seed (default: %(default)s)')
    parser.add_argument(
        '--report', metavar='FILE.json',
        help='write factors, divergences and errors before and after to this file')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
        help='change settings of the config; after --wass')
    add_turn_on_options(parser)
    args = parser.parse_args()
    check_turn_on_options(parser, args)
    if args.batches < 1:
        parser.error(f'--batches {args.batches}: must be at least 1')
    if not args.out.endswith(('.pth', '.pt')):
        parser.error(f'{args.out}: the name must end in .pth')
    if args.report and not args.report.endswith('.json'):
        parser.error(f'--report {args.report}: the name must end in .json')
    return args


def build(cfg: Config, device: str):
    """The model, in evaluation mode, and the loader of the training data."""
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    # No weights are fetched: those of the checkpoint replace them all.
    model = revert_sync_batchnorm(MODELS.build(cfg.model)).to(device).eval()
    loader = dict(cfg.train_dataloader, num_workers=0, persistent_workers=False)
    return model, Runner.build_dataloader(loader, seed=cfg.get('seed', None))


def describe(report: StageReport, stage: int, stages: int) -> str:
    """One stage in a line."""
    scale = torch.tensor(report.scale)
    name = f'stage {stage + 1}: ' if stages > 1 else ''
    return (f'{name}factor {scale.median():.2f} ({scale.min():.2f} to {scale.max():.2f}), '
            f'KL {report.divergence[0]:.3f} -> {report.divergence[1]:.3f} nats, barycentre off by '
            f'{report.barycenter_error[0]:.2f} -> {report.barycenter_error[1]:.2f} heatmap pixels')


def save(model, checkpoint: dict, args: argparse.Namespace, reports) -> None:
    """Write weights and what was done; no optimizer, no progress: it is a new start."""
    meta = dict(checkpoint.get('meta', {}) if isinstance(checkpoint.get('meta'), dict) else {})
    for name in ('epoch', 'iter'):
        meta.pop(name, None)
    meta['logit_scale'] = dict(source=os.path.basename(args.checkpoint),
                               stages=[report.as_dict() for report in reports])
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    with atomic_write(args.out, 'wb') as file:
        torch.save(dict(meta=meta, state_dict=weights), file)


def main() -> None:
    args = parse_args()
    with clear_errors():
        find_device(args.device)
        cfg = apply_turn_on(load_config(args.config), args)
        if args.wass_out:
            write_config(cfg, args)
        merge_cfg_options(cfg, args)
        set_preprocessor(cfg)
        check_data_files(cfg, ('train', ))
        check_checkpoint(args.checkpoint)
        # Python's and NumPy's too: the augmentation draws from them.
        set_random_seed(args.seed)
        cfg.seed = args.seed
        model, loader = build(cfg, args.device)
        checkpoint = load_checkpoint(args.checkpoint)
        check_coordinate_channels(model, checkpoint.get('state_dict', checkpoint))
        load_weights(model, checkpoint, args.checkpoint)
        print(f'Maps of {args.batches} batches:', flush=True)
        reports = convert_model(model, loader, args.batches, args.shared)
    print()
    for stage, report in enumerate(reports):
        print(describe(report, stage, len(reports)))
    save(model, checkpoint, args, reports)
    print(f'The checkpoint is in {os.path.abspath(args.out)}; train on with load_from.')
    if args.report:
        write_json(args.report, dict(
            config=args.config, checkpoint=args.checkpoint, batches=args.batches,
            stages=[report.as_dict() for report in reports]))
        print(f'The report is in {os.path.abspath(args.report)}')


if __name__ == '__main__':
    main()
