"""The first Wasserstein distance between heatmaps, with its gradient."""
from __future__ import annotations

from typing import NamedTuple, Optional

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .graded import disc_centre, graded_geometry, moment_outside, target_radius
from .maps import full_precision

METHODS = ('graded', )
# The potential is only defined where mass travels: at p = q any 1-Lipschitz function is one,
# and its gradient would jitter at full size. Mass m that travels scales it by m / (m + CALM).
CALM = 1e-3
# Discs beyond this would need tables of hundreds of megabytes.
LARGEST_RADIUS = 32.0
# Target mass outside the disc may have this first moment, as a share of the radius. Gaussians
# have 0.004 at most, next to a border some more.
TOLERATED_MOMENT = 0.02


class TransportResult(NamedTuple):
    """What a solver found.

    Attributes:
        value: W1 in heatmap pixels, ``[...]``.
        potential: Kantorovich potential in heatmap pixels, ``[..., H, W]``. Times
            m / (m + 0.001), where m is the mass that travels, it is the gradient that the value
            gives to p, up to a constant.
    """

    value: Tensor
    potential: Tensor


class _GradedWasserstein(torch.autograd.Function):
    """Value <p - q, f> and gradients f and -f, calmed by m / (m + CALM): the envelope theorem
    replaces back-propagation through the iterations."""

    @staticmethod
    def forward(ctx, p: Tensor, q: Tensor, radius: float):
        difference = p - q
        geometry = graded_geometry(tuple(p.shape[-2:]), radius, p.device, p.dtype)
        potential, moved = geometry.potential(difference, disc_centre(q))
        value = difference.mul_(potential).sum(dim=(1, 2)).clamp_min_(0)
        ctx.save_for_backward(potential, moved / (moved + CALM))
        ctx.mark_non_differentiable(potential)
        return value, potential

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_value: Tensor, _):
        potential, calm = ctx.saved_tensors
        gradient = potential * (grad_value * calm)[:, None, None]
        return gradient, (-gradient if ctx.needs_input_grad[1] else None), None


def wasserstein1(p: Tensor,
                 q: Tensor,
                 *,
                 method: str = 'graded',
                 radius: Optional[float] = None,
                 return_potential: bool = False):
    r"""First Wasserstein distance with Euclidean ground cost, Eq. 4 of the paper.

    .. math::
        W_1(p, q) = \min_{\pi \in \Gamma(p, q)} \sum_{x, y} |x - y|_2 \, \pi(x, y)
                  = \max_{f\ \text{1-Lipschitz}} \langle p - q, f \rangle

    ``graded`` approximates the maximiser f by an extrapolated entropic potential on a graded
    grid (:class:`~mmpose_wass.ot.graded.GradedGeometry`) and evaluates
    :math:`\langle p - q, f \rangle`. It needs targets q whose mass lies in a disc.

    Args:
        p: Predicted maps ``[..., H, W]``, non-negative with sum 1.
        q: Target maps of the same shape, non-negative with sum 1.
        method: Name of the solver, ``'graded'``.
        radius: Radius of the disc about each target's barycentre that holds its mass, in
            pixels. By default found from q, which costs a host-device synchronisation: give
            it where calls repeat.
        return_potential: Return a :class:`TransportResult` in place of the value.

    Returns:
        Tensor ``[...]`` in heatmap pixels, differentiable in p and q, in float32 or float64.

    Raises:
        ValueError: On unequal shapes, fewer than two dimensions, an unknown method, a radius
            that is not in (0, 32] px or, where it is found from q, a target that is not
            compact. A radius that is given is trusted: see :func:`check_targets`.

    Example:
        >>> p, q = torch.zeros(2, 16, 16)
        >>> p[3, 4], q[6, 8] = 1, 1
        >>> round(wasserstein1(p, q).item(), 1)
        5.0
    """
    if method not in METHODS:
        raise ValueError(f'method must be one of {METHODS}, got {method!r}')
    if p.dim() < 2 or p.shape != q.shape:
        raise ValueError('p and q must have one shape [..., H, W], got '
                         f'{tuple(p.shape)} and {tuple(q.shape)}')
    leading, shape = p.shape[:-2], p.shape[-2:]
    dtype = torch.float64 if p.dtype == torch.float64 else torch.float32
    if radius is not None and not 0 < radius <= LARGEST_RADIUS:
        raise ValueError(f'radius must be in (0, {LARGEST_RADIUS:g}] px, got {radius}')
    if not p.numel():
        value = (p - q).to(dtype).sum(dim=(-2, -1))
        return TransportResult(value, (p - q).to(dtype)) if return_potential else value
    with full_precision(p.device):
        p = p.to(dtype).reshape(-1, *shape)
        q = q.to(dtype).reshape(-1, *shape)
        if radius is None:
            radius = find_radius(q)
            check_targets(q, radius)
        value, potential = _GradedWasserstein.apply(p, q, float(radius))
    value = value.reshape(leading)
    if return_potential:
        return TransportResult(value, potential.reshape(*leading, *shape))
    return value


@torch.no_grad()
def find_radius(q: Tensor) -> float:
    """Radius in pixels of the disc that holds each of the targets ``[M, H, W]``.

    Rounded up to half a pixel, so that equal settings share their tables. Reads one number
    back from the device.

    Raises:
        ValueError: If a target is too wide for the graded solver.
    """
    radius = float(target_radius(q, disc_centre(q)).max())
    # A Gaussian's variance on the grid differs from sigma^2 in the third digit.
    radius = -(-(radius - .1) // .5) * .5
    if not radius <= LARGEST_RADIUS:
        raise ValueError(
            f'a target needs a disc of radius {radius:.1f} px, more than the {LARGEST_RADIUS:g} '
            'px that the graded solver holds: targets must be compact, such as Gaussians')
    return radius


@torch.no_grad()
def check_targets(q: Tensor, radius: float) -> None:
    """Check that the graded solver sees all that matters of the targets ``[M, H, W]``.

    Reads one number back from the device.

    Args:
        q: Normalised targets.
        radius: The disc's radius in pixels.

    Raises:
        ValueError: If mass outside the disc could change a distance by more than 2 % of R.
    """
    if not q.numel():
        return
    moment = float(moment_outside(q, disc_centre(q), radius).max())
    if moment > TOLERATED_MOMENT * radius:
        raise ValueError(
            f'a target has mass more than {radius:g} px from its barycentre, where the graded '
            f'solver does not look; it could change a distance by {moment:.2g} px. Targets must '
            'be compact, with one mode, and sigma (or radius) that of the widest')
