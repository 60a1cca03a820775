"""Export a trained model to ONNX, TorchScript or torch.export, and compare it with PyTorch."""

from __future__ import annotations

import argparse
import os

from mmengine.config import DictAction

import mmpose_wass  # noqa: F401  (registers everything; makes checkpoints loadable)
from mmpose_wass.deployment import ExportOptions, export_model, load_exported, load_source_model
from mmpose_wass.deployment.export_module import CHANNEL_ORDERS, INPUT_TYPES, PRECISIONS
from mmpose_wass.deployment.exported_model import format_of
from mmpose_wass.deployment.metadata import describe_metadata
from mmpose_wass.deployment.onnx_export import EXPORTERS, choose_opset
from mmpose_wass.engine import load_config, write_json
from mmpose_wass.engine.options import (
    add_turn_on_options,
    apply_turn_on,
    check_turn_on_options,
    clear_errors,
    merge_cfg_options,
    write_config,
)

DESCRIPTION = """\
Export a trained model to ONNX, TorchScript or torch.export, and compare it with PyTorch.

Everything from the crop's pixels to the landmarks is in the graph: normalisation, network, softmax,
barycentre (or arg max), the heatmap's coordinate convention, confidences.
  in:  images       [B, 3, H, W]  uint8 (or float32), 0 to 255, BGR (or RGB)
  out: landmarks    [B, K, 2]     x, y in input pixels
       confidences  [B, K]        0 to 1
"""
EXAMPLES = """\
examples:
  the model that comes with the package:
    python tools/export.py --out face68.onnx
  a model of one's own; in half precision; with the mirrored image averaged in the graph:
    python tools/export.py configs/face/compact_300w_wass.py work_dirs/run/epoch_14.pth \\
        --out compact.onnx
    python tools/export.py CONFIG CHECKPOINT --precision fp16 --out compact_fp16.onnx
    python tools/export.py CONFIG CHECKPOINT --flip-test --out compact_flip.onnx
  TorchScript (also for C++) and torch.export:
    python tools/export.py CONFIG CHECKPOINT --out compact.pt
    python tools/export.py CONFIG CHECKPOINT --out compact.pt2
  a model trained with --wass: give --wass (and --sigma …) again
  what a file is:
    python tools/export.py --show face68.onnx
Use it without PyTorch: examples/onnx_consumer.py.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', help='config file, or mmpose::path for one of '
                        "MMPose's own (default: the model that comes with the package)")
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file')
    parser.add_argument(
        '--out', metavar='FILE', help='file to write: .onnx, .pt (TorchScript) or .pt2 '
        '(torch.export)')
    parser.add_argument('--show', metavar='FILE', help='print what an exported model says of '
                        'itself, and stop')
    graph = parser.add_argument_group('the graph')
    graph.add_argument('--precision', choices=list(PRECISIONS), default='fp32',
                       help='of the network; softmax and barycentre are always in float32 '
                       '(default: %(default)s)')
    graph.add_argument('--input-type', choices=list(INPUT_TYPES), default='uint8',
                       help='type of the images, 0 to 255 either way (default: %(default)s)')
    graph.add_argument('--channel-order', choices=CHANNEL_ORDERS, default='bgr',
                       help="of the images; bgr is OpenCV's (default: %(default)s)")
    graph.add_argument('--flip-test', action='store_true',
                       help='average with the mirrored image, in the graph: twice the work')
    graph.add_argument('--batch-size', type=int, metavar='N',
                       help='fix the number of images, for engines that ask for it (default: any '
                       'number)')
    onnx = parser.add_argument_group('ONNX')
    onnx.add_argument('--opset', type=int, metavar='N', help='operator set (default: 17, or 18 '
                      'with dynamo)')
    onnx.add_argument('--exporter', choices=EXPORTERS, default='torchscript',
                      help="PyTorch's exporter by tracing, or the newer and slower one by "
                      'torch.export (default: %(default)s)')
    check = parser.add_argument_group('comparison with PyTorch')
    check.add_argument('--tolerance', type=float, metavar='PX',
                       help='largest distance of a landmark, in input pixels (default: 0.001; with '
                       'fp16 0.5, or for arg max a heatmap pixel, 1 in 100 landmarks apart)')
    check.add_argument('--no-check', action='store_true', help='do not compare; for ONNX, '
                       'onnxruntime is not needed then')
    parser.add_argument('--report', metavar='FILE.json',
                        help='write metadata and comparison to this file')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
        help='change settings of the config; after --wass')
    add_turn_on_options(parser)
    args = parser.parse_args()
    check_turn_on_options(parser, args)
    check_options(parser, args)
    return args


def check_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Options that do not go together."""
    if args.show:
        return
    if not args.out:
        parser.error('--out FILE is wanted (or --show FILE)')
    if args.config and not args.checkpoint:
        parser.error(f'{args.config}: its checkpoint is wanted too')
    try:
        kind = format_of(args.out)
        choose_opset(args.exporter, args.opset)
    except ValueError as error:
        parser.error(str(error))
    if kind != 'onnx' and (args.opset or args.exporter != 'torchscript'):
        parser.error(f'--opset and --exporter are for .onnx, --out is {args.out}')
    if args.batch_size is not None and args.batch_size < 1:
        parser.error(f'--batch-size {args.batch_size}: must be at least 1')
    if args.tolerance is not None and not args.tolerance > 0:
        parser.error(f'--tolerance {args.tolerance}: must be positive')
    if args.report and not args.report.endswith('.json'):
        parser.error(f'--report {args.report}: the name must end in .json')


def default_model() -> tuple[str, str]:
    """Config and checkpoint of the model that comes with the package."""
    try:
        from mmpose_wass.assets import default_model as shipped
    except ImportError as error:
        raise FileNotFoundError('no model comes with this installation: give CONFIG and '
                                'CHECKPOINT') from error
    return shipped()


def export(args: argparse.Namespace) -> None:
    config, checkpoint = args.config, args.checkpoint
    if not config:
        config, checkpoint = default_model()
    cfg = apply_turn_on(load_config(config), args)
    if args.wass_out:
        write_config(cfg, args)
    merge_cfg_options(cfg, args)
    source = load_source_model(cfg, checkpoint)
    options = ExportOptions(
        input_type=args.input_type, channel_order=args.channel_order, precision=args.precision,
        flip_test=args.flip_test)
    print(f'exporting {source.checkpoint} ({source.config}) …', flush=True)
    if source.model.test_cfg.get('flip_test', False) and not args.flip_test:
        print('note: the config tests with a flip test; without --flip-test the export makes none')
    if source.crop is None:
        print('note: no pipeline of the config says how faces are cropped; the metadata leaves it '
              'open')
    done = export_model(
        source, args.out, options, opset=args.opset, exporter=args.exporter,
        batch_size=args.batch_size, tolerance=args.tolerance, check=not args.no_check)
    print(describe_metadata(done.metadata))
    print('not compared with PyTorch (--no-check)' if done.parity is None
          else done.parity.sentence())
    print(f'written to {os.path.abspath(done.path)} ({done.size / 1e6:.1f} MB)')
    if args.report:
        write_json(args.report, dict(
            file=done.path, bytes=done.size, metadata=done.metadata,
            parity=None if done.parity is None else done.parity.as_dict()))
        print(f'The report is in {os.path.abspath(args.report)}')


def main() -> None:
    args = parse_args()
    with clear_errors(FileNotFoundError, ValueError, KeyError, ImportError, RuntimeError, OSError):
        if args.show:
            print(describe_metadata(load_exported(args.show).metadata))
            return
        export(args)


if __name__ == '__main__':
    main()
