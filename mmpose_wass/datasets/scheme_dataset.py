"""A data set of any landmark scheme, without a class of its own."""
from __future__ import annotations

from typing import Optional

from mmpose.datasets.datasets.face import Face300WDataset
from mmpose.registry import DATASETS

from mmpose_wass.landmarks import get_scheme, load_scheme_file, metainfo_of


@DATASETS.register_module()
class FaceSchemeDataset(Face300WDataset):
    """Faces annotated in any landmark scheme, in 300W's annotation layout.

    The file is COCO-style, as MMPose's converters write it: each annotation has ``keypoints``
    [K × 3], ``center`` and ``scale`` (× 200 = side of the landmark box in pixels).

    Args:
        scheme (str): The data set's landmark scheme.
        scheme_file (str, optional): File that describes the scheme, where it is one's own.
        **kwargs: Further arguments of MMPose's ``Face300WDataset``.

    Raises:
        KeyError: If there is no such scheme.

    Examples:
        In a config::

            dataset = dict(type='FaceSchemeDataset', scheme='imm73', scheme_file='imm73.py',
                           data_root='data/imm73/', ann_file='annotations/imm73_all.json',
                           data_prefix=dict(img='images/'))
    """

    def __init__(self, scheme: str, scheme_file: Optional[str] = None, **kwargs) -> None:
        if 'metainfo' in kwargs:
            raise ValueError('FaceSchemeDataset takes its metainfo from the scheme; leave metainfo '
                             "out, or use MMPose's Face300WDataset with it")
        if scheme_file is not None:
            load_scheme_file(scheme_file)
        super().__init__(metainfo=metainfo_of(get_scheme(scheme)), **kwargs)

    def parse_data_info(self, raw_data_info: dict) -> Optional[dict]:
        """Parse one annotation.

        Raises:
            KeyError: If a field is missing; names the annotation and the field.
            ValueError: If the number of landmarks is not the scheme's.
        """
        annotation = raw_data_info['raw_ann_info']
        where = f'{self.ann_file}: annotation {annotation.get("id", "without id")}'
        for field in ('keypoints', 'center', 'scale', 'num_keypoints', 'iscrowd'):
            if field not in annotation:
                raise KeyError(f'{where} has no field {field!r}')
        found, expected = len(annotation['keypoints']), self.metainfo['num_keypoints']
        if found != 3 * expected:
            raise ValueError(f'{where} has {found} numbers in keypoints, but the scheme '
                             f'{self.metainfo["dataset_name"]!r} of {expected} landmarks needs '
                             f'{3 * expected} (x, y and a flag of each)')
        return super().parse_data_info(raw_data_info)
