"""Every way to W1 that is measured: the package's solvers, and peers where installed."""
from __future__ import annotations

import ast
import functools
import importlib.util
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import common  # noqa: F401  finds the checkout
import numpy as np
import torch
from torch import Tensor

from mmpose_wass.ot import (
    SOLVERS,
    barycenter,
    disc_radius,
    ground_cost,
    pixel_coordinates,
    softmax_map,
)

# From logits [M, H, W] to W1 [M] in pixels, differentiable.
Distance = Callable[[Tensor], Tensor]


class Method(NamedTuple):
    """One way to W1.

    Attributes:
        label: What tables call it; the same in all results.
        prepare: From targets q ``[M, H, W]`` and their sigma to a :data:`Distance`. What a
            training run does once (building a solver) happens here, outside the timing.
        pairs: Most pairs of 64 x 64 that the accuracy benchmark gives it (None: all); of smaller
            maps it gets more.
        maps: Most maps that the speed benchmark gives it (None: all); its time is then scaled.
        on_gpu: Whether it can run on a GPU.
        compiled: Whether torch.compile has a part in it, so that operators cannot be counted.
    """

    label: str
    prepare: Callable[[Tensor, float], Distance]
    pairs: Optional[int] = None
    maps: Optional[int] = None
    on_gpu: bool = True
    compiled: bool = False


def solver_method(name: str, **options) -> Callable[[Tensor, float], Distance]:
    """A solver of :data:`mmpose_wass.ot.SOLVERS`; ``graded`` gets the radius that fits sigma."""

    def prepare(q: Tensor, sigma: float) -> Distance:
        settings = dict(options)
        if name == 'graded':
            settings.setdefault('radius', disc_radius(sigma))
        solver = SOLVERS[name](**settings)
        return lambda logits: solver(softmax_map(logits), q).value

    return prepare


def dirac(q: Tensor, sigma: float) -> Distance:
    """Sum of p |x - c|: the target taken for a point at its barycentre."""
    height, width = q.shape[-2:]
    points = pixel_coordinates((height, width), q.device, q.dtype)
    distance = ground_cost(barycenter(q), points).view_as(q)
    return lambda logits: (softmax_map(logits) * distance).sum(dim=(1, 2))


@functools.lru_cache(maxsize=2)
def dense_cost(shape: Tuple[int, int], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Distances of all pairs of pixels ``[HW, HW]``."""
    points = pixel_coordinates(shape, device, dtype)
    return ground_cost(points, points)


def dense_potentials(p: Tensor, q: Tensor, epsilon: float, iterations: int):
    """Plain Sinkhorn with the full kernel, as in Cuturi (2013): epsilon log u, epsilon log v.

    Args:
        p: ``[M, H, W]``.
        q: ``[M, H, W]``.
        epsilon: Entropic strength in pixels.
        iterations: Number of iterations.

    Returns:
        Potentials f and g ``[M, HW]`` of entropic transport with reference measure p ⊗ q.
    """
    kernel = torch.exp(-dense_cost(tuple(p.shape[-2:]), p.device, p.dtype) / epsilon)
    tiny = torch.finfo(p.dtype).tiny
    a, b = p.flatten(1) + 1e-12, q.flatten(1) + 1e-12
    u = torch.ones_like(a)
    for _ in range(iterations):
        v = 1 / ((a * u) @ kernel).clamp_min(tiny)
        u = 1 / ((b * v) @ kernel).clamp_min(tiny)
    return epsilon * u.log(), epsilon * v.log()


def dense_sinkhorn(epsilon: float, iterations: int) -> Callable[[Tensor, float], Distance]:
    """Entropic transport on the whole grid; value and gradient from its potentials."""

    def prepare(q: Tensor, sigma: float) -> Distance:

        def distance(logits: Tensor) -> Tensor:
            p = softmax_map(logits)
            with torch.no_grad():
                f, g = dense_potentials(p, q, epsilon, iterations)
            return (p.flatten(1) * f).sum(1) + (q.flatten(1) * g).sum(1)

        return distance

    return prepare


def geomloss_samples(blur: float, scaling: float) -> Callable[[Tensor, float], Distance]:
    """GeomLoss' ``SamplesLoss('sinkhorn', p=1)`` on the pixels as weighted points, debiased."""

    def prepare(q: Tensor, sigma: float) -> Distance:
        from geomloss import SamplesLoss
        loss = SamplesLoss('sinkhorn', p=1, blur=blur, scaling=scaling, backend='tensorized')
        points = pixel_coordinates(tuple(q.shape[-2:]), q.device, q.dtype)[None]

        def distance(logits: Tensor) -> Tensor:
            p = softmax_map(logits).flatten(1)
            values = []
            for weights, target in zip(p, q.flatten(1)):
                # Forward and backward map by map: the graphs of a batch, with some 4096 x 4096
                # costs for each map, would fill the memory.
                leaf = weights.detach().requires_grad_()
                value = loss(leaf[None], points, target[None], points).sum()
                gradient, = torch.autograd.grad(value, leaf)
                inner = (weights * gradient).sum()
                values.append(inner + (value - inner).detach())
            return torch.stack(values)

        return distance

    return prepare


def pot_emd(q: Tensor, sigma: float) -> Distance:
    """POT's exact linear program on all pixels, as one would call it; float64 on the CPU."""
    import ot
    points = pixel_coordinates(tuple(q.shape[-2:]), dtype=torch.float64)
    cost = ground_cost(points, points).numpy()

    def distance(logits: Tensor) -> Tensor:
        p = softmax_map(logits)
        values = []
        for weights, target in zip(p.flatten(1), q.flatten(1)):
            a, b = (part.detach().cpu().double().numpy() for part in (weights, target))
            value, log = ot.emd2(a / a.sum(), b / b.sum(), cost, numItermax=10**7, log=True)
            potential = torch.as_tensor(log['u'], dtype=p.dtype, device=p.device)
            inner = (weights * potential).sum()
            values.append(inner + (float(value) - inner.detach()))
        return torch.stack(values)

    return distance


def graded_label(accuracy: str) -> str:
    """Label of the graded solver at an accuracy."""
    return f'graded, {accuracy}'


def all_methods() -> Tuple[List[Method], Dict[str, str]]:
    """Methods that can run here, and why the others cannot."""
    methods, skipped = [], {}
    for accuracy in ('fast', 'accurate'):
        try:
            SOLVERS['graded'](accuracy=accuracy)
        except (ValueError, KeyError) as error:
            skipped[graded_label(accuracy)] = str(error)
        else:
            methods.append(Method(graded_label(accuracy),
                                  solver_method('graded', accuracy=accuracy)))
    candidates = [
        ('sliced', Method('sliced, 16 directions', solver_method('sliced', directions=16))),
        ('sliced', Method('sliced, 64 directions', solver_method('sliced', directions=64))),
        ('sinkhorn', Method('sinkhorn, ε 1, 10 iterations', solver_method(
            'sinkhorn', epsilon=1.0, iterations=10, debiased=False), maps=8)),
        ('sinkhorn', Method('sinkhorn, ε 0.25, 100 iterations', solver_method(
            'sinkhorn', epsilon=.25, iterations=100, debiased=False), pairs=8, maps=2)),
        ('sinkhorn', Method('sinkhorn debiased, ε 1, 50 iterations', solver_method(
            'sinkhorn', epsilon=1.0, iterations=50, debiased=True), pairs=8, maps=2)),
        ('exact', Method('exact (POT), Jordan parts', solver_method('exact'), pairs=8, maps=1,
                         on_gpu=False)),
    ]
    for name, method in candidates:
        if name in SOLVERS:
            methods.append(method)
        else:
            skipped[method.label] = f'this version has no solver {name!r}'
    methods.append(Method('Dirac target, Σ p ‖x - c‖', dirac))
    methods.append(Method('dense Sinkhorn, ε 1, 10 iterations', dense_sinkhorn(1.0, 10), maps=64))
    peers = [
        ('geomloss', Method('GeomLoss, blur 0.05, scaling 0.9', geomloss_samples(.05, .9),
                            pairs=2, maps=1)),
        ('ot', Method('POT emd2, whole maps', pot_emd, pairs=2, maps=1, on_gpu=False)),
    ]
    for module, method in peers:
        if importlib.util.find_spec(module) is not None:
            methods.append(method)
        else:
            skipped[method.label] = (f'{module} is not installed '
                                     '(pip install -e ".[bench]" brings it)')
    return methods, skipped


def parse_method(text: str) -> Method:
    """A method of one's own from ``solver:option=value,...``.

    Example:
        >>> parse_method('graded:accuracy="fast"').label
        'graded:accuracy="fast"'

    Raises:
        ValueError: If the solver is not known or an option does not read ``name=value``.
    """
    name, _, rest = text.partition(':')
    if name not in SOLVERS:
        raise ValueError(f'{text!r}: the solver must be one of {tuple(SOLVERS)}, got {name!r}')
    options = {}
    for part in filter(None, rest.split(',')):
        key, equals, value = part.partition('=')
        if not equals:
            raise ValueError(f'{text!r}: options must read name=value, got {part!r}')
        try:
            options[key.strip()] = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            options[key.strip()] = value
    SOLVERS[name](**options)  # unknown options fail here, before anything is measured
    return Method(text, solver_method(name, **options), on_gpu=name != 'exact',
                  compiled=bool(options.get('compile')))


def select_methods(wanted: Optional[Sequence[str]], left_out: Sequence[str],
                   device: torch.device) -> Tuple[List[Method], Dict[str, str]]:
    """The methods to measure.

    Args:
        wanted: Parts of labels (case does not matter), or ``solver:option=value,...``; None for
            all methods.
        left_out: Parts of labels to leave out.
        device: Where it runs.

    Returns:
        Methods, and what is skipped with the reason.

    Raises:
        ValueError: If a name fits no method.
    """
    methods, skipped = all_methods()
    if wanted is not None:
        chosen = []
        for text in wanted:
            if ':' in text:
                chosen.append(parse_method(text))
                continue
            found = [method for method in methods if text.lower() in method.label.lower()]
            if not found:
                labels = ', '.join(repr(label) for label in
                                   [method.label for method in methods] + list(skipped))
                raise ValueError(f'no method fits {text!r}; there are {labels}')
            chosen += [method for method in found if method not in chosen]
        methods, skipped = chosen, {}
    result = []
    for method in methods:
        if any(text.lower() in method.label.lower() for text in left_out):
            skipped[method.label] = 'left out by --skip'
        elif device.type == 'cuda' and not method.on_gpu:
            skipped[method.label] = 'runs on the CPU only'
        else:
            result.append(method)
    return result, skipped


def value_and_gradient(distance: Distance, logits: Tensor) -> Tuple[np.ndarray, np.ndarray]:
    """W1 ``[M]`` and its gradient with respect to the logits ``[M, H, W]``, as float64."""
    logits = logits.detach().clone().requires_grad_()
    values = distance(logits)
    values.sum().backward()
    return (values.detach().double().cpu().numpy(), logits.grad.double().cpu().numpy())
