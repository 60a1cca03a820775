"""A scheme as MMPose's metainfo, so that data sets of one's own scheme can be loaded."""
from __future__ import annotations

import colorsys

from .scheme import LandmarkScheme

_NO_REGION_COLOR = [128, 128, 128]


def metainfo_of(scheme: LandmarkScheme) -> dict:
    """The scheme as the dict that ``metainfo=`` of MMPose's data sets takes.

    Args:
        scheme (LandmarkScheme): The scheme.

    Returns:
        dict: ``dataset_name``, ``paper_info``, ``keypoint_info`` (coloured by region),
        ``skeleton_info``, ``joint_weights`` and ``sigmas``. Sigmas are empty: COCO's OKS is not
        defined for faces.

    Raises:
        ValueError: If the scheme does not know its flip pairs.

    Examples:
        >>> from mmpose_wass.landmarks import get_scheme
        >>> metainfo_of(get_scheme('paper17'))['keypoint_info'][0]['swap']
        'left_brow_outer_end'
    """
    flip = scheme.flip_indices()
    names = scheme.landmark_names
    colors = {
        region: [round(255 * part) for part in colorsys.hsv_to_rgb(
            place / len(scheme.regions), 0.8, 1)]
        for place, region in enumerate(scheme.regions)}
    return dict(
        dataset_name=scheme.name,
        paper_info=dict(author='', title=scheme.source, container='', year='', homepage=''),
        keypoint_info={
            index: dict(
                name=names[index],
                id=index,
                color=colors.get(region, _NO_REGION_COLOR),
                type='',
                swap='' if flip[index] == index else names[flip[index]])
            for index, region in enumerate(scheme.landmark_regions)},
        skeleton_info={},
        joint_weights=[1.0] * scheme.num_landmarks,
        sigmas=[])
