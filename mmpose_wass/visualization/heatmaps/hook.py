"""Heatmaps and failures in TensorBoard, W&B and files, while a model is trained."""
from __future__ import annotations

from typing import Any, List, Optional, Sequence, Union

import numpy as np
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.registry import HOOKS

from mmpose_wass.datasets.transforms.model_layout import ModelLandmarkLayout
from mmpose_wass.landmarks import find_scheme

from ..picture_grid import to_pixels
from .face_strips import strips_figure
from .face_view import FaceView, enlarge, view_of_sample

#: Longer side of a face in the pictures, in pixels, at least.
_SIDE = 256
_DPI = 100


@HOOKS.register_module()
class HeatmapVisualizationHook(Hook):
    """Draw heatmaps over faces after each validation, through the visualizer's own backends.

    Two kinds of pictures, each under one name, so that TensorBoard and W&B show how they change
    from one validation to the next:

    - ``val_heatmaps_<n>``: every ``interval``-th face of the validation data, always the same
      ones: annotation and prediction, all heatmaps, and single landmarks' heatmaps.
    - ``val_failures``: the ``worst`` faces of this validation, by their mean error; first of all
      those of which a landmark is no finite number.

    Works with every top-down model; one that has no heatmaps gets pictures of its landmarks. In a
    test the names begin with ``test``. With several processes the worst faces are those of all of
    them, and faces at fixed places those of the first.

    Args:
        interval (int): Draw every so many-th face; 0: none.
        max_faces (int): At most so many of them.
        worst (int): How many of the worst faces to draw; 0: none.
        landmarks (Sequence[int | str], optional): Landmarks whose heatmaps are drawn, by number or
            by name, such as ``'nose_tip'``. Default: for each face the one that went worst.
        val_interval (int): Draw at every so many-th validation, and at the first.

    Raises:
        ValueError: If a number is negative, or nothing is to be drawn; before the run starts, if
            the model has no such landmark.

    Examples:
        In a config::

            custom_hooks = [dict(type='HeatmapVisualizationHook', interval=100, worst=6)]
            visualizer = dict(vis_backends=[
                dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')])
    """

    def __init__(self,
                 interval: int = 100,
                 max_faces: int = 6,
                 worst: int = 4,
                 landmarks: Optional[Sequence[Union[int, str]]] = None,
                 val_interval: int = 1) -> None:
        for name, value, least in (('interval', interval, 0), ('max_faces', max_faces, 0),
                                   ('worst', worst, 0), ('val_interval', val_interval, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f'{name} must be a whole number of {least} or more, got {value!r}')
        if not worst and not (interval and max_faces):
            raise ValueError('HeatmapVisualizationHook has nothing to draw: worst is 0, and '
                             'interval or max_faces is 0 too')
        self.interval, self.max_faces, self.worst = interval, max_faces, worst
        self.landmarks = None if landmarks is None else list(landmarks)
        self.val_interval = val_interval
        self._validations = 0
        self._active = False
        self._output_before: Any = None
        self._fixed: List[FaceView] = []
        self._worst: List[FaceView] = []
        self._seen = 0

    def before_run(self, runner) -> None:
        """Look for the landmarks that the config names: a slip must not end a training later on.

        Raises:
            ValueError: If the model has no such landmark.
        """
        for loop in (runner._val_loop, runner._test_loop):
            # What is not built yet will not run; asking the runner for it would build it.
            dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
            scheme = find_scheme(_model_scheme(dataset))
            if self.landmarks is not None and scheme is not None:
                self._indices(scheme.name, scheme.num_landmarks)

    def before_val_epoch(self, runner) -> None:
        """Have the model return its heatmaps."""
        self._start(runner, self._validations % self.val_interval == 0)
        self._validations += 1

    def before_test_epoch(self, runner) -> None:
        """Have the model return its heatmaps."""
        self._start(runner, True)

    def after_val_iter(self, runner, batch_idx: int, data_batch: Any = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Keep the faces that will be drawn."""
        self._keep(runner, data_batch, outputs)

    def after_test_iter(self, runner, batch_idx: int, data_batch: Any = None,
                        outputs: Optional[Sequence] = None) -> None:
        """Keep the faces that will be drawn."""
        self._keep(runner, data_batch, outputs)

    def after_val_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw them."""
        self._draw(runner, 'val')

    def after_test_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw them."""
        self._draw(runner, 'test')

    def _start(self, runner, active: bool) -> None:
        self._stop(runner)
        self._active = active
        if active:
            settings = _model_of(runner).test_cfg
            self._output_before = settings.get('output_heatmaps', None)
            settings['output_heatmaps'] = True

    def _stop(self, runner) -> None:
        """Leave the model's settings as they were found, and forget the faces."""
        if self._active:
            settings = _model_of(runner).test_cfg
            if self._output_before is None:
                settings.pop('output_heatmaps', None)
            else:
                settings['output_heatmaps'] = self._output_before
        self._active, self._fixed, self._worst, self._seen = False, [], [], 0

    def _keep(self, runner, data_batch: Any, outputs: Optional[Sequence]) -> None:
        if not self._active:
            return
        head = _model_of(runner).head
        for image, sample in zip(data_batch['inputs'], outputs or ()):
            fixed = (self.interval and self._seen % self.interval == 0
                     and len(self._fixed) < self.max_faces and is_main_process())
            place, self._seen = self._seen, self._seen + 1
            if not fixed and not self.worst:
                continue
            view = view_of_sample(sample, head, _name_of(sample, place), crop=_pixels(image))
            if fixed:
                self._fixed.append(view)
            # Only the worst so far are kept: what is kept does not grow with the data.
            if self.worst and not np.isnan(_badness(view)):
                self._worst = _largest([*self._worst, view], self.worst)

    def _draw(self, runner, phase: str) -> None:
        if not self._active:
            return
        gathered = [self._worst]
        if self.worst:
            gathered = all_gather_object(self._worst)
        worst = _largest([view for views in gathered for view in views], self.worst)
        fixed = self._fixed
        self._stop(runner)
        if not is_main_process():
            return
        step = _step(runner)
        for number, view in enumerate(fixed):
            self._add(runner, f'{phase}_heatmaps_{number}', [view], 'Heatmaps', step)
        if worst:
            self._add(runner, f'{phase}_failures', worst, f'The worst faces ({len(worst)})', step)
        elif self.worst:
            runner.logger.warning('HeatmapVisualizationHook: no face has both an annotation and a '
                                  'prediction to compare, so there are no worst ones to draw')

    def _add(self, runner, name: str, views: Sequence[FaceView], title: str, step: int) -> None:
        views = [_enlarged(view) for view in views]
        figure = strips_figure(views, f'{title}, step {step}',
                               self._indices(views[0].scheme, len(views[0].points)))
        runner.visualizer.add_image(name, to_pixels(figure, _DPI), step=step)

    def _indices(self, scheme: Optional[str], count: int) -> Optional[List[int]]:
        """Indices of the landmarks that the config names, among a model's ``count`` ones.

        Raises:
            ValueError: If the model has no such landmark.
        """
        if self.landmarks is None:
            return None
        from mmpose_wass.evaluation.comparison.ranking import find_landmark
        scheme = find_scheme(scheme)
        names = scheme.landmark_names if scheme is not None and scheme.num_landmarks == count \
            else [f'landmark_{index}' for index in range(count)]
        try:
            return [find_landmark(names, one) for one in self.landmarks]
        except ValueError as error:
            raise ValueError(f'HeatmapVisualizationHook.landmarks: {error}') from None


def _model_of(runner) -> Any:
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def _step(runner) -> int:
    """Where LoggerHook puts a validation's measures: at the epoch, else at the iteration."""
    # Asking a runner that only tests for its epoch would build its training data.
    loop = getattr(runner, '_train_loop', None)
    if loop is None or isinstance(loop, dict):
        return 0
    return runner.epoch if runner.log_processor.by_epoch else runner.iter


def _pixels(image: Any) -> np.ndarray:
    """A network's input ``[3, H, W]`` as it was packed, as a picture ``[H, W, 3]`` (BGR)."""
    pixels = image.detach().cpu().numpy().transpose(1, 2, 0)
    pixels = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    return np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _name_of(sample: Any, place: int) -> str:
    path = str(sample.metainfo.get('img_path', None) or '')
    return '/'.join(path.replace('\\', '/').split('/')[-2:]) or f'face {place + 1}'


def _largest(views: List[FaceView], count: int) -> List[FaceView]:
    """The faces of the largest errors, the worst first."""
    return sorted(views, key=lambda view: -_badness(view))[:count]


def _badness(view: FaceView) -> float:
    """Mean error; infinite where a landmark is no finite number, also one without annotation. NaN
    where nothing is known."""
    return view.mean_error if np.isfinite(view.points).all() else np.inf


def _model_scheme(dataset: Any) -> Optional[str]:
    """Name of the scheme in which a model answers on a data set, as far as it is known."""
    for step in getattr(getattr(dataset, 'pipeline', None), 'transforms', ()):
        if isinstance(step, ModelLandmarkLayout):
            return step.scheme
    return (getattr(dataset, 'metainfo', None) or {}).get('dataset_name', None)


def _enlarged(view: FaceView) -> FaceView:
    view.picture, zoom = enlarge(view.picture, _SIDE)
    view.zoom = view.zoom * zoom
    return view
