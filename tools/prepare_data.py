#!/usr/bin/env python
"""Prepares face landmark data. Each sub-command is one source of data."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

DATASETS = ('300w', 'wflw', 'cofw', 'aflw', '300vw')


# ---------------------------------------------------------------------- synthetic
def add_synthetic(commands) -> None:
    parser = commands.add_parser(
        'synthetic',
        help='draw annotated faces, no download needed',
        description='Draws annotated faces and writes them as data sets in the official '
        'layouts, one folder each below '
        'ROOT. An interrupted run goes on where it stopped when the same command is given again.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples:\n'
        '  python tools/prepare_data.py synthetic data/synthetic --train 2000 --test 300\n'
        '  python tools/prepare_data.py synthetic data/synthetic --datasets 300w wflw 300vw '
        '--workers 2\n'
        '  python tools/prepare_data.py synthetic data/small --train 50 --test 20 --image-size 128 '
        '--sheet sheet.png\n\n'
        'ROOT/300w/annotations/face_landmarks_300w_train.json … then lie as MMPose expects them:\n'
        '  --cfg-options train_dataloader.dataset.data_root=ROOT/300w/',
    )
    parser.add_argument(
        'root', type=Path, help='folder to write to; each data set gets a folder of its name in it'
    )
    parser.add_argument(
        '--datasets',
        nargs='+',
        default=['300w'],
        choices=DATASETS,
        metavar='NAME',
        help=f'data sets to draw: {", ".join(DATASETS)} (default: 300w)',
    )
    parser.add_argument(
        '--train', type=int, default=2000, help='training images of each data set (default: 2000)'
    )
    parser.add_argument(
        '--test',
        type=int,
        default=300,
        help='images of each drawn test split; 300W and 300VW have three (default: 300)',
    )
    parser.add_argument(
        '--image-size', type=int, default=256, help='image side in pixels (default: 256)'
    )
    parser.add_argument('--seed', type=int, default=0, help='seed (default: 0)')
    parser.add_argument(
        '--workers',
        type=int,
        default=1,
        help='processes; the images do not depend on it (default: 1)',
    )
    parser.add_argument(
        '--yaw',
        type=float,
        nargs=2,
        default=(0.0, 60.0),
        metavar=('LOW', 'HIGH'),
        help='|yaw| of the training faces in degrees; one in ten goes on up to 90 (default: 0 60)',
    )
    parser.add_argument(
        '--frames', type=int, default=30, help='frames of a 300VW sequence (default: 30)'
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a set drawn with other settings'
    )
    parser.add_argument(
        '--sheet',
        type=Path,
        metavar='PNG',
        help='also write a contact sheet; with several data sets its name gets theirs appended',
    )
    parser.set_defaults(run=run_synthetic)


class _Progress:
    """Feeds mmengine's progress bar, one bar for each split."""

    def __init__(self, dataset: str) -> None:
        self.dataset, self.split, self.bar = dataset, None, None

    def __call__(self, split: str, done: int, count: int) -> None:
        from mmengine.utils import ProgressBar

        if split != self.split:
            if self.bar is not None:
                sys.stdout.write('\n')
            print(f'{self.dataset} {split}: {count} images')
            self.split, self.bar = split, ProgressBar(count)
        if done > self.bar.completed:
            self.bar.update(done - self.bar.completed)

    def close(self) -> None:
        if self.bar is not None:
            sys.stdout.write('\n')


def run_synthetic(arguments: argparse.Namespace) -> None:
    import cv2

    from mmpose_wass.datasets.synthetic import (
        LAYOUTS,
        mean_shape_error,
        sheet_of_dataset,
        write_dataset,
    )

    for name in dict.fromkeys(arguments.datasets):
        root = arguments.root / name
        progress = _Progress(name)
        start = time.perf_counter()
        written = write_dataset(
            name,
            root,
            dict(train=arguments.train, test=arguments.test),
            seed=arguments.seed,
            image_size=arguments.image_size,
            workers=arguments.workers,
            yaw=arguments.yaw,
            frames=arguments.frames,
            overwrite=arguments.overwrite,
            progress=progress,
        )
        progress.close()
        drawn = 'already there' if progress.bar is None else f'{time.perf_counter() - start:.1f} s'
        print(f'{name}: {drawn}')
        for path, count in written.items():
            print(f'  {root / path}: {count} faces')
        if name == '300w':
            folder = root / 'annotations'
            error = mean_shape_error(
                folder / 'face_landmarks_300w_train.json',
                folder / 'face_landmarks_300w_valid_common.json',
            )
            print(
                f'  NME of the mean training shape on valid_common: {error:.2f} % '
                '(what a model has to beat)'
            )
        if arguments.sheet is not None:
            sheet = arguments.sheet
            if len(set(arguments.datasets)) > 1:
                sheet = sheet.with_name(f'{sheet.stem}_{name}{sheet.suffix}')
            first = next(iter(written))
            picture = sheet_of_dataset(root / first, root / LAYOUTS[name].image_folder)
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
