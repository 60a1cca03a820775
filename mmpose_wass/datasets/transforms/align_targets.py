"""Targets in the frame that MMPose maps predictions back to when the box is turned."""
from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AlignTargetsWithRotatedBox(BaseTransform):
    """Turn the landmarks back about the centre of a rotated box.

    MMPose's ``TopdownPoseEstimator`` maps predictions from the crop to the image by scale and
    shift alone. Where the crop was turned, that leads to a frame turned about the box's centre.
    This transform, put after ``TopdownAffine``, brings the landmarks that errors are measured from
    to the same frame. Distances, and with them errors and normalisation by landmarks, are those of
    the image; places are not: drawn over the image, predictions and targets appear turned.

    Required Keys:

        - input_center
        - keypoints
        - bbox_rotation (optional)

    Modified Keys:

        - keypoints
    """

    def transform(self, results: dict) -> dict:
        """Turn a sample's landmarks.

        Args:
            results (dict): The results, see above.

        Returns:
            dict: The results.
        """
        if 'input_center' not in results:
            raise KeyError('AlignTargetsWithRotatedBox belongs after TopdownAffine')
        rotation = float(np.asarray(results.get('bbox_rotation', [0.0])).reshape(-1)[0])
        if rotation and results.get('keypoints') is not None:
            radians = np.deg2rad(rotation)
            cosine, sine = np.cos(radians), np.sin(radians)
            center = np.asarray(results['input_center'], dtype=np.float64)
            points = results['keypoints']
            x, y = np.moveaxis(points[..., :2] - center, -1, 0)
            turned = points.copy()
            turned[..., 0] = center[0] + cosine * x + sine * y
            turned[..., 1] = center[1] - sine * x + cosine * y
            results['keypoints'] = turned
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
