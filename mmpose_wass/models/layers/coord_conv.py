"""Convolutions that know where they are: CoordConv (Liu et al., 2018, arXiv 1807.03247).

A CoordConv layer is a convolution of the features with the pixels' coordinates as further input
channels. By linearity that is the convolution of the features plus the convolution of the
coordinates, and this is how it is computed: the second is the same for all images of a batch,
nothing is concatenated, and the first is the plain layer's, bit for bit.
"""
from __future__ import annotations

from typing import Optional, Sequence, Union

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from .coordinates import coordinate_channels, coordinate_maps

Size = Union[int, Sequence[int]]


class CoordinateChannels:
    """What :class:`CoordConv2d` and :class:`CoordConvTranspose2d` share.

    The weight is that of a textbook CoordConv: in every group the features' channels come first,
    then x, y and perhaps the radius. ``in_channels`` is the number of the features' channels, as
    in the layer without coordinates.
    """

    input_axis: int  # the weight's axis of input channels
    coordinates_loaded = False  # whether weights of the coordinates came from a checkpoint

    def _add_coordinates(self, radius: bool) -> None:
        self.radius = radius
        self.coordinate_channels = coordinate_channels(radius)
        self.in_channels -= self.coordinate_channels * self.groups

    def split_weight(self):
        """The weight's part for the features, and that for the coordinates."""
        raise NotImplementedError

    def zero_coordinate_weights(self) -> None:
        """Let the layer start as the layer without coordinates."""
        with torch.no_grad():
            self.split_weight()[1].zero_()

    def _coordinates(self, features: Tensor) -> Tensor:
        return coordinate_maps(features, self.radius)

    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs):
        """Take the weights of a layer without coordinates too: those of the coordinates are 0.

        Raises:
            ValueError: If the weights have another number of coordinate channels.
        """
        key = f'{prefix}weight'
        if isinstance(state_dict.get(key), Tensor):
            self.coordinates_loaded = state_dict[key].shape == self.weight.shape
            state_dict[key] = self._fit_weight(state_dict[key], key)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def _fit_weight(self, weight: Tensor, key: str) -> Tensor:
        own, axis = self.weight.shape, self.input_axis
        others = [size for place, size in enumerate(weight.shape) if place != axis]
        if weight.dim() != 4 or others != [s for place, s in enumerate(own) if place != axis]:
            return weight  # of another layer altogether: PyTorch says so
        groups = own[axis] // (self.features_per_group + self.coordinate_channels)
        added, rest = divmod(weight.shape[axis], groups)
        added -= self.features_per_group
        if rest or added == self.coordinate_channels:
            return weight
        if added == 0:
            zeros = list(weight.shape)
            zeros[axis:axis + 1] = [groups, self.coordinate_channels]
            parts = weight.unflatten(axis, (groups, self.features_per_group))
            return torch.cat([parts, weight.new_zeros(zeros)], dim=axis + 1).flatten(
                axis, axis + 1)
        if added in (coordinate_channels(False), coordinate_channels(True)):
            raise ValueError(
                f'{key} was trained with {added} coordinate channels and the layer has '
                f'{self.coordinate_channels}: set radius={added == 3} (it is {self.radius})')
        return weight

    def extra_repr(self) -> str:
        return f'{super().extra_repr()}, radius={self.radius}'


@MODELS.register_module('CoordConv')
class CoordConv2d(CoordinateChannels, nn.Conv2d):
    """``nn.Conv2d`` with coordinate channels, for ``conv_cfg=dict(type='CoordConv')``.

    Padding with zeros pads the coordinates with 0 as well, as in a textbook CoordConv.

    Args:
        in_channels: Channels of the features, without the coordinates.
        out_channels: As in ``nn.Conv2d``, and likewise all further arguments.
        kernel_size: Size of the kernel.
        stride: Stride.
        padding: Padding.
        dilation: Dilation.
        groups: Groups; each one is given the coordinates.
        bias: Whether there is a bias.
        padding_mode: How to pad.
        radius: Whether to add the distance from the centre to x and y.
        device: Device of the weights.
        dtype: Type of the weights.

    Example:
        >>> layer = CoordConv2d(8, 4, kernel_size=3, padding=1)
        >>> tuple(layer.weight.shape), tuple(layer(torch.rand(2, 8, 16, 16)).shape)
        ((4, 10, 3, 3), (2, 4, 16, 16))
    """

    input_axis = 1

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 kernel_size: Size,
                 stride: Size = 1,
                 padding: Union[str, Size] = 0,
                 dilation: Size = 1,
                 groups: int = 1,
                 bias: bool = True,
                 padding_mode: str = 'zeros',
                 radius: bool = False,
                 device=None,
                 dtype=None) -> None:
        super().__init__(in_channels + groups * coordinate_channels(radius), out_channels,
                         kernel_size, stride, padding, dilation, groups, bias, padding_mode,
                         device=device, dtype=dtype)
        self._add_coordinates(radius)

    @property
    def features_per_group(self) -> int:
        """Channels of the features that an output channel sees."""
        return self.in_channels // self.groups

    def split_weight(self):
        weight = self.weight
        return weight[:, :self.features_per_group], weight[:, self.features_per_group:]

    def forward(self, features: Tensor) -> Tensor:
        """Convolve features ``[B, C, H, W]``."""
        weight, coordinate_weight = self.split_weight()
        coordinates = self._coordinates(features)
        padding = self.padding
        if self.padding_mode != 'zeros':
            coordinates = F.pad(coordinates, self._reversed_padding_repeated_twice,
                                mode=self.padding_mode)
            padding = 0
        position = F.conv2d(coordinates, coordinate_weight, None, self.stride, padding,
                            self.dilation)
        # In place: no gradient needs the sum without the position.
        return self._conv_forward(features, weight, self.bias).add_(position)


@MODELS.register_module('CoordDeconv')
class CoordConvTranspose2d(CoordinateChannels, nn.ConvTranspose2d):
    """``nn.ConvTranspose2d`` with coordinate channels, at the resolution of its input.

    Args:
        in_channels: Channels of the features, without the coordinates.
        out_channels: As in ``nn.ConvTranspose2d``, and likewise all further arguments.
        kernel_size: Size of the kernel.
        stride: Stride.
        padding: Padding.
        output_padding: Padding of the output.
        groups: Groups; each one is given the coordinates.
        bias: Whether there is a bias.
        dilation: Dilation.
        padding_mode: ``'zeros'``.
        radius: Whether to add the distance from the centre to x and y.
        device: Device of the weights.
        dtype: Type of the weights.

    Example:
        >>> layer = CoordConvTranspose2d(8, 4, kernel_size=4, stride=2, padding=1)
        >>> tuple(layer.weight.shape), tuple(layer(torch.rand(2, 8, 16, 16)).shape)
        ((10, 4, 4, 4), (2, 4, 32, 32))
    """

    input_axis = 0

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 kernel_size: Size,
                 stride: Size = 1,
                 padding: Size = 0,
                 output_padding: Size = 0,
                 groups: int = 1,
                 bias: bool = True,
                 dilation: Size = 1,
                 padding_mode: str = 'zeros',
                 radius: bool = False,
                 device=None,
                 dtype=None) -> None:
        super().__init__(in_channels + groups * coordinate_channels(radius), out_channels,
                         kernel_size, stride, padding, output_padding, groups, bias, dilation,
                         padding_mode, device=device, dtype=dtype)
        self._add_coordinates(radius)

    @property
    def features_per_group(self) -> int:
        """Channels of the features that an output channel sees."""
        return self.in_channels // self.groups

    def split_weight(self):
        features, groups = self.features_per_group, self.groups
        parts = self.weight.unflatten(0, (groups, features + self.coordinate_channels))
        return parts[:, :features].flatten(0, 1), parts[:, features:]

    def forward(self, features: Tensor, output_size: Optional[Sequence[int]] = None) -> Tensor:
        """Convolve features ``[B, C, H, W]``."""
        output_padding = self._output_padding(
            features, output_size, self.stride, self.padding, self.kernel_size, 2, self.dilation)
        weight, coordinate_weight = self.split_weight()
        # [groups, coordinates, outputs of a group, ...]: all groups read the same coordinates.
        coordinate_weight = coordinate_weight.transpose(0, 1).flatten(1, 2)
        position = F.conv_transpose2d(
            self._coordinates(features), coordinate_weight, None, self.stride, self.padding,
            output_padding, 1, self.dilation)
        return F.conv_transpose2d(features, weight, self.bias, self.stride, self.padding,
                                  output_padding, self.groups, self.dilation).add_(position)
