"""The factor that makes maps of an L2 model into logits of distributions."""
from __future__ import annotations

from typing import Optional, Tuple

import torch
from torch import Tensor

from mmpose_wass.ot import log_softmax_map

# Factors looked at. An L2 model wants 5 to 50; the lower end is reached by maps that have nothing
# to do with the targets, the upper one by maps that hardly differ from pixel to pixel.
SMALLEST, LARGEST = 1e-3, 1e4
END = 2  # a factor that is nearer to an end than by this factor counts as at it
STEPS = 40  # of Newton's method, safeguarded by bisection; it stops earlier
TOLERANCE = 1e-4  # of a factor, relative


def fit_logit_scale(maps: Tensor,
                    target: Tensor,
                    weights: Optional[Tensor] = None,
                    shared: bool = False) -> Tensor:
    r"""Fit the factor s that minimises :math:`\mathrm{KL}(q \| \mathrm{softmax}(s h))`.

    The divergence is convex in s, its derivative is the difference of the maps' means under p
    and q, :math:`\langle p - q, h \rangle`, and the root of that is found.

    Args:
        maps: The model's maps h ``[N, K, H, W]``.
        target: Targets of any positive scale ``[N, K, H, W]``.
        weights: ``[N, K]``; None counts every landmark.
        shared: One factor for all landmarks instead of one for each.

    Returns:
        Tensor ``[K]``; NaN for a landmark that is valid in no image.

    Raises:
        ValueError: On shapes that do not fit, or where no landmark is valid.

    Example:
        >>> target = torch.softmax(torch.randn(3, 2, 64), dim=-1).view(3, 2, 8, 8)
        >>> scale = fit_logit_scale(target.log() / 7, target)
        >>> [round(value, 2) for value in scale.tolist()]
        [7.0, 7.0]
    """
    maps, target, weights = check_maps(maps, target, weights)
    if not bool((weights > 0).any()):
        raise ValueError('no landmark is valid: there is nothing to fit the logit scale to')
    under_target = (target * maps).sum(dim=(2, 3))

    def slope_and_curvature(scale: Tensor) -> Tuple[Tensor, Tensor]:
        p = log_softmax_map(scale[None, :, None, None] * maps).exp()
        mean = (p * maps).sum(dim=(2, 3))
        variance = (p * (maps - mean[..., None, None]).square()).sum(dim=(2, 3))
        return tuple(_pool(weights * value, shared)
                     for value in (mean - under_target, variance))

    low = torch.full((maps.shape[1], ), SMALLEST, dtype=maps.dtype, device=maps.device)
    high = torch.full_like(low, LARGEST)
    scale = torch.full_like(low, 10.)
    for _ in range(STEPS):
        slope, curvature = slope_and_curvature(scale)
        low = torch.where(slope < 0, scale, low)
        high = torch.where(slope > 0, scale, high)
        step = scale - slope / curvature.clamp_min(torch.finfo(maps.dtype).tiny)
        following = torch.where((step > low) & (step < high), step, (low * high).sqrt())
        settled = (following - scale).abs() <= TOLERANCE * scale
        scale = following
        if bool(settled.all()):
            break
    seen = _pool((weights > 0).to(maps.dtype), shared) > 0
    return torch.where(seen, scale, torch.nan)


def divergences(maps: Tensor, target: Tensor, weights: Optional[Tensor] = None) -> Tensor:
    r""":math:`\mathrm{KL}(q \| \mathrm{softmax}(h))` of each landmark over all images, in nats.

    Args:
        maps: ``[N, K, H, W]``.
        target: ``[N, K, H, W]``.
        weights: ``[N, K]``.

    Returns:
        Tensor ``[K]``: weighted means; NaN for a landmark that is valid in no image.
    """
    maps, target, weights = check_maps(maps, target, weights)
    values = (torch.xlogy(target, target) - target * log_softmax_map(maps)).sum(dim=(2, 3))
    return (weights * values).sum(dim=0) / weights.sum(dim=0)


def choose_logit_scale(maps: Tensor, target: Tensor, weights: Optional[Tensor] = None,
                       shared: bool = False) -> Tensor:
    """Fit a factor for each landmark where that helps, one for all others, and check it.

    A landmark's own factor helps if, fitted to one half of the images, it does better than the
    shared one on the other half, both ways together.

    Args:
        maps: ``[N, K, H, W]``.
        target: ``[N, K, H, W]``.
        weights: ``[N, K]``.
        shared: One factor for all landmarks.

    Returns:
        Tensor ``[K]``.

    Raises:
        ValueError: As :func:`fit_logit_scale`; also where no factor makes the maps into
            distributions like the targets: the best one is then at an end of what is looked at,
            or the maps are constant or no numbers.
    """
    maps, target, weights = check_maps(maps, target, weights)
    common = fit_logit_scale(maps, target, weights, shared=True)
    _refuse_unfit_maps(maps, float(common[0]))
    scale = common.clone()
    if not shared and len(maps) >= 4:
        gain = torch.zeros_like(common)
        for fitted, tested in ((slice(0, None, 2), slice(1, None, 2)),
                               (slice(1, None, 2), slice(0, None, 2))):
            half = weights[fitted]
            if not bool((half > 0).any()):
                continue
            factors = (fit_logit_scale(maps[fitted], target[fitted], half, shared=one)
                       for one in (True, False))
            parts = maps[tested], target[tested], weights[tested]
            before, after = (divergences(factor[None, :, None, None] * parts[0], *parts[1:])
                             for factor in factors)
            gain += before - after
        own = fit_logit_scale(maps, target, weights)
        # A comparison with NaN is false: landmarks seen in one half alone share.
        fits = (gain > 0) & (own > END * SMALLEST) & (own < LARGEST / END)
        scale = torch.where(fits, own, common)
    return scale


def _refuse_unfit_maps(maps: Tensor, scale: float) -> None:
    """Maps ``[N, K, H, W]`` of a model that is not trained, or for something else."""
    hint = 'Is the checkpoint trained, and are landmarks and codec those of the config?'
    if not bool(torch.isfinite(maps).all()):
        raise ValueError(f'the maps are NaN or infinite: there is no logit scale for them. {hint}')
    # Constant maps leave the factor anywhere: to them all are alike.
    if scale >= LARGEST / END or not bool((maps.amax(dim=(2, 3)) > maps.amin(dim=(2, 3))).any()):
        raise ValueError('the maps hardly differ from pixel to pixel: the best logit scale is '
                         f'beyond {LARGEST:g}. {hint}')
    if scale <= END * SMALLEST:
        raise ValueError('the maps have nothing to do with the targets: the best logit scale is '
                         f'0. {hint}')


def check_maps(maps: Tensor, target: Tensor,
               weights: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    """Check and clean what the functions here take.

    Returns:
        Maps and targets in float32 or wider, targets of sum 1, weights 0 where there is no target.

    Raises:
        ValueError: On shapes that do not fit.
    """
    if maps.dim() != 4 or maps.shape != target.shape:
        raise ValueError('maps and target must have one shape [N, K, H, W], got '
                         f'{tuple(maps.shape)} and {tuple(target.shape)}')
    if weights is None:
        weights = maps.new_ones(maps.shape[:2])
    if weights.shape != maps.shape[:2]:
        raise ValueError(f'weights must have shape [N, K] = {list(maps.shape[:2])}, got '
                         f'{list(weights.shape)}')
    dtype = torch.promote_types(maps.dtype, torch.float32)
    maps, target = maps.detach().to(dtype), target.to(dtype)
    mass = target.sum(dim=(2, 3), keepdim=True)
    weights = torch.where(mass.flatten(1) > 0, weights.to(dtype).clamp_min(0), 0.0)
    return maps, target / mass.clamp_min(torch.finfo(dtype).tiny), weights


def _pool(values: Tensor, shared: bool) -> Tensor:
    """Sum over images ``[N, K]`` -> ``[K]``, over landmarks too where they share."""
    total = values.sum(dim=0)
    return total.sum().expand_as(total) if shared else total
