"""Draw what models see: heatmaps over faces, models side by side, and figures of the method."""

from __future__ import annotations

import argparse
import os
from typing import Any, Callable, Sequence

import numpy as np
from mmengine.registry import init_default_scope

import mmpose_wass  # noqa: F401  (registers everything; makes checkpoints loadable)
from mmpose_wass.engine.device import find_device
from mmpose_wass.engine.options import accept_any_name, clear_errors
from mmpose_wass.visualization.figures import (
    LOSSES,
    draw_error_scale,
    draw_loss_landscape,
    draw_targets,
)
from mmpose_wass.visualization.figures.error_scale import ERRORS
from mmpose_wass.visualization.heatmaps.choose import (
    DEFAULT_LANDMARKS,
    PICKS,
    choose_places,
    choose_rows,
)
from mmpose_wass.visualization.heatmaps.faces import (
    TestFaces,
    frontal_face,
    photographed_faces,
    rendered_faces,
)
from mmpose_wass.visualization.heatmaps.sheet import draw_heatmap_sheet
from mmpose_wass.visualization.heatmaps.side_by_side import draw_side_by_side

EXAMPLES = """\
examples:
  heatmaps of the right eye's outer corner by two models, on faces half hidden (the paper's Fig. 6):
    python tools/visualize.py heatmaps l2.py l2.pth wass.py wass.pth --name L2 W \\
        --landmarks 36 --perturb occlusion:large --pick hidden --out heatmaps.png
  both models' landmarks on the same faces (Fig. 12):
    python tools/visualize.py compare l2.py l2.pth wass.py wass.pth --name L2 W --out compare.png
  what losses say of a prediction that drifts away (Fig. 4), targets (Fig. 5), errors (Fig. 7):
    python tools/visualize.py loss-landscape --out loss_landscape.png
    python tools/visualize.py targets --sigma 1 1.5 3 --out targets.png
    python tools/visualize.py error-scale --out error_scale.png

`python tools/visualize.py SUBCOMMAND --help` has more. All pictures are explained in
docs/visualization.md.
"""

HEATMAP_EXAMPLES = """\
examples:
  two landmarks, by number or name, on rendered faces:
    python tools/visualize.py heatmaps wass.py wass.pth --rendered 3 --landmarks 36 nose_tip
  the landmark that each face gets worst, on the worst faces of the config's test data:
    python tools/visualize.py heatmaps wass.py wass.pth --landmarks worst --pick worst --faces 4
  all landmarks' maps in one picture, by the model that the package ships, on your photographs:
    python tools/visualize.py heatmaps --images portraits --landmarks all
  where the face is (left top width height, in pixels), without a detector:
    python tools/visualize.py heatmaps wass.py wass.pth --images group.jpg --box 210 88 180 180
"""

COMPARE_EXAMPLES = """\
examples:
  the faces on which two models differ most:
    python tools/visualize.py compare l2.py l2.pth wass.py wass.pth --pick differ
  blurred faces, twelve of them in two blocks:
    python tools/visualize.py compare l2.py l2.pth wass.py wass.pth --perturb motion_blur:large \\
        --faces 12
"""


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True, metavar='SUBCOMMAND')

    heatmaps = _command(commands, 'heatmaps', 'heatmaps of single landmarks over the face',
                        HEATMAP_EXAMPLES)
    add_model_options(heatmaps, faces=3)
    heatmaps.add_argument(
        '--landmarks', nargs='+', metavar='LANDMARK', default=DEFAULT_LANDMARKS,
        help="numbers or names, a row each; 'worst': the one each face gets worst; 'all': the maps "
        'of all in one picture (default: the outer corner of the right eye)')
    heatmaps.add_argument('--linear', action='store_true',
                          help='colours in proportion to the map, not to its square root')
    compare = _command(commands, 'compare', 'several models side by side on the same faces',
                       COMPARE_EXAMPLES)
    add_model_options(compare, faces=6)
    compare.add_argument('--columns', type=int, default=6, metavar='N',
                         help='faces in a row (default: %(default)s)')

    loss = _command(commands, 'loss-landscape', 'losses of a prediction that drifts away')
    loss.add_argument('--losses', nargs='+', choices=LOSSES, default=['l2', 'wasserstein'],
                      metavar='LOSS', help=f'of {", ".join(LOSSES)} (default: l2 wasserstein)')
    loss.add_argument('--sigma', type=float, default=2.5, metavar='PX',
                      help='width of target and prediction, heatmap pixels (default: %(default)s)')
    loss.add_argument('--exact', action='store_true',
                      help='mark the exact Wasserstein distance by a linear program (needs POT)')
    targets = _command(commands, 'targets', 'targets of several sigmas')
    targets.add_argument('--sigma', type=float, nargs='+', default=[1, 1.5, 3], metavar='PX',
                         help='standard deviations, heatmap pixels (default: 1 1.5 3)')
    for command in (loss, targets):
        command.add_argument('--size', type=int, default=64, metavar='PX',
                             help='side of the map (default: %(default)s)')
    scale = _command(commands, 'error-scale', 'what an error of so many per cent means on a face')
    scale.add_argument('--landmark', default='right_eye_inner_corner', metavar='LANDMARK',
                       help='number or name (default: %(default)s)')
    scale.add_argument('--at', type=float, nargs='+', metavar='PERCENT',
                       default=[100 * error for error in ERRORS],
                       help='errors to draw, per cent (default: 5 8 10 20)')
    scale.add_argument('--config', metavar='FILE',
                       help="take the face from this config's test data (default: a rendered one)")
    scale.add_argument('--face', type=int, default=0, metavar='N',
                       help="with --config: which face of the test data (default: the first one)")

    for name, command in commands.choices.items():
        command.add_argument('--out', default=f'{name.replace("-", "_")}.png', metavar='FILE',
                             help='picture to write: .png, .pdf or .svg (default: %(default)s)')
        command.add_argument('--title', default='', help='heading')
    args = parser.parse_args(arguments)
    check_args(commands.choices[args.command], args)
    return args


def _command(commands, name: str, purpose: str, examples: str = '') -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=purpose, description=f'{purpose[0].upper()}{purpose[1:]}.', epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter)


def add_model_options(parser: argparse.ArgumentParser, faces: int) -> None:
    """Options of the sub-commands that run models."""
    parser.add_argument('models', nargs='*', metavar='CONFIG CHECKPOINT',
                        help='config and checkpoint of each model, in pairs (default: the model '
                        'that the package ships)')
    parser.add_argument('--name', '--names', nargs='+', default=[], metavar='NAME',
                        help='what to call the models (default: by their files)')
    group = parser.add_argument_group('faces', "by default those of the first config's test data")
    source = group.add_mutually_exclusive_group()
    source.add_argument('--images', nargs='+', metavar='PATH',
                        help='image files, folders or patterns')
    source.add_argument('--rendered', nargs='?', type=int, const=faces, metavar='N',
                        help='so many rendered faces, with exact landmarks')
    group.add_argument('--seed', type=int, default=0,
                       help='with --rendered: other people (default: %(default)s)')
    group.add_argument('--detector', default='opencv', choices=('opencv', 'centerface',
                                                                'whole_image'),
                       help='with --images: how faces are found (default: %(default)s)')
    group.add_argument('--boxes', metavar='FILE',
                       help='with --images: JSON or CSV with the boxes, as for tools/demo.py')
    group.add_argument('--box', nargs=4, type=float, metavar=('LEFT', 'TOP', 'WIDTH', 'HEIGHT'),
                       help='with --images: where the face is on each, in pixels')
    group.add_argument('--faces', type=int, metavar='N',
                       help=f'how many faces to draw (default: {faces}; all that --rendered asks '
                       'for)')
    parser.set_defaults(default_faces=faces)
    group.add_argument('--pick', choices=PICKS, default='spread',
                        help='which ones: evenly spread over the data, the first ones, those that '
                        'the first model gets worst, those with the landmark hidden, or those on '
                        'which the first model and the last differ most (default: %(default)s)')
    group.add_argument('--among', type=int, metavar='N',
                        help='look for them among so many faces, evenly spread (default: all)')
    group.add_argument('--perturb', metavar='KIND:AMOUNT',
                        help='perturb the faces, for all models alike: occlusion:large, '
                        'motion_blur:medium, box_shift:0.1, …')
    parser.add_argument('--device', help='where models run (default: a GPU if there is one)')


def check_args(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what does not go together."""
    if not args.out.lower().endswith(('.png', '.pdf', '.svg', '.jpg', '.jpeg')):
        parser.error(f'--out {args.out}: the name must end in .png, .pdf or .svg')
    if 'models' not in args:
        return
    if len(args.models) % 2:
        parser.error('models are given as pairs of a config and a checkpoint, found '
                     f'{len(args.models)} files: {" ".join(args.models)}')
    for name in ('box', 'boxes'):
        if getattr(args, name) and not args.images:
            parser.error(f'--{name} needs --images')
    if args.box and args.boxes:
        parser.error('give --box or --boxes, not both')
    for name in ('faces', 'among', 'rendered', 'columns'):
        value = getattr(args, name, None)
        if value is not None and value < 1:
            parser.error(f'--{name} must be at least 1')
    if args.faces is None:
        args.faces = args.rendered or args.default_faces
    if args.pick == 'differ' and len(args.models) < 4:
        parser.error('--pick differ needs two models')


def read_faces(args: argparse.Namespace, cfg: Any, scheme: str | None) -> Sequence:
    """The faces that the options name."""
    if args.rendered is not None:
        return rendered_faces(args.rendered, scheme or '300w', args.seed)
    if args.images:
        faces, notes = photographed_faces(args.images, box_finder(args), scheme)
        print('\n'.join([f'{len(faces)} faces on {" ".join(args.images)}', *notes]))
        return faces
    return TestFaces(cfg)


def box_finder(args: argparse.Namespace) -> Callable[[str, np.ndarray], np.ndarray]:
    """How faces are found on photographs."""
    from mmpose_wass.inference.detectors import build_detector
    from mmpose_wass.inference.face_landmarker import check_boxes
    from mmpose_wass.inference.given_boxes import GivenBoxes

    if args.box:
        left, top, width, height = args.box
        box = np.array([[left, top, left + width, top + height]])
        return lambda path, pixels: check_boxes(box, pixels.shape).corners
    if args.boxes:
        given = GivenBoxes(args.boxes)
        return lambda path, pixels: given.of(path).corners
    detector = build_detector(args.detector)
    return lambda path, pixels: detector.detect(pixels).corners


def run_models(args: argparse.Namespace) -> tuple:
    """Choose faces and run every model on them.

    Returns:
        tuple: Models by name (their runners), and the views of the chosen faces by name.
    """
    from mmpose_wass.inference.face_landmarker import shipped_model
    from mmpose_wass.robustness.models import read_models
    from mmpose_wass.visualization.heatmaps.predict import FaceRunner, read_perturbation

    device = find_device(args.device)
    perturbation = read_perturbation(args.perturb) if args.perturb else None
    pairs = list(zip(args.models[::2], args.models[1::2])) or [shipped_model()]
    models = read_models(pairs, args.name)
    init_default_scope(models[0].cfg.get('default_scope', 'mmpose'))
    faces = read_faces(args, models[0].cfg, models[0].scheme)
    runners = {model.name: FaceRunner(model.build(device), model.cfg, model.scheme, perturbation)
               for model in models}
    places = choose_places(
        runners, faces, args.pick, args.faces, args.among,
        landmarks=getattr(args, 'landmarks', None), say=lambda text: print(text, flush=True))
    chosen = [faces[place] for place in places]
    return runners, {name: runner.run(chosen) for name, runner in runners.items()}


def draw_heatmaps(args: argparse.Namespace) -> list:
    """Sub-command ``heatmaps``."""
    runners, views = run_models(args)
    rows = choose_rows(views, args.landmarks)
    for row in rows:
        for name, view, landmark in zip(views, row.views, row.landmarks):
            if landmark is not None and landmark >= 0 and view.maps is not None:
                error = view.errors[landmark]
                print(f'{row.title}, {view.name}, {name}: '
                      + ('' if np.isnan(error) else f'error {100 * error:.2f} %, ')
                      + f'stray mass {100 * view.stray_mass(landmark):.1f} %')
    return draw_heatmap_sheet(rows, list(runners), [args.out], args.title,
                              **(dict(gamma=1.0) if args.linear else {}))


def draw_comparison(args: argparse.Namespace) -> list:
    """Sub-command ``compare``."""
    _, views = run_models(args)
    for name, faces in views.items():
        known = [face.mean_error for face in faces if not np.isnan(face.mean_error)]
        if known:
            print(f'{name}: mean error {100 * np.mean(known):.2f} % on these {len(known)} faces')
    return draw_side_by_side(views, [args.out], args.title, args.columns)


def draw_losses(args: argparse.Namespace) -> list:
    """Sub-command ``loss-landscape``."""
    return draw_loss_landscape([args.out], losses=args.losses, size=args.size, sigma=args.sigma,
                               title=args.title, compare_exact=args.exact)


def draw_target_maps(args: argparse.Namespace) -> list:
    """Sub-command ``targets``."""
    return draw_targets([args.out], args.sigma, args.size, args.title)


def draw_errors(args: argparse.Namespace) -> list:
    """Sub-command ``error-scale``."""
    from mmpose_wass.engine.config_loading import load_config
    from mmpose_wass.evaluation.comparison.ranking import find_landmark
    from mmpose_wass.inference.images import read_image
    from mmpose_wass.landmarks import get_scheme

    if args.config:
        init_default_scope('mmpose')
        faces = TestFaces(load_config(args.config))
        if not 0 <= args.face < len(faces):
            raise ValueError(f'--face {args.face}: there are {len(faces)} faces, 0 to '
                             f'{len(faces) - 1}')
        face = faces[args.face]
        if face.scheme is None:
            raise ValueError(f'config {args.config}: the landmark scheme of its test data is not '
                             'known, so neither are the corners of the eyes')
        image = read_image(face.results['img_path']).pixels
    else:
        face = frontal_face()
        image = face.results['img']
    scheme = get_scheme(face.scheme)
    landmark = find_landmark(scheme.landmark_names, args.landmark)
    points = np.array(face.results['keypoints'][0, :, :2], dtype=float)
    visible = np.asarray(face.results['keypoints_visible'][0])
    points[(visible[..., 0] if visible.ndim == 2 else visible) <= 0] = np.nan
    return draw_error_scale(
        [args.out], image, points, landmark, scheme.outer_eye_corners,
        [percent / 100 for percent in args.at], title=args.title,
        name=scheme.landmark_names[landmark].replace('_', ' '))


DRAW: dict[str, Callable[[argparse.Namespace], list]] = {
    'heatmaps': draw_heatmaps, 'compare': draw_comparison, 'loss-landscape': draw_losses,
    'targets': draw_target_maps, 'error-scale': draw_errors,
}


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_args(arguments)
    accept_any_name()
    with clear_errors(FileNotFoundError, ValueError, KeyError, OSError, ImportError):
        for path in DRAW[args.command](args):
            print(f'picture: {path} ({os.path.getsize(path) / 1e3:.0f} kB)')


if __name__ == '__main__':
    main()
