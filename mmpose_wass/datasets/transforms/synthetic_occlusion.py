"""Synthetic occlusion as a transform."""
from __future__ import annotations

from typing import Optional, Sequence, Union

import numpy as np
from mmpose.registry import TRANSFORMS

from ..perturbations.ellipse import (
    UNIFORMS_PER_ELLIPSE,
    draw_ellipses,
    fill_ellipse,
    hidden_points,
)
from ..perturbations.protocol import Severity, choose_severity, occlusion_sizes
from .perturbation import Perturbation, in_range


@TRANSFORMS.register_module()
class SyntheticOcclusion(Perturbation):
    """Put a filled black ellipse of random size, place and angle on each face (Section 4).

    Works in any MMPose pipeline, on the whole image: after ``LoadImage`` and before
    ``TopdownAffine``. In a pipeline that flips at random it belongs after the flip, which would not
    carry the marks of hidden landmarks along.

    Required Keys:

        - img
        - bbox
        - keypoints (optional)

    Modified Keys:

        - img

    Added Keys:

        - occluded: ``[n, K]`` bool, landmarks that an ellipse hides (besides those that the field
          marked before). The landmarks themselves stay as they are.
        - perturbations: a list of what was done

    Args:
        level (str, optional): ``'medium'`` or ``'large'``, as the protocol defines them.
        severity (float | tuple[float, float], optional): Mean full axis as a fraction of the box's
            longer side, or a range to draw it from. 0 leaves the image untouched.
        size_range (tuple[float, float], optional): Smallest and largest full axis, as fractions of
            the box's longer side. Give one of level, severity and size_range.
        seed (int): See :class:`Perturbation`.
        random (bool): Fresh random numbers each time, for training.
        prob (float): Share of images to perturb.
        color (float | Sequence[float]): What to fill with. The protocol's is black.
        data_root (str, optional): See :class:`Perturbation`.
        protocol (int): Version of the protocol that defines levels and severities.

    Raises:
        ValueError: For arguments that are wrong or do not go together.

    Examples:
        In a test pipeline::

            dict(type='SyntheticOcclusion', level='large')
    """

    purpose = 'occlusion'

    def __init__(self,
                 level: Optional[str] = None,
                 severity: Optional[Severity] = None,
                 size_range: Optional[Sequence[float]] = None,
                 seed: int = 0,
                 random: bool = False,
                 prob: float = 1.0,
                 color: Union[float, Sequence[float]] = 0,
                 data_root: Optional[str] = None,
                 protocol: int = 1) -> None:
        super().__init__(seed, random, prob, data_root)
        self.amount, self.bounds = choose_severity(
            'occlusion', level, protocol, severity=severity, size_range=size_range)
        self.level = level
        self.color = color
        self.protocol = protocol

    def transform(self, results: dict) -> dict:
        """Perturb a sample.

        Args:
            results (dict): The results, see above.

        Returns:
            dict: The results.
        """
        image, boxes = self.image(results), self.face_boxes(results)
        apply, share, uniforms = self.draw(results, len(boxes), UNIFORMS_PER_ELLIPSE)
        if self.amount == 'severity':
            sizes = occlusion_sizes(in_range(self.bounds, share), self.protocol)
        else:
            sizes = self.bounds
        ellipses = draw_ellipses(boxes, sizes, uniforms) if apply and sizes[1] > 0 else []
        if ellipses:
            image = image.copy()
            for ellipse in ellipses:
                fill_ellipse(image, ellipse, self.color)
            results['img'] = image
        if results.get('keypoints') is not None:
            results['occluded'] = self._occluded(results, ellipses)
        self.record(results, ellipses=[list(ellipse) for ellipse in ellipses])
        return results

    @staticmethod
    def _occluded(results: dict, ellipses: list) -> np.ndarray:
        points = np.asarray(results['keypoints'])[..., :2]
        hidden = np.zeros(points.shape[:-1], dtype=bool)
        for ellipse in ellipses:
            hidden |= hidden_points(points, ellipse)
        before = results.get('occluded')
        if before is None:
            return hidden
        before = np.asarray(before, dtype=bool)
        if before.shape != hidden.shape:
            raise ValueError(f'the field "occluded" must be {list(hidden.shape)} like the '
                             f'landmarks, found {list(before.shape)}; transforms that change the '
                             'landmark layout belong before SyntheticOcclusion')
        return hidden | before

    def __repr__(self) -> str:
        return (f'{type(self).__name__}({self.amount}={self.bounds}, level={self.level!r}, '
                f'seed={self.seed}, random={self.random}, prob={self.prob})')
