import numpy as np
import pytest
import torch
from maps import exact_wasserstein, gaussian

from mmpose_wass.ot import certified_lower_bound, softmax_map, wasserstein1


def pairs(count=4, shape=(20, 24)):
    generator = torch.Generator().manual_seed(0)
    for index in range(count):
        p = softmax_map(torch.randn(shape, generator=generator, dtype=torch.float64) * (1 + index))
        yield p, gaussian((8 + 2 * index, 9.3), 1.5, shape)


def test_the_bound_holds_for_any_potential():
    generator = torch.Generator().manual_seed(1)
    for p, q in pairs():
        exact = exact_wasserstein(p, q)
        for scale in (0, 1, 30):
            potential = scale * torch.randn(p.shape, generator=generator, dtype=torch.float64)
            assert float(certified_lower_bound(p, q, potential)) <= exact + 1e-9


def test_the_bound_is_tight_for_the_solver_s_potential():
    for p, q in pairs():
        exact = exact_wasserstein(p, q)
        bound = float(wasserstein1(p, q, return_result=True, radius=5.5).lower_bound or 0)
        assert bound == 0  # only where asked for
        potential = wasserstein1(p, q, return_result=True, radius=5.5).potential
        assert exact * .97 <= float(certified_lower_bound(p, q, potential)) <= exact + 1e-9


def test_parts_of_a_batch_equal_the_whole(monkeypatch):
    p, q = (torch.stack(maps) for maps in zip(*pairs()))
    potential = wasserstein1(p, q, return_result=True, radius=5.5).potential
    whole = certified_lower_bound(p, q, potential)
    monkeypatch.setattr('mmpose_wass.ot.certificate.CHUNK', 1)
    assert torch.equal(certified_lower_bound(p, q, potential), whole)
    assert certified_lower_bound(p[:0], q[:0], potential[:0]).shape == (0, )


def test_equal_maps_have_bound_zero():
    (p, _), *_ = pairs()
    assert float(certified_lower_bound(p, p, torch.zeros_like(p))) == 0


def test_shapes_are_checked():
    maps = torch.from_numpy(np.ones((4, 4)) / 16)
    with pytest.raises(ValueError, match='one shape'):
        certified_lower_bound(maps, maps, maps[:2])
