"""Which faces a report shows: the worst ones, and those that two models differ on most."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

from ..evaluation.comparison.ranking import rank_faces
from ..evaluation.functional import image_errors
from .pictures import FacePicture, draw_pictures
from .run import Bench, Job
from .summary import Finding


@dataclass(frozen=True)
class ShownFace:
    """A face by all models.

    Attributes:
        image (str): Name of its image.
        errors (dict[str, float]): Mean error by model, a fraction.
        pictures (dict[str, FacePicture]): By model.
    """
    image: str
    errors: Dict[str, float]
    pictures: Dict[str, FacePicture]


@dataclass(frozen=True)
class Gallery:
    """Some faces of one protocol.

    Attributes:
        title (str): Heading.
        faces (list[ShownFace]): In order.
        notes (dict[str, str]): By model: why there are no heatmaps.
    """
    title: str
    faces: List[ShownFace]
    notes: Dict[str, str]


def choose_galleries(findings: Sequence[Finding], models: Sequence[str],
                     count: int) -> List[Tuple[str, Finding, List[int]]]:
    """Headings, findings and rows of the faces to show.

    The worst faces of the first model under each kind of perturbation and on clean data, and, with
    a second model, the faces that the first one improves most and those that it makes worse.

    Args:
        findings: All findings.
        models: Names of the models.
        count: Faces in each gallery; 0: none.

    Returns:
        list[tuple]: Rows count in the aligned runs of the finding.
    """
    chosen: List[Tuple[str, Finding, List[int]]] = []
    if not count:
        return chosen
    for finding in findings:
        first = models[0]
        if not _is_shown(finding) or first not in finding.comparison.runs.errors:
            continue
        errors = finding.comparison.runs.errors
        rows = [face.row for face in rank_faces(errors[first])[:count]]
        if rows:
            chosen.append((f'{finding.title}: worst faces of {first}', finding, rows))
        for other in models[1:2]:
            if other not in errors:
                continue
            for improved, word in ((True, 'improved'), (False, 'worsened')):
                ranked = rank_faces(errors[first], other_errors=errors[other], improved=improved)
                if ranked:
                    chosen.append((f'{finding.title}: most {word}, {first} against {other}',
                                   finding, [face.row for face in ranked[:count]]))
    return chosen


def _is_shown(finding: Finding) -> bool:
    """Clean faces and the large levels; others look like one of them."""
    name = finding.key.split('/')[0]
    return name in ('clean', 'occlusion_large', 'blur_large')


def short_name(path: str) -> str:
    """The last two parts of a path: what tells an image, without where a machine keeps it.

    Examples:
        >>> short_name('/data/300w/images/helen/1.jpg')
        'helen/1.jpg'
    """
    return '/'.join(path.replace('\\', '/').split('/')[-2:])


def draw_galleries(chosen: Sequence[Tuple[str, Finding, List[int]]],
                   jobs: Dict[Tuple[str, str], Job], bench: Bench,
                   on_step: Callable[[str], None] = lambda text: None) -> List[Gallery]:
    """Draw the faces.

    Args:
        chosen: From :func:`choose_galleries`.
        jobs: By model and key of the protocol.
        bench: Runs the models.
        on_step: Called with a text before each step.

    Returns:
        list[Gallery]: Galleries whose protocol has a job (unions have none).
    """
    wanted = [(place, name) for place, (_, finding, _) in enumerate(chosen)
              for name in finding.results if (name, finding.key) in jobs]
    pictures: Dict[Tuple[int, str], Tuple[List[FacePicture], str]] = {}
    # One model after the other: each is built once.
    for place, name in sorted(wanted, key=lambda pair: list(dict.fromkeys(
            one for _, one in wanted)).index(pair[1])):
        title, finding, rows = chosen[place]
        on_step(f'{title} ({name})')
        runs = finding.comparison.runs
        own_rows = runs.rows[name][rows]
        result = finding.results[name]
        pictures[place, name] = draw_pictures(
            bench, bench.cache, jobs[name, finding.key], result.image_paths[own_rows].tolist(),
            result.annotation_ids[own_rows].tolist())
    galleries = []
    for place, (title, finding, rows) in enumerate(chosen):
        names = [name for name in finding.results if (place, name) in pictures]
        if not names:
            continue
        runs = finding.comparison.runs
        means = {name: image_errors(runs.errors[name]) for name in names}
        galleries.append(Gallery(title, [
            ShownFace(short_name(str(runs.image_names[row])),
                      {name: float(np.asarray(means[name])[row]) for name in names},
                      {name: pictures[place, name][0][number] for name in names})
            for number, row in enumerate(rows)],
            {name: pictures[place, name][1] for name in names if pictures[place, name][1]}))
    return galleries
