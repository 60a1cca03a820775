"""Check a prepared data set: its annotation files, its images, and what its splits share."""
from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from mmpose_wass.datasets.synthetic.sheet import contact_sheet
from mmpose_wass.engine.opencv_path import opencv_path
from mmpose_wass.engine.results import now, write_json

from .archives import Progress
from .check_annotations import ERROR, WARNING, Findings, check_annotations
from .check_images import ImageResult, ImageTask, crop_square, look_at_image
from .check_result import CheckResult
from .counts import PUBLISHED, CountLine, compare_counts
from .leakage import Face, find_leaks
from .parallel import run_parallel

CHECK_FOLDER = 'check'
RESULT_FILE, SHEET_FILE = 'check.json', 'contact_sheet.png'
_TILES, _TILE, _HEADING = 8, 192, 24  # tiles of a file on the sheet; sides in pixels
_MARGIN = 1.25  # side of a tile in units of the box
_VIDEO_THUMBNAILS = 5  # faces of a video that are compared with others'
_LEAKS = {
    'face': (ERROR, 'face in training and test (same file)'),
    # Official sets have some of these.
    'picture': (WARNING, 'face in training and test (looks the same)'),
    'video': (ERROR, 'video in training and test'),
    'image': (WARNING, 'image in training and test, with different faces'),
}


def check_dataset(root: Union[str, Path], image_folder: Optional[Union[str, Path]] = None,
                  out: Optional[Union[str, Path]] = None, workers: int = 1, decode: bool = True,
                  progress: Optional[Progress] = None) -> CheckResult:
    """Check a data set that is laid out as MMPose's face data sets are.

    Annotation files are all ``.json`` files with images and annotations in ``root`` and
    ``root/annotations``. One with ``train`` in its name is for training, the others for testing,
    except one that lists all of a training file, too.

    Args:
        root: Folder of the data set.
        image_folder: Folder that the images' names count from; by default ``root/images`` if it is
            there, else ``root``.
        out: Folder for ``check.json`` and ``contact_sheet.png``; by default ``root/check``.
        workers: Processes that read images.
        decode: Whether images are read whole. Without, damaged pixels and faces that look the same
            are not found.
        progress: Called with (stage, done, all).

    Returns:
        CheckResult: What was found. Bad data raise nothing.

    Raises:
        FileNotFoundError: If ``root`` holds no annotation file.
        OSError: If a result cannot be written.
    """
    root = Path(root)
    findings, contents, faces, files = Findings(), {}, {}, {}  # contents: file to its images
    for name, content in _read_files(root, findings):
        faces[name] = check_annotations(name, content, findings)
        landmarks = sorted({len(face['points']) for face in faces[name]})
        files[name] = dict(images=len(content['images']), faces=len(content['annotations']),
                           landmarks=', '.join(map(str, landmarks)) or '-')
        contents[name] = content['images']
        _forget_points(faces[name])
    if not contents and not findings.by_kind:
        raise FileNotFoundError(f'no annotation file (.json with images and annotations) in {root} '
                                f'or {root / "annotations"}')
    images = Path(image_folder) if image_folder is not None else \
        root / 'images' if (root / 'images').is_dir() else root
    looked = _look_at_images(contents, faces, images, workers, decode, findings, progress)
    train, test = _sides(contents)
    _check_leaks(contents, faces, looked, train, test, findings)
    result = CheckResult(root, files, _published(files), findings.list(), len(looked), decode)
    out = root / CHECK_FOLDER if out is None else Path(out)
    _write(result, out, faces, images)
    return result


def _read_files(root: Path, findings: Findings) -> Iterator[Tuple[str, dict]]:
    """Annotation files, one after the other: those of a video set are large."""
    if not root.is_dir():
        raise FileNotFoundError(f'{root} is no folder')
    for path in [*sorted(root.glob('*.json')), *sorted((root / 'annotations').glob('*.json'))]:
        name = path.relative_to(root).as_posix()
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
        except ValueError as error:
            findings.add(ERROR, 'file is no JSON; it may be cut off', name, error)
            continue
        if isinstance(content, dict) and all(isinstance(content.get(key), list)
                                             for key in ('images', 'annotations')):
            yield name, content


def _spread(count: int) -> List[int]:
    """Numbers of the faces of a file that are drawn."""
    return np.unique(np.linspace(0, count - 1, _TILES).round().astype(int)).tolist() \
        if count else []


def _forget_points(faces: List[dict]) -> None:
    """Keep landmarks only of faces that are drawn."""
    kept = set(_spread(len(faces)))
    for k, face in enumerate(faces):
        if k not in kept:
            del face['points'], face['flags']


def _sides(contents: Dict[str, List[dict]]) -> Tuple[List[str], List[str]]:
    """Names of the files for training, and of those for testing."""
    train = [name for name in contents if 'train' in Path(name).stem]
    members = {name: {image.get('file_name') for image in images}
               for name, images in contents.items()}
    test = [name for name in contents if name not in train and
            not any(members[other] and members[other] <= members[name] and
                    len(members[other]) < len(members[name]) for other in train)]
    return train, test


def _look_at_images(contents: Dict[str, List[dict]], faces: Dict[str, List[dict]], folder: Path,
                    workers: int, decode: bool, findings: Findings,
                    progress: Optional[Progress]) -> Dict[str, Tuple[ImageResult, dict]]:
    """From image to what it is like, and to the thumbnails of the boxes in it."""
    sizes, owners = {}, defaultdict(list)
    for name, images in contents.items():
        for image in images:
            if all(key in image for key in ('id', 'file_name', 'width', 'height')):
                sizes[image['file_name']] = (image['width'], image['height'])
                owners[image['file_name']].append(name)
    boxes = defaultdict(dict)
    compared = _compared(contents) if decode else set()
    for listed in faces.values():
        for face in listed:
            if face['file_name'] in compared:
                boxes[face['file_name']][_box(face)] = None
    names = sorted(sizes)
    tasks = [ImageTask(folder / name, sizes[name], tuple(boxes[name]), decode) for name in names]
    report = None if progress is None else \
        (lambda steps: progress('images', min(steps, len(tasks)), len(tasks)))
    looked = {}
    results = run_parallel(look_at_image, tasks, workers, report)
    for name, task, result in zip(names, tasks, results):
        for owner in owners[name]:
            if result.problem:
                findings.add(ERROR, f'image {result.problem}', owner, f'{name}: {result.detail}')
            elif result.size != task.size:
                findings.add(ERROR, 'image of another size than the file says', owner,
                             f'{name}: {result.size}, said: {task.size}')
            if result.complaint:
                findings.add(WARNING, 'image that its decoder repaired', owner,
                             f'{name}: {result.complaint}')
            if result.rotated:
                findings.add(WARNING, 'image with an EXIF rotation, which MMPose would apply',
                             owner, name)
        looked[name] = (result, dict(zip(task.boxes, result.thumbnails)))
    return looked


def _compared(contents: Dict[str, List[dict]]) -> set:
    """Images whose faces are compared by their looks: all, but only a few of each video."""
    chosen, videos = set(), defaultdict(set)
    for images in contents.values():
        for image in images:
            if 'sequence' in image:
                videos[image['sequence']].add(image.get('file_name'))
            else:
                chosen.add(image.get('file_name'))
    for frames in videos.values():
        ordered = sorted(map(str, frames))
        picked = np.linspace(0, len(ordered) - 1, _VIDEO_THUMBNAILS).round().astype(int)
        chosen.update(ordered[k] for k in picked)
    return chosen


def _box(face: dict) -> Tuple[float, float, float]:
    return (*map(float, face['center']), float(face['side']))


def _check_leaks(contents: Dict[str, List[dict]], faces: Dict[str, List[dict]],
                 looked: Dict[str, Tuple[ImageResult, dict]], train: Sequence[str],
                 test: Sequence[str], findings: Findings) -> None:
    sequences = {image.get('file_name'): str(image.get('sequence', ''))
                 for images in contents.values() for image in images}

    def collect(names: Sequence[str]) -> List[Face]:
        # Files overlap (valid holds valid_common): each face once.
        unique = {}
        for name in names:
            for face in faces[name]:
                result, thumbnails = looked[face['file_name']]
                if not result.problem:
                    box = _box(face)
                    unique[face['file_name'], box] = Face(
                        face['file_name'], result.digest, box, sequences[face['file_name']],
                        thumbnails.get(box))
        return list(unique.values())

    if not train or not test:
        return
    files = f'{", ".join(train)} | {", ".join(test)}'
    for leak in find_leaks(collect(train), collect(test)):
        severity, kind = _LEAKS[leak.kind]
        example = f'{leak.train} = {leak.test}'
        if leak.kind == 'picture':
            example += f' (correlation {leak.correlation:.3f})'
        findings.add(severity, kind, files, example)


def _published(files: Dict[str, dict]) -> List[CountLine]:
    """Faces of each split beside the published numbers, if the names tell the data set."""
    found: Dict[str, Dict[str, int]] = defaultdict(dict)
    for name, numbers in files.items():
        stem = Path(name).stem
        for dataset in PUBLISHED:
            for prefix in (f'face_landmarks_{dataset}_', f'{dataset}_', f'anno_{dataset}_'):
                split = stem[len(prefix):]
                if stem.startswith(prefix) and split in PUBLISHED[dataset]:
                    found[dataset][split] = numbers['faces']
    return [line for dataset, splits in found.items() for line in compare_counts(dataset, splits)]


def _write(result: CheckResult, out: Path, faces: Dict[str, List[dict]], images: Path) -> None:
    sheet = _sheet(faces, images)
    out.mkdir(parents=True, exist_ok=True)
    if sheet is not None:
        with opencv_path(out / SHEET_FILE) as path:
            if not cv2.imwrite(path, sheet):
                raise OSError(f'cannot write {out / SHEET_FILE}')
        result.outputs.append(out / SHEET_FILE)
    result.outputs.append(out / RESULT_FILE)
    write_json(str(out / RESULT_FILE), dict(
        root=result.root, date=now(), errors=result.errors, warnings=result.warnings,
        images=result.images, decoded=result.decoded, files=result.files,
        counts=[str(line) for line in result.counts],
        findings=[asdict(finding) for finding in result.findings]))


def _sheet(faces: Dict[str, List[dict]], folder: Path) -> Optional[np.ndarray]:
    """A row of evenly spread faces for each file; None if no image can be read."""
    rows = []
    for name, listed in faces.items():
        pictures, points, flags = [], [], []
        for k in _spread(len(listed)):
            face = listed[k]
            with opencv_path(folder / face['file_name']) as path:
                image = cv2.imread(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
            if image is None:
                continue
            side = _MARGIN * face['side']
            picture, corner, scale = crop_square(image, face['center'], side, _TILE)
            pictures.append(picture)
            points.append((face['points'] - corner + 0.5) * scale - 0.5)
            flags.append(face['flags'] == face['flags'].max())
        if pictures:
            row = contact_sheet(pictures, points, _TILES, _TILE, flags)
            heading = np.full((_HEADING, row.shape[1], 3), 255, np.uint8)
            cv2.putText(heading, f'{name}: {len(listed)} faces', (4, _HEADING - 7),
                        cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
            rows += [heading, row]
    return np.vstack(rows) if rows else None
