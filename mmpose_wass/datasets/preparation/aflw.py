"""AFLW: the images, and the 19 landmarks of the later release (or the original data base)."""
from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .aflw_sqlite import SQLITE_FILE, read_sqlite
from .archives import Progress, open_sources, remove_extracted, walk_files
from .coco import PIXEL_STD, FaceRecord, ImageRecord, padded_box, with_flags, write_annotations
from .images import IMAGE_ENDINGS, find_size, place
from .matlab import open_matlab
from .report import PreparationError, PreparationReport, Problems, finish, settle

ARCHIVES = ('aflw*.tar.gz', 'aflw*.tgz', 'aflw*.zip', 'aflw*.tar')
HINT = 'Images: aflw-images-0, -2 and -3.tar.gz, on request from TU Graz ' \
    '(https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/). ' \
    'Annotations: AFLWinfo_release.mat from ' \
    'http://mmlab.ie.cuhk.edu.hk/projects/compositional.html.'
MAT_FILE = 'AFLWinfo_release.mat'
LANDMARKS = 19
_TRAIN = 20000  # the first of the release's permutation are for training
_FOLDER = 'flickr'  # below ``images``, as MMPose's annotation files name it


class AflwFace(NamedTuple):
    """A face of AFLW.

    Attributes:
        name: Image, such as ``3/image22568.jpg``.
        points: ``[19, 2]`` in pixels.
        flags: ``[19]``: 0 where a point is not annotated.
        box: Left, top, right, bottom of the face's box in pixels.
        hidden: ``[19]`` bool: annotated, but hidden by the head or something else.
    """

    name: str
    points: np.ndarray
    flags: np.ndarray
    box: Tuple[float, float, float, float]
    hidden: np.ndarray


def prepare_aflw(sources: Sequence[Path], root: Path, allow_incomplete: bool = False,
                 keep_extracted: bool = False,
                 progress: Optional[Progress] = None) -> PreparationReport:
    """Write AFLW as MMPose's ``AFLWDataset`` reads it.

    With ``AFLWinfo_release.mat`` (19 landmarks, hidden ones included, and the division into
    training and test) it writes train, test and test_frontal: the test faces of which all 19 points
    are visible. With ``aflw.sqlite`` alone it writes one file of all faces,
    ``face_landmarks_aflw_all.json``, in which points that are not visible carry the flag 0: the
    original data base has neither a division nor these points.

    Args:
        sources: Folders, archives or files with the images and the annotations.
        root: Folder to write to: ``images`` and ``annotations``.
        allow_incomplete: Whether a part of the data set will do.
        keep_extracted: Whether what came out of the archives is kept.
        progress: Called with (stage, done, all).

    Returns:
        PreparationReport: What was written.

    Raises:
        PreparationError: If a file is damaged, or something is missing or unusable and that is not
            allowed. Nothing is written then.
        OSError: If a file cannot be read or written.
    """
    root, problems, notes = Path(root), Problems('aflw'), []
    places = open_sources(sources, root, ARCHIVES, progress)
    annotations, images = _find(places)
    splits: Dict[str, List[AflwFace]] = {}
    if MAT_FILE.lower() in annotations:
        splits = _read_release(annotations[MAT_FILE.lower()])
    elif SQLITE_FILE in annotations:
        faces, without_box = read_sqlite(annotations[SQLITE_FILE])
        splits = {'all': [AflwFace(*face) for face in faces]}
        notes.append(f'from {SQLITE_FILE} alone: no division into training and test, and hidden '
                     f'points are not annotated; the published figures need {MAT_FILE}')
        if without_box:
            notes.append(f'{without_box} faces have no box or no points and were left out')
    else:
        problems.add('file missing', f'{MAT_FILE} (or {SQLITE_FILE})')
    records = _records(splits, images, problems, progress)
    if 'test' in splits:
        records['test_frontal'] = [(record, face) for record, face in records['test']
                                   if not face.hidden.any()]
    # A split that is empty counts too: a table without faces is no data set.
    found = {split: len(listed) for split, listed in records.items()} or dict(train=0, test=0)
    counts = settle('aflw', found, problems, allow_incomplete, HINT)

    names = sorted({face.name for listed in records.values() for _, face in listed})
    for k, name in enumerate(names, 1):
        place(images[name], root / 'images' / _FOLDER / name)
        if progress is not None:
            progress('images', k, len(names))
    files = {}
    for split, listed in records.items():
        path = f'annotations/face_landmarks_aflw_{split}.json'
        if listed:
            files[path] = write_annotations(root / path, [record for record, _ in listed],
                                            f'AFLW {split}')
    if not keep_extracted:
        remove_extracted(root)
    oblong = _oblong(splits)
    if oblong:
        notes.append(f'{oblong} face boxes are not square; box_size is their longer side')
    return finish('aflw', root, files, counts, notes, problems)


def _oblong(splits: Dict[str, List[AflwFace]]) -> int:
    return sum(face.box[2] - face.box[0] != face.box[3] - face.box[1]
               for faces in splits.values() for face in faces)


def _find(places: Sequence[Path]) -> Tuple[Dict[str, Path], Dict[str, Path]]:
    """Annotation files by lower-case name, and images by their name in the release."""
    annotations, images = {}, {}
    for path in walk_files(places):
        if path.name.lower() in (MAT_FILE.lower(), SQLITE_FILE):
            annotations.setdefault(path.name.lower(), path)
        elif path.suffix.lower() in IMAGE_ENDINGS:
            images.setdefault(f'{path.parent.name}/{path.name}', path)
    return annotations, images


def _read_release(path: Path) -> Dict[str, List[AflwFace]]:
    """Training and test faces of ``AFLWinfo_release.mat``.

    Its variables: ``data`` [N, 38] (19 x, then 19 y), ``bbox`` [N, 4] (left, right, top, bottom),
    ``mask_new`` [N, 19] (1: visible), ``nameList`` {N} and ``ra``, a permutation counted from 1 of
    which the first 20,000 are the training faces.
    """
    file = open_matlab(path, ('data', 'bbox', 'mask_new', 'ra'), ('nameList', ))
    with closing(file):
        data, boxes = file.arrays['data'], file.arrays['bbox']
        visible, order = file.arrays['mask_new'], file.arrays['ra'].reshape(-1).astype(int) - 1
        count = len(data)
        expected = dict(data=(count, 2 * LANDMARKS), bbox=(count, 4), mask_new=(count, LANDMARKS))
        for name, shape in expected.items():
            if file.arrays[name].shape != shape:
                raise PreparationError(f'{path}: expected {name} {list(shape)}, found '
                                       f'{list(file.arrays[name].shape)}')
        if sorted(order.tolist()) != list(range(count)):
            raise PreparationError(f'{path}: ra is no permutation of 1 … {count}')
        names = [_text(file.cells['nameList'](k)) for k in range(count)]
    if not (np.isfinite(data).all() and np.isfinite(boxes).all()):
        raise PreparationError(f'{path}: a coordinate is not a finite number')
    points = data.astype(float).reshape(count, 2, LANDMARKS).transpose(0, 2, 1)
    faces = [AflwFace(names[k].replace('\\', '/'), points[k], np.ones(LANDMARKS, dtype=int),
                      tuple(boxes[k, [0, 2, 1, 3]].astype(float).tolist()), visible[k] != 1)
             for k in order]
    return dict(train=faces[:_TRAIN], test=faces[_TRAIN:])


def _text(cell) -> str:
    """Text of a Matlab cell, which the two readers give as an array of characters or of text."""
    cell = np.asarray(cell)
    if cell.dtype.kind in 'iu':
        return ''.join(chr(code) for code in cell.reshape(-1))
    return str(cell.reshape(-1)[0])


def _records(splits: Dict[str, List[AflwFace]], images: Dict[str, Path], problems: Problems,
             progress: Optional[Progress]) -> Dict[str, List[Tuple[FaceRecord, AflwFace]]]:
    records: Dict[str, List[Tuple[FaceRecord, AflwFace]]] = {}
    sizes: Dict[str, Optional[Tuple[int, int]]] = {}
    identity, total = 0, sum(len(faces) for faces in splits.values())
    for split, faces in splits.items():
        first: Dict[str, int] = {}  # of the faces in an image
        records[split] = []
        for face in faces:
            if face.name not in sizes:
                sizes[face.name] = find_size(face.name, images, problems)
            if sizes[face.name] is not None:
                records[split].append((_record(face, identity, first, *sizes[face.name]), face))
            identity += 1
            if progress is not None:
                progress('annotations', identity, total)
    return records


def _record(face: AflwFace, identity: int, first: Dict[str, int], width: int,
            height: int) -> FaceRecord:
    left, top, right, bottom = face.box
    side = max(right - left, bottom - top)
    return FaceRecord(
        identity, ImageRecord(f'{_FOLDER}/{face.name}', width, height),
        with_flags(np.where(face.flags[:, None] > 0, face.points, 0), face.flags),
        dict(bbox=padded_box(face.points[face.flags > 0], width, height),
             center=[(left + right) / 2, (top + bottom) / 2], scale=side / PIXEL_STD,
             box_size=side, occluded=face.hidden.astype(int).tolist()),
        first.setdefault(face.name, identity))
