"""A visualizer for models and data sets of different landmark schemes."""
from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, Optional

import numpy as np
from mmengine.dist import master_only
from mmengine.structures import InstanceData
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import VISUALIZERS
from mmpose.structures import PoseDataSample

from mmpose_wass.landmarks import CommonLandmarks, find_scheme, get_common_landmarks

from .face_tile import LINK_COLOR, PREDICTION_COLOR, TRUTH_COLOR
from .pose_visualizer import FacePoseVisualizer

# OpenCV's integers overflow on points far away.
_FAR = 1 << 20

#: What ``truth`` may be.
TRUTH_MODES = ('overlay', 'as_asked')


@VISUALIZERS.register_module()
class CrossLayoutVisualizer(FacePoseVisualizer):
    """Draw predictions in the model's layout and annotations in the data set's.

    MMPose's visualizer takes colours and links of *all* points from the data set and stops where
    the model predicts another number of them. Here each side is drawn as what it is: annotation
    blue, prediction red, and a yellow line between the two at every landmark that both schemes
    share. Also for models whose scheme is the data set's.

    Which scheme is the model's comes from the sample (``model_scheme``, put there by
    :class:`ModelLandmarkLayout`), the data set's from the sample's ``dataset_name``, so one
    visualizer serves any number of protocols.

    Args:
        truth (str): ``'overlay'``: wherever a prediction is drawn, below it the annotation, also
            where MMPose's hook asks for none; ``'as_asked'``: only with ``draw_gt=True``, in a
            picture at the left of the prediction's.
        links (bool): Whether to draw the lines between common landmarks in an overlay.
        variant (str, optional): Which conversion between the schemes the lines follow.
        truth_color (tuple[int, int, int]): RGB.
        prediction_color (tuple[int, int, int]): RGB.
        gap_color (tuple[int, int, int]): RGB, of the lines.
        radius (float, optional): Radius of a predicted point in pixels; annotated points are one
            larger, so that they stay visible as rings. Default: by the size of the face.
        **kwargs: Further arguments of MMPose's ``PoseLocalVisualizer``.

    Raises:
        ValueError: If ``truth`` is not one of the two.

    Examples:
        In a config::

            visualizer = dict(type='CrossLayoutVisualizer')
    """

    def __init__(self,
                 name: str = 'visualizer',
                 truth: str = 'overlay',
                 links: bool = True,
                 variant: Optional[str] = None,
                 truth_color: tuple = TRUTH_COLOR[::-1],
                 prediction_color: tuple = PREDICTION_COLOR[::-1],
                 gap_color: tuple = LINK_COLOR[::-1],
                 radius: Optional[float] = None,
                 **kwargs) -> None:
        if truth not in TRUTH_MODES:
            raise ValueError(f'truth must be one of {", ".join(TRUTH_MODES)}, found {truth!r}')
        super().__init__(name=name, radius=1 if radius is None else radius, **kwargs)
        self.fits_radius = radius is None
        self.truth = truth
        self.links = links
        self.variant = variant
        self.truth_color = tuple(truth_color)
        self.prediction_color = tuple(prediction_color)
        self.gap_color = tuple(gap_color)
        # Of the sample that is being drawn: the model's scheme and the data set's.
        self._schemes = (None, None)
        self._skeletons = {}

    @master_only
    def add_datasample(self,
                       name: str,
                       image: np.ndarray,
                       data_sample: PoseDataSample,
                       draw_gt: bool = True,
                       draw_pred: bool = True,
                       show_kpt_idx: bool = False,
                       **kwargs) -> np.ndarray:
        """Draw a sample; arguments and result as in MMPose's visualizer.

        With ``draw_gt=True`` the picture at the left shows the annotation alone.
        """
        # set_dataset_meta knows the first data set only; a sample of several knows its own.
        self._schemes = (data_sample.get('model_scheme'),
                         data_sample.get('dataset_name', self.dataset_meta.get('dataset_name')))
        if self.fits_radius:
            self.radius = _radius_for(data_sample)
        overlay = (self.truth == 'overlay' and draw_pred and not draw_gt
                   and 'gt_instances' in data_sample and 'pred_instances' in data_sample)
        if overlay:
            image = self._draw_truth(image.copy(), data_sample)
        return super().add_datasample(
            name,
            image,
            data_sample,
            draw_gt=draw_gt,
            draw_pred=draw_pred,
            show_kpt_idx=show_kpt_idx,
            **kwargs)

    def _draw_truth(self, image: np.ndarray, data_sample: PoseDataSample) -> np.ndarray:
        """The annotation, and the lines to the common landmarks of the prediction."""
        truth, predicted = data_sample.gt_instances, data_sample.pred_instances
        image = self._draw_instances_kpts(image, truth)
        common = self._common()
        if common is None or not self.links:
            return image
        self.set_image(image)
        starts, labelled = common.data_landmarks(truth.keypoints[..., :2], _visible(truth) > 0)
        ends, _ = common.model_landmarks(predicted.keypoints[..., :2])
        drawn = labelled & np.isfinite(starts).all(axis=-1) & np.isfinite(ends).all(axis=-1)
        for line in np.stack([starts[drawn], ends[drawn]], axis=-1).round().astype(int):
            self.draw_lines(*line, self.gap_color, line_widths=1)
        return self.get_image()

    def _draw_instances_kpts(self, image: np.ndarray, instances: InstanceData,
                             *args, **kwargs) -> np.ndarray:
        """Draw one side, annotation or prediction, in its own layout."""
        predicted = 'keypoint_scores' in instances
        # A pixel is drawn at whole numbers, which MMPose takes by cutting digits off; and a point
        # that is not finite cannot be drawn.
        points = np.array(instances.get('transformed_keypoints', instances.keypoints), float)
        points = points[..., :2]
        finite = np.isfinite(points).all(axis=-1)
        drawable = InstanceData(
            keypoints=np.where(finite[..., None], points.round(), 0).clip(-_FAR, _FAR),
            keypoints_visible=np.where(finite, _visible(instances), 0))
        with self._side(predicted, points.shape[-2]):
            return super()._draw_instances_kpts(image, drawable, *args, **kwargs)

    @contextmanager
    def _side(self, predicted: bool, num_landmarks: int) -> Iterator[None]:
        """Colours, links and size of one side, for as long as it is drawn."""
        before = self.kpt_color, self.skeleton, self.link_color, self.radius
        color = self.prediction_color if predicted else self.truth_color
        model, data = self._schemes
        links = [link for link in self._skeleton(model if predicted and model else data)
                 if max(link) < num_landmarks]
        self.kpt_color = [color] * num_landmarks
        self.skeleton, self.link_color = links, [color] * len(links)
        # The annotation's dots are larger: below a perfect prediction they stay visible as rings.
        self.radius = self.radius if predicted else self.radius + 1
        try:
            yield
        finally:
            self.kpt_color, self.skeleton, self.link_color, self.radius = before

    def _skeleton(self, name: Optional[str]) -> list:
        """Links between the points of a scheme, from MMPose's metainfo."""
        if name == self.dataset_meta.get('dataset_name'):
            return self.dataset_meta.get('skeleton_links') or []
        scheme = find_scheme(name)
        if scheme is None or not scheme.metainfo:
            return []
        if name not in self._skeletons:
            metainfo = parse_pose_metainfo(dict(from_file=scheme.metainfo))
            self._skeletons[name] = metainfo['skeleton_links']
        return self._skeletons[name]

    def _common(self) -> Optional[CommonLandmarks]:
        """How the schemes of the sample meet, or ``None`` where nobody has written it down."""
        model, data = self._schemes
        model = model or data
        if find_scheme(model) is None or find_scheme(data) is None:
            return None
        try:
            return get_common_landmarks(model, data, self.variant)
        except KeyError:
            return None


def _visible(instances: InstanceData) -> np.ndarray:
    """Flags [n, K]; all 1 where there are none, the first of those that transforms stack."""
    visible = instances.get('keypoints_visible', None)
    if visible is None:
        return np.ones(np.shape(instances.keypoints)[:2])
    visible = np.asarray(visible)
    return visible[..., 0] if visible.ndim == 3 else visible


def _radius_for(data_sample: PoseDataSample) -> int:
    """Radius of a point that leaves the neighbours of a dense scheme apart."""
    for side in ('gt_instances', 'pred_instances'):
        instances = data_sample.get(side, None)
        if instances is not None and 'bboxes' in instances:
            boxes = np.asarray(instances.bboxes)
            return int(np.clip(round(float((boxes[:, 2:4] - boxes[:, :2]).max()) / 120), 1, 8))
    return 2
