"""Measure a model against severities and solve for the protocol's named levels.

Levels are the severities at which the error of a trained heatmap L2 model has grown by the factors
that the paper reports (Tables 8 and 9; see mmpose_wass/datasets/perturbations). Writes the curve
and the solution to FILE and a plot beside it. Every measurement is kept as soon as it is made: run
the same command again to go on. The solution is for a person to put into a protocol version, once;
nothing is refitted when a protocol is used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from typing import Dict, Optional, Sequence

from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

import mmpose_wass  # noqa: F401  (registers everything; makes checkpoints loadable)
from mmpose_wass.datasets.perturbations import get_protocol
from mmpose_wass.datasets.perturbations.calibration import errors_rise, solve_severity
from mmpose_wass.engine import (
    check_checkpoint,
    check_data_files,
    check_flip_settings,
    load_config,
    write_json,
)
from mmpose_wass.engine.data_check import annotation_path, find_datasets
from mmpose_wass.engine.device import find_device
from mmpose_wass.engine.options import clear_errors, merge_cfg_options, set_preprocessor
from mmpose_wass.engine.results import now, plain, software_versions
from mmpose_wass.engine.severity_curve import evaluate_model, load_model, perturbed_dataloader
from mmpose_wass.turning_on.config_walk import find_typed, type_name
from mmpose_wass.visualization.severity import plot_severity_curves

EXAMPLES = """\
examples:
  occlusion, on the test set of the config (300W's full set, say):
    python tools/calibrate_perturbations.py configs/face/hrnet_w18_300w_l2.py L2.pth \\
        --perturbations occlusion --out work_dirs/calibration/300w.json
  motion blur of video frames, on another set:
    python tools/calibrate_perturbations.py configs/face/hrnet_w18_300w_l2.py L2.pth \\
        --perturbations motion_blur --out work_dirs/calibration/300vw.json --cfg-options \\
        test_dataloader.dataset.data_root=data/300vw \\
        test_dataloader.dataset.ann_file=anno_300vw_test_3.json \\
        test_dataloader.dataset.data_prefix.img=''
  motion blur of still images, in a random direction each:
    python tools/calibrate_perturbations.py CONFIG CHECKPOINT --perturbations motion_blur \\
        --direction random --out still.json
  severity curves of the box (these have no levels to solve for):
    python tools/calibrate_perturbations.py CONFIG CHECKPOINT --out boxes.json \\
        --perturbations box_shift box_scale box_rotation
"""
VERSION = 1
#: How close a level's measured growth has to come, relative to the growth asked for.
TOLERANCE = 0.005


def parse_args() -> argparse.Namespace:
    names = [name for name, entry in get_protocol(VERSION).items() if isinstance(entry, dict)]
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help="config file, or mmpose::path for one of MMPose's own")
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='FILE.json',
                        help='measurements and solution; the plot goes to FILE.png')
    parser.add_argument('--perturbations', nargs='+', choices=names, metavar='NAME',
                        default=['occlusion'],
                        help=f'of {", ".join(names)} (default: occlusion)')
    parser.add_argument('--severities', nargs='+', type=float, metavar='S',
                        help="severities to measure, besides 0 (default: the protocol's grid)")
    parser.add_argument('--refine', type=int, default=3, metavar='N',
                        help='at most so many more measurements per level, each at the solution so '
                        f'far, until its growth is met to {100 * TOLERANCE:g} %% (default: '
                        '%(default)s)')
    parser.add_argument('--direction', default='motion', metavar='motion|random|DEGREES',
                        help='direction of motion blur (default: %(default)s, which needs frames '
                        'of a video)')
    parser.add_argument('--limit', type=int, metavar='N', help='use only the first N faces')
    parser.add_argument('--device', default='cpu', help='cpu, cuda or cuda:N (default: cpu)')
    parser.add_argument('--overwrite', action='store_true',
                        help='start afresh where FILE holds measurements of something else')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                        metavar='KEY=VALUE', help='change settings of the config')
    args = parser.parse_args()
    if not args.out.endswith('.json'):
        parser.error(f'--out {args.out}: the name must end in .json')
    if args.severities and min(args.severities) < 0:
        parser.error('--severities must be 0 or more')
    if args.refine < 0 or (args.limit is not None and args.limit < 1):
        parser.error('--refine must be 0 or more and --limit 1 or more')
    if args.direction not in ('motion', 'random'):
        try:
            args.direction = float(args.direction)
        except ValueError:
            parser.error(f'--direction {args.direction}: must be motion, random or an angle')
    return args


def file_hash(path: str) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def describe_subject(cfg: Config, args: argparse.Namespace) -> dict:
    """What the measurements are of; nothing else may be mixed into one file."""
    loader = plain(cfg.test_dataloader.to_dict())
    for _, node in find_typed(loader):
        node.pop('data_root', None)  # a place, no property of the data
    return dict(
        checkpoint=file_hash(args.checkpoint),
        annotations=[file_hash(annotation_path(node)) for _, node in find_datasets(cfg, 'test')],
        dataset=loader['dataset'], model=plain(cfg.model.to_dict()),
        metric=face_metric(cfg), direction=args.direction, limit=args.limit,
        protocol_version=VERSION)


def face_metric(cfg: Config) -> dict:
    """The config's FaceLandmarkMetric, or a plain one; it writes no files."""
    evaluators = cfg.get('test_evaluator', None) or []
    for metric in evaluators if isinstance(evaluators, (list, tuple)) else [evaluators]:
        if type_name(metric) == 'FaceLandmarkMetric':
            return {name: value for name, value in plain(dict(metric)).items()
                    if name != 'outfile_prefix'}
    return dict(type='FaceLandmarkMetric')


class Calibration:
    """The measurements of one file, made one by one and kept at once."""

    def __init__(self, cfg: Config, args: argparse.Namespace) -> None:
        self.cfg, self.args, self.model = cfg, args, None
        self.protocol = get_protocol(VERSION)
        self.metric = face_metric(cfg)
        subject = describe_subject(cfg, args)
        self.content = dict(
            subject=subject, config=args.config, checkpoint=args.checkpoint, command=sys.argv,
            curves={}, levels={})
        if os.path.isfile(args.out) and not args.overwrite:
            self._resume(subject)

    def _resume(self, subject: dict) -> None:
        try:
            with open(self.args.out, encoding='utf-8') as file:
                before = json.load(file)
            other = [name for name, value in subject.items()
                     if before['subject'].get(name) != plain(value)]
            curves, levels = before['curves'], before['levels']
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f'{self.args.out} is not a file that this tool wrote ({error}); '
                             'choose another --out, or --overwrite it') from error
        if other:
            raise ValueError(f'{self.args.out} holds measurements of something else: '
                             f'{", ".join(other)} differ. Choose another --out, or --overwrite')
        self.content.update(curves=curves, levels=levels)
        print(f'{self.args.out}: going on after {sum(map(len, curves.values()))} measurements')

    def measure(self, perturbation: str, severity: float) -> dict:
        """Measure at a severity, unless that has been done."""
        # Severity 0 is the same for all, but blur reads the data as a video's.
        points = self.content['curves'].setdefault(perturbation, [])
        for point in points:
            if abs(point['severity'] - severity) < 1e-9:
                return point
        options = dict(direction=self.args.direction) if perturbation == 'motion_blur' else {}
        loader = perturbed_dataloader(self.cfg.test_dataloader, perturbation, severity, VERSION,
                                      **options)
        if self.args.limit:
            loader['dataset']['indices'] = self.args.limit
        if self.model is None:
            self.model = load_model(self.cfg, self.args.checkpoint, self.args.device)
        print(f'{perturbation}, severity {severity:g}:')
        measures = evaluate_model(self.model, loader, self.metric)
        point = dict(severity=severity, **measures)
        points.append(point)
        points.sort(key=lambda one: one['severity'])
        self.save()
        print(f'  NME {measures["face/NME"]:.3f} %, '
              f'FR_L@0.10 {measures.get("face/FR_L@0.10", float("nan")):.2f} %', flush=True)
        return point

    def solve(self, perturbation: str, grid: Sequence[float]) -> None:
        """Find the severities of the protocol's levels.

        A level's search starts from the grid and adds its own measurements only, so that it takes
        the same way whether it was interrupted or not.
        """
        levels = {}
        for level, growth in self.protocol[perturbation].get('growth', {}).items():
            known = {severity: self._growth(perturbation, severity) for severity in grid}
            severity, measured = self._solution(known, growth), None
            for _ in range(self.args.refine):
                if severity is None:
                    break
                known[severity] = measured = self._growth(perturbation, severity)
                if abs(measured - growth) <= TOLERANCE * growth:
                    break
                better = self._solution(known, growth)
                if better != severity:
                    severity, measured = better, None
            levels[level] = dict(
                severity=severity, growth_wanted=growth, growth_measured=measured,
                in_protocol=self.protocol[perturbation]['levels'][level])
        self.content['levels'][perturbation] = levels
        self.save()

    def report(self) -> None:
        """Say what came out, and draw it."""
        for perturbation, levels in self.content['levels'].items():
            points = self.content['curves'][perturbation]
            if levels and not errors_rise(*self._curve(perturbation)):
                print(f'note: the NME over {perturbation} falls somewhere; the first crossing '
                      'counts')
            for level, found in levels.items():
                if found['severity'] is None:
                    print(f'{perturbation}, {level}: a growth of {found["growth_wanted"]} is not '
                          f'reached up to severity {points[-1]["severity"]:g}; measure larger '
                          '--severities')
                else:
                    measured = ('' if found['growth_measured'] is None else
                                f', measured there {found["growth_measured"]:.3f}')
                    print(f'{perturbation}, {level}: severity {found["severity"]:g} for a growth '
                          f'of {found["growth_wanted"]}{measured} (protocol version {VERSION}, '
                          f'{self.protocol["status"]}: {found["in_protocol"]:g})')
        name = os.path.splitext(os.path.basename(self.args.config))[0]
        plot_severity_curves(
            {perturbation: {name: points}
             for perturbation, points in self.content['curves'].items()},
            self.args.out[:-len('.json')] + '.png',
            {perturbation: {level: found['severity'] for level, found in levels.items()}
             for perturbation, levels in self.content['levels'].items()})
        print(f'written to {self.args.out} and {self.args.out[:-len(".json")]}.png')

    def save(self) -> None:
        """Write what there is, atomically."""
        write_json(self.args.out, dict(self.content, date=now(), versions=software_versions()))

    def _curve(self, perturbation: str):
        points = self.content['curves'][perturbation]
        return [point['severity'] for point in points], [
            float('inf') if point['face/NME'] is None else point['face/NME'] for point in points]

    @staticmethod
    def _solution(known: Dict[float, float], growth: float) -> Optional[float]:
        severity = solve_severity(list(known), list(known.values()), growth)
        return None if severity is None else round(severity, 4)

    def _growth(self, perturbation: str, severity: float) -> float:
        clean, error = (self.measure(perturbation, one)['face/NME'] for one in (0.0, severity))
        return float('inf') if error is None else error / clean


def main() -> None:
    args = parse_args()
    with clear_errors(FileNotFoundError, ValueError, KeyError):
        find_device(args.device)
        cfg = load_config(args.config)
        merge_cfg_options(cfg, args)
        set_preprocessor(cfg)
        init_default_scope(cfg.get('default_scope', 'mmpose'))
        check_flip_settings(cfg)
        check_data_files(cfg, ('test', ))
        check_checkpoint(args.checkpoint)
        calibration = Calibration(cfg, args)
        for perturbation in args.perturbations:
            grid = args.severities or calibration.protocol[perturbation]['grid']
            grid = sorted({0.0, *map(float, grid)})
            for severity in grid:
                calibration.measure(perturbation, severity)
            calibration.solve(perturbation, grid)
        calibration.report()


if __name__ == '__main__':
    main()
