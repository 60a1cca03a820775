"""The paper's evaluation as a metric that stands in any MMPose config."""
from __future__ import annotations

from typing import Dict, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from mmpose_wass.landmarks import find_scheme

from ..functional import (
    AUC_THRESHOLDS,
    FAILURE_THRESHOLDS_IMAGE,
    FAILURE_THRESHOLDS_LANDMARK,
    exclusion_counts,
    normalized_errors,
    summarize_errors,
)
from .faces import FaceSet, read_sample
from .normalizer import FaceNormalizer, ResolvedNormalizer
from .result_files import write_result_files


@METRICS.register_module()
class FaceLandmarkMetric(BaseMetric):
    """Normalised mean error, failure rates per image and per landmark, and area under the CED.

    Works with any MMPose face model and data set, beside MMPose's ``NME`` in one evaluator. The
    measures (Sections 4.2 and 4.3 of the paper; formulas in ``evaluation/functional``), with
    prefix ``face``:

    - ``NME``: mean of image means, in per cent; ``micro_NME``: mean over points, in per cent,
      100 times MMPose's ``NME``.
    - ``FR_I@θ``: share of images whose mean error exceeds θ (strictly), in per cent.
    - ``FR_L@θ``: for each landmark the share of faces on which it exceeds θ, averaged over
      landmarks, in per cent.
    - ``AUC@θ``: area under the cumulative error distribution of images up to θ, a fraction.
    - ``excluded``: number of faces left out of all of these, because no landmark is labelled or
      the normalisation distance is zero or cannot be measured.

    A prediction that is NaN or infinite on a labelled landmark is a failure with infinite error: it
    counts in every failure rate and makes the means infinite. It is never dropped, and a warning
    says how many there are.

    Normalisation distance by default (``norm_mode=None``), as in the paper: the distance of the
    outer eye corners for 300W, 300VW, 300W-LP, COFW, WFLW, LaPa and the face of COCO-WholeBody and
    Halpe (of whole-body annotations only the face is scored); the width of the face box for AFLW.
    That box is ``gt_instances.bboxes``, which stock pipelines pack: for MMPose's AFLW annotations
    it is the square of side ``box_size``, so that there ``'box_width'``, ``'box_size'`` and
    MMPose's ``'bbox_size'`` are one length. A data set with ``bbox_file`` packs detected boxes:
    then no box mode measures ground truth.

    Results do not depend on the order of samples or the number of processes. An annotation that
    comes twice (same image, same id, same landmarks: a sampler's padding) counts once.

    Args:
        norm_mode (str, optional): ``'inter_ocular'``, ``'inter_pupil'``, ``'box_width'``,
            ``'box_size'`` (longer side), ``'box_diagonal'``, or, as in MMPose's ``NME``,
            ``'keypoint_distance'`` or ``'use_norm_item'``. Default: the paper's, see above.
        norm_item (str, optional): The length to use with ``'use_norm_item'``: ``'bbox_size'``, or
            any number that the pipeline packs, such as ``'box_size'`` with
            ``PackPoseInputs(meta_keys=(..., 'box_size'))``.
        keypoint_indices (Sequence[int], optional): The two landmarks to measure between with
            ``'keypoint_distance'``. Default: the outer eye corners of the data set's scheme.
        failure_thresholds_image (Sequence[float]): θ of ``FR_I``, as fractions.
        failure_thresholds_landmark (Sequence[float]): θ of ``FR_L``, as fractions.
        auc_thresholds (Sequence[float]): θ of ``AUC``, as fractions.
        outfile_prefix (str, optional): Write ``<prefix>.metrics.json`` and ``<prefix>.errors.npz``
            (see ``result_files.py``) at each evaluation. Two subsets of one data set need two
            prefixes.
        collect_device (str): ``'cpu'`` or ``'gpu'``, where results of processes are gathered.
        prefix (str, optional): First part of the metrics' names. Default: ``'face'``.

    Raises:
        ValueError: If arguments do not go together.

    Examples:
        In a config::

            val_evaluator = dict(type='FaceLandmarkMetric', outfile_prefix='work_dirs/run/val')
            default_hooks = dict(checkpoint=dict(save_best='face/NME', rule='less'))
    """

    default_prefix = 'face'

    def __init__(self,
                 norm_mode: Optional[str] = None,
                 norm_item: Optional[str] = None,
                 keypoint_indices: Optional[Sequence[int]] = None,
                 failure_thresholds_image: Sequence[float] = FAILURE_THRESHOLDS_IMAGE,
                 failure_thresholds_landmark: Sequence[float] = FAILURE_THRESHOLDS_LANDMARK,
                 auc_thresholds: Sequence[float] = AUC_THRESHOLDS,
                 outfile_prefix: Optional[str] = None,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.normalizer = FaceNormalizer(norm_mode, norm_item, keypoint_indices)
        self.thresholds = dict(
            failure_thresholds_image=tuple(failure_thresholds_image),
            failure_thresholds_landmark=tuple(failure_thresholds_landmark),
            auc_thresholds=tuple(auc_thresholds))
        for argument, thresholds in self.thresholds.items():
            # 1 would be 100 %: a larger number is surely meant in per cent.
            if not all(0 < threshold <= 1 for threshold in thresholds):
                raise ValueError(f'{argument} are fractions of the normalisation distance in '
                                 f'(0, 1] (0.1 is 10 %), found {list(thresholds)}')
        self.outfile_prefix = outfile_prefix

    @property
    def dataset_name(self) -> Optional[str]:
        """``dataset_name`` of the data set's metainfo, or ``None``."""
        return (self.dataset_meta or {}).get('dataset_name')

    def process(self, data_batch: Sequence[dict], data_samples: Sequence[dict]) -> None:
        """Keep what is needed of each sample.

        Args:
            data_batch (Sequence[dict]): Not used.
            data_samples (Sequence[dict]): Outputs of the model as MMPose's evaluator hands them
                over, with ``pred_instances.keypoints`` and ``gt_instances.keypoints`` [n, K, 2] in
                image pixels and ``gt_instances.keypoints_visible`` [n, K] or [n, K, D].

        Raises:
            ValueError: If shapes disagree or the scheme of the data set is not known.
            KeyError: If a sample lacks a field that the normalisation needs.
        """
        normalizer = self.normalizer.resolve(self.dataset_name)
        self.results.extend(
            read_sample(sample, normalizer.needs_boxes, normalizer.packed_item)
            for sample in data_samples)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Reduce the samples of all processes to the measures.

        Args:
            results (list[dict]): What :meth:`process` kept.

        Returns:
            dict[str, float]: The measures by name, without prefix.

        Raises:
            ValueError: If there is no face, or none that can be scored.
        """
        logger: MMLogger = MMLogger.get_current_instance()
        if not results:
            raise ValueError('FaceLandmarkMetric got no sample to evaluate: is the data set empty?')
        faces = FaceSet.from_results(results)
        normalizer = self.normalizer.resolve(self.dataset_name)
        self._check_scheme(faces, normalizer)

        distances = normalizer.distances(faces.targets, faces.valid, faces.boxes, faces.items)
        landmarks = self._scored_landmarks(faces.num_landmarks)
        faces.keep_landmarks(landmarks)
        errors = normalized_errors(faces.predictions, faces.targets, distances, faces.valid)
        counts = dict(
            faces=len(errors),
            **exclusion_counts(distances, faces.valid),
            nonfinite_predictions=int(np.isinf(errors).sum()),
            duplicates_dropped=faces.duplicates_dropped)
        self._report(logger, counts, normalizer)

        measures = summarize_errors(errors, **self.thresholds)
        measures['excluded'] = counts['excluded']
        if self.outfile_prefix is not None:
            paths = write_result_files(
                self.outfile_prefix,
                measures=measures,
                counts=counts,
                thresholds=self.thresholds,
                dataset_name=self.dataset_name,
                normalization=normalizer.description,
                errors=errors,
                distances=distances,
                landmarks=landmarks,
                landmark_names=self._landmark_names(landmarks),
                faces=faces)
            logger.info(f'FaceLandmarkMetric wrote {" and ".join(paths)}')
        return measures

    def _scored_landmarks(self, num_landmarks: int) -> np.ndarray:
        scheme = find_scheme(self.dataset_name)
        if scheme is not None and scheme.num_landmarks == num_landmarks:
            return np.array(scheme.face_landmarks)
        return np.arange(num_landmarks)

    def _landmark_names(self, landmarks: np.ndarray) -> List[str]:
        names = (self.dataset_meta or {}).get('keypoint_id2name') or {}
        return [str(names.get(int(index), int(index))) for index in landmarks]

    def _check_scheme(self, faces: FaceSet, normalizer: ResolvedNormalizer) -> None:
        """The scheme's eye points mean nothing in an annotation of another length."""
        scheme = find_scheme(self.dataset_name)
        from_scheme = self.normalizer.keypoint_indices is None and (normalizer.indices is not None
                                                                    or normalizer.pupils
                                                                    is not None)
        if from_scheme and scheme.num_landmarks != faces.num_landmarks:
            raise ValueError(
                f'the data set calls itself {self.dataset_name!r}, a scheme of '
                f'{scheme.num_landmarks} landmarks, but its samples have {faces.num_landmarks}. '
                'Give its metainfo a dataset_name of its own, or set keypoint_indices=[i, j] to '
                'the outer eye corners among its landmarks')

    def _report(self, logger: MMLogger, counts: dict, normalizer: ResolvedNormalizer) -> None:
        logger.info(f'Evaluating {self.__class__.__name__} on {counts["faces"]} faces, errors '
                    f'divided by {normalizer.description} ...')
        if counts['excluded']:
            excluded = (f'{counts["excluded"]} of {counts["faces"]} faces are excluded: '
                        f'{counts["no_valid_landmark"]} without a labelled landmark, '
                        f'{counts["no_normalization_distance"]} whose normalisation distance '
                        f'({normalizer.description}) is zero or cannot be measured')
            if counts['excluded'] == counts['faces']:
                raise ValueError(f'FaceLandmarkMetric can score no face. {excluded}')
            logger.warning(excluded)
        if counts['nonfinite_predictions']:
            logger.warning(f'{counts["nonfinite_predictions"]} predicted landmarks are NaN or '
                           'infinite; they count as failures with infinite error')
        if counts['duplicates_dropped']:
            logger.warning(f'{counts["duplicates_dropped"]} annotations came more than once (same '
                           'image, id and landmarks) and count once')
