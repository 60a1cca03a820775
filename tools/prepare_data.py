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


class ProgressBars:
    """Feeds mmengine's progress bar, one bar for each split."""

    def __init__(self, dataset: str) -> None:
        self.dataset, self.split, self.bar = dataset, None, None

    def __call__(self, split: str, done: int, count: int) -> None:
        from mmengine.utils import ProgressBar

        if split != self.split:
            self.close()
            print(f'{self.dataset} {split}: {count} images')
            self.split, self.bar = split, ProgressBar(count)
        if done > self.bar.completed:
            self.bar.update(done - self.bar.completed)

    def close(self) -> None:
        if self.bar is not None:
            sys.stdout.write('\n')


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

    picture = sheet_of_dataset(annotation_file, root / LAYOUTS[name].image_folder)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(sheet), picture):
        raise OSError(f'cannot write {sheet}')
    print(f'  {sheet}: contact sheet')


def parse_arguments(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    commands.required = True
    add_synthetic(commands)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    arguments = parse_arguments(argv)
    try:
        arguments.run(arguments)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
