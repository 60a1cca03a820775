"""The graded solver against the exact value on pairs of every kind that training meets."""
import numpy as np
import pytest
import torch
from maps import exact_wasserstein, gaussian

from mmpose_wass.ot import GradedSolver, disc_radius, softmax_map

KINDS = ('near', 'shift', 'bimodal', 'uniform', 'sharp', 'border')


def draw_pair(generator, kind, sigma, shape):
    """A predicted and a target map of the given kind."""
    height, width = shape
    size = np.array([width, height])
    if kind == 'border':
        centre = np.array([generator.uniform(-.4, 3), height * generator.random()])
    else:
        centre = size * generator.uniform(.25, .75, 2)
    q = gaussian(centre, sigma, shape)
    if kind == 'near':
        p = gaussian(centre + generator.normal(0, .5, 2), sigma * generator.uniform(.7, 1.4), shape)
    elif kind == 'sharp':
        p = gaussian(centre + generator.normal(0, .4, 2), generator.uniform(.15, .6), shape)
    elif kind == 'bimodal':
        share = generator.uniform(.05, .5)
        p = (1 - share) * gaussian(centre + generator.normal(0, .4, 2), sigma, shape) + \
            share * gaussian(generator.random(2) * size, sigma, shape)
    elif kind == 'uniform':
        logits = torch.tensor(generator.normal(0, 1, shape))
        p = softmax_map(logits + 2 * generator.random() * (q + 1e-3).log())
    else:
        moved = np.clip(centre + generator.normal(0, 6, 2), 0, size - 1)
        p = gaussian(moved, sigma * generator.uniform(.8, 1.2), shape)
    return p / p.sum(), q


@pytest.mark.parametrize('shape', [(32, 32), (24, 40)])
@pytest.mark.parametrize('sigma', [1, 1.5, 2, 3, 6])
@pytest.mark.parametrize('kind', KINDS)
def test_values_and_bounds(kind, sigma, shape):
    generator = np.random.default_rng([KINDS.index(kind), int(2 * sigma), *shape])
    p, q = draw_pair(generator, kind, sigma, shape)
    exact = exact_wasserstein(p, q)
    result = GradedSolver(disc_radius(sigma))(p.float(), q.float(), certify=True)
    assert float(result.value) == pytest.approx(exact, rel=.02)
    assert float(result.lower_bound) <= exact * (1 + 1e-5) + 1e-6
