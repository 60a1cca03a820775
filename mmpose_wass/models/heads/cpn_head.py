"""GlobalNet's predictions and RefineNet of the Cascaded Pyramid Network."""
from __future__ import annotations

from typing import List, Optional, Sequence, Union

import torch
from mmcv.cnn import ConvModule, build_conv_layer
from mmpose.models.backbones.resnet import Bottleneck
from mmpose.models.heads import CPMHead
from mmpose.models.utils.ops import resize
from mmpose.registry import MODELS
from torch import Tensor, nn

from .probability_mixin import ProbabilityHeadMixin

EXPANSION = 2  # of the bottlenecks: 256 -> 128 -> 128 -> 256


@MODELS.register_module()
class CPNHead(ProbabilityHeadMixin, CPMHead):
    """Head of CPN (Chen et al., 2018, arXiv 1711.07319) on the pyramid of :class:`CPNNeck`.

    GlobalNet predicts maps from every level of the pyramid (1 x 1 convolution, normalisation,
    ReLU; 3 x 3 convolution; enlarged to the finest level's size). RefineNet passes the levels
    through 0, 1, 2, 3 bottlenecks, finest to coarsest, enlarges and concatenates them, and
    predicts the final maps after one more bottleneck. Whether these bottlenecks have a projection
    on their shortcut the paper does not say in words, but its counts do: each of Tables 3 to 5 is
    met to the digit with one in each, and none without.

    The maps come as a list in which the coarsest of GlobalNet is first and RefineNet's is last;
    the last one predicts; GlobalNet's are not computed when it does. Deep supervision: every one
    has its loss, and their sum is the loss. All have the targets of the codec, or each has its
    own: ``GenerateTarget(multilevel=True, encoder=[...])`` with one codec a stage, coarsest first.

    Args:
        in_channels: Channels of the pyramid's levels.
        out_channels: Number of landmarks.
        num_levels: Levels of the pyramid.
        loss: Loss of each of GlobalNet's levels, of any kind; or a list with one loss a stage, in
            the order of the maps.
        refine_loss: RefineNet's loss; by default `loss`. Its paper mines hard keypoints:
            ``dict(type='KeypointOHKMMSELoss', topk=...)`` for the L2 loss,
            ``dict(type='HardLandmarkLoss', loss=dict(type='WassersteinHeatmapLoss'))`` for
            another. Not together with a list.
        decoder: The codec.
        projection: Whether all bottlenecks of RefineNet have a 1 x 1 convolution on their
            shortcut, as in the paper; else only the last one, which needs it, as in the authors'
            later TensorFlow code.
        conv_cfg: Kind of the convolutions.
        norm_cfg: Kind of the normalisation.
        init_cfg: Initialisation; by default Xavier's, as in the authors' implementation.

    Raises:
        ValueError: If there is not one loss a stage.
    """

    def __init__(self,
                 in_channels: int = 256,
                 out_channels: int = 68,
                 num_levels: int = 4,
                 loss: Union[dict, Sequence[dict]] = dict(  # noqa: B006
                     type='KeypointMSELoss', use_target_weight=True),
                 refine_loss: Optional[dict] = None,
                 decoder: Optional[dict] = None,
                 projection: bool = True,
                 conv_cfg: Optional[dict] = None,
                 norm_cfg: dict = dict(type='BN'),  # noqa: B006
                 init_cfg: Optional[dict] = None) -> None:
        if isinstance(loss, (list, tuple)):
            if refine_loss is not None:
                raise ValueError('CPNHead: give either a list of losses or refine_loss')
            losses = list(loss)
        else:
            losses = [loss] * num_levels + [refine_loss or loss]
        if init_cfg is None:
            init_cfg = dict(type='Xavier', layer='Conv2d', distribution='uniform')
        super().__init__(
            in_channels=in_channels, out_channels=out_channels, num_stages=num_levels + 1,
            final_layer=None, loss=losses, decoder=decoder, init_cfg=init_cfg)
        # The parent's layers between features and maps, empty here.
        del self.multi_deconv_layers, self.multi_final_layers
        self.num_levels = num_levels
        options = dict(conv_cfg=conv_cfg, norm_cfg=norm_cfg)

        def predictor() -> nn.Module:
            return build_conv_layer(conv_cfg, in_channels, out_channels, 3, padding=1)

        def bottlenecks(channels: int, count: int) -> nn.Module:
            return nn.Sequential(*(_bottleneck(channels, in_channels, projection, options)
                                   for _ in range(count)))

        # Finest level first, as the pyramid.
        self.global_convs = nn.ModuleList(
            ConvModule(in_channels, in_channels, 1, **options) for _ in range(num_levels))
        self.global_predictors = nn.ModuleList(predictor() for _ in range(num_levels))
        self.refine_levels = nn.ModuleList(
            bottlenecks(in_channels, count) for count in range(num_levels))
        self.refine_merge = bottlenecks(num_levels * in_channels, 1)
        self.refine_predictor = predictor()

    def forward(self, feats: Sequence[Tensor]) -> List[Tensor]:
        """Predict the maps of all stages.

        Args:
            feats: The pyramid, finest level first.

        Returns:
            list[Tensor]: ``num_levels + 1`` maps ``[B, K, H, W]`` of the finest level's size:
            GlobalNet's from coarse to fine, then RefineNet's.

        Raises:
            ValueError: If the pyramid has another number of levels.
        """
        self._check(feats)
        size = feats[0].shape[-2:]
        maps = [
            _enlarge(predict(conv(level)), size) for conv, predict, level in zip(
                self.global_convs, self.global_predictors, feats)
        ]
        return [*reversed(maps), self.final_stage(feats)]

    def final_stage(self, feats: Sequence[Tensor]) -> Tensor:
        """Predict RefineNet's maps alone.

        Args:
            feats: The pyramid, finest level first.

        Returns:
            Tensor: ``[B, K, H, W]``.

        Raises:
            ValueError: If the pyramid has another number of levels.
        """
        self._check(feats)
        size = feats[0].shape[-2:]
        refined = [_enlarge(blocks(level), size)
                   for blocks, level in zip(self.refine_levels, feats)]
        return self.refine_predictor(self.refine_merge(torch.cat(refined, dim=1)))

    def _check(self, feats: Sequence[Tensor]) -> None:
        if len(feats) != self.num_levels:
            raise ValueError(f'CPNHead expects {self.num_levels} levels, got {len(feats)}')


def _enlarge(maps: Tensor, size) -> Tensor:
    if maps.shape[-2:] == size:
        return maps
    return resize(maps, size=size, mode='bilinear', align_corners=False)


def _bottleneck(in_channels: int, out_channels: int, projection: bool,
                options: dict) -> nn.Module:
    """MMPose's bottleneck; where the number of channels changes, always with a projection."""
    shortcut = None
    if projection or in_channels != out_channels:
        shortcut = ConvModule(in_channels, out_channels, 1, act_cfg=None, **options)
    return Bottleneck(in_channels, out_channels, expansion=EXPANSION, downsample=shortcut,
                      **options)
