"""A model that needs no training: it finds the red, the green and the blue dot of an image.

Each dot is drawn as the logarithm of a Gaussian, so the model's heatmap is that Gaussian:
landmarks, confidence and covariance are known in advance.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS
from torch import nn

from mmpose_wass.inference import Boxes

DEPTH = 14.0  # logarithm of a dot's middle above the background
INPUT, MAP = 128, 32
PADDING = 2.0  # of boxes: the dots' tails lie inside
SIGMA = 0.5
LANDMARKS = 3


@MODELS.register_module(force=True)
class AveragedPixels(nn.Module):
    """Means of 4 x 4 pixels."""

    def forward(self, inputs):
        return (nn.functional.avg_pool2d(inputs, INPUT // MAP), )


def metainfo() -> dict:
    """The landmarks' description as MMPose keeps it in checkpoints, arrays and all."""
    return parse_pose_metainfo(dict(
        dataset_name='dots', paper_info={}, skeleton_info={}, joint_weights=[1.0] * LANDMARKS,
        sigmas=[], keypoint_info={
            index: dict(name=name, id=index, color=[255, 0, 0], type='', swap='')
            for index, name in enumerate(('red', 'green', 'blue'))}))


def write_dot_model(folder: Path, head: str = 'ProbabilityHeatmapHead',
                    **decoder) -> tuple[str, str]:
    """Write config and checkpoint, the latter with everything that MMEngine's runner puts in."""
    folder.mkdir(parents=True, exist_ok=True)
    codec = dict(input_size=(INPUT, INPUT), heatmap_size=(MAP, MAP),
                 **(decoder or dict(type='BarycenterCodec', sigma=SIGMA, score_radius=5.0)))
    pipeline = f"""[
    dict(type='LoadImage'), dict(type='GetBBoxCenterScale', padding={PADDING}),
    dict(type='TopdownAffine', input_size=({INPUT}, {INPUT})), dict(type='PackPoseInputs')]"""
    config = folder / 'dots.py'
    config.write_text(f"""
default_scope = 'mmpose'
custom_imports = dict(imports=['mmpose_wass'], allow_failed_imports=False)
dataset_type = 'Face300WDataset'
data_mode = 'topdown'
visualizer = dict(type='PoseLocalVisualizer', vis_backends=[], name='dots')
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[0] * 3, std=[1] * 3,
                           bgr_to_rgb=True),
    backbone=dict(type='AveragedPixels'),
    head=dict(type={head!r}, in_channels=3, out_channels=3, deconv_out_channels=None,
              loss=dict(type='KeypointMSELoss'), decoder={codec!r}),
    test_cfg=dict(flip_test=False))
test_dataloader = dict(dataset=dict(type=dataset_type, pipeline={pipeline}))
""")
    init_default_scope('mmpose')
    model = MODELS.build(Config.fromfile(str(config)).model)
    with torch.no_grad():
        layer = model.head.final_layer
        layer.weight.copy_(DEPTH / 255 * torch.eye(LANDMARKS)[:, :, None, None])
        layer.bias.zero_()
    checkpoint = folder / 'dots.pth'
    torch.save(
        dict(meta=dict(epoch=1, iter=2, dataset_meta=metainfo(), seed=np.int64(3)),
             message_hub=dict(log_scalars=dict(loss=HistoryBuffer([1.0], [1]))),
             state_dict=model.state_dict()), checkpoint)
    return str(config), str(checkpoint)


def dots(size: tuple[int, int], points: np.ndarray, covariances=None) -> np.ndarray:
    """Image [H, W, 3] (BGR) whose red, green and blue dot have the given places and spreads.

    Args:
        size: Width and height.
        points: [3, 2] in pixels, or [F, 3, 2] for several faces.
        covariances: [3, 2, 2] in pixels squared; by default a standard deviation of 4 pixels.
    """
    width, height = size
    covariances = np.tile(16.0 * np.eye(2), (LANDMARKS, 1, 1)) if covariances is None \
        else covariances
    y, x = np.mgrid[:height, :width].astype(float)
    image = np.zeros((height, width, 3))
    for face in np.reshape(points, (-1, LANDMARKS, 2)):
        for index, (point, covariance) in enumerate(zip(face, covariances)):
            (xx, xy), (_, yy) = np.linalg.inv(covariance)
            dx, dy = x - point[0], y - point[1]
            squared = xx * dx * dx + 2 * xy * dx * dy + yy * dy * dy
            value = 255 * np.clip(1 - squared / 2 / DEPTH, 0, 1)
            image[..., 2 - index] = np.maximum(image[..., 2 - index], value)
    return image.round().astype(np.uint8)


def face_at(x: float, y: float, side: float = 40) -> np.ndarray:
    """Three points [3, 2] whose box is [x, y, x + side, y + side]."""
    return np.array([[x, y], [x + side, y + side / 2], [x + side / 2, y + side]])


class BrightDetector:
    """Finds each connected bright region and takes its middle for a face of side 40."""

    def __init__(self, shift: float = 0.0) -> None:
        self.calls, self.shift = 0, shift

    def detect(self, image: np.ndarray) -> Boxes:
        import cv2
        self.calls += 1
        mask = cv2.dilate((image.max(axis=2) > 40).astype(np.uint8), np.ones((25, 25), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        centres = stats[1:, :2] + stats[1:, 2:4] / 2 + self.shift
        corners = np.concatenate([centres - 20, centres + 20], axis=1)
        return Boxes(corners.reshape(-1, 4), np.ones(len(corners)))
