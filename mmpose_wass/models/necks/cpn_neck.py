"""GlobalNet's feature pyramid of the Cascaded Pyramid Network."""
from __future__ import annotations

from typing import Optional, Sequence, Tuple

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpose.models.utils.ops import resize
from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class CPNNeck(BaseModule):
    """Feature pyramid of CPN (Chen et al., 2018, arXiv 1711.07319, Sec. 3.2.1).

    Every level of the backbone is brought to a common width by a 1 x 1 convolution with
    normalisation and ReLU; from the coarsest level on, the level above is enlarged (bilinearly),
    passed through a 1 x 1 convolution and added. That convolution, and the absence of a 3 x 3 one
    after the sum, is what differs from a feature pyramid network.

    Args:
        in_channels: Channels of the backbone's levels, finest first, such as those of
            ``ResNet(depth=50, out_indices=(0, 1, 2, 3))``.
        out_channels: The common width.
        conv_cfg: Kind of the convolutions.
        norm_cfg: Kind of the normalisation.
        init_cfg: Initialisation; by default Xavier's, as in the authors' implementation.
    """

    def __init__(self,
                 in_channels: Sequence[int] = (256, 512, 1024, 2048),
                 out_channels: int = 256,
                 conv_cfg: Optional[dict] = None,
                 norm_cfg: dict = dict(type='BN'),  # noqa: B006
                 init_cfg: Optional[dict] = None) -> None:
        if init_cfg is None:
            init_cfg = dict(type='Xavier', layer='Conv2d', distribution='uniform')
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        options = dict(conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        self.lateral_convs = nn.ModuleList(
            ConvModule(channels, out_channels, 1, **options) for channels in in_channels)
        self.merge_convs = nn.ModuleList(
            ConvModule(out_channels, out_channels, 1, conv_cfg=conv_cfg, norm_cfg=None,
                       act_cfg=None, bias=True) for _ in in_channels[1:])

    def forward(self, feats: Sequence[Tensor]) -> Tuple[Tensor, ...]:
        """Build the pyramid.

        Args:
            feats: The backbone's levels, finest first.

        Returns:
            tuple[Tensor]: As many levels, finest first, ``[B, out_channels, H, W]`` each.

        Raises:
            ValueError: If there are not as many levels as ``in_channels``.
        """
        if len(feats) != len(self.in_channels):
            raise ValueError(f'CPNNeck expects {len(self.in_channels)} feature maps, got '
                             f"{len(feats)}: set the backbone's out_indices")
        levels = [conv(level) for conv, level in zip(self.lateral_convs, feats)]
        for place in range(len(levels) - 2, -1, -1):
            above = resize(levels[place + 1], size=levels[place].shape[-2:], mode='bilinear',
                           align_corners=False)
            levels[place] = levels[place] + self.merge_convs[place](above)
        return tuple(levels)
