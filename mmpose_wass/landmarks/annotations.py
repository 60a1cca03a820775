"""Landmarks of an annotation file in the COCO style that MMPose's face data sets read."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import List, Union

import numpy as np


@dataclass
class AnnotatedFaces:
    """Landmarks of N faces.

    Attributes:
        path (str): The file.
        points (np.ndarray): [N, K, 2], image pixels.
        valid (np.ndarray): [N, K] bool: labelled (COCO's visibility above 0).
        images (list[str]): N file names.
    """
    path: str
    points: np.ndarray
    valid: np.ndarray
    images: List[str]


def read_annotated_faces(path: Union[str, Path]) -> AnnotatedFaces:
    """Read a COCO-style annotation file.

    Args:
        path: JSON with ``images`` and ``annotations``.

    Returns:
        AnnotatedFaces: All faces that have a labelled landmark.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Naming the file and the field, if it is no such annotation file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such annotation file')
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        records, images = content['annotations'], content['images']
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path}: not JSON ({error})') from error
    except (KeyError, TypeError) as error:
        raise ValueError(f'{path}: an annotation file is an object with the fields images and '
                         'annotations') from error
    names = {image['id']: image.get('file_name', '') for image in images}
    faces = []
    for place, record in enumerate(records):
        values = record.get('keypoints')
        if not values or len(values) % 3:
            raise ValueError(f'{path}: annotations[{place}].keypoints must hold 3 numbers for each '
                             f'landmark, found {len(values) if values else values!r}')
        faces.append(np.array(values, dtype=float).reshape(-1, 3))
    sizes = sorted({len(face) for face in faces})
    if len(sizes) != 1:
        raise ValueError(f'{path}: all faces need the same number of landmarks, found '
                         f'{sizes if sizes else "no face"}')
    stacked = np.stack(faces)
    labelled = stacked[..., 2] > 0
    kept = labelled.any(axis=1)
    return AnnotatedFaces(
        path=str(path),
        points=stacked[kept, :, :2],
        valid=labelled[kept],
        images=[names.get(record.get('image_id'), '') for record, keep in zip(records, kept)
                if keep])
