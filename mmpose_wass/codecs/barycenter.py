"""Gaussian targets as distributions, and decoding by their barycentre."""
from __future__ import annotations

import warnings
from typing import List, Optional, Tuple

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from mmpose_wass.ot import barycenter, softmax_map

from .coordinates import coordinate_map
from .decoding import local_barycenter, mass_within, refined_maximum

SAMPLINGS = ('barycenter', 'local_barycenter', 'argmax')
NORMALIZATIONS = ('softmax', 'sum')
TARGETS = ('probability', 'peak')
# A softmax over a map whose peak is 1 stays within a factor e of uniform.
NEARLY_UNIFORM = 8.0


@KEYPOINT_CODECS.register_module()
class BarycenterCodec(BaseKeypointCodec):
    r"""Sub-pixel Gaussian targets; decoding by barycentre (``GET_BC``) or arg max (``GET_MAX``).

    Encoding draws :math:`\exp(-|x - c|^2 / 2 \sigma^2)` over the whole map at the sub-pixel
    centre c, with sum 1 (Sec. 5.2). Decoding (Sec. 5.3) turns a map into a distribution p and
    takes

    - ``barycenter``: :math:`\sum_x x \, p(x)`, Eq. 6;
    - ``local_barycenter``: the same over the mass within ``window_radius`` of the mode;
    - ``argmax``: :math:`\arg\max_x p(x)`, Eq. 5, and a quarter pixel towards the larger of the
      two neighbours on each axis.

    A landmark outside the map gets weight 0 and an empty target. ``keypoint_scores`` are
    the probability mass within ``score_radius`` of the decoded point, in [0, 1]: near 1 where
    the map holds one compact mode, small where it is spread out or has several.

    - input image size: W, H; heatmap size: w, h; landmarks: K; instances N = 1.

    Args:
        input_size: Width and height of the network's input.
        heatmap_size: Width and height of the heatmap.
        sigma: Standard deviation of the targets in heatmap pixels.
        sampling: ``'barycenter'``, ``'local_barycenter'`` or ``'argmax'``.
        normalization: ``'softmax'`` for logits, ``'sum'`` (negative values cut, divided by the
            sum) for maps trained on values, such as those of an L2 loss. A softmax over such a
            map is nearly uniform and sends every barycentre to the middle: this warns.
        coordinates: ``'half_pixel'``, ``'mmpose'`` or ``'udp'``, see
            :func:`~mmpose_wass.codecs.coordinates.coordinate_map`.
        target: ``'probability'`` for targets of sum 1, ``'peak'`` for targets of peak 1, which
            losses on values need (a sum-1 target of sigma 3 peaks at 0.018).
        temperature: Of the softmax; the loss must use the same.
        score_radius: In heatmap pixels, ``3 * sigma`` by default: a perfect map scores 0.989.
        window_radius: Of ``'local_barycenter'``, in heatmap pixels, ``3 * sigma`` by default.

    Raises:
        ValueError: On an unknown option or a size that is not positive.

    Example:
        >>> codec = BarycenterCodec((256, 256), (64, 64), sigma=1.5)
        >>> encoded = codec.encode(np.array([[[100., 60.]]]))
        >>> keypoints, scores = codec.decode(np.log(encoded['heatmaps'] + 1e-30))
        >>> keypoints.round(2).tolist()
        [[[100.0, 60.0]]]
    """

    label_mapping_table = dict(keypoint_weights='keypoint_weights')
    field_mapping_table = dict(heatmaps='heatmaps')

    def __init__(self,
                 input_size: Tuple[int, int],
                 heatmap_size: Tuple[int, int],
                 sigma: float = 1.5,
                 sampling: str = 'barycenter',
                 normalization: str = 'softmax',
                 coordinates: str = 'half_pixel',
                 target: str = 'probability',
                 temperature: float = 1.0,
                 score_radius: Optional[float] = None,
                 window_radius: Optional[float] = None) -> None:
        super().__init__()
        for name, value, known in (('sampling', sampling, SAMPLINGS),
                                   ('normalization', normalization, NORMALIZATIONS),
                                   ('target', target, TARGETS)):
            if value not in known:
                raise ValueError(f'{name} must be one of {known}, got {value!r}')
        score_radius = 3 * sigma if score_radius is None else score_radius
        window_radius = 3 * sigma if window_radius is None else window_radius
        for name, value in (('sigma', sigma), ('temperature', temperature),
                            ('score_radius', score_radius), ('window_radius', window_radius)):
            if not 0 < value < float('inf'):
                raise ValueError(f'{name} must be positive and finite, got {value}')
        self.input_size = tuple(input_size)
        self.heatmap_size = tuple(heatmap_size)
        self.sigma = sigma
        self.sampling = sampling
        self.normalization = normalization
        self.coordinates = coordinates
        self.target = target
        self.temperature = temperature
        self.score_radius = score_radius
        self.window_radius = window_radius
        self.coordinate_map = coordinate_map(coordinates, input_size, heatmap_size)
        self._warned = False

    def encode(self,
               keypoints: np.ndarray,
               keypoints_visible: Optional[np.ndarray] = None) -> dict:
        """Draw the targets.

        Args:
            keypoints: Landmarks ``[1, K, 2]`` in input pixels.
            keypoints_visible: Visibility ``[1, K]``, all 1 by default.

        Returns:
            dict: ``heatmaps`` ``[K, h, w]`` (float32) and ``keypoint_weights`` ``[1, K]``: the
            visibility, 0 where the landmark lies outside the map or is not finite.

        Raises:
            ValueError: If the landmarks are not ``[1, K, 2]``.
        """
        if keypoints.ndim != 3 or keypoints.shape[0] != 1 or keypoints.shape[2] != 2:
            raise ValueError('keypoints must have shape [1, K, 2] (one instance an image), got '
                             f'{keypoints.shape}')
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2])
        size = np.array(self.heatmap_size)
        centres = self.coordinate_map.to_heatmap(keypoints[0].astype(np.float64))
        # Comparisons with NaN are false: such landmarks are outside.
        inside = ((centres >= -.5) & (centres <= size - .5)).all(axis=1)
        weights = np.where(inside, keypoints_visible[0], 0).astype(np.float32)[None]
        drawn = weights[0] > 0
        axes = []
        for axis, length in enumerate(size):
            centre = np.where(drawn, centres[:, axis], 0)
            profile = np.exp(-.5 * ((np.arange(length) - centre[:, None]) / self.sigma)**2)
            if self.target == 'probability':
                profile /= profile.sum(axis=1, keepdims=True)
            axes.append(profile * drawn[:, None])
        heatmaps = (axes[1][:, :, None] * axes[0][:, None, :]).astype(np.float32)
        return dict(heatmaps=heatmaps, keypoint_weights=weights)

    def decode(self, encoded: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Decode the maps of one image.

        Args:
            encoded: Predicted maps ``[K, h, w]``.

        Returns:
            tuple: Landmarks ``[1, K, 2]`` in input pixels and scores ``[1, K]`` in [0, 1].
        """
        keypoints, scores = self.batch_decode(torch.from_numpy(np.ascontiguousarray(encoded))[None])
        return keypoints[0], scores[0]

    def batch_decode(self, batch_encoded: Tensor) -> Tuple[List[np.ndarray], List[np.ndarray]]:
        """Decode the maps of a batch on the device where they are.

        Args:
            batch_encoded: Predicted maps ``[B, K, h, w]``.

        Returns:
            tuple: Lists of B arrays: landmarks ``[1, K, 2]`` in input pixels, scores ``[1, K]``. A
            map that holds NaN or +inf gives the landmark NaN and the score 0.

        Raises:
            ValueError: If the maps' size is not the codec's.
        """
        width, height = self.heatmap_size
        if batch_encoded.dim() != 4 or tuple(batch_encoded.shape[2:]) != (height, width):
            raise ValueError(f'maps must have shape [B, K, {height}, {width}], as heatmap_size '
                             f'says, got {tuple(batch_encoded.shape)}')
        probability = self.probabilities(batch_encoded.detach())
        points = self.sample(probability)
        scores = mass_within(probability, points, self.score_radius)
        # A map with NaN or +inf says nothing, however it is read; -inf is a probability of 0.
        broken = ~(batch_encoded.detach().amax(dim=(-2, -1)) < float('inf'))
        points = points.masked_fill(broken[..., None], float('nan'))
        scores = scores.masked_fill(broken, 0)
        self._warn_of_flat_maps(probability)
        keypoints = self.coordinate_map.to_input(points.cpu().numpy().astype(np.float64))
        keypoints = keypoints.astype(np.float32)[:, None]
        return list(keypoints), list(scores.cpu().numpy()[:, None])

    def sample(self, probability: Tensor) -> Tensor:
        """Points ``[..., 2]`` in heatmap pixels of distributions ``[..., h, w]``."""
        if self.sampling == 'barycenter':
            return barycenter(probability)
        if self.sampling == 'local_barycenter':
            return local_barycenter(probability, self.window_radius)
        return refined_maximum(probability)

    def probabilities(self, maps: Tensor) -> Tensor:
        """Predicted maps ``[..., h, w]`` as distributions of sum 1, in at least float32."""
        maps = maps if maps.dtype == torch.float64 else maps.float()
        if self.normalization == 'softmax':
            return softmax_map(maps / self.temperature)
        maps = maps.clamp_min(0)
        total = maps.sum(dim=(-2, -1), keepdim=True)
        # A map without a positive value says nothing: uniform, whose score is small.
        uniform = 1 / (maps.shape[-2] * maps.shape[-1])
        smallest = torch.finfo(maps.dtype).tiny
        return torch.where(total > 0, maps / total.clamp_min(smallest), uniform)

    def maps_of(self, probability: Tensor) -> Tensor:
        """Maps ``[..., h, w]`` whose :meth:`probabilities` are the given distributions."""
        if self.normalization == 'softmax':
            return self.temperature * probability.clamp_min(1e-37).log()
        return probability

    def _warn_of_flat_maps(self, probability: Tensor) -> None:
        if self._warned or self.normalization != 'softmax' or self.sampling != 'barycenter':
            return
        peak = probability.amax(dim=(-2, -1)) * (probability.shape[-1] * probability.shape[-2])
        if peak.numel() and float(peak.median()) < NEARLY_UNIFORM:
            self._warned = True
            warnings.warn(
                'the softmax of these maps is nearly uniform, so every barycentre lies near the '
                "middle. Untrained weights do this; maps trained on values (an L2 loss) need "
                "normalization='sum' or sampling='argmax' in BarycenterCodec", stacklevel=3)
