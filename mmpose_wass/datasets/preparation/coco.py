"""Annotation files as MMPose's face data sets read them."""
from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from mmpose_wass.engine.results import atomic_write

# MMPose's and COCO's unit of box sizes.
PIXEL_STD = 200
_BOX_PADDING = 0.1  # of the landmarks' extent, on each side of MMPose's `bbox`
CATEGORY = dict(supercategory='person', id=1, name='face', keypoints=[], skeleton=[])


@dataclass(frozen=True)
class ImageRecord:
    """An image.

    Attributes:
        file_name: Path below the image folder, with forward slashes.
        width: Width in pixels.
        height: Height in pixels.
        extra: Further fields of the record.
    """

    file_name: str
    width: int
    height: int
    extra: dict = field(default_factory=dict)


@dataclass(frozen=True)
class FaceRecord:
    """An annotated face.

    Attributes:
        identity: Number that no other face of the data set has.
        image: Its image.
        keypoints: ``[K, 3]`` x, y in pixels and the flag: 0 not annotated, else annotated.
        fields: ``bbox`` (left, top, width, height; pixels) and, where the data set has them,
            ``center``, ``scale``, ``box_size`` and others.
        image_identity: Number of the image; that of the first face in it by default.
    """

    identity: int
    image: ImageRecord
    keypoints: np.ndarray
    fields: dict
    image_identity: Optional[int] = None


def outward_box(points: np.ndarray) -> Tuple[List[float], float]:
    """Centre and scale of the landmarks' box, grown to whole pixels.

    This is the convention of HRNet's and MMPose's files of 300W and WFLW: low sides are rounded
    down and high sides up, before centre and longer side are taken.

    Args:
        points: ``[K, 2]`` landmarks in pixels.

    Returns:
        tuple: Centre (x, y) in pixels, and the longer side / 200.

    Examples:
        >>> outward_box(np.array([[268, 265], [710.702, 741.209]]))
        ([489.5, 503.5], 2.385)
    """
    low = np.floor(points.min(axis=0))
    high = np.ceil(points.max(axis=0))
    return ((low + high) / 2).tolist(), float((high - low).max()) / PIXEL_STD


def exact_box(points: np.ndarray) -> Tuple[List[float], float]:
    """Centre of the landmarks' box and its longer side rounded up, as in MMPose's 300VW file.

    Args:
        points: ``[K, 2]`` landmarks in pixels.

    Returns:
        tuple: Centre (x, y) in pixels, and the longer side / 200.

    Examples:
        >>> exact_box(np.array([[10, 20], [30.5, 50.25]]))
        ([20.25, 35.125], 0.155)
    """
    low, high = points.min(axis=0), points.max(axis=0)
    return ((low + high) / 2).tolist(), math.ceil(float((high - low).max())) / PIXEL_STD


def tight_box(points: np.ndarray) -> List[float]:
    """The landmarks' box as (left, top, width, height) in pixels."""
    low, high = points.min(axis=0), points.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def padded_box(points: np.ndarray, width: int, height: int) -> List[float]:
    """The landmarks' box with a tenth added on each side, cut at the image's borders.

    Args:
        points: ``[K, 2]`` landmarks in pixels.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

    Returns:
        list[float]: (left, top, width, height) in pixels.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _BOX_PADDING * (high - low)
    low = np.maximum(low - margin, 0)
    high = np.minimum(high + margin, (width, height))
    return [*low.tolist(), *(high - low).tolist()]


def with_flags(points: np.ndarray, flags: Optional[Sequence[int]] = None) -> np.ndarray:
    """Landmarks ``[K, 2]`` with a flag each, 1 by default, as ``[K, 3]``."""
    flags = np.ones(len(points)) if flags is None else np.asarray(flags)
    return np.concatenate([points, flags[:, None]], axis=1)


def coco_content(faces: Iterable[FaceRecord], description: str) -> dict:
    """Content of an annotation file.

    Args:
        faces: The faces to list. Faces of one image share its record.
        description: Where they come from.

    Returns:
        dict: With ``info``, ``categories``, ``images`` and ``annotations``.
    """
    images: Dict[str, dict] = {}
    annotations = []
    for face in faces:
        image = face.image
        record = images.get(image.file_name)
        if record is None:
            identity = face.identity if face.image_identity is None else face.image_identity
            record = images[image.file_name] = dict(
                id=identity, file_name=image.file_name, height=image.height, width=image.width,
                **image.extra)
        annotations.append(_annotation(face, record['id']))
    return dict(info=dict(description=description), categories=[CATEGORY],
                images=list(images.values()), annotations=annotations)


def _annotation(face: FaceRecord, image_id: int) -> dict:
    flags = face.keypoints[:, 2]
    values = [value for x, y, flag in face.keypoints.tolist() for value in (x, y, int(flag))]
    box = face.fields['bbox']
    return dict(
        id=face.identity,
        image_id=image_id,
        category_id=1,
        iscrowd=0,
        num_keypoints=int((flags > 0).sum()),
        keypoints=values,
        area=box[2] * box[3],
        **face.fields)


def write_annotations(path: Path, faces: Sequence[FaceRecord], description: str) -> int:
    """Write an annotation file; it appears under its name only when it is whole.

    Args:
        path: The file.
        faces: The faces to list.
        description: Where they come from.

    Returns:
        int: Number of faces.
    """
    content = coco_content(faces, description)
    with atomic_write(str(path)) as file:
        json.dump(content, file, separators=(',', ':'), allow_nan=False)
    return len(content['annotations'])
