"""A cheap cross-check: the mean of one-dimensional distances, which have a closed form."""
from __future__ import annotations

import math
from functools import lru_cache
from typing import Tuple

import torch
from torch import Tensor

from .grid import pixel_coordinates
from .solver import Dual, Solver, calm_factor

# Maps are taken in groups of at most this many numbers (maps x directions x pixels). On a CPU
# groups that stay in its cache take 0.4 of the time; elsewhere large ones save launches.
LARGEST_GROUP_CPU = 2**18
LARGEST_GROUP = 2**25


@lru_cache(maxsize=8)
def projections(shape: Tuple[int, int], directions: int, device: torch.device,
                dtype: torch.dtype) -> Tuple[Tensor, Tensor, Tensor]:
    """Pixels in the order of their projections on equally spaced directions.

    Args:
        shape: Height and width.
        directions: Number D of directions, at the angles (k + 1/2) pi / D.
        device: Where the results live.
        dtype: Type of the gaps.

    Returns:
        ``order [D, N]``: the pixel at each place; ``place [D, N]``: the place of each pixel; and
        ``gaps [D, N]``: the distance to the next place in pixels, 0 after the last.
    """
    angles = (torch.arange(directions, dtype=torch.float64) + .5) * math.pi / directions
    units = torch.stack([angles.cos(), angles.sin()])
    position = (pixel_coordinates(shape, dtype=torch.float64) @ units).T
    position, order = position.sort(dim=1, stable=True)
    gaps = torch.diff(position, dim=1, append=position[:, -1:])
    return order.to(device), order.argsort(dim=1).to(device), gaps.to(device, dtype)


class SlicedSolver(Solver):
    r"""Mean over directions u of the distances between projections, times pi / 2.

    .. math::
        \frac{\pi}{2} \operatorname{mean}_u W_1(u_\# p, u_\# q)
        = \frac{\pi}{2} \operatorname{mean}_u
          \int |F_p(z; u) - F_q(z; u)| \, dz

    with F the cumulative distribution of the projection on u. A projection shortens a way along e
    to :math:`|\langle u, e \rangle|`, in the mean over all directions of the plane to
    :math:`2 / \pi`; hence the factor. If all mass moves along one vector, as in a translation,
    the result is W1 in the limit of many directions; with D of them it is between
    t / tan t and t / sin t of it, t = pi / 2D: -0.32 % to +0.16 % for 16. Where mass moves several
    ways it is smaller, as what overlaps in a projection is matched anew: on 80 pairs of heatmaps
    by 0.12 % in the median and 6.7 % at worst. So it never exceeds W1 by more than t / sin t.

    The potential is the mean of the projections' own, whose slopes are the signs of
    :math:`F_q - F_p`; it has the closed form of a cumulative sum, so nothing is sorted or
    differentiated per map. As in the graded solver, little mass that travels calms the gradient.
    About 6 D N FLOP a map of N pixels, 0.4 MFLOP for 64 x 64 pixels and
    16 directions, all of it memory traffic: 0.3 ms a map on one CPU core. Working space is three
    arrays of 1 MB on a CPU and of 134 MB elsewhere (float32), or of one map's D N numbers.

    Args:
        directions: Number D of directions, equally spaced; more err less.

    Raises:
        ValueError: If there is not at least one direction.

    Example:
        >>> p, q = torch.zeros(2, 16, 16)
        >>> p[3, 4], q[6, 8] = 1, 1
        >>> round(SlicedSolver()(p, q).value.item(), 1)
        5.0
    """

    def __init__(self, directions: int = 16) -> None:
        if directions < 1:
            raise ValueError(f'directions must be at least 1, got {directions}')
        self.directions = int(directions)

    def solve(self, p: Tensor, q: Tensor) -> Dual:
        """See :meth:`Solver.solve`."""
        tables = projections(tuple(p.shape[-2:]), self.directions, p.device, p.dtype)
        difference = (p - q).flatten(1)
        largest = LARGEST_GROUP_CPU if p.device.type == 'cpu' else LARGEST_GROUP
        group = max(1, largest // tables[0].numel())
        potential = torch.cat([self.potential(part, *tables) for part in difference.split(group)])
        value = (difference * potential).sum(dim=1).clamp_min_(0)
        potential = potential.view_as(p)
        return Dual(value, potential, calm=calm_factor(difference.abs().sum(dim=1) / 2))

    def potential(self, difference: Tensor, order: Tensor, place: Tensor, gaps: Tensor) -> Tensor:
        """The mean potential ``[M, N]`` of maps p - q ``[M, N]``."""
        # The derivative of sum_i |S_i| gap_i with S_i = sum_{j <= i} r_j: gaps from j onwards,
        # with the signs of S. From the far end it is a constant less the gaps before j.
        steps = difference.index_select(1, order.flatten()).view(-1, *order.shape)
        steps = steps.cumsum(dim=2).sign_().mul_(gaps)
        potential = steps - steps.cumsum(dim=2)
        potential = potential.gather(2, place.expand_as(potential))
        return potential.mean(dim=1).mul_(math.pi / 2)
