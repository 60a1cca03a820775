"""Looking at rendered sets: contact sheets and the error of the mean shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Sequence, Tuple, Union

import cv2
import numpy as np


def contact_sheet(
    images: Sequence[np.ndarray],
    landmarks: Sequence[np.ndarray],
    columns: int = 6,
    tile: int = 256,
    flags: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """A grid of faces with their landmarks.

    Args:
        images: [S, S, 3] uint8 each.
        landmarks: [K, 2] pixels each; an empty array draws none.
        columns: Tiles in a row.
        tile: Side of a tile in pixels.
        flags: [K] each, where given: points with a false flag are drawn red instead of green.

    Returns:
        np.ndarray: The sheet, uint8.
    """
    if len(images) != len(landmarks) or not len(images):
        raise ValueError(
            f'a sheet needs as many landmark sets as images, got {len(landmarks)} for {len(images)}'
        )
    tiles = []
    for k, (image, points) in enumerate(zip(images, landmarks)):
        factor = tile / image.shape[0]
        drawn = cv2.resize(
            image, (tile, tile), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        )
        good = flags[k] if len(flags) else np.ones(len(points), bool)
        for point, seen in zip(np.asarray(points).reshape(-1, 2), good):
            center = np.round(((point + 0.5) * factor - 0.5) * 16).astype(int)
            cv2.circle(
                drawn,
                (int(center[0]), int(center[1])),
                20,
                (60, 255, 60) if seen else (50, 50, 255),
                -1,
                cv2.LINE_AA,
                4,
            )
        tiles.append(drawn)
    while len(tiles) % columns:
        tiles.append(np.full((tile, tile, 3), 255, np.uint8))
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def sheet_of_dataset(
    annotation_file: Union[str, Path],
    image_folder: Union[str, Path],
    count: int = 24,
    columns: int = 6,
) -> np.ndarray:
    """Contact sheet of ``count`` faces, evenly spread over an annotation file."""
    content = json.loads(Path(annotation_file).read_text())
    names = {image['id']: image['file_name'] for image in content['images']}
    annotations = content['annotations']
    picked = [
        annotations[k] for k in np.unique(np.linspace(0, len(annotations) - 1, count).astype(int))
    ]
    images, points, flags = [], [], []
    for annotation in picked:
        path = Path(image_folder) / names[annotation['image_id']]
        image = cv2.imread(str(path))
        if image is None:
            raise FileNotFoundError(
                f'{path}, named by {annotation_file}, cannot be read as an image'
            )
        images.append(image)
        values = np.array(annotation['keypoints']).reshape(-1, 3)
        points.append(values[:, :2])
        flags.append(values[:, 2] == values[:, 2].max())
    return contact_sheet(images, points, columns, flags=flags)


def mean_shape_error(
    train: Union[str, Path], test: Union[str, Path], eyes: Tuple[int, int] = (36, 45)
) -> float:
    """NME in per cent of a predictor that does not look: the training set's mean shape, put into
    every test box.

    Shapes are averaged relative to the box's centre and side; errors are divided by the distance
    between the ``eyes``.
    """

    def shapes(path):
        annotations = json.loads(Path(path).read_text())['annotations']
        points = np.array([a['keypoints'] for a in annotations]).reshape(len(annotations), -1, 3)[
            ..., :2
        ]
        center = np.array([a['center'] for a in annotations])[:, None]
        side = np.array([a['scale'] for a in annotations])[:, None, None] * 200
        return points, center, side

    points, center, side = shapes(train)
    mean = ((points - center) / side).mean(axis=0)
    points, center, side = shapes(test)
    error = np.linalg.norm(mean * side + center - points, axis=-1)
    distance = np.linalg.norm(points[:, eyes[0]] - points[:, eyes[1]], axis=-1)
    return float((error / distance[:, None]).mean() * 100)
