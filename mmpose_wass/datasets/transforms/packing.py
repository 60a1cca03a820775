"""Pack a sample without losing what an evaluation of faces needs."""
from __future__ import annotations

from typing import Any

import numpy as np
from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import TRANSFORMS

from .face_visibility import check_flag_meaning, get_occluded, load_occlusion


@TRANSFORMS.register_module()
class PackFaceInputs(PackPoseInputs):
    """``PackPoseInputs`` that also packs ``box_size`` and ``occluded``; stands in its place.

    The stock transform drops both: AFLW's ``box_size``, the side of its face square, by which
    errors are divided there; and which landmarks are hidden, of which COFW's annotations speak.
    Here they go to ``gt_instances``, where ``FaceLandmarkMetric`` and MMPose's
    ``NME(norm_mode='use_norm_item', norm_item='box_size')`` find them:

    - ``box_size`` [n] float32, image pixels, where the data set has it;
    - ``occluded`` [n, K] bool, where the annotation tells hidden from visible landmarks, in the
      order of the packed landmarks (also after a flip). Landmarks that are not labelled are not
      occluded: ``keypoints_visible`` is 0 for them, and 1 for both others.

    Args:
        flags (str): What the annotation's visibility flags mean, see ``LoadFaceVisibility``;
            ``'auto'`` (default) knows COFW's. What a transform of the pipeline has hidden besides
            (``occluded``) counts too.
        **kwargs: Arguments of ``PackPoseInputs``.

    Examples:
        In a config::

            val_pipeline = [
                dict(type='LoadImage'),
                dict(type='GetBBoxCenterScale'),
                dict(type='TopdownAffine', input_size=(256, 256)),
                dict(type='PackFaceInputs')
            ]
    """

    def __init__(self, flags: str = 'auto', **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.flags = check_flag_meaning(flags)

    def transform(self, results: dict) -> dict:
        """Pack a sample.

        Args:
            results (dict): Result of the pipeline.

        Returns:
            dict: ``inputs`` and ``data_samples``, as ``PackPoseInputs`` returns them.

        Raises:
            ValueError: If ``box_size`` is not one number per face, or ``occluded`` does not fit the
                landmarks.
        """
        packed = super().transform(results)
        if 'keypoints' not in results:
            return packed
        truth = packed['data_samples'].gt_instances
        num_faces, num_landmarks = np.shape(results['keypoints'])[:2]
        if 'box_size' in results:
            sizes = np.asarray(results['box_size'], dtype=np.float32).reshape(-1)
            if len(sizes) != num_faces:
                raise ValueError(f'box_size must be one number per face, found {len(sizes)} for '
                                 f'{num_faces} faces')
            truth.set_field(sizes, 'box_size')
        load_occlusion(results, self.flags)
        occluded = get_occluded(results)
        if occluded is not None:
            if occluded.shape != (num_faces, num_landmarks):
                raise ValueError(
                    f'occluded must have shape [n, K] = [{num_faces}, {num_landmarks}], found '
                    f'{list(occluded.shape)}; landmarks were changed after it was set')
            truth.set_field(occluded, 'occluded')
        return packed

    def __repr__(self) -> str:
        """The transform as it was configured."""
        return f'{super().__repr__()[:-1]}, flags={self.flags!r})'
