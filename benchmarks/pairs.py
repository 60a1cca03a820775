"""Pairs of heatmaps with their exact W1: from fixture files, or drawn and solved afresh."""
from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, NamedTuple, Sequence, Tuple

import common  # noqa: F401  finds the checkout
import numpy as np
from scipy.special import softmax

CATEGORIES = ('near', 'shifted', 'bimodal', 'uniform', 'border', 'over-sharp')
FIXTURE_KEYS = ('logits', 'centre', 'sigma', 'category', 'w1', 'f')
# Mass below this at a pixel is dropped from the linear program: together it could change W1 by
# less than 1e-9 px, and the network simplex does not like denormal numbers.
NEGLIGIBLE = 1e-15


class Pair(NamedTuple):
    """One prediction and its target.

    Attributes:
        name: Where it comes from.
        category: Kind of prediction.
        logits: ``[H, W]`` float32; the prediction is their softmax.
        target: ``[H, W]`` float64 with sum 1.
        sigma: Standard deviation of the target in pixels.
        exact: W1 in pixels.
        potential: Exact Kantorovich potential ``[H, W]`` in pixels.
    """

    name: str
    category: str
    logits: np.ndarray
    target: np.ndarray
    sigma: float
    exact: float
    potential: np.ndarray

    @property
    def prediction(self) -> np.ndarray:
        """Softmax of the logits in float64."""
        return softmax(self.logits.astype(np.float64))

    @property
    def gradient(self) -> np.ndarray:
        """Exact gradient of W1 with respect to the logits."""
        p = self.prediction
        return p * (self.potential - (p * self.potential).sum())


def gaussian_map(shape: Tuple[int, int], centre: Sequence[float], sigma: float) -> np.ndarray:
    """Gaussian at ``centre`` (x, y), normalised on the grid."""
    rows, columns = np.ogrid[:shape[0], :shape[1]]
    exponent = -((columns - centre[0])**2 + (rows - centre[1])**2) / (2 * sigma**2)
    return softmax(exponent)


def exact_transport(p: np.ndarray, q: np.ndarray) -> Tuple[float, np.ndarray]:
    r"""W1 and a Kantorovich potential by POT's network simplex, in float64.

    Only the Jordan parts of p - q are transported, which changes neither. The potential is
    extended from the sinks to all pixels by :math:`f(x) = \min_y |x - y| + f(y)` (McShane).

    Args:
        p: ``[H, W]`` with sum 1.
        q: ``[H, W]`` with sum 1.

    Returns:
        The value in pixels and the potential ``[H, W]``.

    Raises:
        RuntimeError: If the value and that of the potential differ, so that the solver has not
            come to its end.
    """
    import ot
    difference = p - q
    surplus, deficit = (np.where(part > NEGLIGIBLE, part, 0) for part in (difference, -difference))
    if not surplus.any() or not deficit.any():
        return 0.0, np.zeros_like(p)
    sources, sinks = np.argwhere(surplus), np.argwhere(deficit)
    mass = surplus.sum()
    a, b = surplus[surplus > 0] / mass, deficit[deficit > 0]
    cost = np.hypot(*(sources[:, None] - sinks[None]).transpose(2, 0, 1))
    value, log = ot.emd2(a, b / b.sum(), cost, numItermax=10**8, log=True)
    value = mass * value
    pixels = np.argwhere(np.ones_like(p, dtype=bool))
    potential = np.full(len(pixels), np.inf)
    for sink, dual in zip(sinks, log['v']):
        np.minimum(potential, np.hypot(*(pixels - sink).T) - dual, out=potential)
    potential = potential.reshape(p.shape)
    potential -= potential.mean()
    gap = abs((difference * potential).sum() - value)
    if not gap <= 1e-7 * max(value, 1e-3):
        raise RuntimeError(f'the exact solver left a gap of {gap:.2g} px at W1 = {value:.4g} px '
                           f'({log["warning"] or "no warning"})')
    return float(value), potential


def load_fixtures(folder: Path) -> List[Pair]:
    """Pairs of all ``*.npz`` files in a folder.

    Raises:
        FileNotFoundError: If there is none.
        KeyError: If one lacks a key.
    """
    files = sorted(folder.glob('*.npz'))
    if not files:
        raise FileNotFoundError(f'{folder}: there is no .npz file with exact pairs')
    pairs = []
    for file in files:
        with np.load(file) as archive:
            lacking = [key for key in FIXTURE_KEYS if key not in archive]
            if lacking:
                raise KeyError(f'{file}: lacks {", ".join(lacking)}; a fixture has the keys '
                               f'{", ".join(FIXTURE_KEYS)}')
            data = {key: archive[key] for key in FIXTURE_KEYS}
        for index, logits in enumerate(data['logits']):
            sigma = float(data['sigma'][index])
            pairs.append(Pair(
                f'{file.stem}[{index}]', str(data['category'][index]), logits,
                gaussian_map(logits.shape, data['centre'][index], sigma), sigma,
                float(data['w1'][index]), data['f'][index]))
    return pairs


def random_pairs(count: int, shape: Tuple[int, int], sigmas: Sequence[float],
                 random: np.random.Generator) -> Iterator[Pair]:
    """Draw pairs of all categories in turn and solve each exactly."""
    for index in range(count):
        category = CATEGORIES[index % len(CATEGORIES)]
        sigma = float(sigmas[index // len(CATEGORIES) % len(sigmas)])
        logits, target = draw_pair(category, shape, sigma, random)
        p = softmax(logits.astype(np.float64))
        exact, potential = exact_transport(p, target)
        yield Pair(f'random[{index}]', category, logits, target, sigma, exact, potential)


def draw_pair(category: str, shape: Tuple[int, int], sigma: float,
              random: np.random.Generator) -> Tuple[np.ndarray, np.ndarray]:
    """Logits ``[H, W]`` of a prediction and its target ``[H, W]``.

    ========== ==============================================================================
    near       within a pixel of the target, its width to within 25 %
    shifted    2 px to half the map away
    bimodal    5 to 50 % of the mass in a second mode far away
    uniform    noise over the whole map, as an untrained network gives
    border     the target within 2 px of the border, the prediction up to 4 px off
    over-sharp 0.15 to 0.5 times the target's width, down to one hot pixel, up to 2 px off
    ========== ==============================================================================
    """
    size = np.array(shape[::-1], dtype=float)  # (width, height)
    margin = np.minimum(2 * sigma + 1, size / 4)
    centre = random.uniform(margin, size - 1 - margin)
    if category == 'border':
        axis = random.integers(2)
        centre[axis] = random.uniform(0, 2)
        if random.random() < .5:
            centre[axis] = size[axis] - 1 - centre[axis]
    target = gaussian_map(shape, centre, sigma)

    reach = dict(near=(0, 1), shifted=(2, size.min() / 2), bimodal=(0, 1), uniform=(0, 0),
                 border=(0, 4)).get(category, (0, 2))
    width = sigma * random.uniform(*((.15, .5) if category == 'over-sharp' else (.8, 1.25)))
    density = gaussian_map(shape, _move(centre, random.uniform(*reach), size, random), width)
    if category == 'bimodal':
        second = gaussian_map(
            shape, _move(centre, random.uniform(.2, .7) * size.min(), size, random), width)
        density += random.uniform(.05, .5) * (second - density)
    noise = random.normal(size=shape)
    if category == 'uniform':
        return (random.uniform(.1, 1) * noise).astype(np.float32), target
    floor = 10**random.uniform(-9, -5)
    return (np.log(density + floor) + .05 * noise).astype(np.float32), target


def _move(centre: np.ndarray, distance: float, size: np.ndarray,
          random: np.random.Generator) -> np.ndarray:
    """A point at this distance, inside the map as far as a direction allows."""
    for _ in range(64):
        angle = random.uniform(0, 2 * np.pi)
        point = centre + distance * np.array([np.cos(angle), np.sin(angle)])
        if ((point >= 0) & (point <= size - 1)).all():
            return point
    return np.clip(point, 0, size - 1)
