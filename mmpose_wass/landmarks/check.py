"""Does a conversion fit? Residuals on mean shapes, on rendered faces and on one's own data."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Set, Tuple

import numpy as np

from .annotations import AnnotatedFaces
from .common import CommonLandmarks
from .geometry import fit_per_axis
from .scheme import get_scheme

#: A residual above this, in inter-ocular units, is worth a look at the picture. The points that
#: public code takes for the same reach 0.08 between WFLW and 300W.
NOTABLE_RESIDUAL = 0.08


@dataclass(frozen=True)
class ShapeCheck:
    """How the mean shapes of two schemes fit at their common landmarks.

    Attributes:
        common (CommonLandmarks): The conversion.
        model_shape (np.ndarray): [K_m, 2] the model scheme's mean shape, inter-ocular units.
        data_shape (np.ndarray): [K_d, 2] the data scheme's, fitted to it.
        model_landmarks (np.ndarray): [C, 2] common landmarks on the model's side.
        data_landmarks (np.ndarray): [C, 2] on the data's side, fitted.
        residuals (np.ndarray): [C] distances between the two, inter-ocular units.
    """
    common: CommonLandmarks
    model_shape: np.ndarray
    data_shape: np.ndarray
    model_landmarks: np.ndarray
    data_landmarks: np.ndarray
    residuals: np.ndarray

    @property
    def notable(self) -> List[str]:
        """Names of the landmarks whose residual is above :data:`NOTABLE_RESIDUAL`."""
        return [name for name, residual in zip(self.common.names, self.residuals)
                if residual > NOTABLE_RESIDUAL]


def check_on_shapes(common: CommonLandmarks,
                    model_shape: Optional[np.ndarray] = None,
                    data_shape: Optional[np.ndarray] = None) -> ShapeCheck:
    """Fit one scheme's mean shape to the other's at their common landmarks.

    Args:
        common (CommonLandmarks): The conversion.
        model_shape (np.ndarray, optional): [K_m, 2]; the scheme's own mean shape by default.
        data_shape (np.ndarray, optional): [K_d, 2].

    Returns:
        ShapeCheck: Residuals after a fit of scale and shift of each axis.

    Raises:
        ValueError: If a shape is missing or does not fit, or too few landmarks are common.

    Examples:
        >>> from mmpose_wass.landmarks import get_common_landmarks
        >>> bool(check_on_shapes(get_common_landmarks('wflw', '300w')).residuals.max() < .08)
        True
    """
    shapes = [get_scheme(name).mean_shape if shape is None else np.asarray(shape, dtype=float)
              for name, shape in ((common.model_scheme, model_shape),
                                  (common.data_scheme, data_shape))]
    model, data = common.model_landmarks(shapes[0])[0], common.data_landmarks(shapes[1])[0]
    scale, shift = fit_per_axis(data, model)
    fitted = data * scale + shift
    return ShapeCheck(common, shapes[0], shapes[1] * scale + shift, model, fitted,
                      np.linalg.norm(fitted - model, axis=-1))


def rendered_schemes() -> Set[str]:
    """Names of the schemes in which rendered faces are annotated."""
    from mmpose_wass.datasets.synthetic.schemes import PICKS
    return set(PICKS)


def check_on_rendered_faces(common: CommonLandmarks, count: int = 50, yaw: float = 60.0,
                            seed: int = 0) -> Optional[np.ndarray]:
    """Distances on rendered faces that are annotated in both schemes.

    Args:
        common (CommonLandmarks): The conversion.
        count (int): Faces.
        yaw (float): How far heads turn at most, degrees.
        seed (int): Seed.

    Returns:
        np.ndarray | None: [N, C] distances in units of the face's frontal inter-ocular distance;
        ``None`` if rendered faces are not annotated in one of the schemes.
    """
    from mmpose_wass.datasets.synthetic import (
        FaceParameters,
        project_landmarks,
        sample_face_parameters,
        to_scheme,
    )
    if not {common.model_scheme, common.data_scheme} <= rendered_schemes():
        return None
    size = 256
    found = []
    corners = list(get_scheme('300w').outer_eye_corners)
    # A turned head brings the eye corners together: all are measured against the frontal face's.
    frontal = to_scheme(project_landmarks(FaceParameters(), size), '300w')[corners]
    unit = np.linalg.norm(frontal[1] - frontal[0])
    random = np.random.default_rng(seed)
    for _ in range(count):
        points = project_landmarks(sample_face_parameters(random, (0.0, yaw), 0.0), size)
        model = common.model_landmarks(to_scheme(points, common.model_scheme))[0]
        data = common.data_landmarks(to_scheme(points, common.data_scheme))[0]
        found.append(np.linalg.norm(model - data, axis=-1) / unit)
    return np.array(found)


def check_on_annotations(common: CommonLandmarks, model_faces: AnnotatedFaces,
                         data_faces: AnnotatedFaces) -> Tuple[np.ndarray, int]:
    """Distances on images that are annotated in both schemes.

    Args:
        common (CommonLandmarks): The conversion.
        model_faces (AnnotatedFaces): Annotations in the model's scheme.
        data_faces (AnnotatedFaces): Annotations of (partly) the same images in the data's scheme.

    Returns:
        tuple[np.ndarray, int]: [N, C] distances in units of the inter-ocular distance on the data's
        side, NaN where a landmark is not labelled; and how many faces have no partner.
    """
    place: Dict[str, int] = {}
    for index, image in enumerate(data_faces.images):
        place.setdefault(image, index)
    pairs = [(index, place[image]) for index, image in enumerate(model_faces.images)
             if image and image in place]
    unpaired = len(model_faces.images) + len(data_faces.images) - 2 * len(pairs)
    corners = list(get_scheme(common.data_scheme).outer_eye_corners)
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    model, model_valid = common.model_landmarks(model_faces.points[first],
                                                model_faces.valid[first])
    data, data_valid = common.data_landmarks(data_faces.points[second], data_faces.valid[second])
    eyes = data_faces.points[second][:, corners]
    unit = np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=-1)
    usable = data_faces.valid[second][:, corners].all(axis=-1) & (unit > 0)
    distances = np.linalg.norm(model - data, axis=-1) / np.where(usable, unit, np.nan)[:, None]
    return np.where(model_valid & data_valid, distances, np.nan), unpaired
