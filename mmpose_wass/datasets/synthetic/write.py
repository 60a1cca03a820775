"""Writes rendered faces in the official layouts of 300W, WFLW, COFW, AFLW and 300VW."""
from __future__ import annotations

import json
import multiprocessing
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import cv2

from .annotations import GENERATOR_VERSION, record_of, write_annotations, write_pts
from .folder import claim, partial_log, sizes_if_whole, write_bytes
from .render import render_face
from .splits import LAYOUTS, DatasetLayout, face_of

Progress = Callable[[str, int, int], None]


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
        progress: Optional[Progress] = None) -> Dict[str, int]:
    """Draw a data set.

    Image i of a split depends on ``(seed, name, split, i)``, the training split's ``yaw``, the
    ``frames`` of a sequence and the image size only. An interrupted run goes on where it stopped; a
    finished one is left alone. Annotation files are written last and atomically, so one that exists
    is whole.

    Args:
        name: ``300w``, ``wflw``, ``cofw``, ``aflw`` or ``300vw``.
        root: Folder of this data set (what a config calls ``data_root``).
        counts: ``train`` and ``test``: images of the training split and of *each* drawn test split.
        seed: Seed.
        image_size: Image side in pixels.
        workers: Processes; the result does not depend on it.
        yaw: Smallest and largest absolute yaw of the training split, in degrees.
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
    root, yaw = Path(root), tuple(float(v) for v in yaw)
    settings = dict(
        generator_version=GENERATOR_VERSION,
        name=name,
        counts=dict(sorted(counts.items())),
        seed=int(seed),
        image_size=int(image_size),
        yaw=list(yaw))
    if name == '300vw':
        settings['frames'] = int(frames)
    claim(root, settings, layout, overwrite)
    finished = sizes_if_whole(root, layout)
    if finished is not None:
        return finished
    records = {}
    for split in layout.splits:
        draw = partial(_draw, name, split.name, root, int(seed), int(image_size), yaw, int(frames))
        records[split.name] = _draw_split(root, layout.image_folder, split.name,
                                          int(counts[split.counts]), draw, workers, progress)
    return write_annotations(root, layout, records)


def _checked(name: str, counts: Dict[str, int], image_size: int, workers: int,
             yaw: Sequence[float], frames: int) -> DatasetLayout:
    if name not in LAYOUTS:
        raise ValueError(f'unknown data set {name!r}; known: {", ".join(LAYOUTS)}')
    if set(counts) != {'train', 'test'}:
        raise ValueError(f"counts must have the keys 'train' and 'test', got {sorted(counts)}")
    for key, value in counts.items():
        if int(value) != value or value < 1:
            raise ValueError(
                f'the number of {key} images must be a whole number of at least 1, got {value}')
    if image_size < 32:
        raise ValueError(f'image_size must be at least 32 pixels, got {image_size}')
    if workers < 1:
        raise ValueError(f'workers must be at least 1, got {workers}')
    if len(yaw) != 2 or not 0 <= yaw[0] <= yaw[1] <= 90:
        raise ValueError(
            f'yaw must be two angles with 0 <= low <= high <= 90 degrees, got {tuple(yaw)}')
    if frames < 3:
        raise ValueError(f'a sequence needs at least 3 frames, got {frames}')
    return LAYOUTS[name]


def _draw(name: str, split_name: str, root: Path, seed: int, image_size: int,
          yaw: Tuple[float, float], frames: int, index: int) -> dict:
    """Draw and save one image; returns its record.

    Takes names, not objects, because other processes are called with it.
    """
    layout = LAYOUTS[name]
    split = next(split for split in layout.splits if split.name == split_name)
    face, attribute = face_of(name, split, seed, index, yaw, frames)
    rendered = render_face(face, image_size)
    record = record_of(rendered, layout, split, index, frames, attribute)
    path = root / layout.image_folder / record['file_name']
    done, code = cv2.imencode('.jpg', rendered.image, [cv2.IMWRITE_JPEG_QUALITY, face.jpeg_quality])
    if not done:
        raise RuntimeError(f'OpenCV could not encode {path} as JPEG')
    if name == '300vw':
        write_pts(path.parent.parent / 'annot' / f'{path.stem}.pts', record)
    write_bytes(path, code.tobytes())
    return record


def _draw_split(root: Path, image_folder: str, split: str, count: int,
                draw: Callable[[int], dict], workers: int,
                progress: Optional[Progress]) -> List[dict]:
    """Draw what is missing of a split; returns the records of all its images."""
    log = partial_log(root, split)
    done = _already_drawn(log, root / image_folder)
    missing = [index for index in range(count) if index not in done]
    with open(log, 'w') as stream:
        for record in done.values():
            stream.write(json.dumps(record) + '\n')
        stream.flush()
        if progress is not None and done:
            progress(split, len(done), count)
        for record in _results(draw, missing, workers):
            done[record['index']] = record
            stream.write(json.dumps(record) + '\n')
            stream.flush()
            if progress is not None:
                progress(split, len(done), count)
    return [done[index] for index in range(count)]


def _already_drawn(log: Path, folder: Path) -> Dict[int, dict]:
    """Records of an earlier run whose images are there; a line that was cut off is dropped."""
    records = {}
    if log.exists():
        for line in log.read_text().splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if (folder / record['file_name']).exists():
                records[record['index']] = record
    return records


def _single_thread() -> None:
    cv2.setNumThreads(1)


def _results(draw: Callable[[int], dict], indices: List[int], workers: int) -> Iterator[dict]:
    """Records of the images as they are finished, in any order."""
    if workers == 1 or len(indices) < 2:
        yield from map(draw, indices)
        return
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else 'spawn'
    # A child that inherits OpenCV's thread pool without its threads waits for ever: end the pool
    # before forking.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        initializer = None if method == 'fork' else _single_thread
        with multiprocessing.get_context(method).Pool(workers, initializer=initializer) as pool:
            yield from pool.imap_unordered(draw, indices, chunksize=8)
    finally:
        cv2.setNumThreads(threads)
