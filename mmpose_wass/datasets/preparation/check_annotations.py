"""What can be wrong with an annotation file itself."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Tuple

import numpy as np

from .coco import PIXEL_STD

ERROR, WARNING = 'error', 'warning'
_EXAMPLES = 20  # kept of each kind
_ROOM = 1.25  # boxes are enlarged by this before a landmark counts as outside of them
_HUGE = 1e9  # pixels; infinity is above it
_BORDER = 0.5  # a pixel reaches this far around its centre


@dataclass
class Finding:
    """Something wrong with a file.

    Attributes:
        severity: ``error`` (training or figures would be wrong) or ``warning`` (to be looked at;
            the official sets have some of these).
        kind: What is wrong.
        file: Annotation file, or files.
        count: How often.
        examples: The first of them.
    """

    severity: str
    kind: str
    file: str
    count: int = 0
    examples: List[str] = field(default_factory=list)


class Findings:
    """Findings by kind and file, in the order in which they came up."""

    def __init__(self) -> None:
        self.by_kind: Dict[Tuple[str, str], Finding] = {}

    def add(self, severity: str, kind: str, file: str, example: object) -> None:
        """Note one thing."""
        finding = self.by_kind.setdefault((kind, file), Finding(severity, kind, file))
        finding.count += 1
        if len(finding.examples) < _EXAMPLES:
            finding.examples.append(str(example))

    def list(self) -> List[Finding]:
        """All findings, errors first."""
        return sorted(self.by_kind.values(), key=lambda finding: finding.severity != ERROR)


def check_annotations(name: str, content: dict, findings: Findings) -> List[dict]:
    """Check the records of a file.

    Args:
        name: The file, for the findings.
        content: Its content.
        findings: Where to note what is wrong.

    Returns:
        list[dict]: The faces that can be used: ``file_name``, ``id``, ``points`` [K, 2],
        ``flags`` [K], ``center`` [2] and ``side`` of the square box, in pixels.
    """
    images = {}
    for identity, count in Counter(_key(record.get('id')) for record in content['images']).items():
        if count > 1:
            findings.add(ERROR, 'image id given more than once', name, identity)
    for file_name, count in Counter(_key(record.get('file_name'))
                                    for record in content['images']).items():
        if count > 1:
            findings.add(WARNING, 'image listed more than once', name, file_name)
    for identity, count in Counter(_key(record.get('id'))
                                   for record in content['annotations']).items():
        if count > 1:
            findings.add(ERROR, 'annotation id given more than once', name, identity)
    for record in content['images']:
        if not (_is_whole(record.get('id')) and isinstance(record.get('file_name'), str)
                and all(_is_length(record.get(side)) for side in ('width', 'height'))):
            findings.add(ERROR, 'image without id, file_name, width or height', name,
                         record.get('file_name', record.get('id')))
        else:
            images[record['id']] = record
    used, faces, sizes = set(), [], Counter()
    for annotation in content['annotations']:
        image = images.get(_key(annotation.get('image_id')))
        if image is None:
            findings.add(ERROR, 'annotation of an image that is not listed', name,
                         annotation.get('id'))
            continue
        used.add(image['id'])
        face = _check_face(name, annotation, image, findings)
        if face is not None:
            faces.append(face)
            sizes[len(face['points'])] += 1
    if len(sizes) > 1:
        findings.add(ERROR, 'faces with unequal numbers of landmarks', name, dict(sizes))
    for identity in sorted(set(images) - used, key=str):
        findings.add(WARNING, 'image without annotation', name, images[identity]['file_name'])
    return faces


def _key(value: object) -> object:
    """What an id is found by; a file may hold anything in its place."""
    return value if isinstance(value, (int, float, str, type(None))) else repr(value)


def _is_whole(value: object) -> bool:
    """Whether MMPose can count with an id."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_length(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < _HUGE


def _check_face(name: str, annotation: dict, image: dict, findings: Findings):
    """The face, or None if its landmarks or its box are unusable."""
    where = f'{image["file_name"]} (annotation {annotation.get("id")})'
    try:
        values = np.array(annotation['keypoints'], dtype=float).reshape(-1, 3)
    except (KeyError, ValueError, TypeError):
        findings.add(ERROR, 'keypoints missing or not triples of numbers', name, where)
        return None
    points, flags = values[:, :2], values[:, 2]
    if not len(points) or not (flags > 0).any():
        findings.add(ERROR, 'no landmark annotated', name, where)
        return None
    if not np.isfinite(values).all():
        findings.add(ERROR, 'landmark or flag not a finite number', name, where)
        return None
    if not np.isin(flags, (0, 1, 2)).all():
        findings.add(ERROR, 'flag other than 0, 1, 2', name, where)
    if annotation.get('num_keypoints') not in (len(points), int((flags > 0).sum())):
        findings.add(WARNING, 'num_keypoints disagrees with keypoints', name, where)
    box = _box(annotation)
    if box is None:
        findings.add(ERROR, 'box missing, empty or not finite', name, where)
        return None
    center, side, extent = box
    seen = points[flags > 0]
    low = np.array([-_BORDER, -_BORDER])
    high = np.array([image['width'], image['height']]) - _BORDER
    if ((seen < low) | (seen > high)).any():
        findings.add(WARNING, 'landmark outside of the image', name, where)
    if (np.abs(seen - center) > _ROOM * extent / 2 + 1).any():
        findings.add(WARNING, 'landmark outside of the enlarged box', name, where)
    return dict(file_name=image['file_name'], id=annotation.get('id'), points=points, flags=flags,
                center=center, side=side)


def _box(annotation: dict):
    """Centre, longer side and extent of the box that MMPose would use; None if it is unusable."""
    try:
        if 'center' in annotation and 'scale' in annotation:
            center = np.array(annotation['center'], dtype=float).reshape(2)
            side = float(annotation['scale']) * PIXEL_STD
            extent = np.array([side, side])
        else:
            left, top, width, height = map(float, annotation['bbox'])
            center = np.array([left + width / 2, top + height / 2])
            extent = np.array([width, height])
            side = max(width, height)
    except (KeyError, TypeError, ValueError):
        return None
    if not (np.isfinite(center).all() and np.isfinite(extent).all() and (extent > 0).all()):
        return None
    return center, side, extent
