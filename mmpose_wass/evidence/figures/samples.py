"""Predictions of trained models side by side, on rendered faces: no image of a data set."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Tuple

import cv2
import numpy as np

from ...datasets.perturbations import (
    blur_image,
    draw_ellipses,
    level_severity,
    occlusion_sizes,
)
from ...datasets.perturbations.ellipse import fill_ellipse
from ...datasets.synthetic import render_face, sample_face_parameters, to_scheme
from ...inference.landmark_model import Crop, LandmarkModel
from ...visualization.face_tile import draw_face
from ...visualization.sheet_layout import arrange_tiles, with_caption
from .systems import FilePath

#: Rows of the sheet and how their faces are perturbed, at the level ``large``.
VARIANTS = ('clean', 'occluded', 'blurred')
_SIZE, _TILE = 256, 140
#: Of JPEG: without a difference to the eye, half the size of OpenCV's default.
_QUALITY = 75
#: Landmarks of 300W that errors are divided by the distance of: the outer eye corners.
_CORNERS = (36, 45)


@dataclass
class Sample:
    """A rendered face.

    Attributes:
        variant (str): Of :data:`VARIANTS`.
        image (np.ndarray): [S, S, 3] uint8, BGR.
        landmarks (np.ndarray): [68, 2], pixels.
    """
    variant: str
    image: np.ndarray
    landmarks: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """[4], left, top, right, bottom of the landmarks."""
        return np.concatenate([self.landmarks.min(axis=0), self.landmarks.max(axis=0)])


def render_samples(count: int = 4, seed: int = 7) -> List[Sample]:
    """Render faces, each clean, occluded and blurred.

    Args:
        count: Number of faces.
        seed: Of faces and perturbations.

    Returns:
        list[Sample]: All faces of the first variant, then of the second, ...
    """
    generator = np.random.default_rng(seed)
    faces = [render_face(sample_face_parameters(generator, yaw_range=(0, 40), profile_share=0),
                         _SIZE, degraded=False) for _ in range(count)]
    uniforms = generator.random((count, 6))
    samples = []
    for variant in VARIANTS:
        for face, drawn in zip(faces, uniforms):
            one = Sample(variant, face.image.copy(), to_scheme(face.landmarks, '300w'))
            _perturb(one, drawn)
            samples.append(one)
    return samples


def _perturb(sample: Sample, uniforms: np.ndarray) -> None:
    side = float((sample.box[2:] - sample.box[:2]).max())
    if sample.variant == 'occluded':
        sizes = occlusion_sizes(level_severity('occlusion', 'large'))
        fill_ellipse(sample.image, draw_ellipses(sample.box[None], sizes, uniforms[None, :5])[0])
    elif sample.variant == 'blurred':
        sample.image = blur_image(sample.image, side * level_severity('motion_blur', 'large'),
                                  np.pi * uniforms[5])


def draw_sample_sheet(models: Mapping[str, Tuple[str, str]], path: FilePath, count: int = 4,
                      seed: int = 7, device: str = 'cpu') -> str:
    """Draw what models predict on rendered faces: clean, occluded and blurred, level large.

    Args:
        models: Config and checkpoint by the name to show; of 68 landmarks.
        path: File to write; as ``.jpg`` it is several times smaller than as ``.png``.
        count: Number of faces.
        seed: Of faces and perturbations.
        device: Where models run.

    Returns:
        str: ``path``.

    Raises:
        ValueError: If there is no model, or one has other landmarks.
        FileNotFoundError: If a file is missing.
        OSError: If the sheet cannot be written.
    """
    if not models:
        raise ValueError('draw_sample_sheet needs at least one model, found none')
    samples = render_samples(count, seed)
    found: Dict[str, List[np.ndarray]] = {}
    for name, (config, checkpoint) in models.items():
        model = LandmarkModel(config, checkpoint, device, uncertainty=False)
        found[name] = [face.landmarks for face in model.predict(
            [Crop(sample.image, sample.box, 1.0) for sample in samples])]
        if found[name][0].shape != samples[0].landmarks.shape:
            raise ValueError(f'{config}: predicts {len(found[name][0])} landmarks, the sheet needs '
                             f'the {len(samples[0].landmarks)} of 300W')
    tiles = []
    # A row is a variant: each face stands beside itself, once for each model.
    for start in range(0, len(samples), count):
        for place in range(start, start + count):
            for name, predictions in found.items():
                tiles.append(_tile(samples[place], predictions[place], name))
    hint = 'mean error / distance of the outer eye corners'
    sheet = arrange_tiles(tiles, count * len(models), '', hint)
    if not cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
        raise OSError(f'{path}: the image could not be written')
    return str(path)


def _tile(sample: Sample, prediction: np.ndarray, name: str) -> np.ndarray:
    right, left = sample.landmarks[list(_CORNERS)]
    distance = np.hypot(*(prediction - sample.landmarks).T)
    error = 100 * distance.mean() / np.hypot(*(right - left))
    picture = draw_face(sample.image, prediction, sample.landmarks,
                        np.ones(len(prediction), bool), _TILE, 1.3)
    return with_caption(picture, f'{error:.1f} %', name)
