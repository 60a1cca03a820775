"""Contact sheets of rendered sets."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Sequence, Union

import cv2
import numpy as np

from mmpose_wass.engine.opencv_path import opencv_path

_SEEN, _HIDDEN = (60, 255, 60), (50, 50, 255)  # BGR
_DOT = 1.25  # radius of a point, in pixels


def contact_sheet(images: Sequence[np.ndarray], landmarks: Sequence[np.ndarray], columns: int = 6,
                  tile: int = 256, flags: Sequence[np.ndarray] = ()) -> np.ndarray:
    """A grid of faces with their landmarks.

    Args:
        images: Square images ``[S, S, 3]`` uint8.
        landmarks: ``[K, 2]`` each, in pixels; an empty array draws none.
        columns: Tiles in a row.
        tile: Side of a tile in pixels.
        flags: ``[K]`` each, where given: points with a false flag are drawn red instead of green.

    Returns:
        np.ndarray: The sheet ``[rows * tile, columns * tile, 3]`` uint8.

    Raises:
        ValueError: If there are no images, or not as many landmark sets as images.
    """
    if len(images) != len(landmarks) or not len(images):
        raise ValueError(f'a sheet needs as many landmark sets as images, got {len(landmarks)} for '
                         f'{len(images)}')
    tiles = []
    for k, (image, points) in enumerate(zip(images, landmarks)):
        seen = flags[k] if len(flags) else np.ones(len(points), bool)
        tiles.append(_tile(image, np.asarray(points).reshape(-1, 2), seen, tile))
    while len(tiles) % columns:
        tiles.append(np.full((tile, tile, 3), 255, np.uint8))
    return np.vstack([np.hstack(tiles[i:i + columns]) for i in range(0, len(tiles), columns)])


def _tile(image: np.ndarray, points: np.ndarray, seen: np.ndarray, side: int) -> np.ndarray:
    factor = side / len(image)
    drawn = cv2.resize(image, (side, side),
                       interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    fraction_bits = 4
    unit = 1 << fraction_bits
    # Whole numbers are pixel centres, before and after the change of size.
    centers = np.round(((points + 0.5) * factor - 0.5) * unit).astype(int)
    for (x, y), good in zip(centers.tolist(), seen):
        cv2.circle(drawn, (x, y), round(_DOT * unit), _SEEN if good else _HIDDEN, -1, cv2.LINE_AA,
                   fraction_bits)
    return drawn


def sheet_of_dataset(annotation_file: Union[str, Path], image_folder: Union[str, Path],
                     count: int = 24, columns: int = 6) -> np.ndarray:
    """Contact sheet of faces that are evenly spread over an annotation file.

    Args:
        annotation_file: The annotations, in the layout of COCO.
        image_folder: Folder that its file names are relative to.
        count: Number of faces, at most.
        columns: Tiles in a row.

    Returns:
        np.ndarray: The sheet, uint8. Points that COFW marks as occluded are red.

    Raises:
        FileNotFoundError: If an image cannot be read.
    """
    content = json.loads(Path(annotation_file).read_text())
    names = {image['id']: image['file_name'] for image in content['images']}
    annotations = content['annotations']
    images, points, flags = [], [], []
    for k in np.unique(np.linspace(0, len(annotations) - 1, count).astype(int)):
        path = Path(image_folder) / names[annotations[k]['image_id']]
        with opencv_path(path) as readable:
            image = cv2.imread(readable)
        if image is None:
            raise FileNotFoundError(
                f'{path}, named by {annotation_file}, cannot be read as an image')
        images.append(image)
        values = np.array(annotations[k]['keypoints']).reshape(-1, 3)
        points.append(values[:, :2])
        flags.append(values[:, 2] == values[:, 2].max())
    return contact_sheet(images, points, columns, flags=flags)
