"""The fast solver: entropic transport of the Jordan parts on graded sources, extrapolated."""
from __future__ import annotations

from typing import Callable, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .arithmetic import denormals_flushed, multiplies_bfloat16_faster
from .compilation import call_compiled
from .graded_geometry import GradedGeometry, Grading, Placement, graded_geometry
from .jordan import jordan_split
from .scaling import extrapolate_in_epsilon, iterate_scalings
from .solver import Dual, Result, Solver, calm_factor
from .targets import (
    LARGEST_RADIUS,
    NotCompactError,
    describe_outside,
    find_discs,
    find_radius,
    grown_radius,
    tolerated_moment,
)
from .threads import map_parts

# Wider discs, of sigma above 3.6, take float64, where float32's range would blur them, and twice
# the iterations, since mass mixes more slowly there.
WIDE_RADIUS = 11.9
# Pixels that a thread of a CPU solves for at once, so that what it reads and writes stays in its
# cache. Not a matter of the number of threads, or results would be.
PIXELS_AT_ONCE = 2**19
# A target drawn at a sub-pixel place needs a disc a little unlike its sigma's.
TOLERATED_EXCESS = 0.5


class Accuracy(NamedTuple):
    """What the graded solver spends.

    The values were chosen on the same exact pairs that the accuracy of :class:`GradedSolver` is
    quoted for. Random pairs in the tests stay within 2 %; these shaped only the rule for wide
    discs (``WIDE_RADIUS``), which was added because some at sigma 6 did not.

    Attributes:
        grading: The discretisation.
        iterations: Scaling iterations at each of its epsilons.
        extrapolation: Share of a full Richardson step from the last two epsilons to 0.
        source_share: Weight of the sources' potential in the disc, see
            :meth:`GradedSolver.merge`.
        dtype: Least precision to compute in.
    """

    grading: Grading
    iterations: Tuple[int, ...]
    extrapolation: float
    source_share: float
    dtype: torch.dtype


ACCURACIES = {
    'fast': Accuracy(
        Grading(epsilons=(1.0, 0.4, 0.18), spacing=2.0, growth=1.7),
        iterations=(2, 3, 5), extrapolation=0.93, source_share=0.15, dtype=torch.float32),
    'accurate': Accuracy(
        Grading(epsilons=(1.0, 0.4, 0.16, 0.08, 0.04), spacing=1.0, growth=1.35),
        iterations=(3, 4, 6, 10, 30), extrapolation=0.9, source_share=0.1, dtype=torch.float64),
}


class GradedSolver(Solver):
    r"""W1 to compact targets, on a :class:`GradedGeometry`.

    The problem solved is entropic transport of :math:`r_+` to :math:`r_-`, the Jordan parts of
    :math:`r = p - q`, with the Euclidean ground cost; the value is
    :math:`\langle r, F \rangle` with a potential F extrapolated to :math:`\epsilon = 0`.

    What is approximate: epsilon > 0, few iterations, and the coarse nodes. Against an exact linear
    program on 40 pairs of 64 x 64 maps and 40 of 32 x 32, values of ``'fast'`` err by 0.1 % and
    0.3 % (median), 0.9 % at most; the gradients' cosine is .9997 (median), .993 at least.
    Predictions much sharper than the target, down to one pixel, err by 1.4 % at most. Their
    gradient (two or three hot pixels, or sigma 0.2 to 0.7, against targets of sigma 1 and 1.5) is
    off by 0.01 px in the median and 0.17 px at most, in the Euclidean norm, where the exact one
    has 0.2 px in the median. Where hot pixels lie about equally far from where they should be, the
    exact gradient all but vanishes, and the direction is lost: cosines of 0.7 and less.
    Targets wider than sigma 3.6 are computed in float64 and with twice the iterations, since mass
    mixes more slowly in a wide disc.

    ``'accurate'`` errs by 0.1 % (median) and 0.4 % at most, its cosine is .998 at least, and for
    such sharp predictions .96 wherever the gradient has 0.1 px; it computes in float64, on
    more sources and with 5 times the iterations.

    Args:
        radius: Radius of the disc about each target's barycentre that holds its mass, in pixels.
            By default found from the targets of each call, which waits for the device.
        accuracy: A key of :data:`ACCURACIES`.
        check_interval: The solver keeps on the device how wide the targets were and how much of
            them lay outside its disc. At the first and then every so many calls it looks, and
            refuses targets that the disc does not hold: one of the calls since it last looked had
            them. The other calls do not wait for the device. 0: never, the radius is trusted. On
            a CPU, where there is nothing to wait for, each call looks.
        bfloat16_tables: Take the iterations' matrix products in bfloat16 where the rest is done in
            float32. None: where the device multiplies it faster (AMX, tensor cores). The errors
            above hold with it too.
        compile: Fuse operators through :mod:`torch.compile`, on a GPU into a CUDA graph. Values
            differ by rounding. The first call with each number of maps compiles: worth it for
            a training on a GPU.

    Raises:
        ValueError: If the radius is not in (0, 32] px or the accuracy is not known.
    """

    def __init__(self, radius: Optional[float] = None, accuracy: str = 'fast',
                 check_interval: int = 100, bfloat16_tables: Optional[bool] = None,
                 compile: bool = False) -> None:
        if radius is not None and not 0 < radius <= LARGEST_RADIUS:
            raise ValueError(f'radius must be in (0, {LARGEST_RADIUS:g}] px, got {radius}')
        if accuracy not in ACCURACIES:
            raise ValueError(f'accuracy must be one of {tuple(ACCURACIES)}, got {accuracy!r}')
        self.radius = radius
        self.accuracy = ACCURACIES[accuracy]
        self.check_interval = check_interval
        self.bfloat16_tables = bfloat16_tables
        self.compile = compile
        self._calls = 0
        self._found: Optional[Tensor] = None

    def solve(self, p: Tensor, q: Tensor) -> Dual:
        """See :meth:`Solver.solve`.

        Raises:
            NotCompactError: If the disc does not hold a target.
        """
        radius = self.radius
        if radius is None:
            radius = find_radius(q)
        geometry = self._geometry(p, float(radius))
        with denormals_flushed(p.device):
            if self.compile:
                found = call_compiled(GradedSolver.solve_on, p.device, self, geometry, p, q)
            else:
                found = self.solve_on(geometry, p, q)
        value, potential, calm, needed, outside = found
        if self.radius is not None and self.check_interval:
            self._watch(needed, outside, waits=q.device.type != 'cpu')
        return Dual(value, potential, calm=calm)

    def solve_on(self, geometry: GradedGeometry, p: Tensor,
                 q: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """All of :meth:`solve` that computes and nothing that looks at a result.

        Returns:
            The value, potential and calm of a :class:`Dual`; the radius ``[M]`` of the disc
            that each target needs, and a bound ``[M]`` of the first moment in pixels of what lies
            outside the disc that it has.
        """
        discs = find_discs(q)
        placement = geometry.place(discs.centre)
        outside = geometry.moment_outside(q, placement, discs.mass, discs.inertia)
        difference = p.to(geometry.dtype) - q.to(geometry.dtype)
        potential, moved = self.potential(geometry, difference, placement)
        value = difference.mul_(potential).sum(dim=(1, 2)).clamp_min_(0)
        calm = calm_factor(moved)
        return (value.to(p.dtype), potential.to(p.dtype), calm.to(p.dtype), discs.radius,
                outside)

    def map_parts(self, work: Callable[[slice], Result], maps: Tensor) -> List[Result]:
        """See :meth:`Solver.map_parts`.

        A CPU takes a few maps at once on each of its threads. A GPU takes all, since it is bound
        by launches, and so does a solver that has to find its radius from all.
        """
        if maps.is_cuda or self.radius is None:
            return [work(slice(None))]
        at_once = max(1, PIXELS_AT_ONCE // maps[0].numel())
        parts = [slice(start, start + at_once) for start in range(0, len(maps), at_once)]
        if self.compile:  # which threads would do at the same time, each for itself
            return [work(part) for part in parts]
        self._geometry(maps, float(self.radius))  # builds the tables once, not in each thread
        return map_parts(work, parts, maps.device)

    def _geometry(self, maps: Tensor, radius: float) -> GradedGeometry:
        dtype = torch.promote_types(maps.dtype, self.accuracy.dtype)
        if radius > WIDE_RADIUS:
            dtype = torch.float64
        table_dtype = dtype
        if dtype == torch.float32:
            half = self.bfloat16_tables
            if multiplies_bfloat16_faster(maps.device) if half is None else half:
                table_dtype = torch.bfloat16
        return graded_geometry(tuple(maps.shape[-2:]), radius, self.accuracy.grading, maps.device,
                               dtype, table_dtype)

    def _watch(self, needed: Tensor, outside: Tensor, waits: bool) -> None:
        """Refuse targets that the disc does not hold; where looking waits for the device, at times.

        Args:
            needed: Radius of each target's own disc, ``[M]`` in pixels.
            outside: First moment of what this solver's disc leaves out, ``[M]`` in pixels.
            waits: Whether looking at them waits for the device.
        """
        # A target that is not a number makes the value so, and shall not hide the others.
        found = torch.nan_to_num(torch.stack([needed.amax(), outside.amax()]), nan=0.0)
        if waits:
            if self._found is not None:
                found = torch.maximum(found, self._found.to(found))
            self._found = found
            self._calls += 1
            if self._calls % self.check_interval != 1 % self.check_interval:
                return
            self._found = None
        widest, moment = found.tolist()
        if widest > self.radius + TOLERATED_EXCESS:
            raise NotCompactError(
                f'a target needs a disc of {widest:.1f} px, the solver was set up for '
                f'{self.radius:.1f}: it has several modes or a larger sigma than was said. Set '
                'sigma (or radius) to that of the widest target, or, for targets that are '
                "not compact, method='sinkhorn'", grown_radius(self.radius, widest))
        if moment > tolerated_moment(self.radius):
            raise NotCompactError(describe_outside(moment, self.radius),
                                  grown_radius(self.radius, widest))

    def potential(self, geometry: GradedGeometry, difference: Tensor,
                  placement: Placement) -> Tuple[Tensor, Tensor]:
        r"""Approximate Kantorovich potential of :math:`\max_f \langle r, f \rangle`.

        Args:
            geometry: Where the problem lives.
            difference: r = p - q, ``[M, H, W]``.
            placement: Of its disc on each map.

        Returns:
            The potential ``[M, H, W]`` in pixels, 0 at the disc's centre, and the mass
            ``[M]`` that has to travel.
        """
        near, far = geometry.gather(difference, placement)
        surplus, deficit = jordan_split(near)
        surplus = torch.cat([surplus, far.clamp_min(0)], dim=1)
        moved = deficit.sum(dim=1)
        # Equal sums for distributions; an empty target, which counts for nothing, has a deficit
        # of 0. Some matrix units carry NaN and infinity of a row into its neighbours: the
        # difference keeps those for the value, the iterations must not see them.
        scale = torch.maximum(moved, surplus.sum(dim=1)).clamp_min(1e-12)[:, None]
        scalings = iterate_scalings(
            *(torch.nan_to_num(mass / scale, 0, 0, 0) for mass in (surplus, deficit)),
            geometry.kernels, geometry.epsilons, self._iterations(geometry), geometry.radius)
        coarse, fine = (self.merge(geometry, *scaling[:2]) for scaling in scalings[-2:])
        result = extrapolate_in_epsilon(
            coarse, fine, *geometry.epsilons[-2:], self.accuracy.extrapolation)
        result = result - result[:, geometry.centre_index, None]
        return geometry.spread(result, placement), moved

    def _iterations(self, geometry: GradedGeometry) -> Tuple[int, ...]:
        factor = 2 if geometry.radius > WIDE_RADIUS else 1
        return tuple(factor * count for count in self.accuracy.iterations)

    def merge(self, geometry: GradedGeometry, sources: Tensor, sinks: Tensor) -> Tensor:
        """One potential on the sources from the two of the entropic problem.

        A pixel of the disc is source and sink, and has two potentials, f and -g, which agree only
        for epsilon = 0. Each blurs over the other side's mass. The target side is broad, so
        f is blurred wherever the prediction is sharp, while -g stays exact there; with broad
        predictions their errors have opposite signs. Hence a mean with most of the weight on -g.

        Args:
            geometry: Where the problem lives.
            sources: epsilon log u, ``[M, S + C]``.
            sinks: epsilon log v, ``[M, S]``.

        Returns:
            Potential ``[M, S + C]`` in pixels.
        """
        result = sources + geometry.source_radius
        near = len(geometry.disc)
        inside = torch.lerp(-sinks, result[:, :near], self.accuracy.source_share)
        return torch.cat([inside, result[:, near:]], dim=1)
