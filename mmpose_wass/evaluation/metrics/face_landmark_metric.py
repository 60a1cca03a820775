"""The paper's evaluation as a metric that stands in any MMPose config."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from mmpose_wass import landmarks as landmark_tables
from mmpose_wass.engine.results import check_writable
from mmpose_wass.landmarks import CommonLandmarks, find_scheme

from ..functional import (
    AUC_THRESHOLDS,
    FAILURE_THRESHOLDS_IMAGE,
    FAILURE_THRESHOLDS_LANDMARK,
    exclusion_counts,
    nme,
    normalized_errors,
    split_by_occlusion,
    summarize_errors,
)
from ..result_format import METRICS_ENDING
from .faces import FaceRecord, FaceSet, Needs, read_sample
from .normalizer import FaceNormalizer, Landmark, ResolvedNormalizer
from .result_files import plain_number, write_result_files
from .scored_landmarks import ScoredLandmarks
from .two_schemes import TwoSchemes, describe_common, reduce_to_common


class _Plan(NamedTuple):
    """What an evaluation on one data set does."""
    normalizer: ResolvedNormalizer
    extras: Dict[str, ResolvedNormalizer]
    needs: Needs


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
    - ``NME_occluded``, ``NME_visible``: mean of image means over the landmarks labelled as hidden,
      and over the others; only where the data say which are hidden (``PackFaceInputs`` keeps it)
      and some are. A landmark that is not labelled is in neither.
    - ``NME_<name>``, ``micro_NME_<name>``: by each of ``extra_normalizations``.
    - ``excluded``: number of faces left out of all of these, because no landmark is labelled or
      the normalisation distance is zero or cannot be measured.

    A prediction that is NaN or infinite on a labelled landmark is a failure with infinite error: it
    counts in every failure rate and makes the means infinite. It is never dropped, and a warning
    says how many there are.

    Normalisation distance by default (``norm_mode=None``), as in the paper: the distance of the
    outer eye corners for 300W, 300VW, 300W-LP, COFW, WFLW, LaPa and the face of COCO-WholeBody and
    Halpe (of whole-body annotations only the face is scored); the width of the face box for AFLW.
    That box is ``gt_instances.bboxes``, which stock pipelines pack. For MMPose's AFLW annotations
    it is the face square of AFLW itself, of side ``box_size``, so that there ``'box_width'``,
    ``'box_size'``, MMPose's ``'bbox_size'`` and the packed ``box_size`` are one length;
    ``'landmark_box_width'`` and its like measure the tight box around the landmarks, which is
    smaller. A data set with ``bbox_file`` packs detected boxes: then no box mode measures ground
    truth, and only ``norm_item='box_size'`` does.

    Results do not depend on the order of samples or the number of processes. An annotation that
    comes twice (same image, same id, same landmarks: a sampler's padding) counts once.

    Args:
        norm_mode (str, optional): ``'inter_ocular'``, ``'inter_pupil'``, ``'box_width'``,
            ``'box_size'`` (longer side), ``'box_diagonal'``, ``'box_geometric_mean'`` (root of the
            area), the same with ``landmark_`` in front (tight box around the labelled landmarks),
            or, as in MMPose's ``NME``, ``'keypoint_distance'`` or ``'use_norm_item'``. Default: the
            paper's, see above.
        norm_item (str, optional): The length to use with ``'use_norm_item'``: ``'bbox_size'``, or
            any number that the pipeline packs, such as ``'box_size'`` with ``PackFaceInputs``.
        keypoint_indices (Sequence[int | str], optional): The two landmarks to measure between with
            ``'keypoint_distance'``, by index or by name. Default: the outer eye corners of the data
            set's scheme.
        failure_thresholds_image (Sequence[float]): θ of ``FR_I``, as fractions.
        failure_thresholds_landmark (Sequence[float]): θ of ``FR_L``, as fractions.
        auc_thresholds (Sequence[float]): θ of ``AUC``, as fractions.
        extra_normalizations (Sequence[str | Mapping]): Further normalisations whose mean errors are
            reported under their names: a ``norm_mode``, ``'bbox_size'``, or a dictionary of
            ``norm_mode``, ``norm_item``, ``keypoint_indices`` and optionally ``name``.
        common_landmarks (str | Mapping, optional): For a model of another landmark scheme than the
            data set's: the model's scheme, such as ``'300w'``, or a dictionary of ``model``,
            ``data`` (default: the data set's ``dataset_name``), ``variant``, ``subset`` (names of
            landmarks, or a scheme such as ``'paper17'`` that both are reduced to) and
            ``scheme_file``. Only the landmarks that both schemes have are scored; the normalisation
            distance is that of the data set's whole annotation.
        scheme_file (str, optional): File that describes a landmark scheme of one's own.
        outfile_prefix (str, optional): Write ``<prefix>.metrics.json``, ``<prefix>.errors.npz`` and
            ``<prefix>.landmarks.csv`` at each evaluation (see ``evaluation/result_format.py``;
            ``mmpose_wass.evaluation.load_result`` reads them). Two subsets of one data set need two
            prefixes.
        collect_device (str): ``'cpu'`` or ``'gpu'``, where results of processes are gathered.
        prefix (str, optional): First part of the metrics' names. Default: ``'face'``.

    Raises:
        ValueError: If arguments do not go together.

    Examples:
        In a config::

            val_evaluator = dict(type='FaceLandmarkMetric', outfile_prefix='work_dirs/run/val')
            default_hooks = dict(checkpoint=dict(save_best='face/NME', rule='less'))

        A model of 300W's 68 points on a data set of WFLW's 98, and AFLW by two lengths::

            test_evaluator = dict(type='FaceLandmarkMetric', common_landmarks='300w')
            test_evaluator = dict(type='FaceLandmarkMetric', extra_normalizations=['bbox_size'])
    """

    default_prefix = 'face'

    def __init__(self,
                 norm_mode: Optional[str] = None,
                 norm_item: Optional[str] = None,
                 keypoint_indices: Optional[Sequence[Landmark]] = None,
                 failure_thresholds_image: Sequence[float] = FAILURE_THRESHOLDS_IMAGE,
                 failure_thresholds_landmark: Sequence[float] = FAILURE_THRESHOLDS_LANDMARK,
                 auc_thresholds: Sequence[float] = AUC_THRESHOLDS,
                 extra_normalizations: Sequence[Union[str, Mapping]] = (),
                 common_landmarks: Union[None, str, Mapping[str, Any]] = None,
                 scheme_file: Optional[str] = None,
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
        self.two_schemes = None if common_landmarks is None else TwoSchemes(common_landmarks)
        if isinstance(extra_normalizations, (str, Mapping)):
            extra_normalizations = [extra_normalizations]
        self.extra_normalizers = dict(map(FaceNormalizer.from_spec, extra_normalizations))
        if len(self.extra_normalizers) != len(extra_normalizations):
            raise ValueError('two entries of extra_normalizations have one name; give them a '
                             f'name=..., found {list(extra_normalizations)}')
        self.outfile_prefix = outfile_prefix
        for file in (scheme_file, self.two_schemes and self.two_schemes.scheme_file):
            if file is not None:
                landmark_tables.load_scheme_file(file)

    @property
    def dataset_name(self) -> Optional[str]:
        """``dataset_name`` of the data set's metainfo, or ``None``."""
        return (self.dataset_meta or {}).get('dataset_name')

    @property
    def scheme_name(self) -> Optional[str]:
        """Name of the scheme that the data set is annotated in, if anything says it."""
        return (self.two_schemes and self.two_schemes.data) or self.dataset_name

    def process(self, data_batch: Sequence[dict], data_samples: Sequence[dict]) -> None:
        """Keep what is needed of each sample.

        Args:
            data_batch (Sequence[dict]): Not used.
            data_samples (Sequence[dict]): Outputs of the model as MMPose's evaluator hands them
                over, with ``pred_instances.keypoints`` and ``gt_instances.keypoints`` [n, K, 2] in
                image pixels, ``gt_instances.keypoints_visible`` [n, K] or [n, K, D], and
                ``gt_instances.occluded`` [n, K] where it is known.

        Raises:
            ValueError: If shapes disagree or the scheme of the data set is not known.
            KeyError: If a sample lacks a field that the normalisation needs.
            OSError: If the result files cannot be written.
        """
        needs = self._plan().needs
        if self.outfile_prefix is not None and not self.results and is_main_process():
            # Better now than after the last batch.
            check_writable(self.outfile_prefix + METRICS_ENDING)
        self.results.extend(read_sample(sample, needs) for sample in data_samples)

    def _plan(self) -> _Plan:
        names = (self.dataset_meta or {}).get('keypoint_name2id')
        normalizer = self.normalizer.resolve(self.scheme_name, names)
        extras = {name: extra.resolve(self.scheme_name, names)
                  for name, extra in self.extra_normalizers.items()}
        everything = [normalizer, *extras.values()]
        items = dict.fromkeys(each.packed_item for each in everything if each.packed_item)
        return _Plan(normalizer, extras,
                     Needs(boxes=any(each.needs_boxes for each in everything),
                           items=tuple(items),
                           extras=self.outfile_prefix is not None,
                           two_schemes=self.two_schemes is not None))

    def compute_metrics(self, results: List[FaceRecord]) -> Dict[str, float]:
        """Reduce the samples of all processes to the measures.

        Args:
            results (list[FaceRecord]): What :meth:`process` kept.

        Returns:
            dict[str, float]: The measures by name, without prefix.

        Raises:
            ValueError: If there is no face, or none that can be scored.
            KeyError: If there are no common landmarks of the model's and the data set's scheme.
            OSError: If the result files cannot be written; the measures are in the log then.
        """
        logger: MMLogger = MMLogger.get_current_instance()
        if not results:
            raise ValueError('FaceLandmarkMetric got no sample to evaluate: is the data set empty?')
        plan = self._plan()
        faces = FaceSet.from_results(results)
        self._check_scheme(faces, plan.normalizer)
        # Before anything is left out: lengths are measured on the whole annotation.
        distances, extra_distances = self._distances(plan, faces)
        landmarks, common = self._choose_landmarks(faces)

        errors = normalized_errors(faces.predictions, faces.targets, distances, faces.valid)
        counts = dict(
            faces=len(errors),
            **exclusion_counts(distances, faces.valid),
            nonfinite_predictions=int(np.isinf(errors).sum()),
            duplicates_dropped=faces.duplicates_dropped)
        self._report(logger, counts, plan.normalizer)

        measures = summarize_errors(errors, **self.thresholds)
        measures.update(self._measures_by_occlusion(errors, faces))
        extras = self._extra_measures(faces, plan, extra_distances)
        for name, row in extras.items():
            measures.update({f'{measure}_{name}': row[measure] for measure in ('NME', 'micro_NME')})
        measures['excluded'] = counts['excluded']
        if self.outfile_prefix is not None:
            try:
                paths = write_result_files(
                    self.outfile_prefix,
                    measures=measures,
                    counts=counts,
                    thresholds=self.thresholds,
                    description=dict(
                        dataset_name=self.dataset_name,
                        scheme=getattr(find_scheme(self.scheme_name), 'name', None),
                        model_scheme=common.model_scheme if common is not None else getattr(
                            find_scheme(self.scheme_name), 'name', None),
                        common_landmarks=None if common is None else describe_common(common),
                        normalization=plan.normalizer.description,
                        extra_normalizations={
                            name: {key: value if isinstance(value, str) else plain_number(value)
                                   for key, value in row.items()} for name, row in extras.items()}),
                    errors=errors,
                    distances=distances,
                    landmarks=landmarks.indices,
                    landmark_names=landmarks.names,
                    regions=landmarks.regions,
                    faces=faces)
            except OSError:
                # An evaluation may have taken hours: what it found is not lost with the disk.
                logger.error('FaceLandmarkMetric could not write its result files; it measured '
                             f'{ {name: plain_number(value) for name, value in measures.items()} }')
                raise
            logger.info(f'FaceLandmarkMetric wrote {", ".join(paths)}')
        return measures

    @staticmethod
    def _distances(plan: _Plan, faces: FaceSet) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:

        def measure(normalizer: ResolvedNormalizer) -> np.ndarray:
            item = None
            if normalizer.packed_item is not None:
                item = faces.items[:, plan.needs.items.index(normalizer.packed_item)]
            return normalizer.distances(faces.targets, faces.valid, faces.boxes, item)

        return measure(plan.normalizer), {name: measure(extra)
                                          for name, extra in plan.extras.items()}

    def _choose_landmarks(
            self, faces: FaceSet) -> Tuple[ScoredLandmarks, Optional[CommonLandmarks]]:
        """Leave only what is scored in ``faces``; which landmarks that is, and common landmarks."""
        if self.two_schemes is not None:
            common = self.two_schemes.resolve(self.dataset_name)
            reduce_to_common(faces, common)
            return ScoredLandmarks.of_common(common), common
        names = (self.dataset_meta or {}).get('keypoint_id2name')
        landmarks = ScoredLandmarks.of_scheme(
            find_scheme(self.scheme_name), faces.num_landmarks, names)
        faces.keep_landmarks(landmarks.indices)
        return landmarks, None

    @staticmethod
    def _measures_by_occlusion(errors: np.ndarray, faces: FaceSet) -> Dict[str, float]:
        if faces.occluded is None:
            return {}
        occluded, visible = split_by_occlusion(errors, faces.occluded)
        if np.isnan(occluded).all():
            return {}  # nothing hidden is scored: the visible are all, and NME says it
        return dict(NME_occluded=100 * nme(occluded), NME_visible=100 * nme(visible))

    @staticmethod
    def _extra_measures(faces: FaceSet, plan: _Plan,
                        distances: Dict[str, np.ndarray]) -> Dict[str, Dict[str, Any]]:
        table = {}
        for name, distance in distances.items():
            errors = normalized_errors(faces.predictions, faces.targets, distance, faces.valid)
            table[name] = dict(
                normalization=plan.extras[name].description,
                NME=100 * nme(errors),
                micro_NME=100 * nme(errors, average='points'),
                excluded=exclusion_counts(distance, faces.valid)['excluded'])
        return table

    def _check_scheme(self, faces: FaceSet, normalizer: ResolvedNormalizer) -> None:
        """The scheme's eye points mean nothing in an annotation of another length."""
        scheme = find_scheme(self.scheme_name)
        from_scheme = self.normalizer.keypoint_indices is None and (normalizer.indices is not None
                                                                    or normalizer.pupils
                                                                    is not None)
        if from_scheme and scheme.num_landmarks != faces.num_landmarks:
            raise ValueError(
                f'the data set calls itself {self.scheme_name!r}, a scheme of '
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
