"""Free logits that go down each gradient: who leaves the plateau, with no network in the way."""
from __future__ import annotations

from typing import Dict, NamedTuple, Sequence

import torch
from torch import Tensor

from ...ot import softmax_map
from ...visualization.style import line_style, new_figure
from .gradient_maps import (
    GRADIENTS,
    SIGMA,
    example_states,
    logit_gradients,
    target_region,
)
from .systems import FilePath, legend_below, save

#: Predictions that the descent begins with.
_BEGINNINGS = ('uniform', 'a broad wrong mode')
_STEPS, _RATE = 600, 1.0


class Descent(NamedTuple):
    """What is seen on the way down, before each of T steps.

    Attributes:
        sizes: Sum of the gradient's absolute values ``[M, T]``.
        masses: Mass within 3 sigma of the target ``[M, T]``.
        distances: W1 to the target in heatmap pixels ``[M, T]``.
    """
    sizes: Tensor
    masses: Tensor
    distances: Tensor


def descend(name: str, logits: Tensor, target: Tensor, steps: int = _STEPS,
            rate: float = _RATE, sigma: float = SIGMA) -> Descent:
    """Plain gradient descent on the logits of maps.

    Args:
        name: Of :data:`GRADIENTS`.
        logits: ``[M, H, W]`` to begin with.
        target: ``[H, W]`` with sum 1.
        steps: Number of steps.
        rate: What gradients are multiplied by.
        sigma: The target's standard deviation in heatmap pixels.

    Returns:
        Descent: Of each map.

    Raises:
        KeyError: If there is no gradient of that name.
        ValueError: If there is no step, or the rate is not positive.
    """
    if steps < 1 or not rate > 0:
        raise ValueError(f'steps and rate must be positive, got {steps} and {rate}')
    logits = logits.detach().clone()
    near = target_region(target, sigma)
    found = []
    for _ in range(steps):
        distance, gradient = logit_gradients(name, logits, target, sigma)
        if name == 'kl':
            distance, _ = logit_gradients('exact', logits, target, sigma)
        mass = (softmax_map(logits) * near).sum(dim=(1, 2))
        found.append((gradient.abs().sum(dim=(1, 2)), mass, distance))
        logits -= rate * gradient
    return Descent(*(torch.stack(values, dim=1) for values in zip(*found)))


def draw_gradient_descent(path: FilePath, steps: int = _STEPS,
                          names: Sequence[str] = tuple(GRADIENTS)) -> str:
    """Draw distance, mass at the target and the gradient's size over the steps of each descent.

    Args:
        path: File to write.
        steps: Number of steps.
        names: Of :data:`GRADIENTS`.

    Returns:
        str: ``path``.
    """
    states = example_states()
    logits = torch.stack([states.logits[name] for name in _BEGINNINGS])
    descents: Dict[str, Descent] = {
        name: descend(name, logits, states.target, steps) for name in names}
    figure, panels = new_figure(len(_BEGINNINGS), 3, (11, 6.2))
    for row, beginning in enumerate(_BEGINNINGS):
        distance, mass, size = panels[3 * row:3 * row + 3]
        for index, (name, found) in enumerate(descents.items()):
            for panel, values in ((distance, found.distances), (mass, found.masses),
                                  (size, found.sizes)):
                panel.plot(range(1, steps + 1), values[row], linewidth=1.8,
                           label=GRADIENTS[name][0], **line_style(index))
        distance.set(ylim=(0, None), ylabel=f'From {_article(beginning)}')
        mass.set(ylim=(0, 1.02))
        size.set(yscale='log')
        for panel in (distance, mass, size):
            panel.set(xscale='log', xlim=(1, steps))
            panel.xaxis.set_major_formatter('{x:g}')
            if row == 0:
                panel.set_title({distance: 'W$_1$ to the target, px',
                                 mass: 'mass within 3 σ of the target',
                                 size: 'Σ|g| (W: px, KL: nats)'}[panel])
            else:
                panel.set_xlabel('step of gradient descent on free logits')
    legend_below(figure, panels[0], columns=len(names))
    return save(figure, path)


def _article(beginning: str) -> str:
    return beginning if beginning.startswith('a ') else f'a {beginning} map'
