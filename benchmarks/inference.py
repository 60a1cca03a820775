#!/usr/bin/env python
"""What the shipped model does on images and films: exactness, confidence, uncertainty, speed.

The speed is measured on rendered films, everything else on 300W's common test set, which --data
names. The tables of docs/inference.md are written from the results by --write.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Dict

import cv2
import torch
from common import ROOT, describe, environment, save
from inference_faces import measure_faces, read_faces
from inference_film import measure_film
from inference_page import put_into, render

from mmpose_wass.engine.options import clear_errors
from mmpose_wass.engine.results import atomic_write
from mmpose_wass.inference import FaceLandmarker

RESULTS = ROOT / 'results/inference'
PAGE = ROOT / 'docs/inference.md'
COMMON = 'annotations/face_landmarks_300w_valid_common.json'
EXAMPLES = """\
examples:
  everything, on 200 faces, and into the page:
    python benchmarks/inference.py --data data/300w --write
  every face:
    python benchmarks/inference.py --data data/300w --faces 554
  the speed alone:
    python benchmarks/inference.py
  the page from the results that are there:
    python benchmarks/inference.py --rounds 0 --write
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, metavar='DIR',
                        help='300W as tools/prepare_data.py writes it (default: faces are not '
                        'measured)')
    parser.add_argument('--annotations', default=COMMON, metavar='FILE',
                        help='below it, the faces (default: %(default)s)')
    parser.add_argument('--faces', type=int, default=200, metavar='N',
                        help='so many of them, evenly spread (default: %(default)s)')
    parser.add_argument('--frames', type=int, default=60, metavar='N',
                        help='of each film (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=3, metavar='N',
                        help='times that each film is gone through, 0 for none '
                        '(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed (default: %(default)s)')
    parser.add_argument('--out', type=Path, default=RESULTS, metavar='DIR',
                        help='folder of faces.json and film.json (default: results/inference)')
    parser.add_argument('--write', action='store_true', help='write the tables of the page')
    parser.add_argument('--page', type=Path, default=PAGE, metavar='FILE',
                        help='the page (default: docs/inference.md)')
    args = parser.parse_args()
    for name, least in (('faces', 1), ('frames', 1), ('rounds', 0)):
        if getattr(args, name) < least:
            parser.error(f'--{name} must be at least {least}')
    return args


def measured_on(args: argparse.Namespace) -> Dict[str, object]:
    """Where it was measured, without the folders of this machine."""
    content = environment(torch.device('cpu'))
    content['versions']['opencv'] = cv2.__version__
    for path, name in ((args.data, 'data/300w'), (args.out, 'results'), (args.page, 'page')):
        if path is not None:
            content['command'] = content['command'].replace(str(path), name)
    return content


def read_results(folder: Path) -> Dict[str, dict]:
    """What was measured until now: ``faces``, ``film``, or both.

    Raises:
        FileNotFoundError: If there is nothing.
    """
    paths = {name: folder / f'{name}.json' for name in ('faces', 'film')}
    results = {name: json.loads(path.read_text(encoding='utf-8'))
               for name, path in paths.items() if path.is_file()}
    if not results:
        raise FileNotFoundError(f'{folder}: holds neither faces.json nor film.json; give --data, '
                                'or --rounds')
    return results


def main() -> None:
    args = parse_args()
    # As many as the figures are said to be for.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with clear_errors():
        if args.data is not None:
            faces, number = read_faces(args.data, args.annotations, args.faces)
            content = measure_faces(FaceLandmarker(device='cpu'), faces, args.seed)
            for name, reason in content['missing'].items():
                print(f'\nskipped  {name}: {reason}')
            save(args.out / 'faces.json', dict(
                measured_on=measured_on(args), data='300W\'s common test set'
                if args.annotations == COMMON else Path(args.annotations).stem,
                faces=len(faces), of=number, **content))
        if args.rounds:
            content = measure_film(FaceLandmarker(device='cpu'), args.frames, args.rounds,
                                   args.seed)
            save(args.out / 'film.json', dict(measured_on=measured_on(args), frames=args.frames,
                                              **content))
        results = read_results(args.out)
        blocks = render(results)
        for name, text in blocks.items():
            print(f'\n{name}\n\n{text}')
        for name, one in results.items():
            print(f'\n{name}: {describe(one["measured_on"])}')
        if args.write:
            page = put_into(args.page.read_text(encoding='utf-8'), blocks)
            with atomic_write(str(args.page)) as file:
                file.write(page)
            print(f'written: {args.page}')


if __name__ == '__main__':
    main()
