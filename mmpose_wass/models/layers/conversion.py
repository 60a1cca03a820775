"""Turn all convolutions of a built model into CoordConvs."""
from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

import torch
from mmcv.cnn.bricks import wrappers
from torch import Tensor, nn

from .coord_conv import CoordConv2d, CoordConvTranspose2d, CoordinateChannels
from .coordinates import coordinate_channels

# Exactly these: a subclass may compute something else.
CONVOLUTIONS = (nn.Conv2d, wrappers.Conv2d)
TRANSPOSED = (nn.ConvTranspose2d, wrappers.ConvTranspose2d)


def convert_to_coord_conv(model: nn.Module,
                          radius: bool = False,
                          skip: Sequence[str] = ()) -> List[str]:
    """Replace every ``Conv2d`` and ``ConvTranspose2d`` of a model by its CoordConv, in place.

    The weights are kept, those of the coordinates are 0: the converted model's first output is
    the original's. Layers that are CoordConvs already stay as they are. Convert before the
    optimizer is built and before the model is wrapped for several processes.

    Args:
        model: Any model, such as one built from a config. The model itself cannot be a
            convolution: there would be nothing to put the new layer into.
        radius: Whether to add the distance from the centre to x and y.
        skip: Names of modules (as in ``model.named_modules()``) that stay as they are, with all
            they contain.

    Returns:
        list[str]: Names of the layers converted, in the model's order.

    Raises:
        ValueError: If there is no convolution to convert, or a name in `skip` is not there.
        TypeError: For a convolution of a kind that has no counterpart (deformable, normalised
            weights, 1D, 3D, ...); names it. Put it into `skip` to leave it as it is.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 4, 4))
        >>> image = torch.rand(1, 3, 9, 9)
        >>> before = model(image)
        >>> convert_to_coord_conv(model)
        ['0', '2']
        >>> bool((model(image) == before).all())
        True
    """
    named = dict(model.named_modules(remove_duplicate=False))
    unknown = [name for name in skip if name not in named]
    if unknown:
        raise ValueError(f'skip names modules that the model does not have: {unknown}')
    found = [(name, module) for name, module in named.items()
             if name and not _is_below(name, skip) and _is_convolution(module)]
    for name, module in found:
        if type(module) not in CONVOLUTIONS + TRANSPOSED or nn.utils.parametrize.is_parametrized(
                module):
            raise TypeError(
                f'{name} is a {type(module).__name__}, which has no CoordConv counterpart: '
                f'leave it as it is with skip=[{name!r}]')
    if not found:
        raise ValueError(f'{type(model).__name__} has no convolution to convert')
    made: Dict[int, nn.Module] = {}  # a layer used in two places stays one layer
    for name, module in found:
        if id(module) not in made:
            made[id(module)] = _convert(module, radius)
        parent, _, child = name.rpartition('.')
        setattr(named[parent], child, made[id(module)])
    return [name for name, _ in found]


def check_coordinate_channels(model: nn.Module, state_dict: Dict[str, Tensor]) -> None:
    """Refuse weights with coordinate channels for a model without them.

    MMEngine loads what fits and only warns of the rest, so that such a model would run with
    random weights in every convolution.

    Args:
        model: The model that the weights are for.
        state_dict: The weights, named as in the model.

    Raises:
        ValueError: Says how many layers, gives an example and the remedy.
    """
    wrong: List[Tuple[str, Tensor, Tensor]] = []
    for name, module in model.named_modules():
        weight = state_dict.get(f'{name}.weight' if name else 'weight')
        if not _is_convolution(module) or not isinstance(weight, Tensor) or weight.dim() != 4:
            continue
        axis = 0 if isinstance(module, nn.ConvTranspose2d) else 1
        added = weight.shape[axis] - module.weight.shape[axis]
        groups = module.groups if axis == 0 else 1
        if added in [groups * coordinate_channels(radius) for radius in (False, True)] and \
                weight.shape[1 - axis] == module.weight.shape[1 - axis]:
            wrong.append((f'{name}.weight', weight, module.weight))
    if wrong:
        name, weight, own = wrong[0]
        radius = weight.shape[0] + weight.shape[1] - own.shape[0] - own.shape[1] == 3
        raise ValueError(
            f'the checkpoint is of a CoordConv model and this model has no coordinate channels: '
            f'{len(wrong)} convolutions differ, the first is {name} with '
            f'{list(weight.shape)} in the checkpoint and {list(own.shape)} in the model. '
            "Build the model with type='CoordConvPoseEstimator'"
            + (', coord_conv=dict(radius=True)' if radius else '')
            + ", or with conv_cfg=dict(type='CoordConv') where it was trained so.")


def _is_convolution(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.conv._ConvNd) and not isinstance(
        module, CoordinateChannels)


def _is_below(name: str, roots: Sequence[str]) -> bool:
    return any(name == root or name.startswith(f'{root}.') for root in roots)


def _convert(module: nn.Module, radius: bool) -> nn.Module:
    options = dict(
        kernel_size=module.kernel_size, stride=module.stride, padding=module.padding,
        dilation=module.dilation, groups=module.groups, bias=module.bias is not None,
        padding_mode=module.padding_mode, radius=radius, device=module.weight.device,
        dtype=module.weight.dtype)
    if isinstance(module, nn.ConvTranspose2d):
        options['output_padding'] = module.output_padding
    kind = CoordConvTranspose2d if isinstance(module, nn.ConvTranspose2d) else CoordConv2d
    # Leaves the random numbers of whatever is initialised next as they were.
    with torch.random.fork_rng(devices=[]):
        layer = kind(module.in_channels, module.out_channels, **options)
    layer.load_state_dict(module.state_dict())
    layer.weight.requires_grad_(module.weight.requires_grad)
    if module.bias is not None:
        layer.bias.requires_grad_(module.bias.requires_grad)
    return layer.train(module.training)
