"""Does the exported model say what the model says? Measured, on faces."""
from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Dict, NamedTuple

import cv2
import numpy as np
import torch

from mmpose_wass.datasets.synthetic import render_face, sample_face_parameters

from .export_module import INPUT_TYPES, LandmarkExportModule
from .exported_model import Predict

RENDERED_FACES = 6
#: Largest distance of a landmark, in input pixels, up to which an export in float32 agrees.
FP32_TOLERANCE = 1e-3
#: In half precision a logit of 20 is known to 0.01; a barycentre averages that away.
FP16_TOLERANCE = 0.5
#: Share of landmarks that may lie further off where half precision takes an arg max: between two
#: modes that are as good as equal it may take the other.
FP16_ARGMAX_BEYOND = 0.01


class Parity(NamedTuple):
    """How far an exported model is from the model in PyTorch and float32.

    Attributes:
        images: Images compared.
        landmarks: Landmarks compared, all images together.
        max_px: Largest distance of a landmark, in input pixels; NaN if one is not finite.
        mean_px: Mean distance, in input pixels.
        max_confidence: Largest difference of a confidence.
        tolerance_px: Up to which a landmark agrees.
        beyond: Landmarks that are further off.
        allowed: How many of them may be.
    """

    images: int
    landmarks: int
    max_px: float
    mean_px: float
    max_confidence: float
    tolerance_px: float
    beyond: int
    allowed: int = 0

    @property
    def agrees(self) -> bool:
        """Whether all landmarks but the allowed number are within the tolerance."""
        return self.beyond <= self.allowed and math.isfinite(self.max_px)

    def sentence(self) -> str:
        """The result in words."""
        beyond = f', {self.beyond} landmarks beyond' if self.beyond else ''
        allowed = f', {self.allowed} allowed' if self.allowed else ''
        return (f'{"agrees" if self.agrees else "DISAGREES"} with PyTorch (float32) on '
                f'{self.images} images, {self.landmarks} landmarks: largest distance '
                f'{self.max_px:.2g} px, mean {self.mean_px:.2g} px (tolerance '
                f'{self.tolerance_px:g} px{beyond}{allowed}); confidences differ by '
                f'{self.max_confidence:.2g} at most')

    def as_dict(self) -> Dict[str, Any]:
        """For a report."""
        return dict(self._asdict(), agrees=self.agrees)


def default_tolerance(module: LandmarkExportModule) -> float:
    """Tolerance in input pixels: 0.001 in float32, 0.5 in half precision.

    Where half precision decides between two neighbours that are as good as equal, an arg max moves
    by half a heatmap pixel on each axis; the tolerance is a whole one then.
    """
    if module.options.precision == 'fp32':
        return FP32_TOLERANCE
    if module.codec.sampling == 'argmax':
        return float(module.codec.coordinate_map.decode_scale.max())
    return FP16_TOLERANCE


def allowed_beyond(module: LandmarkExportModule) -> float:
    """Share of landmarks that may be beyond the tolerance: none, or 1 % of arg max in fp16."""
    half_argmax = module.options.precision == 'fp16' and module.codec.sampling == 'argmax'
    return FP16_ARGMAX_BEYOND if half_argmax else 0.0


def check_images(module: LandmarkExportModule, count: int = RENDERED_FACES,
                 seed: int = 0) -> np.ndarray:
    """Rendered faces and one image of noise.

    Args:
        module: Gives size and type.
        count: Faces.
        seed: Seed of both. Rendered faces are kept for the next call.

    Returns:
        np.ndarray: ``[count + 1, 3, H, W]``.
    """
    _, height, width = module.input_shape
    images = [cv2.resize(_face(seed + index, max(height, width)), (width, height))
              for index in range(count)]
    images.append(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return stacked.to(INPUT_TYPES[module.options.input_type]).numpy()


@lru_cache(maxsize=64)
def _face(seed: int, size: int) -> np.ndarray:
    return render_face(sample_face_parameters(np.random.default_rng(seed)), size=size).image


def measure_parity(reference: LandmarkExportModule, predict: Predict, images: np.ndarray,
                   tolerance: float, batch_size: int = 0, allowed: float = 0.0) -> Parity:
    """Compare an exported model with the model.

    Args:
        reference: The model in float32.
        predict: The exported model.
        images: ``[N, 3, H, W]``.
        tolerance: In input pixels.
        batch_size: A fixed one; 0 for a dynamic one, which is tried at two sizes: the first image
            alone, then the others together.
        allowed: Share of landmarks that may be beyond the tolerance.

    Returns:
        The comparison.
    """
    sizes = [batch_size] * (len(images) // batch_size) if batch_size else [1, len(images) - 1]
    images = images[:sum(sizes)]
    with torch.no_grad():
        wanted = [part.numpy() for part in reference(torch.from_numpy(images))]
    parts = [predict(part) for part in np.split(images, np.cumsum(sizes)[:-1])]
    landmarks, confidences = (np.concatenate(part) for part in zip(*parts))
    for name, found, want in zip(('landmarks', 'confidences'), (landmarks, confidences), wanted):
        if found.shape != want.shape:
            raise ValueError(f'the exported model returns {name} of shape {found.shape}, '
                             f'{want.shape} is wanted')
    distance = np.linalg.norm(landmarks.astype(np.float64) - wanted[0], axis=-1)
    finite = np.isfinite(distance).all() and np.isfinite(confidences).all()
    return Parity(
        len(images), int(distance.size), float(distance.max()) if finite else float('nan'),
        float(distance.mean()), float(np.abs(confidences - wanted[1]).max()), tolerance,
        int((~(distance <= tolerance)).sum()), int(allowed * distance.size))
