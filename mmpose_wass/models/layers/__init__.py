"""Layers: CoordConv, and the conversion of whole models to it."""

from .conversion import check_coordinate_channels, convert_to_coord_conv
from .coord_conv import CoordConv2d, CoordConvTranspose2d
from .coordinates import coordinate_maps

__all__ = [
    'CoordConv2d', 'CoordConvTranspose2d', 'check_coordinate_channels', 'convert_to_coord_conv',
    'coordinate_maps'
]
