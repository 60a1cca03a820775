"""Pairs of maps with exact distances: those in the repository, and the sets they are taken from."""
from __future__ import annotations

from pathlib import Path
from typing import Dict

import numpy as np
import pytest

FIXTURES = Path(__file__).resolve().parent / 'fixtures'


def exact_pairs(whole: bool, size: int) -> Dict[str, np.ndarray]:
    """Arrays by name, see tests/fixtures/README.md.

    Args:
        whole: The full set, which lies beside a checkout or nowhere, rather than the part of it
            that is in the repository.
        size: Side of the maps, 32 or 64.
    """
    if not whole:
        with np.load(FIXTURES / 'exact_pairs.npz') as data:
            return {name[:-3]: data[name] for name in data if name.endswith(f'_{size}')}
    path = FIXTURES.parents[2] / f'shared/ot/w1_{size}x{size}.npz'
    if not path.is_file():
        pytest.skip('no ../shared/ot beside the checkout')
    return dict(np.load(path, allow_pickle=True))


both = pytest.mark.parametrize('whole', [False, True], ids=['stored', 'whole'])
