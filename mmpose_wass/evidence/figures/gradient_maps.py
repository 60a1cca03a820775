"""Where gradients with respect to the logits go, for losses that train distributions."""
from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Tuple

import torch
from matplotlib.colors import Normalize
from torch import Tensor

from ...models.losses import KLHeatmapLoss, WassersteinHeatmapLoss
from ...ot import softmax_map
from ...visualization.figures.targets import target_map
from ...visualization.picture_grid import new_picture_grid
from .systems import FilePath, save

#: Losses whose gradients are drawn: title, and a loss for targets of a given sigma.
GRADIENTS: Dict[str, Tuple[str, object]] = {
    'exact': ('W', lambda sigma: _wasserstein(sigma, 'exact')),
    'mixture': ('W, mixture', lambda sigma: _wasserstein(sigma, 'mixture')),
    'power': ('W, p$^{1/2}$', lambda sigma: _wasserstein(sigma, dict(power=.5))),
    'kl': ('KL', lambda sigma: KLHeatmapLoss(reduction='none'))}
#: Side of the maps, the target's standard deviation and place, in pixels.
SIDE, SIGMA, TARGET = 32, 1.5, (22.3, 9.8)
#: Of a wrong mode: place and standard deviations; and the mass that lies evenly over the map.
_WRONG, _BROAD, _SHARP, _FLOOR = (8.0, 21.0), 3.0, 0.45, 0.02
#: How far a prediction near the target lies from it.
_NEAR = (1.5, 1.0)


def _wasserstein(sigma: float, logit_gradient) -> WassersteinHeatmapLoss:
    return WassersteinHeatmapLoss(sigma=sigma, accuracy='accurate', logit_gradient=logit_gradient,
                                  reduction='none')


class MapStates(NamedTuple):
    """Predictions to take gradients at.

    Attributes:
        target: ``[H, W]`` with sum 1.
        logits: ``[H, W]`` by a description of the prediction.
    """
    target: Tensor
    logits: Mapping[str, Tensor]


def example_states() -> MapStates:
    """The target, and predictions that know nothing, are wrong, and are nearly right."""
    near = (TARGET[0] - _NEAR[0], TARGET[1] + _NEAR[1])
    logits = {name: ((1 - _FLOOR) * gaussian(center, sigma) + _FLOOR / SIDE**2).log()
              for name, center, sigma in (('a broad wrong mode', _WRONG, _BROAD),
                                          ('a sharp wrong mode', _WRONG, _SHARP),
                                          ('near the target', near, SIGMA))}
    return MapStates(gaussian(TARGET, SIGMA), {'uniform': torch.zeros(SIDE, SIDE), **logits})


def gaussian(center: Tuple[float, float], sigma: float) -> Tensor:
    """A Gaussian ``[SIDE, SIDE]`` with sum 1."""
    drawn = torch.from_numpy(target_map((SIDE, SIDE), center, sigma)).float()
    return drawn / drawn.sum()


def logit_gradients(name: str, logits: Tensor, target: Tensor,
                    sigma: float = SIGMA) -> Tuple[Tensor, Tensor]:
    """A loss and its gradient with respect to the logits of maps.

    Args:
        name: Of :data:`GRADIENTS`.
        logits: ``[M, H, W]``.
        target: ``[H, W]`` with sum 1.
        sigma: The target's standard deviation in heatmap pixels.

    Returns:
        tuple[Tensor, Tensor]: Values ``[M]`` and gradients ``[M, H, W]``, in heatmap pixels for W,
        in nats for KL.

    Raises:
        KeyError: If there is no gradient of that name.
    """
    if name not in GRADIENTS:
        raise KeyError(f'there is no gradient {name!r}; there are {", ".join(GRADIENTS)}')
    loss = GRADIENTS[name][1](sigma)
    maps = logits.detach()[None].clone().requires_grad_()
    values = loss(maps, target.expand_as(maps).contiguous())
    values.sum().backward()
    return values.detach()[0], maps.grad[0]


def target_region(target: Tensor, sigma: float = SIGMA) -> Tensor:
    """Pixels ``[H, W]`` (bool) within 3 sigma of a target's barycentre."""
    height, width = target.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    center_x, center_y = (target * x).sum(), (target * y).sum()
    return (x - center_x)**2 + (y - center_y)**2 <= (3 * sigma)**2


def draw_gradient_over_map(path: FilePath) -> str:
    """Draw how a step of gradient descent changes the logits, for several predictions.

    Rows are predictions, the first column shows them, the others the descent of each loss: red
    where logits rise, blue where they fall. Each row has one scale, of square roots, without which
    only the strongest panel would be seen. Below each: the sum of the absolute values, and the
    share of all rising that falls to pixels within 3 sigma of the target. The derivative of W
    hardly reaches a target without mass, and is small wherever all mass lies on one pixel: each
    such map is nearly a stationary point, the wrong ones too.

    Args:
        path: File to write.

    Returns:
        str: ``path``.
    """
    states = example_states()
    near = target_region(states.target)
    grid = new_picture_grid(
        list(states.logits), ['prediction', *(title for title, _ in GRADIENTS.values())],
        (1.85, 1.85), caption_lines=2, with_footer=False,
        note='Change of the logits by a step of gradient descent: red they rise, blue they fall '
        '(a scale for each row, of square roots). Cross: the target. Σ|g|: sum of absolute values; '
        'drawn: part of the rise that lies within 3 σ of the target.')
    for panels, logits in zip(grid.panels, states.logits.values()):
        panels[0].imshow(softmax_map(logits).sqrt(), cmap='Greys', vmin=0,
                         vmax=float(softmax_map(logits).sqrt().max()) if logits.any() else .3)
        descents = {name: -logit_gradients(name, logits[None], states.target)[1][0]
                    for name in GRADIENTS}
        largest = max(float(one.abs().max()) for one in descents.values())
        for panel, descent in zip(panels[1:], descents.values()):
            shown = descent.sign() * descent.abs().sqrt()
            panel.imshow(shown, cmap='RdBu_r', norm=Normalize(-largest**.5, largest**.5))
            rise = descent.clamp_min(0)
            share = float((rise * near).sum() / rise.sum().clamp_min(1e-30))
            panel.annotate(f'Σ|g| {float(descent.abs().sum()):.2f}\ndrawn {100 * share:.0f} %',
                           (.5, 0), xycoords='axes fraction', xytext=(0, -3),
                           textcoords='offset points', ha='center', va='top', fontsize=9,
                           annotation_clip=False)
        for panel in panels:
            panel.plot(*TARGET, marker='+', markersize=11, color='#00A000', markeredgewidth=1.6)
            panel.set(xticks=[], yticks=[], xlim=(-.5, SIDE - .5), ylim=(SIDE - .5, -.5))
            for spine in panel.spines.values():
                spine.set(visible=True, color='0.75')
    return save(grid.figure, path, palette=False)
