import pytest
import torch
from maps import gaussian

from mmpose_wass.ot import SOLVERS, GradedSolver, softmax_map, softmax_wasserstein1
from mmpose_wass.ot.arithmetic import denormals_flushed, multiplies_bfloat16_faster


def pairs(count=5, shape=(24, 20), seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(count, *shape, generator=generator)
    centres = 8 * torch.rand(count, 2, generator=generator) + 6
    target = torch.stack([gaussian(c.numpy(), 1.5, shape, torch.float64) for c in centres])
    return logits.to(dtype).requires_grad_(), target.to(dtype)


@pytest.mark.parametrize('method', ['graded', 'sinkhorn', 'sliced'])
@pytest.mark.parametrize('temperature', [1.0, 2.5])
def test_equals_softmax_then_solver(method, temperature):
    logits, target = pairs(dtype=torch.float64)
    options = dict(radius=5.5) if method == 'graded' else {}
    solver = SOLVERS[method](**options)
    expected = solver(softmax_map(logits / temperature), target).value
    slope, = torch.autograd.grad(expected.square().sum(), logits)
    found = softmax_wasserstein1(logits, 7 * target, solver, temperature)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(found.square().sum(), logits)[0], slope, rtol=1e-7, atol=1e-12)


def test_parts_change_nothing(monkeypatch):
    logits, target = pairs(7)
    solver = GradedSolver(radius=5.5)
    whole = softmax_wasserstein1(logits, target, solver)
    slope, = torch.autograd.grad(whole.sum(), logits)
    monkeypatch.setattr('mmpose_wass.ot.graded.PIXELS_AT_ONCE', 2 * 24 * 20)
    assert solver.map_parts(lambda part: part.start, logits) == [0, 2, 4, 6]
    parts = softmax_wasserstein1(logits, target, solver)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        torch.autograd.grad(parts.sum(), logits)[0], slope, rtol=1e-4, atol=1e-6)
    result = solver(softmax_map(logits), target)
    torch.testing.assert_close(result.value, whole, rtol=1e-5, atol=1e-6)
    assert result.potential.shape == logits.shape


def test_maps_that_do_not_count_may_hold_anything():
    logits, target = pairs(3)
    solver = GradedSolver(radius=5.5, check_interval=1)
    expected = softmax_wasserstein1(logits, target, solver).detach()
    with torch.no_grad():
        logits[1] = torch.nan
        target[1] = torch.nan
    found = softmax_wasserstein1(logits, target, solver, valid=torch.tensor([True, False, True]))
    assert found[1] == 0
    torch.testing.assert_close(found[[0, 2]], expected[[0, 2]])
    slope, = torch.autograd.grad(found.sum(), logits)
    assert (slope[1] == 0).all() and torch.isfinite(slope).all() and (slope[0] != 0).any()


@pytest.mark.parametrize('bfloat16_tables', [False, True])
@pytest.mark.parametrize('method', ['empty target', 'NaN logits', 'infinite logits'])
def test_a_bad_map_leaves_the_others_alone(method, bfloat16_tables):
    """Matrix units multiply what lies beyond a row's end by 0, and 0 * NaN is NaN."""
    logits, target = pairs(20, (64, 64))
    solver = GradedSolver(radius=10, bfloat16_tables=bfloat16_tables)
    expected = softmax_wasserstein1(logits, target, solver)
    slope, = torch.autograd.grad(expected.sum(), logits)
    with torch.no_grad():
        if method == 'empty target':
            target[3] = 0
        else:
            logits[3, 5, 5] = torch.nan if method == 'NaN logits' else torch.inf
    found = softmax_wasserstein1(logits, target, solver)
    others = torch.arange(20) != 3
    torch.testing.assert_close(found[others], expected[others], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), logits)[0][others], slope[others], rtol=1e-4, atol=1e-6)
    assert method == 'empty target' or torch.isnan(found[3])


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_low_precision_logits_give_float32_values_and_their_own_gradient(dtype):
    logits, target = pairs(dtype=dtype)
    solver = GradedSolver(radius=5.5)
    found = softmax_wasserstein1(logits, target, solver)
    found.sum().backward()
    assert found.dtype == torch.float32 and logits.grad.dtype == dtype
    expected = solver(softmax_map(logits.detach().float()), target.float() / target.float().sum(
        dim=(1, 2), keepdim=True)).value
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_nothing_is_kept_without_gradient_and_an_empty_batch_is_fine():
    logits, target = pairs()
    with torch.no_grad():
        assert not softmax_wasserstein1(logits, target, GradedSolver(radius=5.5)).requires_grad
    assert softmax_wasserstein1(logits[:0], target[:0], GradedSolver(radius=5.5)).shape == (0, )
    with pytest.raises(ValueError, match=r'one shape \[M, H, W\]'):
        softmax_wasserstein1(logits, target[:2], GradedSolver(radius=5.5))


@pytest.mark.parametrize('sigma', [1.0, 3.0])
def test_bfloat16_tables_move_values_by_little(sigma):
    """Potentials move by epsilon / 500, some thousandths of a pixel; the mean distance is 5 px."""
    logits, _ = pairs(40, (48, 48))
    target = torch.stack([gaussian((20 + k / 7, 24 - k / 5), sigma, (48, 48), torch.float32)
                          for k in range(40)])
    plain, half = (softmax_wasserstein1(
        logits, target, GradedSolver(radius=3 * sigma + 1, bfloat16_tables=kind))
        for kind in (False, True))
    assert not torch.equal(plain, half)
    torch.testing.assert_close(half, plain, rtol=2e-3, atol=1e-3)


def test_denormals_are_flushed_inside_only():
    cpu = torch.device('cpu')
    tiny = torch.tensor(1e-40)
    if not torch.set_flush_denormal(True):
        return  # nothing to flush on this processor
    with denormals_flushed(cpu):
        assert tiny * 1 == 0
    assert tiny * 1 == 0, 'the state before has to be kept'
    torch.set_flush_denormal(False)
    with denormals_flushed(cpu):
        assert tiny * 1 == 0
    assert tiny * 1 != 0
    with pytest.raises(RuntimeError), denormals_flushed(cpu):
        raise RuntimeError
    assert tiny * 1 != 0


def test_a_compiled_model_may_call_the_loss():
    """The solver is left out of the graph; values are those of eager mode."""
    logits, target = pairs(2)
    solver = GradedSolver(radius=5.5)

    @torch.compile(backend='eager')
    def step(values):
        return softmax_wasserstein1(values * 2, target, solver).sum()

    torch.testing.assert_close(step(logits), softmax_wasserstein1(logits * 2, target, solver).sum())


def test_what_is_fast_is_asked_of_the_device():
    assert isinstance(multiplies_bfloat16_faster(torch.device('cpu')), bool)
    assert not multiplies_bfloat16_faster(torch.device('meta'))
