"""MMPose's 300VW data set, also for MMPose 1.2, which does not have it yet."""
from __future__ import annotations

from typing import Optional

from mmpose.datasets.datasets import face
from mmpose.datasets.datasets.face import Face300WDataset
from mmpose.registry import DATASETS

if hasattr(face, 'Face300VWDataset'):
    Face300VWDataset = face.Face300VWDataset
else:
    @DATASETS.register_module()
    class Face300VWDataset(Face300WDataset):  # type: ignore[no-redef]
        """300VW: the landmarks, the boxes and the fields of 300W, under its own name."""

        @classmethod
        def _load_metainfo(cls, metainfo: Optional[dict] = None) -> dict:
            loaded = super()._load_metainfo(metainfo)
            if loaded.get('dataset_name') == '300w':
                loaded['dataset_name'] = '300vw'
            return loaded
