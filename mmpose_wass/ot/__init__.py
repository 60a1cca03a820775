"""Optimal transport between heatmaps, in pure PyTorch.

The package is laid out as a text on the method, one idea a file:

- :mod:`~mmpose_wass.ot.maps`: heatmaps as distributions, their barycentre;
- :mod:`~mmpose_wass.ot.grid`: pixel coordinates, the Euclidean ground cost, the graded axis;
- :mod:`~mmpose_wass.ot.jordan`: the Jordan split, which removes self-transport;
- :mod:`~mmpose_wass.ot.graded`: the problem on graded sources and a disc of sinks;
- :mod:`~mmpose_wass.ot.scaling`: the scaling (Sinkhorn) iterations and their extrapolation;
- :mod:`~mmpose_wass.ot.wasserstein`: the entry, :func:`wasserstein1`, and its gradient.
"""

from .graded import GradedGeometry, disc_centre, disc_radius, moment_outside, target_radius
from .grid import ground_cost, pixel_coordinates
from .jordan import jordan_split
from .maps import barycenter, log_softmax_map, softmax_map
from .wasserstein import TransportResult, check_targets, find_radius, wasserstein1

__all__ = [
    'GradedGeometry', 'TransportResult', 'barycenter', 'check_targets', 'disc_centre',
    'disc_radius', 'find_radius', 'ground_cost', 'jordan_split', 'log_softmax_map',
    'moment_outside', 'pixel_coordinates', 'softmax_map', 'target_radius', 'wasserstein1'
]
