"""The Stacked Hourglass network as its paper has it (Newell et al., 2016, arXiv 1603.06937).

MMPose's ``HourglassNet`` is the one of CornerNet: basic blocks, strides instead of pooling, 104
layers in two stacks, and no maps fed back. The network that the heatmap literature cites has
pre-activated bottlenecks, max pooling, eight stacks of 256 channels, and passes each stack's maps
on to the next; this is that one.
"""
from __future__ import annotations

from typing import List, Optional

from mmcv.cnn import build_conv_layer, build_norm_layer
from mmengine.model import BaseModule
from mmpose.models.backbones.base_backbone import BaseBackbone
from mmpose.registry import MODELS
from torch import Tensor, nn

STEM_CHANNELS = (64, 128)


def _norm(norm_cfg: dict, channels: int) -> nn.Module:
    return build_norm_layer(norm_cfg, channels)[1]


class Residual(BaseModule):
    """Pre-activated bottleneck: C -> C'/2 -> C'/2 -> C', each after normalisation and ReLU.

    Args:
        in_channels: C.
        out_channels: C'.
        conv_cfg: Kind of the convolutions.
        norm_cfg: Kind of the normalisation.
    """

    def __init__(self, in_channels: int, out_channels: int, conv_cfg: Optional[dict],
                 norm_cfg: dict) -> None:
        super().__init__()
        middle = out_channels // 2
        layers = []
        for inputs, outputs, size in ((in_channels, middle, 1), (middle, middle, 3),
                                      (middle, out_channels, 1)):
            layers += [_norm(norm_cfg, inputs), nn.ReLU(inplace=True),
                       build_conv_layer(conv_cfg, inputs, outputs, size, padding=size // 2)]
        self.block = nn.Sequential(*layers)
        self.skip = nn.Identity()
        if in_channels != out_channels:
            self.skip = build_conv_layer(conv_cfg, in_channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        return self.skip(features) + self.block(features)


class Hourglass(BaseModule):
    """One hourglass: down `depth` times by max pooling and up again, with skips.

    Args:
        depth: How often the resolution is halved.
        channels: Width at all resolutions.
        num_blocks: Residual blocks in each place.
        conv_cfg: Kind of the convolutions.
        norm_cfg: Kind of the normalisation.
    """

    def __init__(self, depth: int, channels: int, num_blocks: int, conv_cfg: Optional[dict],
                 norm_cfg: dict) -> None:
        super().__init__()

        def blocks() -> nn.Module:
            return nn.Sequential(*(Residual(channels, channels, conv_cfg, norm_cfg)
                                   for _ in range(num_blocks)))

        self.skip = blocks()
        self.down = nn.Sequential(nn.MaxPool2d(2), blocks())
        self.inside = blocks() if depth == 1 else Hourglass(
            depth - 1, channels, num_blocks, conv_cfg, norm_cfg)
        self.up = nn.Sequential(blocks(), nn.Upsample(scale_factor=2, mode='nearest'))

    def forward(self, features: Tensor) -> Tensor:
        return self.skip(features) + self.up(self.inside(self.down(features)))


@MODELS.register_module()
class StackedHourglass(BaseBackbone):
    """Stacked Hourglass; its outputs are the maps of every stack, the predicting one last.

    As the maps feed the next stack they are made here, so that the head has no layers: use
    ``ProbabilityCPMHead(in_channels=K, out_channels=K, num_stages=8, final_layer=None)``.

    Args:
        out_channels: Number of landmarks K.
        num_stacks: Hourglasses, 8 in the paper.
        num_blocks: Residual blocks in each place of an hourglass.
        channels: Width.
        depth: How often an hourglass halves the resolution.
        conv_cfg: Kind of the convolutions.
        norm_cfg: Kind of the normalisation.
        init_cfg: Initialisation; by default each layer's own.

    Example:
        >>> import torch
        >>> model = StackedHourglass(out_channels=5, num_stacks=2, channels=16, depth=2)
        >>> [tuple(maps.shape) for maps in model(torch.rand(1, 3, 64, 64))]
        [(1, 5, 16, 16), (1, 5, 16, 16)]
    """

    def __init__(self,
                 out_channels: int = 68,
                 num_stacks: int = 8,
                 num_blocks: int = 1,
                 channels: int = 256,
                 depth: int = 4,
                 conv_cfg: Optional[dict] = None,
                 norm_cfg: dict = dict(type='BN'),  # noqa: B006
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        self.out_channels = out_channels
        self.num_stacks = num_stacks
        self.depth = depth
        options = dict(conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        narrow, wide = STEM_CHANNELS
        self.stem = nn.Sequential(
            build_conv_layer(conv_cfg, 3, narrow, 7, stride=2, padding=3),
            _norm(norm_cfg, narrow), nn.ReLU(inplace=True), Residual(narrow, wide, **options),
            nn.MaxPool2d(2), Residual(wide, wide, **options), Residual(wide, channels, **options))
        self.hourglasses = nn.ModuleList(
            Hourglass(depth, channels, num_blocks, **options) for _ in range(num_stacks))
        self.features = nn.ModuleList(
            nn.Sequential(
                *(Residual(channels, channels, **options) for _ in range(num_blocks)),
                build_conv_layer(conv_cfg, channels, channels, 1), _norm(norm_cfg, channels),
                nn.ReLU(inplace=True))
            for _ in range(num_stacks))

        def conv(inputs: int, outputs: int) -> nn.Module:
            return build_conv_layer(conv_cfg, inputs, outputs, 1)

        self.predictors = nn.ModuleList(conv(channels, out_channels) for _ in range(num_stacks))
        self.merge_features = nn.ModuleList(
            conv(channels, channels) for _ in range(num_stacks - 1))
        self.merge_maps = nn.ModuleList(
            conv(out_channels, channels) for _ in range(num_stacks - 1))

    def forward(self, images: Tensor) -> List[Tensor]:
        """Predict the maps of all stacks.

        Args:
            images: ``[B, 3, H, W]``.

        Returns:
            list[Tensor]: ``num_stacks`` maps ``[B, K, H / 4, W / 4]``.

        Raises:
            ValueError: If the images' sides are no multiples of 4 x 2^depth.
        """
        multiple = 4 * 2**self.depth
        if images.shape[-2] % multiple or images.shape[-1] % multiple:
            raise ValueError(f'StackedHourglass with depth={self.depth} needs images whose sides '
                             f'are multiples of {multiple}, got {tuple(images.shape[-2:])}')
        state = self.stem(images)
        maps = []
        for stack in range(self.num_stacks):
            features = self.features[stack](self.hourglasses[stack](state))
            maps.append(self.predictors[stack](features))
            if stack < self.num_stacks - 1:
                state = state + self.merge_features[stack](features) + self.merge_maps[stack](
                    maps[-1])
        return maps

    def map_consumers(self) -> dict:
        """The convolutions that read a stack's maps, by the convolution that makes these."""
        return dict(zip(self.predictors, self.merge_maps))
