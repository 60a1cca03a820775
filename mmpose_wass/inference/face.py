"""What is known of one face after inference."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from .uncertainty import DEVIATIONS, covariance_ellipse


@dataclass
class LandmarkedFace:
    """One face of an image; lengths in image pixels, pixel centres at whole numbers.

    Attributes:
        box (np.ndarray): [4], left, top, right, bottom: where the landmarks were looked for, before
            the model's own padding.
        box_score (float): What the detector gave it; 1 for given boxes.
        landmarks (np.ndarray): [K, 2], x and y.
        confidence (np.ndarray): [K]. With ``BarycenterCodec`` the share of the landmark's heatmap
            within three target sigmas, in [0, 1]; with other codecs their own score.
        covariance (np.ndarray | None): [K, 2, 2] of the landmark's place, pixels squared: that of
            its heatmap without the blur of the targets that the model learnt. ``None`` where the
            model has no heatmaps.
        heatmap_covariance (np.ndarray | None): [K, 2, 2] of the heatmap itself, pixels squared.
        track (int | None): Number of the person while a film is followed.
    """
    box: np.ndarray
    box_score: float
    landmarks: np.ndarray
    confidence: np.ndarray
    covariance: Optional[np.ndarray] = None
    heatmap_covariance: Optional[np.ndarray] = None
    track: Optional[int] = None

    @property
    def landmark_box(self) -> np.ndarray:
        """[4], left, top, right, bottom of the landmarks."""
        return np.concatenate([self.landmarks.min(axis=0), self.landmarks.max(axis=0)])

    @property
    def mean_confidence(self) -> float:
        """Mean over the landmarks."""
        return float(np.mean(self.confidence))

    @property
    def is_finite(self) -> bool:
        """Whether all landmarks are finite numbers."""
        return bool(np.isfinite(self.landmarks).all())

    def ellipses(self, deviations: float = DEVIATIONS) -> Optional[Tuple[np.ndarray, np.ndarray]]:
        """Ellipses of the landmarks, see :func:`~.uncertainty.covariance_ellipse`.

        Returns:
            tuple | None: Semi-axes [K, 2] in pixels and angles [K] in degrees.
        """
        if self.covariance is None:
            return None
        return covariance_ellipse(self.covariance, deviations)
