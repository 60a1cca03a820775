"""MMPose's top-down model with CoordConvs in place of all its convolutions."""
from __future__ import annotations

from typing import Optional

from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS

from ..layers import convert_to_coord_conv
from ..layers.coord_conv import CoordinateChannels


@MODELS.register_module()
class CoordConvPoseEstimator(TopdownPoseEstimator):
    """``TopdownPoseEstimator`` whose convolutions are all CoordConvs (the paper's "CC").

    Turned on for any top-down config by ``model = dict(type='CoordConvPoseEstimator')``. All
    ``Conv2d`` and ``ConvTranspose2d`` are converted, also 1 x 1 and those of the head. Weights of
    a model without coordinates load (pretrained backbones, ``load_from``); the coordinates'
    weights then are 0. So are those of a layer that starts from random weights: before the first
    training step, coordinates have no say anywhere.

    Args:
        *args: Arguments of ``TopdownPoseEstimator``.
        coord_conv: Arguments of :func:`convert_to_coord_conv`: ``radius``, ``skip``.
        **kwargs: Arguments of ``TopdownPoseEstimator``.
    """

    def __init__(self, *args, coord_conv: Optional[dict] = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.coord_conv_layers = convert_to_coord_conv(self, **(coord_conv or {}))

    def init_weights(self) -> None:
        """Initialise as the model without coordinates is; their weights are 0 unless loaded."""
        layers = [layer for layer in self.modules() if isinstance(layer, CoordinateChannels)]
        for layer in layers:
            layer.coordinates_loaded = False
        super().init_weights()
        for layer in layers:
            if not layer.coordinates_loaded:
                layer.zero_coordinate_weights()
