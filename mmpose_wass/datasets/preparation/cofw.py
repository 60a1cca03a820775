"""COFW: a Matlab file each for training and test, with the images inside."""
from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

import cv2
import numpy as np

from mmpose_wass.datasets.synthetic.folder import write_bytes

from .archives import Progress, open_sources, remove_extracted, walk_files
from .coco import FaceRecord, ImageRecord, write_annotations
from .images import remove_leftovers
from .matlab import open_matlab
from .report import PreparationError, PreparationReport, Problems, finish, settle

ARCHIVES = ('COFW*.zip', 'COFW*.tar.gz', 'COFW*.tgz')
HINT = 'Download COFW_color.zip from https://data.caltech.edu (Caltech Occluded Faces in the ' \
    'Wild) and name it, or the folder with the two .mat files.'
LANDMARKS = 29


class _Part(NamedTuple):
    file: str
    images: str
    landmarks: str
    boxes: str


PARTS = {
    'train': _Part('COFW_train_color.mat', 'IsTr', 'phisTr', 'bboxesTr'),
    'test': _Part('COFW_test_color.mat', 'IsT', 'phisT', 'bboxesT'),
}


def prepare_cofw(sources: Sequence[Path], root: Path, allow_incomplete: bool = False,
                 keep_extracted: bool = False,
                 progress: Optional[Progress] = None) -> PreparationReport:
    """Write COFW as MMPose's ``COFWDataset`` reads it.

    Numbering, flags (2 visible, 1 occluded), the shift to pixels counted from 0 and the cut of
    negative coordinates are those of MMPose's converter. Images are written as JPEG of OpenCV's
    default quality, as there.

    Args:
        sources: Folders or archives with ``COFW_train_color.mat`` and ``COFW_test_color.mat``.
        root: Folder to write to: ``images`` and ``annotations``.
        allow_incomplete: Whether a part of the data set will do.
        keep_extracted: Whether what came out of the archives is kept.
        progress: Called with (stage, done, all).

    Returns:
        PreparationReport: What was written.

    Raises:
        PreparationError: If a file is damaged, or something is missing or unusable and that is not
            allowed. No annotation file is written then.
        ImportError: If h5py is needed and not installed.
        OSError: If a file cannot be read or written.
    """
    root, problems = Path(root), Problems('cofw')
    places = open_sources(sources, root, ARCHIVES, progress)
    names = {part.file.lower() for part in PARTS.values()}
    found: Dict[str, Path] = {}
    for path in walk_files(places):
        if path.name.lower() in names:
            found.setdefault(path.name.lower(), path)
    tables: Dict[str, tuple] = {}
    for split, part in PARTS.items():
        if part.file.lower() in found:
            tables[split] = _read_tables(found[part.file.lower()], part)
        else:
            problems.add('file missing', part.file)
    # Before anything is written: the numbers tell whether the files are the right ones.
    counts = settle('cofw', {split: len(tables[split][0]) if split in tables else 0
                             for split in PARTS}, problems, allow_incomplete, HINT)
    remove_leftovers(root / 'images')
    files, first = {}, 1
    for split, part in PARTS.items():
        if split not in tables:
            continue
        path = found[part.file.lower()]
        faces = _write_images(path, part, *tables[split], first, root, split, progress)
        first += len(faces)
        name = f'annotations/cofw_{split}.json'
        files[name] = write_annotations(root / name, faces, f'COFW {split}')
    if not keep_extracted:
        remove_extracted(root)
    return finish('cofw', root, files, counts, [], problems)


def _read_tables(path: Path, part: _Part):
    """Landmarks ``[N, 29, 3]`` with flags, and boxes ``[N, 4]``, as MMPose has them."""
    file = open_matlab(path, (part.landmarks, part.boxes), (part.images, ))
    with closing(file):
        landmarks, boxes = file.arrays[part.landmarks], file.arrays[part.boxes]
    if landmarks.ndim != 2 or landmarks.shape[1] != 3 * LANDMARKS or \
            boxes.shape != (len(landmarks), 4):
        raise PreparationError(
            f'{path}: expected {part.landmarks} [N, {3 * LANDMARKS}] and {part.boxes} [N, 4], '
            f'found {list(landmarks.shape)} and {list(boxes.shape)}')
    if not (np.isfinite(landmarks).all() and np.isfinite(boxes).all()):
        raise PreparationError(f'{path}: a coordinate is not a finite number')
    keypoints = np.array(landmarks, dtype=float).reshape(len(landmarks), 3, LANDMARKS)
    keypoints = keypoints.transpose(0, 2, 1).copy()
    keypoints[..., 2] = 2 - keypoints[..., 2]
    keypoints[..., :2] -= 1  # Matlab counts pixels from 1
    return np.maximum(keypoints, 0), np.maximum(np.array(boxes, dtype=float), 0)


def _write_images(path: Path, part: _Part, keypoints: np.ndarray, boxes: np.ndarray, first: int,
                  root: Path, split: str, progress: Optional[Progress]) -> List[FaceRecord]:
    faces = []
    file = open_matlab(path, (), (part.images, ))
    with closing(file):
        for k, (points, box) in enumerate(zip(keypoints, boxes)):
            try:
                image = _as_bgr(file.cells[part.images](k))
            except Exception as error:
                raise PreparationError(f'{path}: image {k + 1} of {len(boxes)} cannot be read '
                                       f'({error}); download the file again') from None
            name = f'{first + k:06d}.jpg'
            height, width = image.shape[:2]
            if not (root / 'images' / name).exists():
                done, code = cv2.imencode('.jpg', image)
                if not done:
                    raise PreparationError(f'{path}: image {k + 1} cannot be encoded')
                write_bytes(root / 'images' / name, code.tobytes())
            faces.append(FaceRecord(first + k, ImageRecord(name, width, height), points,
                                    dict(bbox=box.tolist())))
            if progress is not None:
                progress(f'{split} images', k + 1, len(boxes))
    return faces


def _as_bgr(image: np.ndarray) -> np.ndarray:
    """An image of Matlab, coloured ``[H, W, 3]`` or grey ``[H, W]``, as OpenCV wants it."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size:
        raise ValueError(f'expected uint8 [H, W, 3] or [H, W], found {image.dtype} '
                         f'{list(image.shape)}')
    if image.ndim == 2 or image.shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
