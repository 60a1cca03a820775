"""From MMPose's data samples to arrays of faces, in an order that nothing but the data decides."""
from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np


def _array(value: Any) -> np.ndarray:
    """``value`` as an array; some models hand over tensors, which may lie on a GPU."""
    return np.asarray(value.detach().cpu() if hasattr(value, 'detach') else value)


def _points(value: Any) -> np.ndarray:
    """x and y of points; without a third column, which would stay alive with them."""
    points = _array(value)
    return points if points.shape[-1] == 2 else points[..., :2].copy()


def _number(value: Any) -> str:
    """An id as text that sorts by number where it is one."""
    return f'{int(value):012d}' if isinstance(value, (int, np.integer)) else str(value)


class Needs(NamedTuple):
    """What is to be taken from a sample beside landmarks.

    Attributes:
        boxes (bool): Ground truth boxes, which must be there.
        items (tuple[str, ...]): Numbers per face, which must be there.
        extras (bool): Scores and boxes, where there are any: for result files.
        two_schemes (bool): Predictions may have another number of landmarks than targets.
    """
    boxes: bool = False
    items: Tuple[str, ...] = ()
    extras: bool = False
    two_schemes: bool = False


class FaceRecord:
    """What is kept of one data sample, of n faces; small, as there may be hundreds of thousands.

    Attributes:
        image (str): Path of the image (its id, where samples have no path).
        image_id (str): Id of the image.
        ids (tuple[str, ...] | None): [n], ids of the annotations.
        predictions (np.ndarray): [n, K_model, 2], image pixels.
        targets (np.ndarray): [n, K, 2], image pixels.
        valid (np.ndarray): [n, K] bool, labelled.
        occluded (np.ndarray | None): [n, K] bool, labelled as hidden; ``None``: not known.
        scores (np.ndarray | None): [n, K_model].
        boxes (np.ndarray | None): [n, 4].
        items (np.ndarray | None): [n, I], packed numbers.
    """
    # A class of its own, not a dictionary: MMEngine copies every dictionary that it gathers.
    __slots__ = ('image', 'image_id', 'ids', 'predictions', 'targets', 'valid', 'occluded',
                 'scores', 'boxes', 'items')

    def __init__(self, **fields: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, fields[name])

    def id(self, row: int) -> str:
        """Id of the annotation of one of the n faces; empty where samples have none."""
        return self.ids[row] if self.ids else ''


def read_sample(sample: dict, needs: Needs) -> FaceRecord:
    """Take from one data sample what the evaluation needs.

    Args:
        sample (dict): A data sample as MMPose's evaluator hands it to a metric, of n faces.
        needs (Needs): What to take beside landmarks.

    Returns:
        FaceRecord: What is kept. As in MMPose's metrics, arrays are not copied: whoever hands over
        samples must not overwrite them later.

    Raises:
        ValueError: If predictions and targets do not match.
        KeyError: If a needed field is missing.
    """
    truth = sample['gt_instances']
    image = str(sample.get('img_path', sample.get('img_id', '')))
    where = f' (image {image})' if image else ''
    predictions = _points(sample['pred_instances']['keypoints'])
    targets = _points(truth['keypoints'])
    compared = slice(0, 1) if needs.two_schemes else slice(None)
    if (predictions.ndim != 3 or targets.ndim != 3
            or predictions.shape[compared] != targets.shape[compared]):
        raise ValueError(
            'pred_instances.keypoints and gt_instances.keypoints must have one shape [n, K, 2], '
            f'found {list(predictions.shape)} and {list(targets.shape)}{where}. With different K '
            'the model and the data set have different landmark schemes: name the model\'s with '
            "FaceLandmarkMetric(common_landmarks='300w') to score the landmarks that both have. "
            'With different n the model detects faces by itself, and its detections have to be '
            'matched first')
    num_faces = len(targets)
    visible = _array(truth['keypoints_visible'])
    if visible.ndim == 3:
        # Newer transforms stack visibility and its weights on a last axis; visibility comes first.
        visible = visible[..., 0]
    valid = visible.reshape(num_faces, -1) > 0

    occluded = None
    if 'occluded' in truth:
        occluded = _array(truth['occluded']).astype(bool).reshape(num_faces, -1)
        if occluded.shape != valid.shape:
            raise ValueError(f'gt_instances.occluded must have shape [n, K] = {list(valid.shape)}, '
                             f'found {list(occluded.shape)}{where}')
    ids = None
    if 'id' in sample:
        ids = tuple(_number(value) for value in np.ravel(_array(sample['id'])))
        if len(ids) != num_faces:
            ids = tuple(f'{ids[0]}.{face}' for face in range(num_faces))
    return FaceRecord(
        image=image,
        image_id=_number(sample['img_id']) if 'img_id' in sample else '',
        ids=ids,
        predictions=predictions,
        targets=targets,
        valid=valid,
        occluded=occluded,
        scores=_scores(sample, predictions.shape[:2]) if needs.extras else None,
        boxes=_boxes(truth, needs, num_faces, where),
        items=_items(sample, truth, needs, num_faces, where))


def _scores(sample: dict, shape: tuple) -> Optional[np.ndarray]:
    if 'keypoint_scores' not in sample['pred_instances']:
        return None
    scores = _array(sample['pred_instances']['keypoint_scores'])
    return scores.reshape(shape) if scores.size == shape[0] * shape[1] else None


def _boxes(truth: Any, needs: Needs, num_faces: int, where: str) -> Optional[np.ndarray]:
    if not (needs.boxes or needs.extras):
        return None
    if 'bboxes' in truth:
        return _array(truth['bboxes']).reshape(num_faces, 4)
    if needs.boxes:
        raise KeyError(f'gt_instances has no bboxes{where}, which the normalisation needs; '
                       'pack them in the pipeline (PackPoseInputs does), or choose another '
                       'norm_mode')
    return None


def _items(sample: dict, truth: Any, needs: Needs, num_faces: int,
           where: str) -> Optional[np.ndarray]:
    columns = []
    for item in needs.items:
        source = truth if item in truth else sample
        if item not in source:
            raise KeyError(
                f'norm_item={item!r} is neither in gt_instances nor in the meta information '
                f'of the sample{where}; add it with PackFaceInputs (which packs box_size) or with '
                f"PackPoseInputs(meta_keys=(..., '{item}'))")
        column = _array(source[item]).astype(np.float64).reshape(-1)
        if len(column) != num_faces:
            raise ValueError(f'norm_item={item!r} must be one number per face, found '
                             f'{len(column)} for {num_faces} faces{where}')
        columns.append(column)
    return np.stack(columns, axis=1) if columns else None


@dataclass
class FaceSet:
    """The faces of a data set as arrays, sorted by image and id, each annotation once.

    Attributes:
        images (list[str]): [N], path of each face's image.
        image_ids (list[str]): [N], id of each face's image; empty where samples have none.
        ids (list[str]): [N], id of each face's annotation; empty where samples have none.
        predictions (np.ndarray): [N, K_model, 2], image pixels.
        targets (np.ndarray): [N, K, 2], image pixels.
        valid (np.ndarray): [N, K], labelled landmarks.
        occluded (np.ndarray | None): [N, K], labelled as hidden; ``None``: not known of any face.
        scores (np.ndarray | None): [N, K_model], NaN where a face has none.
        boxes (np.ndarray | None): [N, 4], ground truth boxes, NaN where a face has none.
        items (np.ndarray | None): [N, I], the packed normalisation distances.
        duplicates_dropped (int): Faces left out because their annotation came before.
    """
    images: List[str]
    image_ids: List[str]
    ids: List[str]
    predictions: np.ndarray
    targets: np.ndarray
    valid: np.ndarray
    occluded: Optional[np.ndarray]
    scores: Optional[np.ndarray]
    boxes: Optional[np.ndarray]
    items: Optional[np.ndarray]
    duplicates_dropped: int

    @property
    def num_landmarks(self) -> int:
        """K, of the annotation."""
        return self.targets.shape[1]

    def keep_landmarks(self, landmarks: Sequence[int]) -> None:
        """Keep the landmarks of these indices only, in this order.

        Predictions and targets must be of one scheme.
        """
        if np.array_equal(landmarks, np.arange(self.num_landmarks)):
            return  # nothing to copy
        landmarks = list(landmarks)
        for name in ('predictions', 'targets', 'valid', 'occluded', 'scores'):
            values = getattr(self, name)
            setattr(self, name, None if values is None else values[:, landmarks])

    @classmethod
    def from_results(cls, results: List[FaceRecord]) -> FaceSet:
        """Join what :func:`read_sample` returned, of any number of processes in any order.

        Raises:
            ValueError: If samples have different numbers of landmarks.
        """
        for side in ('targets', 'predictions'):
            counts = {getattr(record, side).shape[1]: record.image for record in results}
            if len(counts) > 1:
                listed = ', '.join(f'{count} ({image})' for count, image in sorted(counts.items()))
                raise ValueError('the samples of one evaluation must have one number of '
                                 f'landmarks, found {listed}')
        places = [(record, row) for record in results for row in range(len(record.targets))]
        keep = [places[face] for face in _canonical_order(places)]
        return cls(
            images=[record.image for record, _ in keep],
            image_ids=[record.image_id for record, _ in keep],
            ids=[record.id(row) for record, row in keep],
            predictions=_join(keep, 'predictions'),
            targets=_join(keep, 'targets'),
            valid=_join(keep, 'valid'),
            occluded=_join(keep, 'occluded', missing=False),
            scores=_join(keep, 'scores', missing=np.nan),
            boxes=_join(keep, 'boxes', missing=np.nan),
            items=_join(keep, 'items'),
            duplicates_dropped=len(places) - len(keep))


def _join(keep: List[Tuple[FaceRecord, int]], name: str, missing: Any = None) -> Any:
    """One field of all faces, in one array that is as large as it has to be and no larger."""
    present = [values for values in (getattr(record, name) for record, _ in keep)
               if values is not None]
    if not present:
        return None
    # Predictions of one sample in float64 among others in float32 keep their digits.
    kinds = {values.dtype for values in present}
    if isinstance(missing, float):
        kinds.add(np.dtype(np.float32))  # which can hold a NaN
    joined = np.empty((len(keep), *present[0].shape[1:]), dtype=np.result_type(*kinds))
    del present
    for face, (record, row) in enumerate(keep):
        values = getattr(record, name)
        joined[face] = missing if values is None else values[row]
    return joined


def _canonical_order(places: List[Tuple[FaceRecord, int]]) -> List[int]:
    """Faces by image and id, without repetitions.

    Equal names are not enough to call two faces one: samples without ids, or two faces under a
    careless id, must both count. Only the same labels under the same image and id do. Bytes of the
    arrays settle the order among equal names, so that it never depends on arrival.
    """
    names = [(record.image, record.id(row)) for record, row in places]
    order = []
    for (_, face_id), group in groupby(
            sorted(range(len(places)), key=names.__getitem__), key=names.__getitem__):
        group = list(group)
        if len(group) > 1:
            group = _sort_namesakes(places, group, drop_repeated=bool(face_id))
        order += group
    return order


def _sort_namesakes(places: List[Tuple[FaceRecord, int]], group: List[int],
                    drop_repeated: bool) -> List[int]:

    def content(face: int, *names: str) -> bytes:
        record, row = places[face]
        values = [getattr(record, name) for name in names]
        return b''.join(value[row].tobytes() for value in values if value is not None)

    def labels(face: int) -> bytes:
        return content(face, 'targets', 'valid')

    group = sorted(
        group,
        key=lambda face: (labels(face),
                          content(face, 'predictions', 'occluded', 'scores', 'boxes', 'items')))
    if not drop_repeated:
        return group
    return [next(same) for _, same in groupby(group, key=labels)]
