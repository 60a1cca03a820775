"""A trained top-down model of MMPose, from boxes to landmarks with their uncertainty."""
from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings
from mmpose.apis.inference import dataset_meta_from_config
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.models import TopdownPoseEstimator
from torch import Tensor

from ..engine.checkpoint import check_checkpoint, load_checkpoint
from ..engine.config_loading import load_config
from ..engine.device import find_device
from ..landmarks import find_scheme, get_scheme, metainfo_of
from ..models.heads.probability_mixin import ProbabilityHeadMixin
from ..robustness.models import FaceModel
from ..turning_on.config_walk import find_typed, type_name
from .face import LandmarkedFace
from .uncertainty import heatmap_covariance, transform_covariance, without_target_blur


class Crop(NamedTuple):
    """A face to look at.

    Attributes:
        image (np.ndarray): [H, W, 3], BGR, uint8.
        box (np.ndarray): [4], left, top, right, bottom, image pixels.
        score (float): Of the box.
    """
    image: np.ndarray
    box: np.ndarray
    score: float


class LandmarkModel:
    """Any trained top-down model of MMPose (heatmap, SimCC, regression).

    Images go through the config's own test pipeline and ``model.test_step``, as in MMPose's
    ``inference_topdown``.

    Args:
        config: Config file, or ``mmpose::path`` for one of MMPose's own, or a loaded config.
        checkpoint: Its weights: a file, or an address that MMEngine downloads.
        device: ``'cpu'``, ``'cuda'``, ``'cuda:1'`` …; by default a GPU where there is one.
        batch_size: Faces in one pass of the network.
        uncertainty: Whether covariances are computed.
        flip_test: Overrides ``model.test_cfg.flip_test``.
        scheme: Name of the landmark scheme, where neither checkpoint nor config tells it.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is not what it should be, the two do not fit each other, the model is
            not a top-down one, or there is no such device.
    """

    def __init__(self,
                 config,
                 checkpoint: str,
                 device: Optional[str] = None,
                 batch_size: int = 32,
                 uncertainty: bool = True,
                 flip_test: Optional[bool] = None,
                 scheme: Optional[str] = None) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, found {batch_size}')
        self.device = find_device(device)
        cfg = config.copy() if isinstance(config, Config) else load_config(str(config))
        self.config = str(cfg.filename or '') if isinstance(config, Config) else str(config)
        self.checkpoint = str(checkpoint)
        if cfg.get('model', None) is None:
            raise ValueError(f'config {self.config}: has no model')
        if cfg.get('custom_imports', None):
            import_modules_from_strings(**cfg['custom_imports'])
        init_default_scope(cfg.get('default_scope', 'mmpose') or 'mmpose')
        check_checkpoint(self.checkpoint)
        face_model = FaceModel('model', self.config, self.checkpoint, cfg, '', None)
        with redirect_stdout(io.StringIO()):  # MMEngine prints what it loads
            self.model = face_model.build(self.device)
        if not isinstance(self.model, TopdownPoseEstimator):
            raise ValueError(f'config {self.config}: its model is a {type_name(cfg.model)}; '
                             'landmarks of given boxes need a top-down model '
                             '(TopdownPoseEstimator)')
        self.batch_size = batch_size
        self.uncertainty = uncertainty
        self.dataset_meta = self._find_metainfo(cfg, scheme)
        self.scheme = scheme or self.dataset_meta.get('dataset_name', None)
        self.model.test_cfg['output_heatmaps'] = uncertainty
        if flip_test is not None:
            self.model.test_cfg['flip_test'] = flip_test
        self.pipeline = Compose(_test_pipeline(cfg, self.config))

    @property
    def landmark_names(self) -> Tuple[str, ...]:
        """Names of the landmarks, empty where the scheme is not a known one."""
        scheme = find_scheme(self.scheme)
        return scheme.landmark_names if scheme else ()

    @torch.inference_mode()
    def predict(self, crops: Sequence[Crop]) -> List[LandmarkedFace]:
        """Find the landmarks of faces, of one image or of many.

        Args:
            crops: N faces.

        Returns:
            list[LandmarkedFace]: N, in the same order.
        """
        faces: List[LandmarkedFace] = []
        for start in range(0, len(crops), self.batch_size):
            batch = crops[start:start + self.batch_size]
            samples = self.model.test_step(pseudo_collate([self._prepare(crop) for crop in batch]))
            self._check_count(samples[0].pred_instances.keypoints.shape[1])
            covariances = self._covariances(samples)
            for place, (crop, sample) in enumerate(zip(batch, samples)):
                found = sample.pred_instances
                faces.append(LandmarkedFace(
                    np.asarray(crop.box, dtype=np.float64), float(crop.score),
                    _array(found.keypoints)[0, :, :2].astype(np.float64),
                    _array(found.keypoint_scores)[0].astype(np.float64),
                    *(None if one is None else one[place] for one in covariances)))
        return faces

    def _check_count(self, found: int) -> None:
        scheme = find_scheme(self.scheme)
        if scheme is not None and scheme.num_landmarks != found:
            raise ValueError(f'scheme {self.scheme!r} has {scheme.num_landmarks} landmarks, the '
                             f'model {found}: name the scheme that it was trained on')

    def _prepare(self, crop: Crop) -> dict:
        box = np.asarray(crop.box, dtype=np.float32)
        return self.pipeline(dict(
            self.dataset_meta, img=crop.image, img_path=None, id=0, img_id=0, bbox=box[None],
            bbox_score=np.array([crop.score], dtype=np.float32)))

    def _covariances(self, samples) -> Tuple[Optional[np.ndarray], Optional[np.ndarray]]:
        """Of the landmarks and of their maps, [B, K, 2, 2] in image pixels squared."""
        maps = [getattr(sample, 'pred_fields', None) for sample in samples]
        if not self.uncertainty or any(one is None or 'heatmaps' not in one for one in maps):
            return None, None
        stacked = torch.stack([torch.as_tensor(one.heatmaps) for one in maps])
        landmarks = samples[0].pred_instances.keypoints.shape[1]
        if stacked.shape[1] == 3 * landmarks:  # UDP's map and its two offsets
            stacked = stacked[:, ::3]
        whole = heatmap_covariance(self._distributions(stacked)).cpu().numpy()
        scale = self._heatmap_scale(stacked.shape[-2:], samples)[:, None]
        sigma = getattr(getattr(self.model.head, 'decoder', None), 'sigma', None)
        place = without_target_blur(whole, 0.0 if sigma is None else sigma)
        return transform_covariance(place, scale), transform_covariance(whole, scale)

    def _distributions(self, maps: Tensor) -> Tensor:
        """Maps as the head returns them, as distributions."""
        decoder = getattr(self.model.head, 'decoder', None)
        if hasattr(decoder, 'probabilities'):
            if isinstance(self.model.head, ProbabilityHeadMixin):
                return maps.float()  # they are
            return decoder.probabilities(maps)
        # Trained on values (L2): what is negative is cut, as BarycenterCodec(normalization='sum')
        # does. The noise far from the peak stays in and makes these covariances larger.
        maps = maps.float().clamp_min(0)
        total = maps.sum(dim=(-2, -1), keepdim=True)
        uniform = 1 / (maps.shape[-2] * maps.shape[-1])
        return torch.where(total > 0, maps / total.clamp_min(1e-37), uniform)

    def _heatmap_scale(self, size, samples) -> np.ndarray:
        """[B, 2]: image pixels in a heatmap pixel, along x and y."""
        decoder = getattr(self.model.head, 'decoder', None)
        height, width = size
        whole = np.array([sample.metainfo['input_size'] for sample in samples], dtype=np.float64)
        extent = np.array([sample.metainfo['input_scale'] for sample in samples], dtype=np.float64)
        if hasattr(decoder, 'coordinate_map'):
            step = decoder.coordinate_map.decode_scale
        else:
            udp = type(decoder).__name__ == 'UDPHeatmap'  # pixel centres at both borders
            step = whole / (np.array([width, height], dtype=np.float64) - float(udp))
        return step * extent / whole

    def _find_metainfo(self, cfg: Config, scheme: Optional[str]) -> dict:
        """MMPose's description of the landmarks, which the flip test needs."""
        if scheme is not None:
            return parse_pose_metainfo(metainfo_of(get_scheme(scheme)))
        meta = self._checkpoint_metainfo()
        if meta is None:
            for mode in ('train', 'val', 'test'):
                try:
                    meta = dataset_meta_from_config(cfg, dataset_mode=mode)
                except (KeyError, FileNotFoundError):
                    meta = None
                if meta is not None:
                    break
        if meta is None:
            raise ValueError(
                f'neither checkpoint {self.checkpoint} nor config {self.config} tells what the '
                "landmarks are (no dataset_meta, no data set); give scheme='300w', 'wflw', …")
        return meta

    def _checkpoint_metainfo(self) -> Optional[dict]:
        meta = load_checkpoint(self.checkpoint).get('meta', None) or {}
        found = meta.get('dataset_meta', None)
        return dict(found) if found and 'flip_indices' in found else None


def _test_pipeline(cfg: Config, name: str) -> list:
    for key in ('test_dataloader', 'val_dataloader'):
        loader = cfg.get(key, None)
        for _, node in find_typed(loader['dataset']) if loader else ():
            if node.get('pipeline', None):
                return [step for step in node['pipeline'] if type_name(step) != 'GenerateTarget']
    raise ValueError(f'config {name}: neither test_dataloader nor val_dataloader has a pipeline '
                     'that crops faces')


def _array(value) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
