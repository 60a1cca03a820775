"""Which faces and which landmarks are drawn."""
from __future__ import annotations

import sys
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
from mmengine.utils import ProgressBar

from mmpose_wass.evaluation.comparison.ranking import find_landmark
from mmpose_wass.landmarks import find_scheme

from .face_strips import landmark_name, worst_landmark
from .face_view import FaceView
from .sheet import HeatmapRow

#: How faces may be chosen.
PICKS = ('spread', 'first', 'worst', 'hidden', 'differ')
#: The landmark of the paper's Figure 6: the right eye's outer corner, or the first of a scheme that
#: names no eyes.
DEFAULT_LANDMARKS = ('outer_eye_corner', )
#: A sheet of more rows cannot be looked at.
MOST_ROWS = 24

Wanted = Optional[Sequence[Union[str, int]]]


def choose_places(runners: Mapping[str, Any],
                  faces: Sequence,
                  pick: str,
                  count: int,
                  among: Optional[int] = None,
                  landmarks: Wanted = None,
                  say: Callable[[str], None] = print) -> List[int]:
    """Choose faces.

    Args:
        runners: Models by name, see :class:`~.predict.FaceRunner`.
        faces: The faces to choose from.
        pick: One of :data:`PICKS`: evenly ``'spread'``, the ``'first'``, the ``'worst'`` of the
            first model, some of those of which a perturbation or the annotation says that
            landmarks are ``'hidden'``, evenly spread, or those on which the first and the last
            model ``'differ'`` most.
        count: How many.
        among: Look at so many faces only, evenly spread.
        landmarks: As for :func:`choose_rows`: errors and what is hidden count at these alone; by
            default all count.
        say: Called with what was done.

    Returns:
        list[int]: Places of the faces, at most ``count``.

    Raises:
        ValueError: If there is no face of that kind, or ``pick`` is another word.
    """
    if pick not in PICKS:
        raise ValueError(f'pick must be one of {", ".join(PICKS)}, found {pick!r}')
    if pick == 'first':
        return list(range(min(count, len(faces))))
    if pick == 'spread':
        return _spread(len(faces), min(count, among or count))
    places = _spread(len(faces), among or len(faces))
    names = list(runners)
    wanted = [names[0], names[-1]] if pick == 'differ' else names[:1]
    views = {name: _run(runners[name], [faces[place] for place in places], name)
             for name in wanted}
    errors = {name: np.array([_error_at(view, landmarks) for view in found])
              for name, found in views.items()}
    score = errors[names[0]]
    if pick == 'differ':
        score = np.abs(score - errors[names[-1]])
    if pick == 'hidden':
        ranked = [place for place, view in enumerate(views[names[0]])
                  if _is_hidden(view, landmarks)]
    else:
        order = np.argsort(-np.where(np.isnan(score), -np.inf, score), kind='stable')
        ranked = [int(place) for place in order if not np.isnan(score[place])]
    if not ranked:
        raise ValueError(dict(
            hidden=f'on none of {len(places)} faces the wanted landmarks are hidden: hide some '
            'with --perturb occlusion:large').get(
                pick, f'none of {len(places)} faces has an annotation to measure errors by, which '
                f'--pick {pick} needs; take --pick spread'))
    say(f'{min(count, len(ranked))} of {len(ranked)} faces chosen ({pick}), of {len(places)} '
        'looked at')
    if pick == 'hidden':  # in no model's favour
        ranked = [ranked[place] for place in _spread(len(ranked), count)]
    return [places[place] for place in ranked[:count]]


def choose_rows(views: Mapping[str, Sequence[FaceView]],
                landmarks: Sequence[Union[str, int]] = DEFAULT_LANDMARKS) -> List[HeatmapRow]:
    """The rows of a heatmap sheet: each face with each landmark.

    Args:
        views: Views of N faces by the model's name.
        landmarks: Numbers or names in the first model's scheme, ``'worst'`` for the one that the
            first model gets worst on each face, ``'all'`` for the maps of all in one picture,
            ``'outer_eye_corner'`` for the right eye's.

    Returns:
        list[HeatmapRow]: The rows.

    Raises:
        ValueError: If a landmark is not known, or there are too many rows.
    """
    names = list(views)
    count = len(views[names[0]])
    if not count:
        raise ValueError('there is no face to draw')
    wanted = _wanted(views[names[0]][0], landmarks)
    if count * len(wanted) > MOST_ROWS:
        raise ValueError(f'{count} faces with {len(wanted)} landmarks each are {count*len(wanted)} '
                         f'rows, more than the {MOST_ROWS} that fit a picture: draw fewer faces '
                         '(--faces) or landmarks')
    rows = []
    for face in range(count):
        seen = [views[name][face] for name in names]
        for one in wanted:
            if one == 'all':
                rows.append(HeatmapRow('all landmarks', seen, [None] * len(seen)))
                continue
            index = worst_landmark(seen[0]) if one == 'worst' else one
            rows.append(HeatmapRow(landmark_name(seen[0], index), seen,
                                   [_same_landmark(seen[0], view, index) for view in seen]))
    return rows


def _wanted(view: FaceView, landmarks: Sequence[Union[str, int]]) -> List[Union[int, str]]:
    """Indices in the model's layout, and the words."""
    scheme = find_scheme(view.scheme)
    count = len(view.points)
    if scheme is not None and scheme.num_landmarks != count:
        scheme = None
    names = scheme.landmark_names if scheme else [f'landmark_{index}' for index in range(count)]
    words = dict(all='all', worst='worst',
                 outer_eye_corner=scheme.outer_eye_corners[0] if scheme else 0)
    return [words[str(one)] if str(one) in words else find_landmark(names, one)
            for one in landmarks]


def _same_landmark(view: FaceView, other: FaceView, index: int) -> int:
    """A landmark's index in another model's layout; -1 if it has none of that name."""
    if view.scheme == other.scheme or len(view.points) == len(other.points):
        return index
    mine, theirs = find_scheme(view.scheme), find_scheme(other.scheme)
    if mine is None or theirs is None:
        return -1
    names: Dict[str, int] = {name: place for place, name in enumerate(theirs.landmark_names)}
    return names.get(mine.landmark_names[index], -1)


def _run(runner: Any, faces: Sequence, name: str) -> List[FaceView]:
    print(f'{name}: looking at {len(faces)} faces')
    bar = ProgressBar(len(faces), file=sys.stdout)
    views = runner.run(faces, with_maps=False, progress=bar.update)
    print()
    return views


def _spread(total: int, count: int) -> List[int]:
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int)).tolist()


def _indices(view: FaceView, landmarks: Wanted) -> Optional[List[int]]:
    """Landmarks that count for the choice of faces; None: all."""
    indices = [one for one in _wanted(view, landmarks or ()) if not isinstance(one, str)]
    return indices or None


def _error_at(view: FaceView, landmarks: Wanted) -> float:
    indices = _indices(view, landmarks)
    errors = view.errors if indices is None else view.errors[indices]
    known = errors[~np.isnan(errors)]
    return float(known.mean()) if len(known) else float('nan')


def _is_hidden(view: FaceView, landmarks: Wanted) -> bool:
    if view.hidden is None:
        return False
    indices = _indices(view, landmarks)
    return bool((view.hidden if indices is None else view.hidden[indices]).any())
