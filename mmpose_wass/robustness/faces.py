"""The faces of a test: some of them, with other boxes, and found again by their names."""
from __future__ import annotations

import os.path as osp
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.dataset import Compose
from mmpose.registry import DATASETS
from torch.utils.data import Dataset

from ..datasets.perturbations import relative_identity
from .boxes import match_faces, read_boxes
from .evaluation_settings import EvaluationSettings
from .plan import Protocol


class EvaluationFaces(Dataset):
    """A built data set.

    Args:
        settings (EvaluationSettings): How the model is tested.
        protocol (Protocol): The protocol.
        limit (int, optional): Use so many faces, evenly spread over the set.

    Attributes:
        dataset: MMPose's data set.
        missed (set): Annotation ids of faces that a detector missed.
        detections (dict | None): Counts, see ``match_faces``.
    """
    def __init__(self, settings: EvaluationSettings, protocol: Protocol,
                 limit: Optional[int] = None) -> None:
        self.dataset = DATASETS.build(settings.dataloader['dataset'])
        self.dataset.full_init()
        if not len(self.dataset):
            raise ValueError(f'{protocol.test_set.annotations} lists no face')
        if limit is not None and limit < len(self.dataset):
            spread = np.linspace(0, len(self.dataset) - 1, limit).round().astype(int)
            self.dataset.get_subset_(spread.tolist())
        self.missed: set = set()
        self.detections: Optional[Dict[str, int]] = None
        if protocol.boxes is not None:
            self._use_boxes(protocol)

    def _use_boxes(self, protocol: Protocol) -> None:
        samples = [self.dataset.get_data_info(place) for place in range(len(self))]
        for sample in samples:
            sample['file_name'] = self._name(sample['img_path'])
        chosen, self.detections = match_faces(samples, read_boxes(protocol.boxes.file),
                                              protocol.boxes.overlap)
        boxes = {sample['id']: box for sample, box in zip(samples, chosen) if box is not None}
        self.missed = {sample['id'] for sample, box in zip(samples, chosen) if box is None}
        steps = self.dataset.pipeline.transforms
        self.dataset.pipeline = Compose([_ReplaceBox(boxes), *steps])

    def _name(self, path: str) -> str:
        """Name of an image in the annotation file."""
        return relative_identity(path, self.dataset.data_prefix.get('img', '')) or path

    def find(self, image_paths: Sequence[str], annotation_ids: Sequence[str]) -> List[int]:
        """Places of faces of a result file, which may have been written elsewhere.

        Raises:
            ValueError: If one is not there.
        """
        places: Dict[Tuple[str, str], int] = {}
        for place in range(len(self)):
            sample = self.dataset.get_data_info(place)
            places[osp.basename(sample['img_path']), _id_text(sample['id'])] = place
        wanted = [(osp.basename(str(path)), str(one))
                  for path, one in zip(image_paths, annotation_ids)]
        lost = [one for one in wanted if one not in places]
        if lost:
            raise ValueError(f'{len(lost)} faces of the result are not in '
                             f'{self.dataset.ann_file}, the first is {lost[0]}')
        return [places[one] for one in wanted]

    @property
    def metainfo(self) -> Dict[str, Any]:
        """Of the data set."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, place: int) -> Dict[str, Any]:
        return self.dataset[place]

    def __deepcopy__(self, memo: dict) -> EvaluationFaces:
        return self  # MMEngine copies the config of a data loader, and would copy all annotations


class _ReplaceBox:
    """Transform: crop by a detected box. The annotated one stays in ``bbox``."""

    def __init__(self, boxes: Dict[Any, np.ndarray]) -> None:
        self.boxes = boxes

    def __call__(self, results: Dict[str, Any]) -> Dict[str, Any]:
        box = self.boxes.get(results['id'])
        if box is not None:
            results['bbox_center'] = np.array([(box[:2] + box[2:]) / 2], dtype=np.float32)
            results['bbox_scale'] = np.array([box[2:] - box[:2]], dtype=np.float32)
        return results


def _id_text(value: Any) -> str:
    """An annotation's id as result files have it."""
    return f'{int(value):012d}' if isinstance(value, (int, np.integer)) else str(value)
