"""One face as one model saw it: the crop, the maps, the landmarks."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Tuple

import cv2
import numpy as np
import torch

from mmpose_wass.codecs import BarycenterCodec
from mmpose_wass.codecs.barycenter import mass_within
from mmpose_wass.codecs.coordinates import CoordinateMap, coordinate_map

from .overlay import GAMMA, overlay_heat, place_heat, relative_heat
from .truth import as_array, to_input, truth_of

#: Conventions of MMPose's own codecs; all others place their maps like MSRAHeatmap.
_CONVENTIONS = dict(UDPHeatmap='udp')
#: Standard deviations around the landmark that a map may cover; what lies beyond is stray.
STRAY_DEVIATIONS = 3.0


@dataclass
class FaceView:
    """A face as one model saw it. Lengths are in pixels of the network's input.

    Attributes:
        name (str): What to call the face.
        picture (np.ndarray): ``[H, W, 3]`` (BGR, uint8), the crop, at any resolution.
        zoom (np.ndarray): Picture pixels per input pixel, along x and y.
        points (np.ndarray): ``[K, 2]`` predicted landmarks.
        target (np.ndarray): ``[K, 2]`` annotated landmarks in the model's layout; NaN where there
            is none.
        unit (float): What errors are divided by; NaN without annotation.
        unit_name (str): What that is.
        maps (np.ndarray, optional): ``[K, h, w]`` distributions of sum 1; None for a model without.
        places (CoordinateMap, optional): Where the maps' pixels lie.
        radius (float): Heatmap pixels around a landmark that its map may cover.
        hidden (np.ndarray, optional): ``[K]`` bool, landmarks that are occluded.
        scheme (str, optional): Landmark scheme of the model.
    """
    name: str
    picture: np.ndarray
    zoom: np.ndarray
    points: np.ndarray
    target: np.ndarray
    unit: float
    unit_name: str
    maps: Optional[np.ndarray] = None
    places: Optional[CoordinateMap] = None
    radius: float = STRAY_DEVIATIONS
    hidden: Optional[np.ndarray] = None
    scheme: Optional[str] = None

    @property
    def errors(self) -> np.ndarray:
        """``[K]`` distances of prediction and annotation as fractions of ``unit``; NaN: unknown.
        A prediction that is not finite is infinitely wrong."""
        distance = np.hypot(*(self.points - self.target).T) / self.unit
        lost = ~np.isfinite(self.points).all(axis=1) & np.isfinite(self.target).all(axis=1)
        return np.where(lost, np.inf, distance)

    @property
    def mean_error(self) -> float:
        """Mean of the known errors, NaN without any."""
        errors = self.errors
        known = errors[~np.isnan(errors)]
        return float(known.mean()) if len(known) else float('nan')

    def stray_mass(self, landmark: int) -> float:
        """Share of a landmark's map that lies farther than ``radius`` from where it belongs.

        That is the annotation, or the prediction where there is none. Such mass is what the paper
        calls spurious activations (Section 6.1, Figure 6): it pulls the barycentre away.

        Args:
            landmark: Index.

        Returns:
            float: In [0, 1].
        """
        center = self.target[landmark]
        if not np.isfinite(center).all():
            center = self.points[landmark]
        if not np.isfinite(center).all():
            return float('nan')
        center = torch.from_numpy(self.places.to_heatmap(np.asarray(center, dtype=np.float64)))
        probability = torch.from_numpy(np.asarray(self.maps[landmark], dtype=np.float64))
        return 1 - float(mass_within(probability, center, self.radius))

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Input pixels ``[..., 2]`` as pixels of the picture."""
        return points * self.zoom

    def heat(self, landmark: Optional[int] = None, gamma: float = GAMMA) -> np.ndarray:
        """A landmark's map in the picture's pixels, relative to its highest value.

        Args:
            landmark: Index; None for all maps in one, where they overlap the highest counts.
            gamma: Exponent of the scale.

        Returns:
            np.ndarray: ``[H, W]`` in [0, 1].
        """
        heat = relative_heat(self.maps, gamma).max(axis=0) if landmark is None else relative_heat(
            self.maps[landmark], gamma)
        return place_heat(heat, self.places, self.zoom, self.picture.shape[1::-1])

    def overlay(self, landmark: Optional[int] = None, gamma: float = GAMMA) -> np.ndarray:
        """The picture ``[H, W, 3]`` (BGR) with a landmark's map over it, or with all."""
        return overlay_heat(self.picture, self.heat(landmark, gamma))


def probabilities_of(decoder: Any, maps: np.ndarray, normalised: bool = False) -> np.ndarray:
    """What a model's decoder sees in its maps, as distributions.

    Args:
        decoder: The head's codec. ``BarycenterCodec`` knows what its maps mean; maps of MMPose's
            own codecs are values: negative ones are cut, the rest divided by the sum.
        maps: ``[K, h, w]`` as ``pred_fields`` has them.
        normalised: Whether they are distributions already, as the plugin's heads return them.

    Returns:
        np.ndarray: ``[K, h, w]`` of sum 1, float32.
    """
    if normalised:
        return np.asarray(maps, dtype=np.float32)
    if not hasattr(decoder, 'probabilities'):
        height, width = maps.shape[-2:]
        decoder = BarycenterCodec((width, height), (width, height), normalization='sum')
    return decoder.probabilities(torch.from_numpy(np.asarray(maps, dtype=np.float32))).numpy()


def places_of(decoder: Any, input_size: Tuple[int, int], shape: Tuple[int, int]) -> CoordinateMap:
    """Where the pixels of a decoder's maps ``[h, w] = shape`` lie in the network's input."""
    if hasattr(decoder, 'coordinate_map'):
        return decoder.coordinate_map
    convention = _CONVENTIONS.get(type(decoder).__name__, 'mmpose')
    return coordinate_map(convention, input_size, shape[::-1])


def view_of_sample(sample: Any, head: Any, name: str = '', picture: Optional[np.ndarray] = None,
                   crop: Optional[np.ndarray] = None) -> FaceView:
    """Gather what a model made of a face.

    Args:
        sample: Data sample with predictions (``PoseDataSample``), in image pixels.
        head: The model's head.
        name: What to call the face.
        picture: ``[H, W, 3]`` (BGR), the network's input at any resolution, as
            ``get_warp_matrix`` would crop it.
        crop: ``[H, W, 3]`` (BGR) the input itself, in place of ``picture``.

    Returns:
        FaceView: The face.
    """
    meta = sample.metainfo
    size = np.asarray(meta['input_size'], dtype=np.float64)
    picture = crop if picture is None else picture
    points = to_input(as_array(sample.pred_instances.keypoints)[0, :, :2], meta)
    decoder = getattr(head, 'decoder', None)
    maps = places = None
    fields = sample.get('pred_fields', None)
    if fields is not None and 'heatmaps' in fields:
        maps = as_array(fields.heatmaps)
        if len(maps) == 3 * len(points):  # UDP's combined targets: map, and two of offsets
            maps = maps[::3]
        maps = probabilities_of(decoder, maps, _returns_distributions(head))
        places = places_of(decoder, tuple(map(int, size)), maps.shape[-2:])
    target, hidden, unit, unit_name = truth_of(sample, len(points))
    return FaceView(
        name=name, picture=picture, zoom=np.array(picture.shape[1::-1]) / size,
        points=points, target=target, unit=unit, unit_name=unit_name, maps=maps, places=places,
        radius=STRAY_DEVIATIONS * _sigma(decoder), hidden=hidden,
        scheme=meta.get('model_scheme', None) or meta.get('dataset_name', None))


def enlarge(crop: np.ndarray, side: int) -> Tuple[np.ndarray, np.ndarray]:
    """Draw a crop larger, such that a point x lies at ``x * zoom``, as in MMPose's own crops.

    Args:
        crop: ``[H, W, 3]``.
        side: Wanted length of the longer side; a crop that has it already stays.

    Returns:
        tuple: The picture, and its zoom along x and y.
    """
    height, width = crop.shape[:2]
    factor = side / max(height, width)
    if factor <= 1:
        return crop, np.ones(2)
    size = int(round(width * factor)), int(round(height * factor))
    zoom = np.array(size) / (width, height)
    matrix = np.array([[zoom[0], 0, 0], [0, zoom[1], 0]])
    return cv2.warpAffine(crop, matrix, size, flags=cv2.INTER_CUBIC,
                          borderMode=cv2.BORDER_REPLICATE), zoom


def _sigma(decoder: Any) -> float:
    """Width of the decoder's targets in heatmap pixels; MMPose's usual one where it has none."""
    sigma = getattr(decoder, 'sigma', None)
    return 2.0 if sigma is None else float(np.mean(sigma))


def _returns_distributions(head: Any) -> bool:
    from mmpose_wass.models.heads.probability_mixin import ProbabilityHeadMixin
    return isinstance(head, ProbabilityHeadMixin) and hasattr(head.decoder, 'probabilities')
