"""Random weights that say something of the image, for measurements without a trained model."""
from __future__ import annotations

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from torch import nn

from .export_module import LandmarkExportModule
from .parity import check_images

#: How far the logits' maximum is above their mean, on average; trained maps are about so sharp.
PEAK_HEIGHT = 8.0


def liven_random_weights(model: TopdownPoseEstimator) -> None:
    """Let a model of random weights predict maps with peaks that depend on the image (in place).

    As initialised, signals fade from layer to layer and softmaxed maps are uniform: every
    landmark lies in the middle, whatever the image, and any two formats agree. Here the
    normalisation layers take the statistics of rendered faces, and the codec's temperature is set
    to the maps' range.

    Args:
        model: With a ``BarycenterCodec``, whose temperature is changed.
    """
    module = LandmarkExportModule(model)
    images = torch.from_numpy(check_images(module)).float()
    layers = [layer for layer in model.modules()
              if isinstance(layer, nn.modules.batchnorm._NormBase)]
    momenta = [layer.momentum for layer in layers]
    with torch.no_grad():
        for layer in layers:
            layer.momentum = 1.0
        model.train()
        model(module.normalized(images), None)
        model.eval()
        for layer, momentum in zip(layers, momenta):
            layer.momentum = momentum
        maps = model(module.normalized(images), None)
    while isinstance(maps, (list, tuple)):
        maps = maps[-1]
    maps = maps.flatten(2)
    peaks = maps.amax(dim=-1) - maps.mean(dim=-1)
    model.head.decoder.temperature = float(peaks.mean()) / PEAK_HEIGHT
