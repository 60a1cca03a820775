"""WFLW: list files with 98 landmarks, a box, six attributes and the name of the image."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from .archives import Progress, open_sources, remove_extracted, walk_files
from .coco import FaceRecord, ImageRecord, outward_box, padded_box, with_flags, write_annotations
from .images import IMAGE_ENDINGS, find_size, place
from .report import PreparationReport, Problems, finish, settle

ARCHIVES = ('WFLW*.tar.gz', 'WFLW*.tgz', 'WFLW*.zip', 'WFLW*.tar')
HINT = 'Download WFLW_images.tar.gz and WFLW_annotations.tar.gz from ' \
    'https://wywu.github.io/projects/LAB/WFLW.html and name the folder they lie in.'
LANDMARKS = 98

#: The columns after the box, and the name of the subset of the test set that shows each.
ATTRIBUTES = {
    'pose': 'largepose',
    'expression': 'expression',
    'illumination': 'illumination',
    'make-up': 'makeup',
    'occlusion': 'occlusion',
    'blur': 'blur',
}
_LISTS = {split: f'list_98pt_rect_attr_{split}.txt' for split in ('train', 'test')}
_COLUMNS = 2 * LANDMARKS + 4 + len(ATTRIBUTES) + 1


class _Row(NamedTuple):
    points: np.ndarray
    box: List[float]
    attributes: Dict[str, int]
    name: str
    key: Tuple[str, ...]


def prepare_wflw(sources: Sequence[Path], root: Path, allow_incomplete: bool = False,
                 keep_extracted: bool = False,
                 progress: Optional[Progress] = None) -> PreparationReport:
    """Write WFLW, with its six test subsets, as MMPose's ``WFLWDataset`` reads it.

    The subsets are those of the official subset lists where these are there, else of the attributes
    in the test list; where the two differ, the report says so.

    Args:
        sources: Folders or archives with ``WFLW_images`` and ``WFLW_annotations``.
        root: Folder to write to: ``images`` and ``annotations``.
        allow_incomplete: Whether a part of the data set will do.
        keep_extracted: Whether what came out of the archives is kept.
        progress: Called with (stage, done, all).

    Returns:
        PreparationReport: What was written.

    Raises:
        PreparationError: If an archive is damaged, or something is missing or unusable and that is
            not allowed. Nothing is written then.
        OSError: If a file cannot be read or written.
    """
    root, problems, notes = Path(root), Problems('wflw'), []
    places = open_sources(sources, root, ARCHIVES, progress)
    lists, images = _find(places)
    rows: Dict[str, List[_Row]] = {}
    for split, name in _LISTS.items():
        if name in lists:
            rows[split] = read_list(lists[name], problems)
        else:
            problems.add('list file missing', name)
            rows[split] = []
    faces = _faces(rows, images, problems, progress)
    files = {split: faces[split] for split in rows}
    for attribute, subset in ATTRIBUTES.items():
        chosen = _subset(attribute, subset, rows['test'], lists, problems, notes)
        files[f'test_{subset}'] = [(face, row) for face, row in faces['test'] if row.key in chosen]
    counts = settle('wflw', {split: len(listed) for split, listed in files.items()}, problems,
                    allow_incomplete, HINT)

    names = sorted({row.name for split in rows for _, row in faces[split]})
    for k, name in enumerate(names, 1):
        place(images[name], root / 'images' / name)
        if progress is not None:
            progress('images', k, len(names))
    written = {}
    for split, listed in files.items():
        path = f'annotations/face_landmarks_wflw_{split}.json'
        if listed:
            written[path] = write_annotations(root / path, [face for face, _ in listed],
                                              f'WFLW {split}')
    if not keep_extracted:
        remove_extracted(root)
    return finish('wflw', root, written, counts, notes, problems)


def read_list(path: Path, problems: Problems) -> List[_Row]:
    """Rows of a list file with boxes and attributes; notes those that cannot be used."""
    rows = []
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        columns = line.split()
        if not columns:
            continue
        where = f'{path}, line {number}'
        if len(columns) != _COLUMNS:
            problems.add('unusable', f'{where}: {len(columns)} columns, expected {_COLUMNS} (98 '
                         'points, box, 6 attributes, image); the file may be cut off')
            continue
        try:
            values = np.array([float(value) for value in columns[:-1]])
        except ValueError as error:
            problems.add('unusable', f'{where}: {error}')
            continue
        if not np.isfinite(values).all():
            problems.add('unusable', f'{where}: a number is not finite')
            continue
        points, box = values[:2 * LANDMARKS].reshape(-1, 2), values[2 * LANDMARKS:][:4]
        flags = values[2 * LANDMARKS + 4:].astype(int)
        rows.append(_Row(points, [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()],
                         dict(zip(ATTRIBUTES, flags.tolist())), columns[-1], _key(columns)))
    return rows


def _key(columns: Sequence[str]) -> Tuple[str, ...]:
    """What tells a face from all others in both kinds of lists: its image and its landmarks."""
    return (columns[-1], *columns[:2 * LANDMARKS])


def _find(places: Sequence[Path]) -> Tuple[Dict[str, Path], Dict[str, Path]]:
    """List files by their name, and images by their name in the lists (event/file)."""
    lists, images = {}, {}
    for path in walk_files(places):
        if path.suffix.lower() == '.txt':
            lists.setdefault(path.name, path)
        elif path.suffix.lower() in IMAGE_ENDINGS:
            images.setdefault(f'{path.parent.name}/{path.name}', path)
    return lists, images


def _faces(rows: Dict[str, List[_Row]], images: Dict[str, Path], problems: Problems,
           progress: Optional[Progress]) -> Dict[str, List[tuple]]:
    """From split to its (face, row) pairs."""
    sizes: Dict[str, Optional[Tuple[int, int]]] = {}
    faces: Dict[str, List[tuple]] = {}
    identity, total = 0, sum(len(part) for part in rows.values())
    for split, part in rows.items():
        first: Dict[str, int] = {}  # of the faces in an image
        faces[split] = []
        for row in part:
            if row.name not in sizes:
                sizes[row.name] = find_size(row.name, images, problems)
            if sizes[row.name] is not None:
                width, height = sizes[row.name]
                center, scale = outward_box(row.points)
                face = FaceRecord(
                    identity, ImageRecord(row.name, width, height), with_flags(row.points),
                    dict(bbox=padded_box(row.points, width, height), center=center, scale=scale,
                         face_box=row.box, attributes=row.attributes),
                    first.setdefault(row.name, identity))
                faces[split].append((face, row))
            identity += 1
            if progress is not None:
                progress('annotations', identity, total)
    return faces


def _subset(attribute: str, subset: str, rows: Sequence[_Row], lists: Dict[str, Path],
            problems: Problems, notes: List[str]) -> Set[Tuple[str, ...]]:
    """Keys of the test faces of a subset."""
    marked = {row.key for row in rows if row.attributes[attribute]}
    name = f'list_98pt_test_{subset}.txt'
    if name not in lists:
        notes.append(f'{name} is not there: subset {subset} follows the attribute {attribute!r}')
        return marked
    listed = {_key(columns) for columns in
              (line.split() for line in lists[name].read_text(encoding='utf-8').splitlines())
              if columns}
    strangers = listed - {row.key for row in rows}
    for key in sorted(strangers):
        problems.add(f'in {name}, but not in the test list', key[0])
    if listed != marked:
        notes.append(f'{name} and the attribute {attribute!r} differ in '
                     f'{len(listed ^ marked)} faces; the list was followed')
    return listed
