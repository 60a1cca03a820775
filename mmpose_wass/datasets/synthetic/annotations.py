"""Annotations of rendered images: one record each, and the files that list them."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from .folder import write_bytes, write_json
from .parameters import FaceParameters
from .render import RenderedFace
from .schemes import to_scheme
from .splits import SCENARIO_SPLITS, DatasetLayout, Split, file_name, sequence_name

# To be raised whenever the same settings give different pictures.
GENERATOR_VERSION = 1
_DECIMALS = 4  # of a pixel
_IMAGE_FIELDS = ('file_name', 'height', 'width', 'sequence', 'frame', 'scenario')
_EXTRA_FIELDS = ('yaw', 'pitch', 'roll', 'attribute')


def _box(points: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    return points.min(axis=0), points.max(axis=0)


def _rounded(values) -> list:
    return [round(float(value), _DECIMALS) for value in values]


def record_of(rendered: RenderedFace, layout: DatasetLayout, split: Split, index: int, frames: int,
              attribute: Optional[str]) -> dict:
    """All that the annotation files tell about an image.

    Args:
        rendered: The image.
        layout: Its data set's layout.
        split: Its split.
        index: Its number in the split.
        frames: Length of a 300VW sequence.
        attribute: WFLW's attribute that it shows, or None.

    Returns:
        dict: Plain numbers, strings and lists.
    """
    scheme, face = layout.scheme, rendered.parameters
    points = np.round(to_scheme(rendered.landmarks, scheme), _DECIMALS)
    flags = np.ones(len(points), dtype=int)
    if scheme == 'cofw':
        flags = np.where(to_scheme(rendered.occluded, scheme), 1, 2)
    # AFLW's box is the whole face's, which its 19 points do not span.
    low, high = _box(rendered.landmarks[:98] if scheme == 'aflw' else points)
    points_low, points_high = _box(points)
    side = float((high - low).max())
    record = dict(
        index=index,
        file_name=file_name(scheme, split, index, frames),
        attribute=attribute,
        keypoints=[value for (x, y), flag in zip(points.tolist(), flags.tolist())
                   for value in (x, y, flag)],
        bbox=_rounded((*points_low, *(points_high - points_low))),
        center=_rounded((low + high) / 2),
        scale=round(side / 200, 6),  # MMPose's and COCO's unit of box sizes
        box_size=round(side, _DECIMALS),
        **_pose(face))
    if scheme == '300vw':
        record.update(
            sequence=sequence_name(split, index, frames),
            frame=index % frames + 1,
            scenario=SCENARIO_SPLITS[split.name])
    height, width = rendered.image.shape[:2]
    record.update(height=height, width=width)
    return record


def _pose(face: FaceParameters) -> dict:
    return dict(yaw=round(face.yaw, 3), pitch=round(face.pitch, 3), roll=round(face.roll, 3))


def write_pts(path: Path, record: dict) -> None:
    """Write a record's landmarks as 300VW's own annotation file."""
    values = record['keypoints']
    lines = '\n'.join(f'{x:.4f} {y:.4f}' for x, y in zip(values[::3], values[1::3]))
    text = f'version: 1\nn_points: {len(values) // 3}\n{{\n{lines}\n}}\n'
    write_bytes(path, text.encode())


def write_annotations(root: Path, layout: DatasetLayout,
                      records: Dict[str, List[dict]]) -> Dict[str, int]:
    """Write all annotation files of a data set.

    Args:
        root: Folder of the data set.
        layout: Its layout.
        records: From split to the records of its images.

    Returns:
        dict: From annotation file to its number of images.
    """
    first, start = {}, 0  # identities are unique in the whole set
    for split in layout.splits:
        first[split.name] = start
        start += len(records[split.name])
    category = dict(supercategory='person', id=1, name='face', keypoints=[], skeleton=[])
    info = dict(description=f'rendered faces in the layout of {layout.scheme}',
                version=str(GENERATOR_VERSION))
    written = {}
    for path, parts in layout.annotations.items():
        listed = [(first[split] + record['index'], record)
                  for split, keep in parts for record in records[split] if keep(record)]
        write_json(root / path, dict(
            info=info,
            categories=[category],
            images=[_image(identity, record) for identity, record in listed],
            annotations=[_annotation(identity, record) for identity, record in listed]))
        written[path] = len(listed)
    return written


def _image(identity: int, record: dict) -> dict:
    return dict(id=identity, **{key: record[key] for key in _IMAGE_FIELDS if key in record})


def _annotation(identity: int, record: dict) -> dict:
    return dict(
        id=identity,
        image_id=identity,
        category_id=1,
        iscrowd=0,
        segmentation=[],
        num_keypoints=len(record['keypoints']) // 3,
        keypoints=record['keypoints'],
        bbox=record['bbox'],
        area=round(record['bbox'][2] * record['bbox'][3], _DECIMALS),
        center=record['center'],
        scale=record['scale'],
        box_size=record['box_size'],
        **{key: record[key] for key in _EXTRA_FIELDS if record.get(key) is not None})
