#!/usr/bin/env python
"""Prepares face landmark data. Each sub-command is one source of data."""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

DATASETS = ('300w', 'wflw', 'cofw', 'aflw', '300vw')
SYNTHETIC = 'Draws annotated faces and writes them as data sets in the official layouts, one ' \
    'folder each below ROOT. An interrupted run goes on where it stopped when the same command ' \
    'is given again.'
SYNTHETIC_EXAMPLES = """\
examples:
  python tools/prepare_data.py synthetic data/synthetic --train 2000 --test 300
  python tools/prepare_data.py synthetic data/synthetic --datasets 300w wflw 300vw --workers 2
  python tools/prepare_data.py synthetic data/small --train 50 --test 20 --image-size 128 \\
    --sheet sheet.png

ROOT/300w/annotations/face_landmarks_300w_train.json … then lie as MMPose expects them:
  --cfg-options train_dataloader.dataset.data_root=ROOT/300w/
"""
OFFICIAL = 'Prepares {title} from its official archives. SOURCE is the folder they were ' \
    'downloaded to, the archives themselves, or the folder they were taken apart in. Numbers are ' \
    'compared with the published ones; if anything is missing, no annotation file is written. An ' \
    'interrupted run goes on when the same command is given again. Where to get the archives: ' \
    'docs/datasets.md.'
OFFICIAL_EXAMPLES = {
    '300w': """\
examples:
  python tools/prepare_data.py 300w ~/downloads data/300w
  python tools/prepare_data.py 300w afw.zip helen.zip ibug.zip lfpw.zip 300w.zip.001 data/300w
""",
    '300vw': """\
examples:
  python tools/prepare_data.py 300vw 300VW_Dataset_2015_12_14.zip data/300vw --workers 8
  python tools/prepare_data.py 300vw ~/300VW_Dataset_2015_12_14 data/300vw --splits test_3 \\
    --format jpg
""",
    'wflw': """\
examples:
  python tools/prepare_data.py wflw WFLW_images.tar.gz WFLW_annotations.tar.gz data/wflw
""",
    'cofw': """\
examples:
  python tools/prepare_data.py cofw COFW_color.zip data/cofw
  python tools/prepare_data.py cofw COFW_train_color.mat COFW_test_color.mat data/cofw
""",
    'aflw': """\
examples:
  python tools/prepare_data.py aflw aflw-images-0.tar.gz aflw-images-2.tar.gz \\
    aflw-images-3.tar.gz AFLWinfo_release.mat data/aflw
""",
}
CHECK = 'Checks a prepared data set: missing and damaged images, landmarks outside, unusable ' \
    'boxes and numbers, ids given twice, and faces that are in training and test (by the bytes ' \
    'of the files and by their looks). Prints a table, writes check.json and a contact sheet. ' \
    'The exit code is 1 if there are errors.'
CHECK_EXAMPLES = """\
examples:
  python tools/prepare_data.py check data/300w
  python tools/prepare_data.py check data/300vw --workers 8 --out work_dirs/check_300vw
"""


def add_synthetic(commands) -> None:
    parser = commands.add_parser(
        'synthetic', help='draw annotated faces, no download needed', description=SYNTHETIC,
        epilog=SYNTHETIC_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path,
                        help='folder to write to; each data set gets a folder of its name in it')
    parser.add_argument('--datasets', nargs='+', default=['300w'], choices=DATASETS, metavar='NAME',
                        help=f'data sets to draw: {", ".join(DATASETS)} (default: 300w)')
    parser.add_argument('--train', type=int, default=2000, metavar='N',
                        help='training images of each data set (default: %(default)s)')
    parser.add_argument('--test', type=int, default=300, metavar='N',
                        help='images of each drawn test split; 300W and 300VW have three '
                        '(default: %(default)s)')
    parser.add_argument('--image-size', type=int, default=256, metavar='PIXELS',
                        help='image side (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed (default: %(default)s)')
    parser.add_argument('--workers', type=int, default=1, metavar='N',
                        help='processes; the images do not depend on it (default: %(default)s)')
    parser.add_argument('--yaw', type=float, nargs=2, default=(0.0, 60.0), metavar=('LOW', 'HIGH'),
                        help='absolute yaw of the training faces in degrees; one in ten goes on up '
                        'to 90 (default: 0 60)')
    parser.add_argument('--frames', type=int, default=30, metavar='N',
                        help='frames of a 300VW sequence (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace a set drawn with other settings')
    parser.add_argument('--sheet', type=Path, metavar='PNG',
                        help='also write a contact sheet; with several data sets its name gets '
                        'theirs appended')
    parser.set_defaults(run=run_synthetic)


def add_official(commands) -> None:
    for name in DATASETS:
        title = name.upper()
        parser = commands.add_parser(
            name, help=f'prepare {title} from its official archives',
            description=OFFICIAL.format(title=title), epilog=OFFICIAL_EXAMPLES[name],
            formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument('sources', nargs='+', type=Path, metavar='SOURCE',
                            help='archives, other files, or folders with them')
        parser.add_argument('root', type=Path, help=f'folder to write to, such as data/{name}')
        parser.add_argument('--allow-incomplete', action='store_true',
                            help='prepare what is there, even if it is not all; what is missing '
                            'is listed in ROOT/preparation.json')
        parser.add_argument('--keep-extracted', action='store_true',
                            help='keep what came out of the archives (ROOT/.extracted)')
        if name == '300vw':
            add_film_options(parser)
        parser.set_defaults(run=run_official)


def add_film_options(parser) -> None:
    splits = ('train', 'test_1', 'test_2', 'test_3')
    parser.add_argument('--splits', nargs='+', default=list(splits), choices=splits,
                        metavar='SPLIT', help='which of train, test_1, test_2, test_3 (the three '
                        'scenarios) to prepare (default: all)')
    parser.add_argument('--format', dest='image_format', default='png', choices=('png', 'jpg'),
                        help='png loses nothing but needs some 200 GB for all frames '
                        '(default: %(default)s)')
    parser.add_argument('--quality', type=int, default=95, metavar='1…100',
                        help='of jpg (default: %(default)s)')
    parser.add_argument('--workers', type=int, default=1, metavar='N',
                        help='processes; each takes a film at a time (default: %(default)s)')
    parser.add_argument('--broken-frames', type=Path, metavar='FILE',
                        help='.json or .npy with the frames to leave out, from video to frames '
                        '(default: the list of 2,127 frames that MMPose leaves out)')


def add_check(commands) -> None:
    parser = commands.add_parser(
        'check', help='check a prepared data set', description=CHECK, epilog=CHECK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder of the data set')
    parser.add_argument('--images', type=Path, metavar='DIR',
                        help="folder that the images' names count from (default: ROOT/images if it "
                        'is there, else ROOT)')
    parser.add_argument('--out', type=Path, metavar='DIR',
                        help='folder for the results (default: ROOT/check)')
    parser.add_argument('--workers', type=int, default=1, metavar='N',
                        help='processes that read images (default: %(default)s)')
    parser.add_argument('--quick', action='store_true',
                        help='do not decode the images: damaged pixels, and faces that only look '
                        'the same, are not found')
    parser.set_defaults(run=run_check)


class ProgressBars:
    """Feeds mmengine's progress bar, one bar for each split."""

    def __init__(self, dataset: str, unit: str = ' images') -> None:
        self.dataset, self.unit, self.split, self.bar = dataset, unit, None, None

    def __call__(self, split: str, done: int, count: int) -> None:
        from mmengine.utils import ProgressBar

        if split != self.split:
            self.close()
            print(f'{self.dataset} {split}: {count}{self.unit}')
            self.split, self.bar = split, ProgressBar(count)
        if done > self.bar.completed:
            self.bar.update(done - self.bar.completed)

    def close(self) -> None:
        if self.bar is not None:
            sys.stdout.write('\n')


def run_official(arguments: argparse.Namespace) -> None:
    from mmpose_wass.datasets.preparation import PREPARE

    options = {key: value for key, value in vars(arguments).items()
               if key not in ('command', 'run', 'sources', 'root')}
    progress = ProgressBars(arguments.command, unit='')
    try:
        report = PREPARE[arguments.command](arguments.sources, arguments.root, progress=progress,
                                            **options)
    finally:
        progress.close()
    for line in report.counts:
        print(f'  {line}')
    for path, count in report.files.items():
        print(f'  {report.root / path}: {count} faces')
    for note in report.notes:
        print(f'  note: {note}')
    for kind, things in report.problems.items():
        print(f'  left out: {kind}: {len(things)} (see {report.root / "preparation.json"})')
    print(f'{report.dataset}: {"complete" if report.complete else "INCOMPLETE"}; check it with '
          f'`python tools/prepare_data.py check {report.root}`')


def run_check(arguments: argparse.Namespace) -> int:
    from mmpose_wass.datasets.preparation import check_dataset

    progress = ProgressBars('check', unit='')
    try:
        result = check_dataset(arguments.root, arguments.images, arguments.out, arguments.workers,
                               not arguments.quick, progress)
    finally:
        progress.close()
    print(result.table())
    for path in result.outputs:
        print(f'{path}')
    return 1 if result.errors else 0


def run_synthetic(arguments: argparse.Namespace) -> None:
    from mmpose_wass.datasets.synthetic import write_dataset

    names = list(dict.fromkeys(arguments.datasets))
    for name in names:
        root = arguments.root / name
        progress = ProgressBars(name)
        start = time.perf_counter()
        written = write_dataset(
            name, root, dict(train=arguments.train, test=arguments.test), seed=arguments.seed,
            image_size=arguments.image_size, workers=arguments.workers, yaw=arguments.yaw,
            frames=arguments.frames, overwrite=arguments.overwrite, progress=progress)
        progress.close()
        drawn = 'already there' if progress.bar is None else f'{time.perf_counter() - start:.1f} s'
        print(f'{name}: {drawn}')
        for path, count in written.items():
            print(f'  {root / path}: {count} faces')
        if name == '300w':
            print_mean_shape_error(root)
        if arguments.sheet is not None:
            sheet = arguments.sheet
            if len(names) > 1:
                sheet = sheet.with_name(f'{sheet.stem}_{name}{sheet.suffix}')
            write_sheet(sheet, name, root, root / next(iter(written)))


def print_mean_shape_error(root: Path) -> None:
    from mmpose_wass.datasets.mean_shape import mean_shape_error

    train, test = (root / f'annotations/face_landmarks_300w_{split}.json'
                   for split in ('train', 'valid_common'))
    error = mean_shape_error(train, test)
    print(f'  NME of the mean training shape on valid_common: {error:.2f} % (what a model has to '
          'beat)')


def write_sheet(sheet: Path, name: str, root: Path, annotation_file: Path) -> None:
    import cv2

    from mmpose_wass.datasets.synthetic import LAYOUTS, sheet_of_dataset
    from mmpose_wass.engine.opencv_path import opencv_path

    picture = sheet_of_dataset(annotation_file, root / LAYOUTS[name].image_folder)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    with opencv_path(sheet) as path:
        if not cv2.imwrite(path, picture):
            raise OSError(f'cannot write {sheet}')
    print(f'  {sheet}: contact sheet')


def parse_arguments(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    commands.required = True
    add_synthetic(commands)
    add_official(commands)
    add_check(commands)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    arguments = parse_arguments(argv)
    try:
        return arguments.run(arguments) or 0
    except (ValueError, OSError, ImportError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
