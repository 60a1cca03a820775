"""CoordConv in a graph for images of one size: the coordinates are constants."""
from __future__ import annotations

from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn

from mmpose_wass.models.layers.coord_conv import CoordinateChannels
from mmpose_wass.models.layers.coordinates import coordinate_maps


def fix_coordinates(network: nn.Module, example: Tensor) -> List[str]:
    """Give every CoordConv of a network its coordinates as a constant (in place).

    A traced CoordConv otherwise computes them from the size of its input in every run: a dozen
    nodes a layer, hundreds of layers. As constants they, and their convolution, are folded when an
    inference engine loads the model.

    Args:
        network: A pose estimator.
        example: Images ``[B, 3, H, W]`` of the size that the network is to serve.

    Returns:
        list[str]: Names of the layers.
    """
    layers = {name: layer for name, layer in network.named_modules()
              if isinstance(layer, CoordinateChannels)}
    shared: Dict[tuple, Tensor] = {}
    sizes: Dict[str, Tuple[int, ...]] = {}
    hooks = [layer.register_forward_pre_hook(_recorder(name, sizes))
             for name, layer in layers.items()]
    try:
        if hooks:
            with torch.no_grad():
                network(example, None)
    finally:
        for hook in hooks:
            hook.remove()
    for name, layer in layers.items():
        if name not in sizes:
            continue  # a layer that prediction does not use
        key = (sizes[name], layer.radius)
        if key not in shared:
            shared[key] = coordinate_maps(example.new_zeros(1, 1, *sizes[name]), layer.radius)
        layer.register_buffer('fixed_coordinates', shared[key], persistent=False)
        layer._coordinates = _FixedCoordinates(layer)
    return list(layers)


class _FixedCoordinates:
    """Stands in for a layer's ``_coordinates`` method."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer

    def __call__(self, features: Tensor) -> Tensor:
        return self.layer.fixed_coordinates


def _recorder(name: str, sizes: Dict[str, Tuple[int, ...]]):

    def record(layer: nn.Module, inputs: tuple) -> None:
        sizes[name] = tuple(inputs[0].shape[-2:])

    return record
