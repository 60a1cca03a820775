"""From MMPose's data samples to arrays of faces, in an order that nothing but the data decides."""
from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, List, Optional, Tuple

import numpy as np


def _array(value: Any) -> np.ndarray:
    """``value`` as an array; some models hand over tensors, which may lie on a GPU."""
    return np.asarray(value.detach().cpu() if hasattr(value, 'detach') else value)


def _number(value: Any) -> str:
    """An id as text that sorts by number where it is one."""
    return f'{int(value):012d}' if isinstance(value, (int, np.integer)) else str(value)


def read_sample(sample: dict, needs_boxes: bool, packed_item: Optional[str]) -> dict:
    """Take from one data sample what the evaluation needs.

    Args:
        sample (dict): A data sample as MMPose's evaluator hands it to a metric, of n faces.
        needs_boxes (bool): Whether ``gt_instances.bboxes`` are needed.
        packed_item (str, optional): Name of a number per face that is needed, in ``gt_instances``
            or in the sample's meta information.

    Returns:
        dict: ``image`` (str), ``ids`` (list of n str, or ``None``), ``predictions`` and ``targets``
        [n, K, 2], ``valid`` [n, K], ``boxes`` [n, 4] or ``None``, ``items`` [n] or ``None``.

    Raises:
        ValueError: If predictions and targets do not match.
        KeyError: If a needed field is missing.
    """
    truth = sample['gt_instances']
    image = str(sample.get('img_path', sample.get('img_id', '')))
    where = f' (image {image})' if image else ''
    predictions = _array(sample['pred_instances']['keypoints'])[..., :2]
    targets = _array(truth['keypoints'])[..., :2]
    if predictions.shape != targets.shape or targets.ndim != 3:
        raise ValueError(
            'pred_instances.keypoints and gt_instances.keypoints must have one shape [n, K, 2], '
            f'found {list(predictions.shape)} and {list(targets.shape)}{where}. With different K '
            'the model and the data set have different landmark schemes; with different n the '
            'model detects faces by itself, and its detections have to be matched first')
    visible = _array(truth['keypoints_visible'])
    if visible.ndim == 3:
        # Newer transforms stack visibility and its weights on a last axis; visibility comes first.
        visible = visible[..., 0]
    num_faces = len(targets)

    boxes = items = None
    if needs_boxes:
        if 'bboxes' not in truth:
            raise KeyError(f'gt_instances has no bboxes{where}, which the normalisation needs; '
                           'pack them in the pipeline (PackPoseInputs does), or choose another '
                           'norm_mode')
        boxes = _array(truth['bboxes']).reshape(num_faces, 4)
    if packed_item is not None:
        source = truth if packed_item in truth else sample
        if packed_item not in source:
            raise KeyError(
                f'norm_item={packed_item!r} is neither in gt_instances nor in the meta information '
                f'of the sample{where}; add it with '
                f"PackPoseInputs(meta_keys=(..., '{packed_item}'))")
        items = _array(source[packed_item]).astype(np.float64).reshape(-1)
        if len(items) != num_faces:
            raise ValueError(f'norm_item={packed_item!r} must be one number per face, found '
                             f'{len(items)} for {num_faces} faces{where}')
    ids = None
    if 'id' in sample:
        ids = [_number(value) for value in np.ravel(_array(sample['id']))]
        if len(ids) != num_faces:
            ids = [f'{ids[0]}.{face}' for face in range(num_faces)]
    return dict(
        image=image,
        ids=ids,
        predictions=predictions,
        targets=targets,
        valid=visible.reshape(num_faces, -1) > 0,
        boxes=boxes,
        items=items)


@dataclass
class FaceSet:
    """The faces of a data set as arrays, sorted by image and id, each annotation once.

    Attributes:
        images (list[str]): [N], path of each face's image.
        ids (list[str]): [N], id of each face's annotation; empty where samples have none.
        predictions (np.ndarray): [N, K, 2], image pixels.
        targets (np.ndarray): [N, K, 2], image pixels.
        valid (np.ndarray): [N, K], labelled landmarks.
        boxes (np.ndarray | None): [N, 4], ground truth boxes.
        items (np.ndarray | None): [N], the packed normalisation distance.
        duplicates_dropped (int): Faces left out because their annotation came before.
    """
    images: List[str]
    ids: List[str]
    predictions: np.ndarray
    targets: np.ndarray
    valid: np.ndarray
    boxes: Optional[np.ndarray]
    items: Optional[np.ndarray]
    duplicates_dropped: int

    @property
    def num_landmarks(self) -> int:
        """K."""
        return self.targets.shape[1]

    def keep_landmarks(self, landmarks: np.ndarray) -> None:
        """Keep the landmarks of these indices only, in this order."""
        if np.array_equal(landmarks, np.arange(self.num_landmarks)):
            return  # nothing to copy
        self.predictions = self.predictions[:, landmarks]
        self.targets = self.targets[:, landmarks]
        self.valid = self.valid[:, landmarks]

    @classmethod
    def from_results(cls, results: List[dict]) -> FaceSet:
        """Join what :func:`read_sample` returned, of any number of processes in any order.

        Raises:
            ValueError: If samples have different numbers of landmarks.
        """
        counts = {result['targets'].shape[1]: result['image'] for result in results}
        if len(counts) > 1:
            listed = ', '.join(f'{count} ({image})' for count, image in sorted(counts.items()))
            raise ValueError('the samples of one evaluation must have one number of landmarks, '
                             f'found {listed}')

        places = [(result, row) for result in results for row in range(len(result['targets']))]
        keep = [places[face] for face in _canonical_order(places)]

        def join(key: str) -> Optional[np.ndarray]:
            if results[0][key] is None:
                return None
            return np.stack([result[key][row] for result, row in keep])

        return cls(
            images=[result['image'] for result, _ in keep],
            ids=[_annotation_id(result, row) for result, row in keep],
            predictions=join('predictions'),
            targets=join('targets'),
            valid=join('valid'),
            boxes=join('boxes'),
            items=join('items'),
            duplicates_dropped=len(places) - len(keep))


def _annotation_id(result: dict, row: int) -> str:
    return result['ids'][row] if result['ids'] else ''


def _canonical_order(places: List[Tuple[dict, int]]) -> List[int]:
    """Faces by image and id, without repetitions.

    Equal names are not enough to call two faces one: samples without ids, or two faces under a
    careless id, must both count. Only the same labels under the same image and id do. Bytes of the
    arrays settle the order among equal names, so that it never depends on arrival.
    """
    names = [(result['image'], _annotation_id(result, row)) for result, row in places]

    def name(face: int) -> tuple:
        return names[face]

    order = []
    for (_, face_id), group in groupby(sorted(range(len(places)), key=name), key=name):
        group = list(group)
        if len(group) > 1:
            group = _sort_namesakes(places, group, drop_repeated=bool(face_id))
        order += group
    return order


def _sort_namesakes(places: List[Tuple[dict, int]], group: List[int],
                    drop_repeated: bool) -> List[int]:

    def content(face: int, *keys: str) -> bytes:
        result, row = places[face]
        return b''.join(result[key][row].tobytes() for key in keys if result[key] is not None)

    def labels(face: int) -> bytes:
        return content(face, 'targets', 'valid')

    group = sorted(
        group, key=lambda face: (labels(face), content(face, 'predictions', 'boxes', 'items')))
    if not drop_repeated:
        return group
    return [next(same) for _, same in groupby(group, key=labels)]
