"""Boxes of a detector in place of annotated ones: which box found which face, and which faces none.

The file is a JSON list of detections, in COCO's result format::

    [{"image_id": 17, "bbox": [left, top, width, height], "score": 0.98}, ...]

with lengths in image pixels and ``image_id`` as in the annotation file; ``"file_name"``, the name
of the image in the annotation file, may stand in its place. ``score`` may be left out (1).
"""
from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any, Dict, List, Tuple

import numpy as np

#: Box of an image that no detection fell on.
MISSED = -1


def match_boxes(detections: np.ndarray, scores: np.ndarray, faces: np.ndarray,
                overlap: float = 0.5) -> np.ndarray:
    """Find the detection of each face of an image, as COCO's evaluation does.

    Detections choose in the order of their scores; each takes the face, not taken yet, that it
    overlaps most, if that is enough.

    Args:
        detections: ``[m, 4]``, left, top, right, bottom.
        scores: ``[m]``.
        faces: ``[n, 4]`` annotated boxes.
        overlap: Least intersection over union.

    Returns:
        np.ndarray: ``[n]``, number of the detection of each face, -1 for a miss.

    Raises:
        ValueError: If shapes are others.

    Examples:
        >>> faces = np.array([[0., 0, 10, 10], [20, 0, 30, 10]])
        >>> match_boxes(np.array([[21., 0, 31, 10]]), np.ones(1), faces).tolist()
        [-1, 0]
    """
    detections = np.asarray(detections, dtype=np.float64).reshape(-1, 4)
    faces = np.asarray(faces, dtype=np.float64)
    scores = np.asarray(scores, dtype=np.float64).reshape(-1)
    if faces.ndim != 2 or faces.shape[1] != 4 or len(scores) != len(detections):
        raise ValueError('detections and faces must be [m, 4] and [n, 4], scores [m]; found '
                         f'{list(detections.shape)}, {list(faces.shape)}, {list(scores.shape)}')
    found = np.full(len(faces), MISSED)
    shares = intersection_over_union(detections, faces)
    for number in np.argsort(-scores, kind='stable'):
        free = np.where(found == MISSED, shares[number], -1.0)
        best = int(np.argmax(free)) if len(free) else 0
        if len(free) and free[best] >= overlap:
            found[best] = number
    return found


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of boxes ``[m, 4]`` and ``[n, 4]``: ``[m, n]``.

    Examples:
        >>> intersection_over_union(np.array([[0., 0, 2, 1]]), np.array([[1., 0, 3, 1]])).round(3)
        array([[0.333]])
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - common
    return np.where(union > 0, common / np.where(union > 0, union, 1), 0.0)


def read_boxes(path: str) -> Dict[str, Tuple[np.ndarray, np.ndarray]]:
    """Read a file of detections.

    Args:
        path: See the module.

    Returns:
        dict[str, tuple]: From the image (``'id:17'`` or ``'file:a.jpg'``) to boxes ``[m, 4]``
        (left, top, right, bottom) and scores ``[m]``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is something else; names the entry and the field.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: is no JSON ({error})') from error
    if not isinstance(content, list):
        raise ValueError(f'{path}: must hold a list of detections, found '
                         f'{type(content).__name__}')
    found: Dict[str, List[Tuple[List[float], float]]] = defaultdict(list)
    for place, entry in enumerate(content):
        where = f'{path}: detection {place}'
        if not isinstance(entry, dict):
            raise ValueError(f'{where} must be an object, found {entry!r}')
        if 'image_id' in entry:
            image = f'id:{entry["image_id"]}'
        elif 'file_name' in entry:
            image = f'file:{entry["file_name"]}'
        else:
            raise ValueError(f'{where} has neither image_id nor file_name')
        left, top, width, height = _numbers(entry.get('bbox'), 4, f'{where}: bbox')
        if width <= 0 or height <= 0:
            raise ValueError(f'{where}: bbox is [left, top, width, height], found the size '
                             f'{width:g} x {height:g}')
        (score, ) = _numbers([entry.get('score', 1.0)], 1, f'{where}: score')
        found[image].append(([left, top, left + width, top + height], score))
    return {image: (np.array([box for box, _ in listed]), np.array([score for _, score in listed]))
            for image, listed in found.items()}


def match_faces(samples: List[Dict[str, Any]], boxes: Dict[str, Tuple[np.ndarray, np.ndarray]],
                overlap: float) -> Tuple[List[Any], Dict[str, int]]:
    """The detected box of each face of a data set.

    Args:
        samples: Of each face ``img_id``, ``file_name`` and ``bbox`` ``[1, 4]``.
        boxes: From :func:`read_boxes`.
        overlap: Least intersection over union.

    Returns:
        tuple[list, dict]: For each face its box ``[4]`` (left, top, right, bottom), None for a
        miss; and counts of ``faces``, ``missed``, ``detections`` and ``false_alarms`` (detections
        in the images of the data set that found no face).

    Raises:
        ValueError: If not one detection is of an image of the data set.
    """
    groups: Dict[str, List[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        groups[f'id:{sample["img_id"]}'].append(place)
    chosen: List[Any] = [None] * len(samples)
    detections = 0
    for image, places in groups.items():
        entry = boxes.get(image, boxes.get(f'file:{samples[places[0]]["file_name"]}'))
        if entry is None:
            continue
        detections += len(entry[0])
        faces = np.concatenate([np.asarray(samples[place]['bbox']).reshape(1, 4)
                                for place in places])
        for place, number in zip(places, match_boxes(*entry, faces, overlap)):
            if number != MISSED:
                chosen[place] = entry[0][number]
    if samples and not detections:
        raise ValueError(
            f'none of the {len(boxes)} images with detections is one of the {len(groups)} tested '
            'ones: image_id and file_name must be those of the annotation file')
    found = sum(box is not None for box in chosen)
    return chosen, dict(faces=len(samples), missed=len(samples) - found, detections=detections,
                        false_alarms=detections - found)


def _numbers(values: Any, count: int, where: str) -> List[float]:
    fits = isinstance(values, (list, tuple)) and len(values) >= count and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        for value in values[:count])
    if not fits:
        raise ValueError(f'{where} must be {count} finite number{"s" if count > 1 else ""}, '
                         f'found {values!r}')
    return [float(value) for value in values[:count]]
