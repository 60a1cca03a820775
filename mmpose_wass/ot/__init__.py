"""Optimal transport between heatmaps, in pure PyTorch.

The package is laid out as a text on the method, one idea a file:

- :mod:`~mmpose_wass.ot.arithmetic`: precision, denormals and bfloat16;
- :mod:`~mmpose_wass.ot.maps`: heatmaps as distributions, their barycentre;
- :mod:`~mmpose_wass.ot.grid`: pixel coordinates, the Euclidean ground cost, the graded axis;
- :mod:`~mmpose_wass.ot.jordan`: the Jordan split, which removes self-transport;
- :mod:`~mmpose_wass.ot.targets`: compact targets and the discs that hold them;
- :mod:`~mmpose_wass.ot.graded_geometry`: sinks in a disc, sources graded outwards;
- :mod:`~mmpose_wass.ot.scaling`: the scaling (Sinkhorn) iterations and their extrapolation;
- :mod:`~mmpose_wass.ot.solver`: what all solvers share: problem, answer and gradient;
- :mod:`~mmpose_wass.ot.graded`: the fast solver;
- :mod:`~mmpose_wass.ot.threads`: parts of a batch on several threads;
- :mod:`~mmpose_wass.ot.compilation`: few kernels instead of many operators;
- :mod:`~mmpose_wass.ot.sinkhorn`: the paper's, entropic transport on the full grid;
- :mod:`~mmpose_wass.ot.sliced`: one-dimensional distances, the cheap cross-check;
- :mod:`~mmpose_wass.ot.exact`: a linear program, for evaluation and tests;
- :mod:`~mmpose_wass.ot.logit_gradient`: the softmax's Jacobian, at the prediction or nearer q;
- :mod:`~mmpose_wass.ot.softmax_transport`: from logits, with the gradient in the same pass;
- :mod:`~mmpose_wass.ot.certificate`: bounds that rest on no approximation;
- :mod:`~mmpose_wass.ot.transport_plan`: a feasible plan, for the bound from above;
- :mod:`~mmpose_wass.ot.wasserstein`: the entry, :func:`wasserstein1`.
"""

from .certificate import certified_lower_bound, certified_upper_bound
from .exact import ExactSolver
from .graded import GradedSolver
from .graded_geometry import GradedGeometry
from .grid import ground_cost, pixel_coordinates
from .jordan import jordan_split
from .logit_gradient import LOGIT_GRADIENTS, LogitGradient
from .maps import barycenter, log_softmax_map, map_covariance, softmax_map
from .sinkhorn import SinkhornSolver
from .sliced import SlicedSolver
from .softmax_transport import softmax_wasserstein1
from .solver import Dual, Solver, TransportResult
from .targets import (
    Discs,
    NotCompactError,
    check_targets,
    disc_radius,
    find_discs,
    find_radius,
    moment_outside,
)
from .wasserstein import SOLVERS, wasserstein1

__all__ = [
    'LOGIT_GRADIENTS', 'SOLVERS', 'Discs', 'Dual', 'ExactSolver', 'GradedGeometry',
    'GradedSolver', 'LogitGradient', 'NotCompactError', 'SinkhornSolver', 'SlicedSolver', 'Solver',
    'TransportResult', 'barycenter', 'certified_lower_bound', 'certified_upper_bound',
    'check_targets', 'disc_radius', 'find_discs', 'find_radius', 'ground_cost', 'jordan_split',
    'log_softmax_map', 'map_covariance', 'moment_outside', 'pixel_coordinates', 'softmax_map',
    'softmax_wasserstein1', 'wasserstein1'
]
