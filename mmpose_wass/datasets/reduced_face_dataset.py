"""A data set whose annotation is reduced to another landmark scheme while it is read."""
from __future__ import annotations

from typing import Optional

import numpy as np
from mmpose.datasets.datasets.face import Face300WDataset
from mmpose.registry import DATASETS

from mmpose_wass.landmarks import get_common_landmarks, get_scheme, load_scheme_file

from .scheme_dataset import FaceSchemeDataset


@DATASETS.register_module()
class ReducedFaceDataset(FaceSchemeDataset):
    """Faces annotated in one landmark scheme, to be trained on in another (Section 7.1, Table 11).

    The data set *is* one of the other scheme: number of landmarks, names, left and right, and what
    the metrics divide by are that scheme's. (MMPose's ``KeypointConverter``, a transform, leaves
    the flip indices of the annotation behind.)

    Args:
        scheme (str): The scheme to train in, such as ``'300w'`` or ``'paper17'``.
        annotated (str): The scheme of the annotation file, such as ``'wflw'``.
        variant (str, optional): Which table joins the two, see ``get_common_landmarks``.
        scheme_file (str, optional): File that describes a scheme of one's own.
        **kwargs: Further arguments of MMPose's ``Face300WDataset``.

    Raises:
        KeyError: If a scheme is not known, or nothing joins the two.
        ValueError: If the annotation cannot give every landmark of the scheme.

    Examples:
        In a config::

            dataset = dict(type='ReducedFaceDataset', scheme='paper17', annotated='wflw',
                           data_root='data/wflw/', data_prefix=dict(img='images/'),
                           ann_file='annotations/face_landmarks_wflw_train.json')
    """

    def __init__(self, scheme: str, annotated: str, variant: Optional[str] = None,
                 scheme_file: Optional[str] = None, **kwargs) -> None:
        if scheme_file is not None:
            load_scheme_file(scheme_file)
        self.annotated = get_scheme(annotated)
        common = get_common_landmarks(scheme, annotated, variant)
        groups = dict(zip(common.model_points, range(len(common))))
        wanted = [(point, ) for point in range(get_scheme(scheme).num_landmarks)]
        missing = [get_scheme(scheme).landmark_names[point] for (point, ) in wanted
                   if (point, ) not in groups]
        if missing:
            raise ValueError(
                f'the annotation of {annotated!r} cannot give every landmark of {scheme!r}: '
                f'{len(missing)} are missing, the first is {missing[0]}')
        self._order = [groups[point] for point in wanted]
        self._common = common
        super().__init__(scheme, scheme_file, **kwargs)

    def parse_data_info(self, raw_data_info: dict) -> Optional[dict]:
        """Parse one annotation and reduce its landmarks.

        Raises:
            ValueError: If the number of landmarks is not that of the annotation's scheme.
        """
        annotation = raw_data_info['raw_ann_info']
        found, expected = len(annotation['keypoints']), self.annotated.num_landmarks
        if found != 3 * expected:
            raise ValueError(
                f'{self.ann_file}: annotation {annotation.get("id", "without id")} has {found} '
                f'numbers in keypoints, but the scheme {self.annotated.name!r} of {expected} '
                f'landmarks needs {3 * expected} (x, y and a flag of each)')
        info = Face300WDataset.parse_data_info(self, raw_data_info)
        if info is None:
            return None
        points, valid = self._common.data_landmarks(
            info['keypoints'], info['keypoints_visible'] > 0)
        info.update(
            keypoints=np.ascontiguousarray(points[:, self._order], dtype=np.float32),
            keypoints_visible=valid[:, self._order].astype(np.float32),
            num_keypoints=int(valid.sum()))
        return info
