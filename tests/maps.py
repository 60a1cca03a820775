"""Maps that several test files draw."""
from __future__ import annotations

import numpy as np
import torch


def gaussian(centre, sigma, shape=(64, 64), dtype=torch.float64):
    """Gaussian at (x, y), normalised to sum 1 over the map."""
    rows, columns = np.mgrid[:shape[0], :shape[1]]
    values = np.exp(-((columns - centre[0])**2 + (rows - centre[1])**2) / (2 * sigma**2))
    return torch.tensor(values / values.sum(), dtype=dtype)


def one_hot(pixel, shape=(64, 64), dtype=torch.float64):
    """All mass on the pixel (x, y)."""
    result = torch.zeros(shape, dtype=dtype)
    result[pixel[1], pixel[0]] = 1
    return result


def exact_wasserstein(p, q):
    """W1 of two maps by the network simplex of POT, on what is unequal in them."""
    import ot

    from mmpose_wass.ot import jordan_split

    surplus, deficit = jordan_split((p - q).double())
    if not float(surplus.sum()) > 0:
        return 0.0
    sources, sinks = ((part > 0).nonzero().double().numpy() for part in (surplus, deficit))
    a, b = surplus[surplus > 0].numpy(), deficit[deficit > 0].numpy()
    mass = a.sum()
    cost = np.hypot(*(sources[:, None] - sinks[None]).transpose(2, 0, 1))
    return float(mass * ot.emd2(a / mass, b / b.sum(), cost, numItermax=10**7))
