"""Maps of 128 x 128 against stored exact values.

The values in ``tests/fixtures/w1_128x128.json`` are the linear program's. To make them anew, some
minutes on one core: ``python tests/test_ot/test_large_maps.py``.
"""
import json
import sys
from pathlib import Path

import pytest
import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))  # for the script; pytest has it already

from maps import gaussian  # noqa: E402

from mmpose_wass.ot import ExactSolver, GradedSolver, disc_radius, pixel_coordinates  # noqa: E402

FILE = TESTS / 'fixtures/w1_128x128.json'
SHAPE = (128, 128)
CASES = [] if __name__ == '__main__' else json.loads(FILE.read_text())


def draw_target(centre, sigma):
    """A Gaussian cut off at its disc, so that the linear program has few sinks."""
    q = gaussian(centre, sigma, SHAPE)
    offset = pixel_coordinates(SHAPE, dtype=torch.float64) - torch.tensor(centre).double().round()
    q = q * (offset.norm(dim=1) <= disc_radius(sigma)).view(SHAPE)
    return q / q.sum()


def draw_prediction(modes, haze):
    """A sum of Gaussians ``[share, x, y, sigma]``, far tails cut off, and a uniform haze."""
    p = sum(share * gaussian((x, y), sigma, SHAPE) for share, x, y, sigma in modes)
    p = torch.where(p > 1e-7, p, 0.0)
    return (1 - haze) * p / p.sum() + haze / p.numel()


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['name'])
@pytest.mark.parametrize('accuracy, tolerance', [('fast', .02), ('accurate', .01)])
def test_value_and_bound(case, accuracy, tolerance):
    p, q = draw_prediction(case['modes'], case['haze']), draw_target(case['centre'], case['sigma'])
    solver = GradedSolver(disc_radius(case['sigma']), accuracy)
    result = solver(p.float(), q.float(), certify=True)
    assert float(result.value) == pytest.approx(case['exact'], rel=tolerance)
    assert float(result.lower_bound) <= case['exact'] * (1 + 1e-5)


def main() -> None:
    cases = [
        dict(name='near', centre=[61.3, 70.8], sigma=3.0, modes=[[1, 61.9, 70.1, 2.4]], haze=0),
        dict(name='far', centre=[20.4, 100.7], sigma=1.5, modes=[[1, 110.2, 15.5, 1.5]], haze=0),
        dict(name='bimodal', centre=[88.5, 40.1], sigma=2.0,
             modes=[[.7, 88.9, 40.6, 2.0], [.3, 12.3, 97.4, 2.5]], haze=0),
        dict(name='sharp', centre=[64.2, 64.6], sigma=3.0, modes=[[1, 64.7, 64.1, .3]], haze=0),
        dict(name='border', centre=[2.2, 64.4], sigma=1.5, modes=[[1, 9.1, 66.0, 2.0]], haze=0),
        dict(name='haze', centre=[45.6, 52.3], sigma=1.0, modes=[[1, 46.0, 52.0, 1.2]], haze=.2),
    ]
    for case in cases:
        p, q = draw_prediction(case['modes'], case['haze']), draw_target(case['centre'],
                                                                         case['sigma'])
        case['exact'] = float(ExactSolver()(p, q).value)
        print(case, flush=True)
    FILE.write_text(json.dumps(cases, indent=1) + '\n')


if __name__ == '__main__':
    main()
