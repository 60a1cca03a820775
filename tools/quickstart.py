"""The demo: render faces, train a compact model on them, test it, and draw what it found."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from mmpose_wass.datasets.mean_shape import mean_shape_error
from mmpose_wass.engine import write_json
from mmpose_wass.visualization import (
    draw_result_sheet,
    plot_cumulative_error,
    plot_training_curve,
)

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / 'configs/face/compact_synthetic_wass.py'
ANNOTATIONS = 'annotations/face_landmarks_300w_{}.json'
FRONTAL, PROFILE = 'yaw to 45 degrees', 'profile, beyond 45 degrees'
REAL = 'real faces, 300W common'
EXAMPLES = """\
examples:
  the demo of the README:
    make demo
  a shorter run, elsewhere:
    python tools/quickstart.py --work-dir work_dirs/short --train 400 --test 60 --minutes 2
  test on real faces too (300W in MMPose's layout):
    make demo DEMO="--real-300w data/300w"
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'), metavar='DIR',
                        help='where results go (default: %(default)s)')
    parser.add_argument('--data', type=Path, default=Path('data/synthetic'), metavar='DIR',
                        help='where rendered faces go (default: %(default)s)')
    parser.add_argument('--train', type=int, default=2000, metavar='N', help='training faces')
    parser.add_argument('--test', type=int, default=300, metavar='N', help='faces of each test set')
    parser.add_argument('--minutes', type=float, default=10, help='limit of the training time')
    parser.add_argument('--seed', type=int, default=0, help='of the faces and of the training')
    parser.add_argument('--real-300w', type=Path, metavar='DIR',
                        help="real 300W in MMPose's layout: tests on its common subset too")
    parser.add_argument('--fresh', action='store_true',
                        help='begin anew: replace the rendered faces and the model that are there')
    args = parser.parse_args()
    for split in ('train', 'valid_common') if args.real_300w else ():
        if not (args.real_300w / ANNOTATIONS.format(split)).is_file():
            parser.error(f'--real-300w {args.real_300w}: there is no {ANNOTATIONS.format(split)} '
                         'below it')
    return args


def keep_settings(args: argparse.Namespace) -> None:
    """Refuse to go on with what other settings have left in the working folder."""
    file = args.work_dir / 'settings.json'
    settings = dict(config=fingerprint(CONFIG), data=str(args.data.resolve()), train=args.train,
                    test=args.test, seed=args.seed, minutes=args.minutes)
    if args.fresh:
        for folder in ('train', 'test'):
            shutil.rmtree(args.work_dir / folder, ignore_errors=True)
    elif file.is_file():
        found = json.loads(file.read_text())
        unequal = [name for name in settings if found.get(name) != settings[name]]
        if unequal:
            sys.exit(f'quickstart: {args.work_dir} holds a demo with other settings of '
                     f'{", ".join(unequal)} (see {file}). Give another --work-dir, or --fresh to '
                     'replace it.')
    write_json(str(file), settings)


def fingerprint(*files: Path) -> str:
    """SHA-256 of the contents of files."""
    result = hashlib.sha256()
    for file in files:
        result.update(Path(file).read_bytes())
    return result.hexdigest()


def run(step: str, command: list, log: Path, shown: str = '') -> None:
    """Run one of the tools; print its lines that hold ``shown``, keep all of them in a log."""
    command = [str(part) for part in command]
    print(f'\n== {step}\n   {" ".join(command[1:])}\n   log: {log}', flush=True)
    with log.open('w') as file, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            file.write(line)
            file.flush()
            if shown and shown in line:
                print('   ' + line.split(' - ')[-1].strip()[:150], flush=True)
    if process.returncode:
        print(''.join(log.open().readlines()[-15:]), file=sys.stderr)
        sys.exit(f'quickstart: "{step}" failed; the whole log is {log}. Mend the cause and call '
                 'again: what is done is kept.')


def prepare_faces(args: argparse.Namespace, logs: Path) -> Path:
    """Render the faces; a call that finds them returns at once."""
    print(f'\n== faces\n   rendered into {args.data}', flush=True)
    command = [sys.executable, ROOT / 'tools/prepare_data.py', 'synthetic', args.data, '--datasets',
               '300w', '--train', args.train, '--test', args.test, '--seed', args.seed,
               *(['--overwrite'] if args.fresh else [])]
    # Straight to the terminal: it has a progress bar.
    if subprocess.run([str(part) for part in command]).returncode:
        sys.exit('quickstart: rendering the faces failed, see above')
    return args.data / '300w'


def train(args: argparse.Namespace, data: Path, logs: Path) -> Path:
    """Train within the time limit; go on where an earlier call was cut off."""
    folder = args.work_dir / 'train'
    finished = folder / 'finished.json'
    if finished.is_file():
        found = json.loads(finished.read_text())
        print(f'\n== training\n   done before, in {found["seconds"]} s, see {folder}; --fresh '
              'trains again')
        return folder / found['checkpoint']
    resume = ['--resume'] if (folder / 'last_checkpoint').is_file() else []
    start = time.time()
    run('training', [
        sys.executable, ROOT / 'tools/train.py', CONFIG, '--work-dir', folder, *resume,
        '--cfg-options', *data_options(data), f'randomness.seed={args.seed}',
        f'custom_hooks.1.minutes={args.minutes}'
    ], logs / 'train.log', shown='Epoch(')
    checkpoint = Path((folder / 'last_checkpoint').read_text().strip()).name
    write_json(str(finished), dict(checkpoint=checkpoint, seconds=round(time.time() - start)))
    return folder / checkpoint


def data_options(data: Path) -> list:
    return [f'{split}_dataloader.dataset.data_root={data}/' for split in ('train', 'val', 'test')]


def test(args: argparse.Namespace, name: str, data: Path, split: str, checkpoint: Path,
         logs: Path, norm_mode: str = 'inter_ocular') -> dict:
    """Test on one set, unless the same model was tested on the same faces before."""
    prefix = args.work_dir / 'test' / name
    report, key_file = prefix.with_suffix('.json'), prefix.with_suffix('.key')
    key = fingerprint(checkpoint, data / ANNOTATIONS.format(split)) + str(data.resolve())
    if not report.is_file() or not key_file.is_file() or key_file.read_text() != key:
        run(f'test: {name}', [
            sys.executable, ROOT / 'tools/test.py', CONFIG, checkpoint, '--work-dir',
            args.work_dir / 'test', '--out', report, '--cfg-options', *data_options(data),
            f'test_dataloader.dataset.ann_file={ANNOTATIONS.format(split)}',
            f'test_evaluator.0.norm_mode={norm_mode}', f'test_evaluator.0.outfile_prefix={prefix}'
        ], logs / f'test_{name}.log')
        key_file.write_text(key)
    result = json.loads(report.read_text())['metrics']
    return dict(
        normalization=norm_mode,
        mean_shape_NME=mean_shape_error(data / ANNOTATIONS.format('train'),
                                        data / ANNOTATIONS.format(split), norm_mode),
        **{key[len('face/'):]: value for key, value in result.items() if key.startswith('face/')},
        errors=str(prefix) + '.errors.npz')


def draw(args: argparse.Namespace, results: dict) -> list:
    """Pictures of the results."""
    curves = {name: np.load(result['errors'])['errors'] for name, result in results.items()
              if result['normalization'] == 'inter_ocular'}
    pictures = [
        plot_cumulative_error(curves, str(args.work_dir / 'ced.png'),
                              normalization='inter-ocular distance'),
        draw_result_sheet(results[FRONTAL]['errors'], str(args.work_dir / 'predictions.png')),
        draw_result_sheet(results[PROFILE]['errors'],
                          str(args.work_dir / 'predictions_profile.png'))
    ]
    if REAL in results:
        pictures.append(draw_result_sheet(results[REAL]['errors'],
                                          str(args.work_dir / 'predictions_real.png')))
    scalars = sorted((args.work_dir / 'train').glob('*/vis_data/scalars.json'))
    if scalars:
        pictures.append(plot_training_curve(str(scalars[-1]), str(args.work_dir / 'training.png')))
    return pictures


def print_table(results: dict) -> None:
    columns = ('NME', 'FR_I@0.10', 'FR_L@0.10', 'FR_L@0.20', 'AUC@0.10', 'mean_shape_NME')
    heads = ('NME %', 'FR_I@.10 %', 'FR_L@.10 %', 'FR_L@.20 %', 'AUC@.10', 'mean shape NME %')
    width = max(map(len, results)) + 2
    print('\n' + 'test set'.ljust(width) + 'errors divided by   ' + '  '.join(heads))
    for name, result in results.items():
        cells = (f'{result[key]:{len(head)}.2f}' for key, head in zip(columns, heads))
        print(name.ljust(width) + result['normalization'].ljust(20) + '  '.join(cells))


def main() -> None:
    args = parse_args()
    logs = args.work_dir / 'logs'
    logs.mkdir(parents=True, exist_ok=True)
    keep_settings(args)
    (args.work_dir / 'test').mkdir(exist_ok=True)
    start = time.time()
    data = prepare_faces(args, logs)
    checkpoint = train(args, data, logs)
    results = {
        FRONTAL: test(args, 'frontal', data, 'valid_common', checkpoint, logs),
        PROFILE: test(args, 'profile', data, 'valid_challenge', checkpoint, logs, 'box_size')
    }
    if args.real_300w:
        results[REAL] = test(args, 'real', args.real_300w, 'valid_common', checkpoint, logs)
    write_json(str(args.work_dir / 'metrics.json'), dict(
        checkpoint=str(checkpoint), seconds=round(time.time() - start), results=results))
    pictures = draw(args, results)
    print_table(results)
    print(f'\nFigures: {args.work_dir / "metrics.json"}\nPictures to look at:')
    for picture in pictures:
        print(f'  {picture}')
    print(f'Model: {checkpoint}')


if __name__ == '__main__':
    main()
