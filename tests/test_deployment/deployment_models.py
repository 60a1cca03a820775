"""Small models to export, and what MMPose itself predicts with them."""
from __future__ import annotations

from pathlib import Path
from typing import Tuple

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from test_models.four_models import LANDMARKS, build_model

from mmpose_wass.deployment import SourceModel
from mmpose_wass.deployment.random_weights import liven_random_weights
from mmpose_wass.deployment.source_model import Crop, Landmarks
from mmpose_wass.models.layers.coord_conv import CoordinateChannels

SIDE = 64
FLIP_INDICES = (1, 0, 2, 4, 3)
PREPROCESSOR = dict(type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53],
                    std=[58.395, 57.12, 57.375], bgr_to_rgb=True)


def codec(**changes) -> dict:
    """A codec for the small models."""
    return dict(dict(type='BarycenterCodec', input_size=(SIDE, SIDE), heatmap_size=(16, 16),
                     sigma=1.5), **changes)


def small_source(name: str = 'simple_baselines', estimator: str = 'TopdownPoseEstimator',
                 preprocessor=None, test_cfg=None, peaks: bool = True,
                 **codec_options) -> SourceModel:
    """One of the paper's four models, tiny, with random weights and maps that have peaks."""
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = build_model(name, estimator, decoder=codec(**codec_options),
                        data_preprocessor=preprocessor or PREPROCESSOR, test_cfg=test_cfg or {})
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, CoordinateChannels):
                layer.split_weight()[1].normal_(std=.002)
    if peaks:
        liven_random_weights(model)
    return SourceModel(
        model, Landmarks('five', tuple('abcde'), FLIP_INDICES), Crop(1.25, False), 'five.py')


def random_images(count: int = 3, seed: int = 0) -> np.ndarray:
    """Images ``[count, 3, H, W]``, uint8, BGR."""
    return np.random.default_rng(seed).integers(0, 256, (count, 3, SIDE, SIDE), dtype=np.uint8)


def predict_with_mmpose(model, images: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Landmarks and scores of ``model.test_step``, for crops that are the whole image."""
    samples = []
    for _ in images:
        sample = PoseDataSample(metainfo=dict(
            input_size=(SIDE, SIDE), input_center=np.full(2, SIDE / 2),
            input_scale=np.full(2, float(SIDE)), img_shape=(SIDE, SIDE),
            flip_indices=list(FLIP_INDICES)))
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        samples.append(sample)
    with torch.no_grad():
        results = model.test_step(dict(inputs=list(torch.from_numpy(images)),
                                       data_samples=samples))
    found = [result.pred_instances for result in results]
    return (np.concatenate([one.keypoints for one in found]),
            np.concatenate([one.keypoint_scores for one in found]))


def leaks_of(content: bytes) -> list:
    """Folders of this machine whose names stand in a file."""
    folders = [Path(__file__).resolve().parents[2], Path(torch.__file__).parents[1], Path.home()]
    return [str(folder) for folder in folders if str(folder).encode() in content]


__all__ = ['FLIP_INDICES', 'LANDMARKS', 'SIDE', 'codec', 'leaks_of', 'predict_with_mmpose',
           'random_images', 'small_source']
