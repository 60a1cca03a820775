"""300W: five collections of images with a ``.pts`` file beside each."""
from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from .archives import Progress, open_sources, remove_extracted, walk_files
from .coco import FaceRecord, ImageRecord, outward_box, padded_box, with_flags, write_annotations
from .images import IMAGE_ENDINGS, image_size, place
from .pts import read_pts
from .report import PreparationReport, Problems, finish, settle

ARCHIVES = ('afw.zip', 'helen.zip', 'ibug.zip', 'lfpw.zip', '300w.zip*', '300w_cropped.zip*')
HINT = 'Download afw, helen, ibug, lfpw and 300w from https://ibug.doc.ic.ac.uk/resources/300-W/ ' \
    'and name the folder they lie in.'
LANDMARKS = 68

#: From part to its folder below ``images``, as MMPose's annotation files name it.
FOLDERS = {
    'afw': 'afw',
    'helen trainset': 'helen/trainset',
    'lfpw trainset': 'lfpw/trainset',
    'helen testset': 'helen/testset',
    'lfpw testset': 'lfpw/testset',
    'ibug': 'ibug',
    'indoor': 'Test/01_Indoor',
    'outdoor': 'Test/02_Outdoor',
}
#: From split to its parts.
SPLITS = {
    'train': ('afw', 'helen trainset', 'lfpw trainset'),
    'valid': ('helen testset', 'lfpw testset', 'ibug'),
    'valid_common': ('helen testset', 'lfpw testset'),
    'valid_challenge': ('ibug', ),
    'test': ('indoor', 'outdoor'),
}
_PLAIN = {'afw': 'afw', 'ibug': 'ibug', '01_indoor': 'indoor', '02_outdoor': 'outdoor'}


class _Sample(NamedTuple):
    part: str
    image: Path
    pts: Path


def part_of(path: Path) -> Optional[str]:
    """Part of 300W that a file belongs to, by its folders; None if it belongs to none.

    Examples:
        >>> part_of(Path('300w/helen/testset/296814969_3.pts'))
        'helen testset'
        >>> part_of(Path('ibug/300W/01_Indoor/indoor_001.pts'))
        'indoor'
        >>> part_of(Path('somewhere/1.pts')) is None
        True
    """
    folders = [folder.lower() for folder in path.parts[:-1]]
    # The innermost folder decides: people keep all of it in a folder called ibug, too.
    for k in range(len(folders) - 1, -1, -1):
        if folders[k] in _PLAIN:
            return _PLAIN[folders[k]]
        if folders[k] in ('trainset', 'testset') and k and folders[k - 1] in ('helen', 'lfpw'):
            return f'{folders[k - 1]} {folders[k]}'
    return None


def prepare_300w(sources: Sequence[Path], root: Path, allow_incomplete: bool = False,
                 keep_extracted: bool = False,
                 progress: Optional[Progress] = None) -> PreparationReport:
    """Write 300W as MMPose's ``Face300WDataset`` reads it.

    Args:
        sources: Folders or archives with the parts AFW, Helen, iBUG, LFPW and the 300W test set.
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
    root, problems = Path(root), Problems('300w')
    places = open_sources(sources, root, ARCHIVES, progress)
    samples, unknown = _find(places, problems)
    faces = _read(samples, root, problems, progress)
    found = {split: sum(len(faces[part]) for part in parts) for split, parts in SPLITS.items()}
    found.update({part: len(faces[part]) for part in FOLDERS})
    counts = settle('300w', found, problems, allow_incomplete, HINT)

    used = [(face, sample) for part in FOLDERS for face, sample in faces[part]]
    for k, (face, sample) in enumerate(used, 1):
        place(sample.image, root / 'images' / face.image.file_name)
        if progress is not None:
            progress('images', k, len(used))
    files = {}
    for split, parts in SPLITS.items():
        listed = [face for part in parts for face, _ in faces[part]]
        if listed:
            name = f'annotations/face_landmarks_300w_{split}.json'
            files[name] = write_annotations(root / name, listed, f'300W {split}')
    if not keep_extracted:
        remove_extracted(root)
    notes = [f'{unknown} .pts files lie in folders of no part of 300W and were left out'] \
        if unknown else []
    return finish('300w', root, files, counts, notes, problems)


def _find(places: Sequence[Path], problems: Problems):
    """Samples of each part, and the number of ``.pts`` files that belong to none."""
    samples: Dict[str, Dict[str, _Sample]] = defaultdict(dict)
    unknown = 0
    for path in walk_files(places):
        if path.suffix.lower() != '.pts':
            continue
        part = part_of(path)
        if part is None:
            unknown += 1
            continue
        if path.stem in samples[part]:  # the same part named twice
            continue
        image = next((path.with_name(path.stem + ending)
                      for lower in IMAGE_ENDINGS for ending in (lower, lower.upper())
                      if path.with_name(path.stem + ending).is_file()), None)
        if image is None:
            problems.add('no image beside the .pts file', path)
            continue
        samples[part][path.stem] = _Sample(part, image, path)
    return samples, unknown


def _read(samples: Dict[str, Dict[str, _Sample]], root: Path, problems: Problems,
          progress: Optional[Progress]) -> Dict[str, list]:
    """From part to its (face, sample) pairs, in sorted order."""
    faces: Dict[str, List[tuple]] = {part: [] for part in FOLDERS}
    total = sum(len(part) for part in samples.values())
    identity = 0
    for part, folder in FOLDERS.items():
        for stem in sorted(samples[part]):
            sample = samples[part][stem]
            try:
                points = read_pts(sample.pts, LANDMARKS)
                width, height = image_size(sample.image)
            except ValueError as error:
                problems.add('unusable', error)
            else:
                center, scale = outward_box(points)
                image = ImageRecord(f'{folder}/{sample.image.name}', width, height)
                faces[part].append((FaceRecord(identity, image, with_flags(points), dict(
                    bbox=padded_box(points, width, height), center=center, scale=scale)), sample))
            identity += 1
            if progress is not None:
                progress('annotations', identity, total)
    return faces
