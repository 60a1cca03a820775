"""The graded solver against the exact value on pairs of every kind that training meets.

Small maps are solved exactly in the test. The exact values of larger ones are stored with the
pairs' parameters in ``tests/fixtures/w1_random.json``. To make them anew, some minutes on one core:
``python tests/test_ot/test_random_pairs.py``.
"""
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))  # for the script; pytest has it already

from maps import exact_wasserstein, gaussian  # noqa: E402

from mmpose_wass.ot import ExactSolver, GradedSolver, disc_radius, softmax_map  # noqa: E402

KINDS = ('near', 'shift', 'bimodal', 'uniform', 'sharp', 'border')
SIGMAS = (1, 1.5, 2, 3, 6)
FILE = TESTS / 'fixtures/w1_random.json'
STORED = [] if __name__ == '__main__' else json.loads(FILE.read_text())


def draw_parameters(generator, kind, sigma, shape):
    """A target Gaussian, and the Gaussians ``[share, x, y, sigma]`` and noise of a prediction."""
    size = np.array(shape[::-1])
    if kind == 'border':
        centre = np.array([generator.uniform(-.4, 3), shape[0] * generator.random()])
    else:
        centre = size * generator.uniform(.25, .75, 2)
    near = centre + generator.normal(0, .4, 2)
    noise = 0.0
    if kind == 'near':
        modes = [(1, *near, sigma * generator.uniform(.7, 1.4))]
    elif kind == 'sharp':
        modes = [(1, *near, generator.uniform(.15, .6))]
    elif kind == 'bimodal':
        share = generator.uniform(.05, .5)
        modes = [(1 - share, *near, sigma), (share, *(generator.random(2) * size), sigma)]
    else:
        moved = np.clip(centre + generator.normal(0, 6, 2), 0, size - 1)
        modes = [(1, *moved, sigma * generator.uniform(.8, 1.2))]
        noise = generator.uniform(.3, 2) if kind == 'uniform' else 0.0
    return dict(kind=kind, shape=list(shape), sigma=sigma, centre=centre.round(3).tolist(),
                modes=[[round(float(value), 3) for value in mode] for mode in modes],
                noise=round(noise, 3))


def maps_of(case):
    """The predicted and the target map of a pair's parameters, in float64."""
    shape = tuple(case['shape'])
    q = gaussian(case['centre'], case['sigma'], shape)
    p = sum(share * gaussian((x, y), sigma, shape) for share, x, y, sigma in case['modes'])
    if case['noise']:
        # Pixels' own numbers, since a library's random ones may change with its version.
        rows, columns = np.mgrid[:shape[0], :shape[1]]
        noise = np.modf(np.sin(12.9898 * columns + 78.233 * rows) * 43758.5453)[0]
        p = softmax_map(2 * torch.tensor(noise) + case['noise'] * (p + 1e-3).log())
    # Tails that weigh nothing would only make the linear program slow.
    p, q = (torch.where(one > 1e-9, one, 0.0) for one in (p, q))
    return p / p.sum(), q / q.sum()


def check(case, exact):
    p, q = maps_of(case)
    result = GradedSolver(disc_radius(case['sigma']))(p.float(), q.float(), certify=True)
    assert float(result.value) == pytest.approx(exact, rel=.02)
    assert float(result.lower_bound) <= exact * (1 + 1e-5) + 1e-6


@pytest.mark.parametrize('shape', [(32, 32), (24, 40)])
@pytest.mark.parametrize('sigma', SIGMAS)
@pytest.mark.parametrize('kind', KINDS)
def test_values_and_bounds(kind, sigma, shape):
    generator = np.random.default_rng([KINDS.index(kind), int(2 * sigma), *shape])
    case = draw_parameters(generator, kind, sigma, shape)
    check(case, exact_wasserstein(*maps_of(case)))


@pytest.mark.parametrize('case', STORED, ids=lambda case: '{kind}-{sigma}-{shape}'.format(**case))
def test_larger_maps(case):
    check(case, case['exact'])


def test_every_kind_and_sigma_is_stored_in_both_shapes():
    assert {(case['kind'], case['sigma']) for case in STORED} == {
        (kind, sigma) for kind in KINDS for sigma in SIGMAS}
    for shape in ([64, 64], [48, 96]):
        assert {case['kind'] for case in STORED if case['shape'] == shape} == set(KINDS)
        assert {case['sigma'] for case in STORED if case['shape'] == shape} == set(SIGMAS)


def main() -> None:
    cases = []
    for row, kind in enumerate(KINDS):
        for column, sigma in enumerate(SIGMAS):
            shape = [(64, 64), (48, 96)][(row + column) % 2]
            generator = np.random.default_rng([row, column, *shape])
            case = draw_parameters(generator, kind, sigma, shape)
            case['exact'] = float(ExactSolver()(*maps_of(case)).value)
            print(case, flush=True)
            cases.append(case)
    lines = ',\n'.join(map(json.dumps, cases))
    FILE.write_text(f'[\n{lines}\n]\n')


if __name__ == '__main__':
    main()
