#!/usr/bin/env python
"""Landmark schemes: list and draw them, check the conversions between them, describe one's own."""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Dict, List, Optional

EXAMPLES = """\
examples:
  which schemes and conversions there are:
    python tools/landmarks.py list
    python tools/landmarks.py list --common          # how many landmarks any two schemes share
  a scheme's names, regions and flip partners, and a picture of it:
    python tools/landmarks.py show wflw --out work_dirs/landmarks/wflw.png
  does a conversion fit? Tables and pictures, on mean shapes and on rendered faces:
    python tools/landmarks.py check wflw 300w --out work_dirs/landmarks
    python tools/landmarks.py check --out work_dirs/landmarks       # all registered ones
  ... on your own data (one file: its mean shape; one for each scheme: the images in both):
    python tools/landmarks.py check 300w cofw --annotations cofw=annotations/cofw_test.json
  a scheme of your own: make its file from annotations, complete it, check it, use it:
    python tools/landmarks.py new mine --annotations my.json --outer-eye-corners 16 24 --out mine.py
    python tools/landmarks.py show mine --scheme-file mine.py --out mine.png
    python tools/landmarks.py check 300w mine --scheme-file mine.py --out work_dirs/landmarks
    python tools/landmarks.py metainfo mine --scheme-file mine.py --out mine_metainfo.py
  the mean shape of annotations:
    python tools/landmarks.py mean-shape 300w --annotations face_landmarks_300w_train.json \\
        --out shapes.json
"""


def parse_arguments(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    commands.required = True

    def command(name, run, text):
        added = commands.add_parser(name, help=text, description=text, epilog=EXAMPLES,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
        added.add_argument('--scheme-file', action='append', default=[], metavar='FILE',
                           help='file of a scheme of your own (.py or .json); may be repeated')
        added.set_defaults(run=run)
        return added

    listing = command('list', run_list, 'list the schemes and the conversions')
    listing.add_argument('--common', action='store_true',
                         help='also how many landmarks any two schemes share')

    show = command('show', run_show, "print a scheme's landmarks, draw its mean shape")
    show.add_argument('scheme', help='name of a scheme')
    show.add_argument('--out', type=Path, metavar='PNG', help='picture to write')

    check = command('check', run_check,
                    'measure and draw how well the landmarks fit that two schemes share')
    check.add_argument('pair', nargs='*', metavar='SCHEME',
                       help='two schemes; all registered conversions if none is named')
    check.add_argument('--variant', help="one of the pair's variants, or through_SCHEME (default: "
                       'all registered ones)')
    check.add_argument('--subset', help='reduce both schemes to this one, such as paper17')
    check.add_argument('--annotations', action='append', default=[], metavar='SCHEME=FILE',
                       help="annotations that replace the scheme's mean shape by their own; given "
                       'for both schemes, images annotated in both are compared one by one')
    check.add_argument('--rendered', type=int, default=100, metavar='N',
                       help='rendered faces to measure on, 0 for none (default: %(default)s)')
    check.add_argument('--out', type=Path, metavar='DIR',
                       help='folder for pictures, a CSV of each conversion and residuals.json')

    new = command('new', run_new, 'write a scheme file from annotations, to be completed by hand')
    new.add_argument('name', help='the dataset_name of your data')
    new.add_argument('--annotations', required=True, type=Path, metavar='FILE',
                     help='COCO-style annotations; faces should be frontal on average')
    new.add_argument('--outer-eye-corners', required=True, type=int, nargs=2,
                     metavar=('RIGHT', 'LEFT'),
                     help="indices; RIGHT is the person's, on the left in the image")
    new.add_argument('--tolerance', type=float, default=0.06,
                     help="how far two points' mirror images may lie apart, in fractions of the "
                     "face's width (default: %(default)s)")
    new.add_argument('--out', required=True, type=Path, metavar='FILE.py', help='file to write')

    metainfo = command('metainfo', run_metainfo,
                       "write a scheme as MMPose's metainfo, for metainfo=dict(from_file=...)")
    metainfo.add_argument('scheme', help='name of a scheme')
    metainfo.add_argument('--out', required=True, type=Path, metavar='FILE.py',
                          help='file to write')

    mean = command('mean-shape', run_mean_shape,
                   'mean shape of annotations (generalised Procrustes), made symmetric')
    mean.add_argument('scheme', help='name of a scheme')
    source = mean.add_mutually_exclusive_group(required=True)
    source.add_argument('--annotations', type=Path, nargs='+', metavar='FILE',
                        help='COCO-style annotations')
    source.add_argument('--mean-face', type=Path, metavar='FILE',
                        help='a published mean face, "x y x y ..." in fractions of the face box; '
                        'its aspect is set by the mean shape of 300W')
    source.add_argument('--from-scheme', metavar='SCHEME',
                        help="another scheme's mean shape, through the conversion between the two")
    mean.add_argument('--stand-in', nargs='+', default=[], metavar='POINT=SCHEME:POINT',
                      help='with --from-scheme: a point that the other scheme does not have, drawn '
                      'where a third scheme has one, such as 12=300w:0')
    mean.add_argument('--source', default='', help='where the data come from, kept with the shape')
    mean.add_argument('--out', required=True, type=Path, metavar='JSON',
                      help='file to write; other entries in it are kept')

    prior = command('shape-prior', run_shape_prior,
                    'Gaussian of shapes of annotations, for ShapePriorCodec')
    prior.add_argument('--annotations', type=Path, nargs='+', required=True, metavar='FILE',
                       help='COCO-style annotations of training faces; those that lack a landmark '
                       'are left out and counted')
    prior.add_argument('--source', default='', help='where the data come from, kept with it')
    prior.add_argument('--out', required=True, type=Path, metavar='FILE.npz',
                       help='file to write')
    return parser.parse_args(argv)


def run_list(arguments: argparse.Namespace) -> None:
    from mmpose_wass.landmarks import (
        get_common_landmarks,
        get_scheme,
        list_conversions,
        list_schemes,
    )
    print('schemes:')
    for name in list_schemes():
        scheme = get_scheme(name)
        print(f'  {name:20} {scheme.num_landmarks:4} landmarks  {scheme.source}')
    print('conversions (both directions; the first variant of a pair is its default):')
    for first, second, variant in list_conversions():
        common = get_common_landmarks(first, second, variant)
        print(f'  {first:8} - {second:20} {variant:32} {len(common):3} common, '
              f'{sum(common.named_equal):3} of the same name')
    print('any others are chained from these where that is possible')
    if arguments.common:
        print_common_counts(list_schemes())


def print_common_counts(names: List[str]) -> None:
    from mmpose_wass.landmarks import get_common_landmarks
    print('landmarks that two schemes share:')
    print(' ' * 20 + ''.join(f'{name[:9]:>10}' for name in names))
    for first in names:
        row = []
        for second in names:
            try:
                row.append(str(len(get_common_landmarks(first, second))))
            except KeyError:
                row.append('-')
        print(f'{first:20}' + ''.join(f'{count:>10}' for count in row))


def run_show(arguments: argparse.Namespace) -> None:
    from mmpose_wass.landmarks import get_scheme
    from mmpose_wass.landmarks.drawing import draw_scheme
    scheme = get_scheme(arguments.scheme)
    flip, regions = scheme.flip_indices(), scheme.landmark_regions
    print(f'{scheme.name}: {scheme.source}')
    print(f'outer eye corners {list(scheme.outer_eye_corners)}, pupils '
          f'{[list(group) for group in scheme.pupils]}, errors by {scheme.default_norm_mode}')
    print(f'{"index":>5} {"flip":>5}  {"region":14} name')
    for index, name in enumerate(scheme.landmark_names):
        print(f'{index:5} {flip[index]:5}  {regions[index]:14} {name}')
    if arguments.out:
        print(f'picture: {draw_scheme(scheme, str(arguments.out))}')


def chosen_conversions(arguments: argparse.Namespace) -> list:
    from mmpose_wass.landmarks import get_common_landmarks, list_conversions
    pair = arguments.pair
    if len(pair) not in (0, 2):
        raise ValueError(f'name two schemes or none, found {" ".join(pair)}')
    if not pair:
        if arguments.annotations or arguments.subset or arguments.variant:
            raise ValueError('--annotations, --subset and --variant need two schemes')
        return [get_common_landmarks(*conversion) for conversion in list_conversions()]
    if arguments.variant or arguments.subset:
        return [get_common_landmarks(*pair, arguments.variant, arguments.subset)]
    variants = [variant for first, second, variant in list_conversions()
                if {first, second} == set(pair)]
    return [get_common_landmarks(*pair, variant) for variant in variants or [None]]


def read_annotations(arguments: argparse.Namespace) -> Dict[str, object]:
    from mmpose_wass.landmarks import get_scheme
    from mmpose_wass.landmarks.annotations import read_annotated_faces
    found = {}
    for entry in arguments.annotations:
        name, _, path = entry.partition('=')
        if not path or name not in arguments.pair:
            raise ValueError(f'--annotations {entry}: write SCHEME=FILE with one of the two '
                             f'schemes {" and ".join(arguments.pair)}')
        found[name] = read_annotated_faces(path)
        count = get_scheme(name).num_landmarks
        if found[name].points.shape[1] != count:
            raise ValueError(f'{path}: {name} has {count} landmarks, the file '
                             f'{found[name].points.shape[1]}')
    return found


def run_check(arguments: argparse.Namespace) -> None:
    from mmengine.utils import ProgressBar

    from mmpose_wass.landmarks.check_report import report_on

    conversions, faces = chosen_conversions(arguments), read_annotations(arguments)
    # With several, the pictures take a while; the tables of one follow at once.
    bar = ProgressBar(len(conversions)) if len(conversions) > 4 else None
    reports, files = [], []
    for common in conversions:
        reports.append(report_on(common, faces, arguments.rendered))
        if arguments.out:
            files += reports[-1].write(arguments.out)
        if bar is not None:
            bar.update()
    for report in reports:
        print(f'\n{report.text()}')
    if arguments.out:
        path = arguments.out / 'residuals.json'
        write_text(path, json.dumps([report.summary() for report in reports], indent=1) + '\n')
        print('written:')
        for file in (*files, path):
            print(f'  {file}')


def run_new(arguments: argparse.Namespace) -> None:
    from mmpose_wass.landmarks.annotations import read_annotated_faces
    from mmpose_wass.landmarks.geometry import find_flip_pairs
    from mmpose_wass.landmarks.mean_shape import mean_shape_of_faces, symmetric_shape
    from mmpose_wass.landmarks.scheme_template import scheme_file_text
    faces = read_annotated_faces(arguments.annotations)
    count = faces.points.shape[1]
    corners = arguments.outer_eye_corners
    if not all(0 <= corner < count for corner in corners):
        raise ValueError(f'--outer-eye-corners {corners}: the annotations have landmarks '
                         f'0..{count - 1}')
    shape = mean_shape_of_faces(faces.points, faces.valid, corners)
    pairs = find_flip_pairs(shape, arguments.tolerance)
    flip = list(range(count))
    for first, second in pairs:
        flip[first], flip[second] = second, first
    text = scheme_file_text(arguments.name, symmetric_shape(shape, flip, corners), corners, pairs,
                            f'{arguments.annotations.name}, {len(faces.points)} faces')
    write_text(arguments.out, text)
    middle = [index for index, other in enumerate(flip) if index == other]
    print(f'{arguments.out}: {count} landmarks, {len(pairs)} flip pairs, in the middle {middle}')
    print('next: look at it (tools/landmarks.py show), name points and regions, add conversions')


def run_metainfo(arguments: argparse.Namespace) -> None:
    from mmpose_wass.landmarks import get_scheme, metainfo_of
    from mmpose_wass.landmarks.scheme_template import metainfo_text
    scheme = get_scheme(arguments.scheme)
    write_text(arguments.out, metainfo_text(metainfo_of(scheme)))
    print(f'{arguments.out}: metainfo of {scheme.name}; in a data set: '
          f"metainfo=dict(from_file='{arguments.out}')")


def run_mean_shape(arguments: argparse.Namespace) -> None:
    from mmpose_wass.landmarks import get_scheme
    from mmpose_wass.landmarks.shape_file import (
        annotated_shape,
        derived_shape,
        published_shape,
        write_shape,
    )
    scheme = get_scheme(arguments.scheme)
    if arguments.stand_in and not arguments.from_scheme:
        raise ValueError('--stand-in goes with --from-scheme')
    if arguments.mean_face:
        points, made = published_shape(arguments.mean_face, scheme)
    elif arguments.from_scheme:
        points, made = derived_shape(scheme, arguments.from_scheme, arguments.stand_in)
    else:
        points, made = annotated_shape(arguments.annotations, scheme)
    source = f'{arguments.source}; {made}' if arguments.source else made
    write_shape(arguments.out, scheme.name, points, source)
    print(f'{arguments.out}: {scheme.name}, {source}')


def run_shape_prior(arguments: argparse.Namespace) -> None:
    import numpy as np

    from mmpose_wass.datasets.mean_shape import read_faces
    from mmpose_wass.landmarks.shape_prior import fit_shape_prior, write_shape_prior
    faces = [read_faces(file) for file in arguments.annotations]
    shapes = np.concatenate([face['keypoints'] for face in faces])
    whole = np.concatenate([face['valid'] for face in faces]).all(axis=1)
    prior = fit_shape_prior(shapes[whole], arguments.source)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_shape_prior(prior, arguments.out)
    print(f'{arguments.out}: {prior.num_landmarks} landmarks, of {whole.sum()} faces '
          f'({(~whole).sum()} lack a landmark)')


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')


def main(argv: Optional[List[str]] = None) -> int:
    arguments = parse_arguments(argv)
    try:
        from mmpose_wass.landmarks import load_scheme_file
        for path in arguments.scheme_file:
            load_scheme_file(path)
        arguments.run(arguments)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyError as error:
        print(f'error: {error.args[0]}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
