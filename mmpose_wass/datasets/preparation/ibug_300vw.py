"""300VW: a film and a ``.pts`` file for each of its frames."""
from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from .archives import Progress, open_sources, remove_extracted
from .broken_frames import load_broken_frames
from .coco import FaceRecord, ImageRecord, exact_box, tight_box, with_flags, write_annotations
from .films import FilmResult, FilmTask, extract_film
from .parallel import run_parallel
from .report import PreparationReport, Problems, finish, settle

ARCHIVES = ('300VW*.zip*', )
HINT = 'Download 300VW_Dataset_2015_12_14.zip from https://ibug.doc.ic.ac.uk/resources/300-VW/ ' \
    'and name it, or the folder it was taken apart in.'
IMAGE_FORMATS = ('png', 'jpg')
_PROGRESS = '.progress'  # folder below the root with a file for each finished film
_VIDEO_STEP = 100000  # identity of a face: number of its video times this, plus its frame

#: From test split to its videos: scenarios 1, 2 and 3. Source: MMPose's
#: ``tools/dataset_converters/300vw2coco.py`` (Apache 2.0).
_TEST_VIDEOS = {
    'test_1': '114 124 125 126 150 158 401 402 505 506 507 508 509 510 511 514 515 518 519 520 '
              '521 522 524 525 537 538 540 541 546 547 548',
    'test_2': '203 208 211 212 213 214 218 224 403 404 405 406 407 408 409 412 550 551 553',
    'test_3': '410 411 516 517 526 528 529 530 531 533 557 558 559 562',
}
_TRAIN_VIDEOS = '001 002 003 004 007 009 010 011 013 015 016 017 018 019 020 022 025 027 028 029 ' \
    '031 033 034 035 037 039 041 043 044 046 047 048 049 053 057 059 112 113 115 119 120 123 ' \
    '138 143 144 160 204 205 223 225'
#: From split to its videos.
VIDEOS: Dict[str, Tuple[str, ...]] = {
    'train': tuple(_TRAIN_VIDEOS.split()),
    **{split: tuple(videos.split()) for split, videos in _TEST_VIDEOS.items()},
}
#: From split to the name in the ``scenario`` field.
SCENARIOS = {'train': 'train', 'test_1': 'S1', 'test_2': 'S2', 'test_3': 'S3'}
#: From annotation file to the splits it lists.
FILES = {
    'anno_300vw.json': ('train', 'test_1', 'test_2', 'test_3'),
    'anno_300vw_train.json': ('train', ),
    'anno_300vw_test.json': ('test_1', 'test_2', 'test_3'),
    **{f'anno_300vw_{split}.json': (split, ) for split in _TEST_VIDEOS},
}


def prepare_300vw(sources: Sequence[Path], root: Path, splits: Sequence[str] = tuple(VIDEOS),
                  image_format: str = 'png', quality: int = 95, workers: int = 1,
                  broken_frames: Optional[Union[str, Path, Mapping[str, FrozenSet[int]]]] = None,
                  allow_incomplete: bool = False, keep_extracted: bool = False,
                  progress: Optional[Progress] = None) -> PreparationReport:
    """Write 300VW as MMPose's ``Face300VWDataset`` reads it.

    Frames go to ``<video>/imgs/<frame>.png`` below ``root``, which is also the folder that the
    annotation files' paths count from. Each image carries ``sequence`` (the video), ``frame``
    (counted from 1) and ``scenario`` (``train``, ``S1``, ``S2``, ``S3``), so that its neighbours
    are known. Broken frames are left out.

    An interrupted run goes on where it stopped: films that are done are not opened again, and of
    the others, frames that are there are not written again. Annotation files come last.

    Args:
        sources: Folders or archives with a folder for each video: ``vid.avi`` and ``annot/*.pts``.
        root: Folder to write to.
        splits: Which of ``train``, ``test_1``, ``test_2`` and ``test_3`` to prepare. Files that
            list several splits are written when all of them are.
        image_format: ``png`` (no loss; some 1 MB a frame, 200 GB in all) or ``jpg``.
        quality: Of JPEG.
        workers: Processes; each takes a film at a time.
        broken_frames: Frames to leave out, as a dictionary or a file (see
            :func:`~.broken_frames.load_broken_frames`); by default the list kept here.
        allow_incomplete: Whether a part of the videos, or of a video's frames, will do.
        keep_extracted: Whether what came out of the archives is kept.
        progress: Called with (stage, done, all).

    Returns:
        PreparationReport: What was written.

    Raises:
        PreparationError: If an archive is damaged, a video is missing, or a film is unreadable or
            shorter than its annotations, and that is not allowed. No annotation file is written
            then.
        ValueError: For wrong arguments.
        OSError: If a file cannot be read or written.

    Examples:
        >>> [len(videos) for videos in VIDEOS.values()]
        [50, 31, 19, 14]
    """
    root, problems = Path(root), Problems('300vw')
    splits = _checked(splits, image_format, quality)
    broken = broken_frames if isinstance(broken_frames, Mapping) else \
        load_broken_frames(broken_frames)
    folders = find_videos(open_sources(sources, root, ARCHIVES, progress))
    tasks: List[FilmTask] = []
    for split in splits:
        for video in VIDEOS[split]:
            if video in folders:
                tasks.append(FilmTask(video, folders[video], root, broken.get(video, frozenset()),
                                      image_format, quality))
            else:
                problems.add(f'video of {split} missing', video)
    if problems.count:
        # Before hours of work, not after them.
        settle('300vw', _found(splits, {}, [task.video for task in tasks]), problems,
               allow_incomplete, HINT)
    results = _extract(tasks, root, workers, progress)
    for result in results.values():
        for kind, what in result.problems:
            problems.add(kind, what)
    with_frames = [video for video, result in results.items() if result.frames]
    counts = settle('300vw', _found(splits, results, with_frames), problems, allow_incomplete, HINT)
    written = _write_files(root, splits, results, image_format)
    if not keep_extracted:
        remove_extracted(root)
    return finish('300vw', root, written, counts, _notes(results), problems)


def _checked(splits: Sequence[str], image_format: str, quality: int) -> Tuple[str, ...]:
    unknown = [split for split in splits if split not in VIDEOS]
    if unknown or not splits:
        raise ValueError(f'splits must be some of {", ".join(VIDEOS)}, found {list(splits)}')
    if image_format not in IMAGE_FORMATS:
        raise ValueError(f'image_format must be one of {", ".join(IMAGE_FORMATS)}, found '
                         f'{image_format!r}')
    if not 1 <= quality <= 100:
        raise ValueError(f'quality must be 1 … 100, found {quality}')
    return tuple(split for split in VIDEOS if split in splits)


def find_videos(places: Sequence[Path]) -> Dict[str, Path]:
    """Folders of videos: those of a known name that hold a folder ``annot``."""
    known = {video for videos in VIDEOS.values() for video in videos}
    folders: Dict[str, Path] = {}
    for place in places:
        for folder, subfolders, _ in os.walk(place):
            path = Path(folder)
            if path.name in known and 'annot' in subfolders:
                folders.setdefault(path.name, path)
                subfolders[:] = []
            else:
                # `imgs` of a set that was prepared in place holds many files and no video.
                subfolders[:] = sorted(name for name in subfolders if not name.startswith('.'))
    return folders


def _found(splits: Sequence[str], results: Mapping[str, FilmResult],
           videos: Sequence[str]) -> Dict[str, int]:
    """Videos and frames of each split, for the comparison with published numbers."""
    found = {f'{split} videos': sum(video in videos for video in VIDEOS[split])
             for split in splits}
    if results:
        found.update({split: sum(len(results[video].frames) for video in VIDEOS[split]
                                 if video in results) for split in splits})
    return found


def _extract(tasks: Sequence[FilmTask], root: Path, workers: int,
             progress: Optional[Progress]) -> Dict[str, FilmResult]:
    total = sum(task.count_annotations() for task in tasks)
    report = None if progress is None else \
        (lambda steps: progress('frames', min(steps, total), total))
    work = partial(extract_film, progress_folder=root / _PROGRESS)
    # The longest films first, so that the processes end together.
    ordered = sorted(tasks, key=lambda task: -task.count_annotations())
    return {result.video: result for result in run_parallel(work, ordered, workers, report)}


def _write_files(root: Path, splits: Sequence[str], results: Mapping[str, FilmResult],
                 image_format: str) -> Dict[str, int]:
    faces: Dict[str, List[FaceRecord]] = {
        split: [face for video in VIDEOS[split] if video in results
                for face in _faces(results[video], SCENARIOS[split], image_format)]
        for split in splits}
    written = {}
    for name, listed in FILES.items():
        if set(listed) <= set(splits):
            records = [face for split in listed for face in faces[split]]
            if records:
                written[name] = write_annotations(root / name, records,
                                                  f'300VW {", ".join(listed)}')
    return written


def _faces(result: FilmResult, scenario: str, image_format: str) -> List[FaceRecord]:
    faces = []
    for frame, points in zip(result.frames, result.landmarks):
        center, scale = exact_box(points)
        image = ImageRecord(f'{result.video}/imgs/{frame:06d}.{image_format}', result.width,
                            result.height, dict(sequence=result.video, frame=frame,
                                                scenario=scenario))
        faces.append(FaceRecord(
            int(result.video) * _VIDEO_STEP + frame, image, with_flags(np.asarray(points)),
            dict(segmentation=[], bbox=tight_box(points), center=center, scale=scale)))
    return faces


def _notes(results: Mapping[str, FilmResult]) -> List[str]:
    """What was left out."""
    notes = []
    sums: Counter = Counter()
    for result in results.values():
        sums['broken'] += result.broken
        sums['gaps'] += result.gaps
        sums['extra'] += result.without_annotation
    notes.append(f'{sums["broken"]} broken frames left out')
    if sums['gaps']:
        notes.append(f'{sums["gaps"]} frames between a video\'s first and last have no annotation')
    if sums['extra']:
        notes.append(f'{sums["extra"]} frames after the last annotation were not used')
    return notes
