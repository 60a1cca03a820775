"""Bring result files face by face, landmark by landmark, together, or say why it cannot be done."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import Dict, List, Mapping, Sequence, Tuple

import numpy as np

from ..result_reading import ResultFile

#: Annotations of one face in two files may differ by rounding: image pixels.
TARGET_TOLERANCE = 0.01
#: The same for normalisation distances, relative.
DISTANCE_TOLERANCE = 1e-4

_REMEDY = ('Only results on the same faces, landmarks and units can be compared. To compare on '
           'what all runs share, pass common_only=True (--common-only); the report says how much '
           'it is')


@dataclass(frozen=True)
class AlignedRuns:
    """Runs on the same N faces and K landmarks. Rows and columns mean the same in every run.

    Attributes:
        results (dict[str, ResultFile]): The files as read, by name of the run.
        errors (dict[str, np.ndarray]): [N, K] of each run, NaN at the same places in all.
        rows (dict[str, np.ndarray]): [N], row of each face in the run's own file.
        columns (dict[str, np.ndarray]): [K], column of each landmark in the run's own file.
        image_names (list[str]): [N], as much of the image's path as all runs agree on.
        annotation_ids (np.ndarray): [N], text.
        landmark_names (list[str]): [K].
        path_parts (int): Parts of the path that runs were paired by; 0: the whole path.
        report (dict): What was left out, in numbers; all zero where files agree.
    """
    results: Dict[str, ResultFile]
    errors: Dict[str, np.ndarray]
    rows: Dict[str, np.ndarray]
    columns: Dict[str, np.ndarray]
    image_names: List[str]
    annotation_ids: np.ndarray
    landmark_names: List[str]
    path_parts: int
    report: dict

    @property
    def first(self) -> ResultFile:
        """The first run's file: for what is the same in all of them."""
        return next(iter(self.results.values()))

    def take(self, field: str, name: str = '') -> np.ndarray:
        """A field [N, K, …] of a run (default: the first), with the common rows and columns."""
        name = name or next(iter(self.results))
        return getattr(self.results[name], field)[self.rows[name]][:, self.columns[name]]

    def folders(self) -> List[str]:
        """[N], folder of each face's image: the video, where frames lie in a folder per video."""
        paths = self.first.image_paths[self.rows[next(iter(self.results))]]
        return [str(PurePath(str(path)).parent) for path in paths]


def align_results(results: Mapping[str, ResultFile], common_only: bool = False) -> AlignedRuns:
    """Pair the faces of several runs by image and annotation id, and their landmarks by name.

    Images are the same if their whole paths are, or else if the last parts of their paths are (data
    may lie elsewhere on another machine). Paired faces must have the same annotation, up to
    :data:`TARGET_TOLERANCE`, and the same normalisation distance.

    Args:
        results (Mapping[str, ResultFile]): At least one run by name.
        common_only (bool): Leave out faces, landmarks and single points that not all runs have, and
            count them in ``report``, instead of refusing.

    Returns:
        AlignedRuns: The runs side by side.

    Raises:
        ValueError: If runs are of different data sets, normalised differently, of different
            landmarks or faces (counts are given), or annotated differently.
    """
    if not results:
        raise ValueError('there is no run to align')
    results = dict(results)
    _check_same(results, 'dataset_name', 'data set')
    _check_same(results, 'normalization', 'normalisation')
    columns, landmark_names, landmark_report = _match_landmarks(results, common_only)
    rows, keys, path_parts, face_report = _match_faces(results, common_only)
    _check_annotations(results, rows, columns)
    errors, point_report = _match_points(results, rows, columns, common_only)
    return AlignedRuns(
        results=results,
        errors=errors,
        rows=rows,
        columns=columns,
        image_names=[key[0] for key in keys],
        annotation_ids=np.array([key[1] for key in keys], dtype=np.str_),
        landmark_names=landmark_names,
        path_parts=path_parts,
        report=dict(
            faces=len(keys), landmarks=len(landmark_names), **face_report, **landmark_report,
            **point_report))


def _check_same(results: Dict[str, ResultFile], field: str, meaning: str) -> None:
    found = {name: getattr(result, field) for name, result in results.items()}
    if len(set(found.values())) > 1:
        raise ValueError(f'runs of different {meaning} cannot be compared: '
                         + ', '.join(f'{name}: {value}' for name, value in found.items())
                         + '. Evaluate them with the same settings of FaceLandmarkMetric')


def _match_landmarks(results: Dict[str, ResultFile],
                     common_only: bool) -> Tuple[Dict[str, np.ndarray], List[str], dict]:
    names = {run: [str(name) for name in result.landmark_names] for run, result in results.items()}
    for run, listed in names.items():
        twice = [name for name, count in Counter(listed).items() if count > 1]
        if twice:
            raise ValueError(f'{results[run].prefix}: landmark_names has {", ".join(twice[:5])} '
                             'more than once, so landmarks cannot be paired by name')
    shared = set.intersection(*(set(listed) for listed in names.values()))
    left_out = {run: len(listed) - len(shared) for run, listed in names.items()}
    if any(left_out.values()) and (not common_only or not shared):
        raise ValueError(
            'the runs have different landmarks: '
            + ', '.join(f'{run}: {len(listed)}' for run, listed in names.items())
            + f'; {len(shared)} of them are in all. '
            + (_REMEDY if shared else 'There is nothing to compare'))
    first = next(iter(names.values()))
    order = [name for name in first if name in shared]
    columns = {}
    for run, listed in names.items():
        places = {name: column for column, name in enumerate(listed)}
        columns[run] = np.array([places[name] for name in order], dtype=int)
    return columns, order, dict(landmarks_left_out=left_out)


def _face_keys(result: ResultFile, parts: int) -> List[tuple]:
    """(image, annotation id, how often the pair came before) of each face.

    Files are sorted by image, id and annotation, so faces of one image without ids keep their order
    from file to file; that they are the same is checked by their annotations.
    """
    paths = [str(path) for path in result.image_paths]
    if parts:
        paths = ['/'.join(path.replace('\\', '/').split('/')[-parts:]) for path in paths]
    seen: Counter = Counter()
    keys = []
    for pair in zip(paths, map(str, result.annotation_ids)):
        keys.append((*pair, seen[pair]))
        seen[pair] += 1
    return keys


def _match_faces(results: Dict[str, ResultFile], common_only: bool):
    keys, shared, parts = _pair_faces(results)
    left_out = {run: len(listed) - len(shared) for run, listed in keys.items()}
    if not shared or (any(left_out.values()) and not common_only):
        listed = '; '.join(f'{run}: {len(keys[run])} faces, {count} of them not in all runs'
                           + _examples(keys[run], shared) for run, count in left_out.items())
        raise ValueError(
            f'{len(shared)} faces can be paired by image and annotation id. {listed}. '
            + (_REMEDY if shared else 'The runs have no face in common: are they of the same '
               'subset?'))
    order = [key for key in next(iter(keys.values())) if key in shared]
    rows = {}
    for run, listed in keys.items():
        places = {key: row for row, key in enumerate(listed)}
        rows[run] = np.array([places[key] for key in order], dtype=int)
    return rows, order, parts, dict(faces_left_out=left_out)


def _pair_faces(results: Dict[str, ResultFile]) -> Tuple[Dict[str, list], set, int]:
    """Pair by the whole path, or else by as many of its last parts as pair the most faces."""
    depth = max((str(path).replace('\\', '/').count('/') + 1
                 for result in results.values() for path in result.image_paths), default=1)
    best: tuple = ({}, set(), 0)
    for parts in (0, *range(depth, 0, -1)):
        keys = {run: _face_keys(result, parts) for run, result in results.items()}
        # A shorter path must not make one name of two images.
        if parts and any(_distinct_images(listed) < len(set(map(str, result.image_paths)))
                         for listed, result in zip(keys.values(), results.values())):
            break
        shared = set.intersection(*(set(listed) for listed in keys.values()))
        if len(shared) > len(best[1]) or not best[0]:
            best = (keys, shared, parts)
        if all(len(shared) == len(listed) for listed in keys.values()):
            break
    return best


def _distinct_images(keys: Sequence[tuple]) -> int:
    return len({key[0] for key in keys})


def _examples(keys: Sequence[tuple], shared: set) -> str:
    alone = [key for key in keys if key not in shared][:2]
    if not alone:
        return ''
    return ' (such as ' + ', '.join(f'{image} id {annotation or "(none)"}'
                                    for image, annotation, _ in alone) + ')'


def _check_annotations(results: Dict[str, ResultFile], rows: Dict[str, np.ndarray],
                       columns: Dict[str, np.ndarray]) -> None:
    """Equal names do not make equal faces: annotations must agree too."""
    (first, reference), *others = results.items()

    def cut(run: str, field: str) -> np.ndarray:
        return getattr(results[run], field)[rows[run]][:, columns[run]]

    for run, result in others:
        both = cut(first, 'valid') & cut(run, 'valid')
        gaps = np.abs(cut(first, 'targets') - cut(run, 'targets')).max(axis=-1)
        differing = (both & ~(gaps <= TARGET_TOLERANCE)).any(axis=1)
        if differing.any():
            face = int(np.flatnonzero(differing)[0])
            image = reference.image_paths[rows[first]][face]
            raise ValueError(
                f'{first} and {run} have different annotations of {int(differing.sum())} of '
                f'{len(differing)} paired faces, the first is {image} (by up to '
                f'{np.nanmax(np.where(both[face], gaps[face], 0)):.3g} px). They were '
                'measured against different ground truth; evaluate both on one annotation file')
        mine, theirs = reference.distances[rows[first]], result.distances[rows[run]]
        with np.errstate(invalid='ignore'):
            unequal = np.abs(mine - theirs) > DISTANCE_TOLERANCE * np.abs(mine)
        unequal |= np.isnan(mine) != np.isnan(theirs)
        if unequal.any():
            face = int(np.flatnonzero(unequal)[0])
            raise ValueError(
                f'{first} and {run} divide the errors of {int(unequal.sum())} of {len(unequal)} '
                f'paired faces by different lengths, the first is '
                f'{reference.image_paths[rows[first]][face]} ({mine[face]:.4g} and '
                f'{theirs[face]:.4g} px). Evaluate both with the same norm_mode and boxes')


def _match_points(results: Dict[str, ResultFile], rows: Dict[str, np.ndarray],
                  columns: Dict[str, np.ndarray],
                  common_only: bool) -> Tuple[Dict[str, np.ndarray], dict]:
    """Errors of each run, NaN where not all runs score the point."""
    errors = {run: result.errors[rows[run]][:, columns[run]].astype(np.float64)
              for run, result in results.items()}
    everywhere = ~np.any([np.isnan(array) for array in errors.values()], axis=0)
    left_out = {run: int((~np.isnan(array) & ~everywhere).sum()) for run, array in errors.items()}
    if any(left_out.values()):
        if not common_only:
            raise ValueError(
                'the runs score different landmarks on the same faces: '
                + ', '.join(f'{run}: {count} points that not all score'
                            for run, count in left_out.items() if count) + f'. {_REMEDY}')
        errors = {run: np.where(everywhere, array, np.nan) for run, array in errors.items()}
    return errors, dict(points_left_out=left_out)
