"""Compiled is the same as eager, and where it cannot be had it is eager."""
import contextlib
import os
import shutil
import warnings

import pytest
import torch
from maps import gaussian
from torch_abilities import needs_compiler

from mmpose_wass.models import WassersteinHeatmapLoss
from mmpose_wass.ot import GradedSolver, compilation
from mmpose_wass.ot import graded as graded_module
from mmpose_wass.ot.compilation import call_compiled

CPU = torch.device('cpu')


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """What compilers leave behind, and the memory of failures."""
    monkeypatch.setattr(compilation, '_FAILED', set())
    monkeypatch.setattr(compilation, '_compiled', compilation._compiled.__wrapped__)
    yield
    torch._dynamo.reset()


@pytest.fixture
def two_iterations(monkeypatch):
    """A solver with one iteration at each of two epsilons: seconds to compile, not minutes."""
    fast = graded_module.ACCURACIES['fast']
    few = fast._replace(grading=fast.grading._replace(epsilons=(1.0, .4)), iterations=(1, 1))
    monkeypatch.setitem(graded_module.ACCURACIES, 'fast', few)


def pairs(count=3, device=CPU):
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(1, count, 20, 24, generator=generator)
    target = torch.stack([gaussian((7.3 + k, 9.6), 1.0, (20, 24)).float() for k in range(count)])
    return logits.to(device).requires_grad_(), target[None].to(device)


def value_and_gradient(loss, logits, target):
    value = loss(logits, target)
    return value.detach(), *torch.autograd.grad(value, logits)


@needs_compiler
@pytest.mark.parametrize('bfloat16_tables', [False, True])
def test_all_is_one_graph_without_a_look_at_results(two_iterations, bfloat16_tables):
    """What a compiler or a CUDA graph records must not leave the graph or wait for a value."""
    solver = GradedSolver(4.0, bfloat16_tables=bfloat16_tables)
    logits, target = pairs()
    p, q = logits.detach()[0].flatten(1).softmax(dim=1).view(3, 20, 24), target[0]
    geometry = solver._geometry(p, 4.0)
    with torch.no_grad():
        expected = solver.solve_on(geometry, p, q)
        traced = torch.compile(GradedSolver.solve_on, backend='aot_eager', fullgraph=True,
                               dynamic=False)(solver, geometry, p, q)
    for found, value in zip(traced, expected):
        torch.testing.assert_close(found, value, rtol=1e-5, atol=1e-5)


@needs_compiler
@pytest.mark.skipif(not any(map(shutil.which, (os.environ.get('CXX', 'g++'), 'clang++'))),
                    reason='needs a C++ compiler')
def test_generated_kernels_give_the_same_values_and_gradients(two_iterations):
    from torch._inductor import config, metrics
    logits, target = pairs()
    expected = value_and_gradient(WassersteinHeatmapLoss(sigma=1.0), logits, target)
    metrics.reset()
    # Plain C++: what it takes to try the processor's vector instructions is half a minute.
    with config.patch({'cpp.vec_isa_ok': False}), warnings.catch_warnings():
        warnings.filterwarnings('error', message='compile=True')
        loss = WassersteinHeatmapLoss(sigma=1.0, compile=True)
        found = value_and_gradient(loss, logits, target)
    assert metrics.generated_kernel_count > 10
    for compiled, eager in zip(found, expected):
        torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_replayed_graphs_on_a_gpu():
    """Results of a call have to outlive the next one, which runs in the same memory."""
    loss = {compiled: WassersteinHeatmapLoss(sigma=1.0, compile=compiled)
            for compiled in (False, True)}
    results = []
    for shift in range(4):  # warming up, recording, replaying
        logits, target = pairs(device=torch.device('cuda'))
        logits = logits.detach().roll(shift, dims=-1).requires_grad_()
        results.append([value_and_gradient(loss[compiled], logits, target)
                        for compiled in (False, True)])
    for eager, compiled in results:
        for value, found in zip(eager, compiled):
            torch.testing.assert_close(found, value, rtol=1e-3, atol=1e-5)


def test_without_a_compiler_the_loss_is_eager_with_one_warning(monkeypatch):
    def broken(function, mode):
        def compiled(*args):
            raise ModuleNotFoundError('no compiler here\nand a long story')
        return compiled

    monkeypatch.setattr(compilation, '_compiled', broken)
    logits, target = pairs()
    expected = value_and_gradient(WassersteinHeatmapLoss(sigma=1.0), logits, target)
    loss = WassersteinHeatmapLoss(sigma=1.0, compile=True)
    with pytest.warns(UserWarning, match='compile=True has no effect here: ModuleNotFoundError: '
                                         'no compiler here$') as caught:
        found = value_and_gradient(loss, logits, target)
        again = value_and_gradient(loss, logits, target)
    assert len([entry for entry in caught if 'compile=True' in str(entry.message)]) == 1
    for results in zip(expected, found, again):
        assert all(torch.equal(result, results[0]) for result in results)


def test_an_error_of_the_function_is_its_own_and_not_a_compilers(monkeypatch):
    monkeypatch.setattr(compilation, '_compiled', lambda function, mode: function)

    def refuses(tensor):
        raise ValueError('not this tensor')

    with pytest.raises(ValueError, match='not this tensor'), warnings.catch_warnings():
        warnings.simplefilter('error')
        call_compiled(refuses, CPU, torch.ones(1))
    assert not compilation._FAILED


def test_too_wide_targets_are_refused_by_a_compiled_solver_too(monkeypatch):
    monkeypatch.setattr(compilation, '_compiled', lambda function, mode: function)
    logits, target = pairs()
    with pytest.raises(ValueError, match='sigma'):
        WassersteinHeatmapLoss(sigma=.5, compile=True)(logits, target.sqrt().sqrt())


@pytest.mark.parametrize('method', ['sinkhorn', 'sliced', 'exact'])
def test_only_the_graded_solver_is_compiled(method):
    with pytest.raises(ValueError, match=f'compile is no option of method={method!r}'), \
            contextlib.suppress(ImportError):
        WassersteinHeatmapLoss(method=method, compile=True)
