"""Writes rendered faces in the official layouts of 300W, WFLW, COFW, AFLW and 300VW."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from .render import render_face
from .schemes import to_scheme
from .splits import LAYOUTS, SCENARIO_SPLITS, face_of, file_name, sequence_name

# To be raised whenever the same settings give different pictures.
GENERATOR_VERSION = 1
MANIFEST = 'synthetic_manifest.json'
DECIMALS = 4


def write_dataset(
    name: str,
    root: Union[str, Path],
    counts: Dict[str, int],
    seed: int = 0,
    image_size: int = 256,
    workers: int = 1,
    yaw: Sequence[float] = (0.0, 60.0),
    frames: int = 30,
    overwrite: bool = False,
    progress: Optional[Callable[[str, int, int], None]] = None,
) -> Dict[str, int]:
    """Draw a data set. Image i of a split depends on ``(seed, name, split, i)`` and the image size
    only.

    An interrupted run goes on where it stopped; a finished one is left alone. Annotation files are
    written last and
    atomically, so one that exists is whole.

    Args:
        name: ``300w``, ``wflw``, ``cofw``, ``aflw`` or ``300vw``.
        root: Folder of this data set (what a config calls ``data_root``).
        counts: ``train`` and ``test``: images of the training split and of *each* drawn test split.
        seed: Seed.
        image_size: Image side in pixels.
        workers: Processes; the result does not depend on it.
        yaw: Smallest and largest |yaw| of the training split, degrees.
        frames: Length of a 300VW sequence.
        overwrite: Whether a set that was drawn with other settings may be replaced.
        progress: Called with (split, images done, images in all) after each image.

    Returns:
        dict: From annotation file to its number of images.

    Raises:
        ValueError: For wrong arguments.
        FileExistsError: If ``root`` holds something else.
    """
    layout = _checked(name, counts, image_size, workers, yaw, frames)
    root = Path(root)
    settings = dict(
        generator_version=GENERATOR_VERSION,
        name=name,
        counts=dict(sorted(counts.items())),
        seed=int(seed),
        image_size=int(image_size),
        yaw=[float(v) for v in yaw],
    )
    if name == '300vw':
        settings['frames'] = int(frames)
    _claim(root, settings, layout, overwrite)
    finished = _whole(root, layout)
    if finished is not None:
        return finished
    records: Dict[str, List[dict]] = {}
    for split in layout.splits:
        count = int(counts[split.counts])
        task = partial(
            _draw,
            name,
            split.name,
            str(root),
            int(seed),
            int(image_size),
            tuple(float(v) for v in yaw),
            int(frames),
        )
        records[split.name] = _draw_split(
            root, layout.image_folder, split.name, count, task, workers, progress
        )
    return _write_annotations(root, layout, records)


def _checked(name, counts, image_size, workers, yaw, frames):
    if name not in LAYOUTS:
        raise ValueError(f'unknown data set {name!r}; known: {", ".join(LAYOUTS)}')
    if set(counts) != {'train', 'test'}:
        raise ValueError(f"counts must have the keys 'train' and 'test', got {sorted(counts)}")
    for key, value in counts.items():
        if int(value) != value or value < 1:
            raise ValueError(
                f'the number of {key} images must be a whole number of at least 1, got {value}'
            )
    if image_size < 32:
        raise ValueError(f'image_size must be at least 32 pixels, got {image_size}')
    if workers < 1:
        raise ValueError(f'workers must be at least 1, got {workers}')
    if len(yaw) != 2 or not 0 <= yaw[0] <= yaw[1] <= 90:
        raise ValueError(
            f'yaw must be two angles with 0 <= low <= high <= 90 degrees, got {tuple(yaw)}'
        )
    if frames < 3:
        raise ValueError(f'a sequence needs at least 3 frames, got {frames}')
    return LAYOUTS[name]


def _write_json(path: Path, content: dict) -> None:
    """Write atomically: whoever finds the file finds all of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    with open(temporary, 'w') as stream:
        json.dump(content, stream)
    os.replace(temporary, path)


def _claim(root: Path, settings: dict, layout, overwrite: bool) -> None:
    manifest = root / MANIFEST
    if manifest.exists():
        found = json.loads(manifest.read_text())
        if found == settings:
            return
        changed = sorted(k for k in set(found) | set(settings) if found.get(k) != settings.get(k))
        if not overwrite:
            differences = '; '.join(
                f'{k} is {found.get(k)} there, {settings.get(k)} asked for' for k in changed
            )
            raise FileExistsError(
                f'{root} holds a set that was drawn with other settings: {differences}. '
                'Choose another folder, or replace it with --overwrite (overwrite=True)'
            )
        _remove(root, layout)
    elif root.exists() and any(root.iterdir()):
        # Never replaced: it may be real data.
        raise FileExistsError(
            f'{root} is not empty and was not written by this generator (no {MANIFEST} in it); '
            'choose another folder'
        )
    _write_json(manifest, settings)


def _whole(root: Path, layout) -> Optional[Dict[str, int]]:
    """Sizes of the annotation files, if all are there and all their images too."""
    sizes = {}
    for path in layout.annotations:
        if not (root / path).exists():
            return None
        images = json.loads((root / path).read_text())['images']
        if not all((root / layout.image_folder / image['file_name']).exists() for image in images):
            return None
        sizes[path] = len(images)
    return sizes


def _remove(root: Path, layout) -> None:
    """Remove what this generator wrote, and nothing else."""
    for path in layout.annotations:
        if (root / path).exists():
            (root / path).unlink()
    for split in layout.splits:
        partial_file = root / f'.{split.name}.partial.jsonl'
        if partial_file.exists():
            partial_file.unlink()
        prefix = SCENARIO_SPLITS.get(split.name, '').lower()
        folders = (
            [root / layout.image_folder / split.name]
            if layout.image_folder
            else root.glob(f'{prefix}_[0-9]*')
        )
        for folder in folders:
            if folder.is_dir():
                shutil.rmtree(folder)


def _draw(
    name: str,
    split_name: str,
    root: str,
    seed: int,
    image_size: int,
    yaw: Tuple[float, float],
    frames: int,
    index: int,
) -> dict:
    """Draw and save one image; returns its record."""
    layout = LAYOUTS[name]
    split = next(s for s in layout.splits if s.name == split_name)
    face, attribute = face_of(name, split, seed, index, yaw, frames)
    rendered = render_face(face, image_size)
    relative = file_name(name, split, index, frames)
    path = Path(root) / layout.image_folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    done, code = cv2.imencode('.jpg', rendered.image, [cv2.IMWRITE_JPEG_QUALITY, face.jpeg_quality])
    if not done:
        raise RuntimeError(f'OpenCV could not encode {path} as JPEG')
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    temporary.write_bytes(code.tobytes())
    os.replace(temporary, path)

    points = np.round(to_scheme(rendered.landmarks, layout.scheme), DECIMALS)
    if name == 'cofw':
        flags = np.where(to_scheme(rendered.occluded, layout.scheme), 1, 2)
    else:
        flags = np.ones(len(points), dtype=int)
    # AFLW's box is the whole face's, which its 19 points do not span.
    low, high = _box(rendered.landmarks[:98] if name == 'aflw' else points)
    box_low, box_high = _box(points)
    side = float((high - low).max())
    record = dict(
        index=index,
        file_name=relative,
        attribute=attribute,
        keypoints=[
            v for (x, y), flag in zip(points.tolist(), flags.tolist()) for v in (x, y, flag)
        ],
        bbox=[round(float(v), DECIMALS) for v in (*box_low, *(box_high - box_low))],
        center=[round(float(v), DECIMALS) for v in (low + high) / 2],
        scale=round(side / 200, 6),
        box_size=round(side, DECIMALS),
        yaw=round(face.yaw, 3),
        pitch=round(face.pitch, 3),
        roll=round(face.roll, 3),
    )
    if name == '300vw':
        record.update(
            sequence=sequence_name(split, index, frames),
            frame=index % frames + 1,
            scenario=SCENARIO_SPLITS[split.name],
        )
        _write_pts(path.parent.parent / 'annot' / f'{index % frames + 1:06d}.pts', points)
    record.update(height=image_size, width=image_size)
    return record


def _box(points: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    return points.min(axis=0), points.max(axis=0)


def _write_pts(path: Path, points: np.ndarray) -> None:
    """300VW's own annotation file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = '\n'.join(f'{x:.4f} {y:.4f}' for x, y in points)
    path.write_text(f'version: 1\nn_points: {len(points)}\n{{\n{lines}\n}}\n')


def _finished(path: Path, folder: Path) -> Dict[int, dict]:
    """Records of an earlier, interrupted run whose images are there; a line that was cut off is
    dropped.
    """
    records = {}
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if (folder / record['file_name']).exists():
                records[record['index']] = record
    return records


def _single_thread() -> None:
    cv2.setNumThreads(1)


def _results(task: Callable[[int], dict], indices: List[int], workers: int) -> Iterator[dict]:
    if workers == 1 or len(indices) < 2:
        yield from map(task, indices)
        return
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else 'spawn'
    # A child that inherits OpenCV's thread pool without its threads waits for ever: end the pool
    # before forking.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        context = multiprocessing.get_context(method)
        with context.Pool(
            workers, initializer=None if method == 'fork' else _single_thread
        ) as pool:
            yield from pool.imap_unordered(task, indices, chunksize=8)
    finally:
        cv2.setNumThreads(threads)


def _draw_split(
    root: Path,
    image_folder: str,
    split: str,
    count: int,
    task: Callable[[int], dict],
    workers: int,
    progress: Optional[Callable[[str, int, int], None]],
) -> List[dict]:
    log = root / f'.{split}.partial.jsonl'
    done = _finished(log, root / image_folder)
    missing = [index for index in range(count) if index not in done]
    with open(log, 'w') as stream:
        for record in done.values():
            stream.write(json.dumps(record) + '\n')
        stream.flush()
        if progress is not None and done:
            progress(split, len(done), count)
        for record in _results(task, missing, workers):
            done[record['index']] = record
            stream.write(json.dumps(record) + '\n')
            stream.flush()
            if progress is not None:
                progress(split, len(done), count)
    return [done[index] for index in range(count)]


_IMAGE_FIELDS = ('file_name', 'height', 'width', 'sequence', 'frame', 'scenario')
_EXTRA_FIELDS = ('yaw', 'pitch', 'roll', 'attribute')


def _write_annotations(root: Path, layout, records: Dict[str, List[dict]]) -> Dict[str, int]:
    written = {}
    first = {}
    start = 0
    for split in layout.splits:
        first[split.name] = start
        start += len(records[split.name])
    for path, parts in layout.annotations.items():
        images, annotations = [], []
        for split, keep in parts:
            for record in records[split]:
                if not keep(record):
                    continue
                identity = first[split] + record['index']
                images.append(
                    dict(id=identity, **{k: record[k] for k in _IMAGE_FIELDS if k in record})
                )
                annotations.append(
                    dict(
                        id=identity,
                        image_id=identity,
                        category_id=1,
                        iscrowd=0,
                        segmentation=[],
                        num_keypoints=len(record['keypoints']) // 3,
                        keypoints=record['keypoints'],
                        bbox=record['bbox'],
                        area=round(record['bbox'][2] * record['bbox'][3], DECIMALS),
                        center=record['center'],
                        scale=record['scale'],
                        box_size=record['box_size'],
                        **{k: record[k] for k in _EXTRA_FIELDS if record.get(k) is not None},
                    )
                )
        category = dict(supercategory='person', id=1, name='face', keypoints=[], skeleton=[])
        info = dict(
            description=f'rendered faces in the layout of {layout.scheme}',
            version=str(GENERATOR_VERSION),
        )
        _write_json(
            root / path,
            dict(info=info, categories=[category], images=images, annotations=annotations),
        )
        written[path] = len(images)
    return written
