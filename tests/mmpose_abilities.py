"""MMPose's own descriptions of data sets, which those of the package are compared with."""
from __future__ import annotations

import pytest
from mmpose.datasets.datasets import face
from mmpose.datasets.datasets.utils import parse_pose_metainfo


def mmposes_metainfo(name: str) -> dict:
    """What MMPose says of a data set; the test is skipped where it does not know it yet."""
    if name == '300vw' and not hasattr(face, 'Face300VWDataset'):
        pytest.skip('MMPose has no 300VW before 1.3')
    return parse_pose_metainfo(dict(from_file=f'configs/_base_/datasets/{name}.py'))
