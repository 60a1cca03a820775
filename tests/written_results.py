"""Result files as an evaluation leaves them, written for tests: few faces, known errors."""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np


def write_result(prefix, errors, *, images=None, ids=None, names=None, dataset_name='own',
                 normalization='inter_ocular (0 to 1)', distances=None, targets=None,
                 landmarks=None, **arrays) -> str:
    """Write ``<prefix>.metrics.json`` and ``<prefix>.errors.npz``.

    Predictions are moved from the targets by the errors, in a direction that differs from landmark
    to landmark.

    Args:
        prefix: Path that the files' names start with.
        errors: [N, K], fractions; NaN is not scored, ``inf`` a prediction that is NaN.
        images: [N] paths; ``images/face_<n>.png`` by default.
        ids: [N] annotation ids; n by default.
        names: [K] landmark names.
        dataset_name: Name of the data set.
        normalization: What errors are divided by.
        distances: [N]; 100 px by default.
        targets: [N, K, 2]; the same random ones for the same N and K by default.
        landmarks: [K] indices in the scheme.
        **arrays: Further fields.

    Returns:
        str: The prefix.
    """
    errors = np.asarray(errors, dtype=float)
    num_faces, num_landmarks = errors.shape
    if targets is None:
        targets = face_points(num_faces, num_landmarks)
    if distances is None:
        distances = np.full(num_faces, 100.0)
    angle = np.arange(num_landmarks)
    length = np.where(np.isfinite(errors), errors, 0.0) * np.asarray(distances)[:, None]
    offset = np.repeat(length[..., None], 2, axis=-1)
    offset[np.isinf(errors)] = np.nan
    prefix = Path(prefix)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        f'{prefix}.errors.npz',
        errors=errors,
        distances=np.asarray(distances, dtype=float),
        image_paths=np.array(images if images is not None else
                             [f'images/face_{n}.png' for n in range(num_faces)], dtype=np.str_),
        annotation_ids=np.array([f'{n:012d}' for n in range(num_faces)] if ids is None else ids,
                                dtype=np.str_),
        landmarks=np.arange(num_landmarks) if landmarks is None else np.array(landmarks),
        landmark_names=np.array(names if names is not None else
                                [f'point_{k}' for k in range(num_landmarks)], dtype=np.str_),
        predictions=targets + offset * np.stack([np.cos(angle), np.sin(angle)], axis=-1),
        targets=targets,
        valid=~np.isnan(errors),
        **arrays)
    content = dict(metrics={}, dataset_name=dataset_name, normalization=normalization,
                   num_landmarks=num_landmarks, counts=dict(faces=num_faces))
    if 'occluded' in arrays:
        content['occlusion'] = {}
    Path(f'{prefix}.metrics.json').write_text(json.dumps(content))
    return str(prefix)


def face_points(num_faces: int, num_landmarks: int) -> np.ndarray:
    """Landmarks [N, K, 2] on one random shape, moved and scaled a little from face to face."""
    generator = np.random.default_rng(7)
    shape = generator.uniform(30, 130, (num_landmarks, 2))
    scale = generator.uniform(.9, 1.1, (num_faces, 1, 1))
    return shape * scale + generator.uniform(-5, 5, (num_faces, 1, 2))


def random_errors(num_faces: int, num_landmarks: int, seed: int, scale: float = 1.0) -> np.ndarray:
    """Skewed errors [N, K] of about ``scale`` × 6 %, faces differing in how hard they are."""
    generator = np.random.default_rng(seed)
    hardness = np.random.default_rng(num_faces).lognormal(0, .4, (num_faces, 1))
    return .05 * scale * hardness * generator.lognormal(0, .6, (num_faces, num_landmarks))


def write_images(folder, count: int, skip=()) -> list:
    """Write ``face_<n>.png``, grey of its own each, and return all their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f'face_{n}.png' for n in range(count)]
    for n, path in enumerate(paths):
        if n not in skip:
            cv2.imwrite(str(path), np.full((160, 160, 3), 40 + 5 * n, np.uint8))
    return [str(path) for path in paths]
