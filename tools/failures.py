"""Look at the worst faces of an evaluation: prediction, ground truth and error on one sheet."""

from __future__ import annotations

import argparse
import csv
import io
import os.path as osp

import numpy as np

from mmpose_wass.engine.options import clear_errors
from mmpose_wass.engine.results import atomic_write
from mmpose_wass.evaluation import load_result
from mmpose_wass.evaluation.comparison import align_results
from mmpose_wass.evaluation.comparison.ranking import ORDERS, RankedFace, find_landmark, rank_faces
from mmpose_wass.visualization import draw_prediction_sheet
from mmpose_wass.visualization.image_files import find_images

EXAMPLES = """\
RESULT is what FaceLandmarkMetric(outfile_prefix=...) wrote: the prefix, <prefix>.metrics.json,
<prefix>.errors.npz, or a folder that holds one evaluation.

examples:
  the 24 faces with the largest mean error:
    python tools/failures.py results/wass/300w --out worst.png
  faces by their worst single landmark (what the landmark-wise failure rate counts):
    python tools/failures.py results/wass/300w --by landmark --out worst_landmarks.png
  faces by the error of one landmark, by name or number:
    python tools/failures.py results/wass/300w --by landmark --landmark nose_tip --out nose.png
  where another model is most improved upon; each face is drawn twice, the other model first:
    python tools/failures.py results/wass/300w --against results/l2/300w --change improved \\
        --out improved.png
  images that lie elsewhere than when they were evaluated:
    python tools/failures.py results/wass/300w --image-root /data/300w/images --out worst.png

Beside the sheet a table of the same name, .csv, lists the faces.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('result', metavar='RESULT', help='result files of an evaluation')
    parser.add_argument('--out', required=True, metavar='FILE.png', help='picture to write')
    parser.add_argument('--by', choices=ORDERS, default='image',
                        help="order by the face's mean error, or by single landmarks "
                        '(default: %(default)s)')
    parser.add_argument('--landmark', metavar='INDEX_OR_NAME',
                        help='order by this landmark (with --by landmark); otherwise each face '
                        'counts by its worst one')
    parser.add_argument('--top', type=int, default=24, metavar='N',
                        help='how many faces (default: %(default)s)')
    parser.add_argument('--image-root', '--data-root', metavar='DIR',
                        help='folder with the images, if they lie elsewhere than recorded')
    parser.add_argument('--against', metavar='OTHER',
                        help='result files of another model: order by the change of the error')
    parser.add_argument('--change', choices=('worsened', 'improved'), default='worsened',
                        help='with --against: where RESULT is worse, or where it is better '
                        '(default: %(default)s)')
    parser.add_argument('--common-only', action='store_true',
                        help='with --against: leave out what only one of both has, and count it')
    parser.add_argument('--names', nargs=2, metavar=('NAME', 'OTHER_NAME'),
                        help='with --against: what to call both (default: this, other)')
    parser.add_argument('--columns', type=int, default=6, help='tiles in a row '
                        '(default: %(default)s)')
    parser.add_argument('--tile', type=int, default=240, metavar='PX',
                        help='side of a face on the sheet (default: %(default)s)')
    args = parser.parse_args()
    if args.landmark is not None and args.by != 'landmark':
        parser.error('--landmark needs --by landmark')
    for option in ('names', 'common_only'):
        if getattr(args, option) and not args.against:
            parser.error(f'--{option.replace("_", "-")} needs --against OTHER')
    if args.change == 'improved' and not args.against:
        parser.error('--change improved needs --against OTHER')
    for option, least in (('top', 1), ('columns', 1), ('tile', 32)):
        if getattr(args, option) < least:
            parser.error(f'--{option} must be at least {least}')
    if not args.out.lower().endswith(('.png', '.jpg', '.jpeg')):
        parser.error(f'--out {args.out}: the name must end in .png or .jpg')
    return args


def percent(error: float) -> str:
    """An error as text."""
    return f'{100 * error:.1f} %' if np.isfinite(error) else 'not finite'


def write_table(path: str, records: list[dict]) -> None:
    """Write the faces as CSV."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(records[0]), lineterminator='\n')
    writer.writeheader()
    writer.writerows(records)
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def describe_face(face: RankedFace, rank: int, result, row: int, names: list[str],
                  image: str) -> dict:
    """A line of the table."""
    record = dict(rank=rank, image=image, annotation_id=str(result.annotation_ids[row]),
                  landmark='' if face.landmark is None else names[face.landmark],
                  error_percent=100 * face.error)
    if not np.isnan(face.other_error):
        record['other_error_percent'] = 100 * face.other_error
    return record


def draw(args: argparse.Namespace, runs, chosen: list[RankedFace], names: list[str],
         images: list[str]) -> None:
    """Draw the sheet: a tile for each face, or two where there is another run."""
    main_name, *other_name = runs.results
    shown = [(other_name[0], 'other')] if other_name else []
    shown.append((main_name, 'this'))
    labels = dict(this='this', other='other')
    if args.names:
        labels = dict(this=args.names[0], other=args.names[1])
    rows = np.array([face.row for face in chosen])

    def interleave(arrays: list) -> list:
        return [value for values in zip(*arrays) for value in values]

    def take(field: str) -> np.ndarray:
        return np.stack(interleave([runs.take(field, name)[rows] for name, _ in shown]))

    notes = [osp.splitext(osp.basename(image))[0] if face.landmark is None or args.landmark
             else names[face.landmark] for face, image in zip(chosen, images)]
    texts = dict(this=[percent(face.error) for face in chosen],
                 other=[percent(face.other_error) for face in chosen])
    what = 'mean error' if args.by == 'image' else (
        f'error of {names[chosen[0].landmark]}' if args.landmark
        else 'error of the landmark drawn large')
    hint = f'below each face: {what} / {runs.first.normalization}'
    if other_name:
        hint = f'{what}: left {labels["other"]}, right {labels["this"]}'
        notes = interleave([[labels['other']] * len(notes), notes])
    copies = len(shown)
    draw_prediction_sheet(
        [image for image in images for _ in range(copies)],
        take('predictions'), take('targets'),
        np.repeat([0.0] * len(chosen), copies), args.out,
        valid=take('valid'),
        columns=args.columns + args.columns % copies,
        captions=notes,
        error_texts=interleave([texts[kind] for _, kind in shown]),
        focus=None if args.by == 'image' else [[face.landmark] for face in chosen
                                               for _ in range(copies)],
        fit_predictions=True, hint=hint, blank_missing=True, tile=args.tile,
        title=sheet_title(args, runs, len(chosen)))


def sheet_title(args: argparse.Namespace, runs, count: int) -> str:
    """What the sheet shows."""
    which = f'{args.change} most' if args.against else 'worst'
    return f'{runs.first.name}: {count} faces, {which} by {args.by}, of {runs.report["faces"]}'


def main() -> None:
    args = parse_args()
    with clear_errors(FileNotFoundError, ValueError, OSError):
        results = {'RESULT': load_result(args.result)}
        if args.against:
            results['OTHER'] = load_result(args.against)
        runs = align_results(results, common_only=args.common_only)
        names = runs.landmark_names
        landmark = None if args.landmark is None else find_landmark(names, args.landmark)
        ranked = rank_faces(runs.errors['RESULT'], args.by, landmark, runs.errors.get('OTHER'),
                            improved=args.change == 'improved')
        if not ranked:
            raise ValueError('there is no face to show: ' + (
                f'none {args.change}' if args.against else 'none is scored'
                + (f' at landmark {names[landmark]}' if landmark is not None else '')))
        chosen = ranked[:args.top]
        rows = [int(runs.rows['RESULT'][face.row]) for face in chosen]
        images, missing = find_images([str(runs.first.image_paths[row]) for row in rows],
                                      args.image_root)
        report_missing(missing, len(images), args)
        draw(args, runs, chosen, names, images)
        records = [describe_face(face, rank, runs.first, row, names, image)
                   for rank, (face, row, image) in enumerate(zip(chosen, rows, images), start=1)]
        table = osp.splitext(args.out)[0] + '.csv'
        write_table(table, records)
    print_faces(records, len(ranked), runs)
    print(f'sheet: {args.out}\ntable: {table}')


def report_missing(missing: list[str], count: int, args: argparse.Namespace) -> None:
    """Name the images that are not there; with none there, nothing is drawn."""
    if not missing:
        return
    listed = '\n'.join(f'  {path}' for path in dict.fromkeys(missing))
    remedy = ('Give the folder they lie in as --image-root.' if not args.image_root else
              f'They lie neither below {args.image_root} nor where they were recorded.')
    if len(missing) == count:
        raise FileNotFoundError(f'none of the {count} images is there. {remedy}\n{listed}')
    print(f'{len(missing)} of {count} images are missing, their landmarks are drawn on an empty '
          f'tile. {remedy}\n{listed}')


def print_faces(records: list[dict], ranked: int, runs) -> None:
    """Print the table of faces."""
    excluded = runs.report['faces'] - ranked
    print(f'{len(records)} of {ranked} faces'
          + (f' ({excluded} not ranked: not scored, or not changed this way)' if excluded else ''))
    for record in records:
        text = f'{record["rank"]:>4}  {record["error_percent"]:8.2f} %'
        if 'other_error_percent' in record:
            text += f'  (other {record["other_error_percent"]:8.2f} %)'
        print(f'{text}  {record["landmark"]}  {record["image"]}'
              + (f'  id {record["annotation_id"]}' if record['annotation_id'] else ''))


if __name__ == '__main__':
    main()
