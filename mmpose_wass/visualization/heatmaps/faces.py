"""Faces to look at: rendered ones, those of a test set, those on photographs."""
from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.config import Config
from mmpose.registry import DATASETS

from mmpose_wass.datasets.synthetic import (
    FaceParameters,
    render_face,
    sample_face_parameters,
    to_scheme,
)
from mmpose_wass.datasets.synthetic.schemes import PICKS
from mmpose_wass.inference.images import read_image
from mmpose_wass.inference.sources import find_sources
from mmpose_wass.landmarks import find_scheme
from mmpose_wass.turning_on.config_walk import find_typed

#: Side of a rendered picture in pixels.
RENDERED_SIDE = 320


@dataclass(frozen=True)
class Face:
    """A face that any model can be run on.

    Attributes:
        name (str): What to call it.
        results (dict): What a pipeline starts from: the image or its path, ``bbox`` ``[1, 4]``, and
            landmarks where there are any.
        scheme (str | None): Landmark scheme of the annotation; None: there is none, or a layout
            of one's own.
    """
    name: str
    results: Dict[str, Any]
    scheme: Optional[str]


def rendered_faces(count: int, scheme: str = '300w', seed: int = 0) -> List[Face]:
    """Faces that are drawn by this package, with exact landmarks.

    Turned by at most 60 degrees: in a profile the corners of the eyes, whose distance errors are
    divided by, lie behind each other.

    Args:
        count: How many.
        scheme: Landmark scheme of their annotation; 300W's for a scheme that the faces do not know.
        seed: Other seeds give other people.

    Returns:
        list[Face]: The faces.

    Example:
        >>> faces = rendered_faces(2)
        >>> faces[0].results['keypoints'].shape
        (1, 68, 2)
    """
    scheme = scheme if scheme in PICKS else '300w'
    faces = []
    for number in range(count):
        parameters = sample_face_parameters(np.random.default_rng([seed, number]),
                                            profile_share=0.0)
        drawn = render_face(parameters, RENDERED_SIDE)
        points = to_scheme(drawn.landmarks, scheme).astype(np.float32)
        faces.append(_face(f'rendered {seed}/{number}', drawn.image, _square_box(points), scheme,
                           points, f'rendered {seed}/{number}'))
    return faces


def frontal_face(side: int = 640) -> Face:
    """One rendered face that looks into the camera, with the 68 landmarks of 300W.

    Args:
        side: Side of the picture in pixels.
    """
    drawn = render_face(FaceParameters(), side, degraded=False)
    points = to_scheme(drawn.landmarks, '300w').astype(np.float32)
    return _face('rendered', drawn.image, _square_box(points), '300w', points, 'rendered frontal')


def photographed_faces(inputs: Sequence[str],
                       find_boxes: Callable[[str, np.ndarray], np.ndarray],
                       scheme: Optional[str] = None) -> Tuple[List[Face], List[str]]:
    """Faces on image files, without annotation.

    Args:
        inputs: Image files, folders and patterns.
        find_boxes: Gives the boxes ``[n, 4]`` (left, top, right, bottom) of an image, from its path
            and its pixels.
        scheme: Landmark scheme of the model, for its flip test.

    Returns:
        tuple[list[Face], list[str]]: The faces, and notes on images without, or left aside.

    Raises:
        FileNotFoundError: If a file is missing, or there is no image.
        ValueError: If a file is no image, or no image has a face.
    """
    sources, notes = find_sources(inputs)
    faces: List[Face] = []
    for source in sources:
        if source.is_film:
            notes.append(f'{source.path}: films are not drawn, take single frames')
            continue
        pixels = read_image(source.path).pixels
        boxes = np.asarray(find_boxes(source.path, pixels), dtype=np.float32).reshape(-1, 4)
        if not len(boxes):
            notes.append(f'{source.path}: no face found')
        for number, box in enumerate(boxes):
            name = source.name + (f' ({number + 1})' if len(boxes) > 1 else '')
            faces.append(_face(name, pixels, box, scheme, None, source.name))
    if not faces:
        raise ValueError(f'no face on {len(sources)} images. ' + '; '.join(notes[:5]))
    return faces, notes


class TestFaces:
    """The faces of a config's test data, read when they are asked for.

    Args:
        cfg (Config): The config; its ``test_dataloader``, else its ``val_dataloader``, is taken.

    Raises:
        ValueError: If the config has no such data, or lists no face.
        FileNotFoundError: If the annotation file is not there.
    """
    __test__ = False  # for pytest, which collects classes by their names

    def __init__(self, cfg: Config) -> None:
        loader = cfg.get('test_dataloader', None) or cfg.get('val_dataloader', None)
        if not loader:
            raise ValueError(f'config {cfg.filename}: has neither test_dataloader nor '
                             'val_dataloader to take faces from; use rendered ones or images')
        config = copy.deepcopy(loader['dataset'])
        config = config.to_dict() if hasattr(config, 'to_dict') else config
        for _, node in find_typed(config):
            if 'pipeline' in node:
                node['pipeline'] = []
        self.dataset = DATASETS.build(config)
        self.dataset.full_init()
        if not len(self.dataset):
            raise ValueError(f'config {cfg.filename}: its test data list no face')

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, place: int) -> Face:
        results = dict(self.dataset[place])
        path = results.get('img_path', '')
        scheme = results.get('dataset_name')
        return Face('/'.join(str(path).replace('\\', '/').split('/')[-2:]) or f'face {place}',
                    results, scheme if find_scheme(scheme) else None)


def _square_box(points: np.ndarray) -> np.ndarray:
    """Square about the landmarks' box, which is what 300W's annotation calls the face."""
    low, high = points.min(axis=0), points.max(axis=0)
    center, half = (low + high) / 2, (high - low).max() / 2
    return np.concatenate([center - half, center + half]).astype(np.float32)


def _face(name: str, image: np.ndarray, box: np.ndarray, scheme: Optional[str],
          points: Optional[np.ndarray], identity: str) -> Face:
    results: Dict[str, Any] = dict(
        img=image, img_path=name, image_identity=identity, id=name, img_id=name, bbox=box[None],
        bbox_score=np.ones(1, np.float32))
    if find_scheme(scheme) is not None:
        results.update(dataset_name=scheme,
                       flip_indices=[int(index) for index in find_scheme(scheme).flip_indices()])
    if points is not None:
        results.update(keypoints=points[None],
                       keypoints_visible=np.ones((1, len(points)), np.float32))
    return Face(name, results, scheme if points is not None else None)
