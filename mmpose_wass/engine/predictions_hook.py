"""Keep what a model predicts in a test, face by face, and write it to a file."""

from __future__ import annotations

import os
from typing import Any, Sequence

import numpy as np
from mmengine.dist import collect_results, is_main_process
from mmengine.hooks import Hook
from mmpose.registry import HOOKS

from .results import atomic_write, check_writable, now, write_arrays, write_json

PREDICTION_FORMATS = ('.json', '.npz')


def check_predictions_file(path: str) -> None:
    """Refuse a file name whose ending names no known format.

    Raises:
        ValueError: Naming the endings that work.
    """
    if not path.lower().endswith(PREDICTION_FORMATS):
        raise ValueError(f'predictions file {path!r}: the name must end in '
                         f'{" or ".join(PREDICTION_FORMATS)}')


@HOOKS.register_module()
class PredictionsHook(Hook):
    """Collect predictions and ground truth during a test, from all processes.

    Works with every MMPose estimator and evaluator: it reads the data samples that the model
    returns, in pixels of the original image.

    Args:
        out_file: Where to write them: ``.json``, a list of faces, or ``.npz``, arrays over all
            faces, which must then have the same number of landmarks. ``None`` only collects.

    Attributes:
        records (list[dict]): After the test, in the main process: one dictionary a face, in the
            order of the data set, with ``id`` (of the annotation), ``img_id``, ``img_path``,
            ``dataset_name``, ``bbox`` [4], ``keypoints`` [K][2], ``keypoint_scores`` [K],
            ``ground_truth`` [K][2] and ``ground_truth_visible`` [K]; lengths in image pixels.
        metrics (dict | None): After the test, what the evaluators found: it is there also when
            the predictions cannot be written.

    Examples:
        In a config::

            custom_hooks = [dict(type='PredictionsHook', out_file='work_dirs/predictions.npz')]
    """

    # After MMPose's own hooks, which may change data samples.
    priority = 'VERY_LOW'

    def __init__(self, out_file: str | None = None) -> None:
        if out_file is not None:
            check_predictions_file(out_file)
        self.out_file = out_file
        self.records: list[dict] = []
        self.metrics: dict | None = None
        self._collected: list[list[dict]] = []

    def before_test_epoch(self, runner) -> None:
        """Start afresh.

        Raises:
            OSError: If the file cannot be written; better now than after the test.
        """
        if self.out_file is not None and is_main_process():
            check_writable(self.out_file)
        self.records = []
        self.metrics = None
        self._collected = []

    def after_test_iter(self, runner, batch_idx: int, data_batch: Any = None,
                        outputs: Sequence | None = None) -> None:
        """Keep the faces of one batch."""
        self._collected.extend(_faces_of_sample(sample) for sample in outputs or ())

    def after_test_epoch(self, runner, metrics: dict | None = None) -> None:
        """Gather the faces of all processes and write them.

        Raises:
            OSError: If the file cannot be written; names it.
        """
        self.metrics = metrics
        size = len(runner.test_dataloader.dataset)
        samples = collect_results(self._collected, size, device='cpu')
        if not is_main_process():
            return
        self.records = [face for sample in samples for face in sample]
        if self.out_file is not None:
            write_predictions(self.out_file, self.records)
            runner.logger.info(
                f'Predictions of {len(self.records)} faces are in {self.out_file}')


def _faces_of_sample(sample: Any) -> list[dict]:
    """Return the faces of one data sample; top-down models have one in each."""
    predicted, truth = sample.pred_instances, sample.get('gt_instances', None)
    keypoints = _array(predicted.keypoints)
    scores = _array(predicted.keypoint_scores)
    faces = []
    for index in range(len(keypoints)):
        face = {name: sample.metainfo.get(name, None)
                for name in ('id', 'img_id', 'img_path', 'dataset_name')}
        face['keypoints'] = keypoints[index]
        face['keypoint_scores'] = scores[index]
        # Only a top-down model's faces stand in the order of the annotations.
        if truth is not None and len(truth) == len(keypoints):
            if 'bboxes' in truth:
                face['bbox'] = _array(truth.bboxes)[index]
            if 'keypoints' in truth:
                face['ground_truth'] = _array(truth.keypoints)[index]
                visible = _array(truth.keypoints_visible)[index]
                face['ground_truth_visible'] = visible[..., 0] if visible.ndim > 1 else visible
        faces.append(face)
    return faces


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if hasattr(value, 'detach') else np.array(value)


def write_predictions(path: str, records: list[dict]) -> None:
    """Write predictions, atomically.

    Args:
        path: ``.json``: ``{"date", "units", "faces": [...]}``; ``.npz``: one array a field, whose
            first axis runs over faces, texts as unicode arrays (no pickles).
        records: See :class:`PredictionsHook`.

    Raises:
        ValueError: For another ending, or if an ``.npz`` would need ragged arrays.
    """
    check_predictions_file(path)
    if path.lower().endswith('.json'):
        write_json(path, dict(
            date=now(), units='keypoints, ground_truth, bbox: pixels of the original image',
            faces=records))
        return
    counts = sorted({len(face['keypoints']) for face in records})
    if len(counts) > 1:
        raise ValueError(f'{os.path.basename(path)}: the faces have {counts} landmarks, which do '
                         'not fit one array; write a .json instead')
    arrays = {}
    for name in sorted({key for face in records for key in face}):
        values = [face.get(name, None) for face in records]
        if any(value is None for value in values):
            if all(value is None for value in values):
                continue
            values = ['' if value is None else str(value) for value in values]
        arrays[name] = np.array(values)
    with atomic_write(path, 'wb') as file:
        write_arrays(file, arrays, compressed=True)
