"""That losses and solvers run on a GPU and never wait for it, tried without one.

Fake tensors have a device and shapes but no values: an operator that mixes devices fails on them as
it would on a GPU. Numbers that would have to travel there are seen by a dispatch mode. What such a
GPU really does is asked in the last test, where there is one.
"""
import pytest
import torch
from maps import gaussian
from mmpose.registry import MODELS
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmpose_wass.models.losses import WassersteinHeatmapLoss
from mmpose_wass.ot import SOLVERS, ExactSolver, graded, graded_geometry, sinkhorn, sliced

WITHOUT_EXACT = {
    'graded': dict(method='graded', sigma=1.0, check_interval=0),
    'accurate': dict(method='graded', sigma=1.0, check_interval=0, accuracy='accurate'),
    'wide': dict(method='graded', sigma=4.0, check_interval=0),
    'mixture': dict(method='graded', sigma=1.0, check_interval=0, logit_gradient='mixture'),
    'sinkhorn': dict(method='sinkhorn', solver_options=dict(iterations=3)),
    'debiased': dict(method='sinkhorn', solver_options=dict(iterations=3, debiased=True)),
    'transport': dict(method='sinkhorn', solver_options=dict(iterations=3, value='transport')),
    'sliced': dict(method='sliced'),
}
LOSSES = {
    **{name: dict(type='WassersteinHeatmapLoss', **options)
       for name, options in WITHOUT_EXACT.items()},
    'kl': dict(type='KLHeatmapLoss'),
    'js': dict(type='JSHeatmapLoss'),
    'mse': dict(type='SoftmaxMSEHeatmapLoss'),
    'star': dict(type='STARHeatmapLoss'),
    'star l1': dict(type='STARHeatmapLoss', norm='l1'),
    'soft arg max': dict(type='SoftArgmaxLoss', norm='l2'),
    'smooth': dict(type='SoftArgmaxLoss', norm='smooth'),
    'hard': dict(type='HardLandmarkLoss', loss=dict(type='KLHeatmapLoss'), hard_landmarks=2),
    'sum': dict(type='WeightedSumHeatmapLoss', losses=dict(
        wasserstein=dict(type='WassersteinHeatmapLoss', sigma=1.0, check_interval=0),
        kl=dict(type='KLHeatmapLoss'))),
}
losses = pytest.mark.parametrize('loss', LOSSES.values(), ids=LOSSES)
GPU = 'cuda:0'


def test_every_loss_and_solver_is_tried():
    def types(config):
        return {config['type']}.union(*(types(one) for one in config.get('losses', {}).values()))
    import mmpose_wass.models.losses as package
    assert set.union(*map(types, LOSSES.values())) == set(package.__all__) - {'SoftmaxHeatmapLoss'}
    assert {options['method'] for options in WITHOUT_EXACT.values()} == set(SOLVERS) - {'exact'}


@pytest.fixture
def no_tables(monkeypatch):
    """Tables of fake tensors must not be found by other tests, nor those of others here."""
    caches = (graded_geometry.graded_geometry, sinkhorn.soft_minimum, sliced.projections)
    for cache in caches:
        cache.cache_clear()
    # Asking a GPU that is not there what it can is the one thing that fake tensors cannot do.
    monkeypatch.setattr(graded, 'multiplies_bfloat16_faster', lambda device: False)
    yield
    for cache in caches:
        cache.cache_clear()


def fake_batch(device=GPU, dtype=torch.float32):
    logits = torch.empty(2, 3, 16, 20, device=device, dtype=dtype, requires_grad=True)
    target = torch.empty(2, 3, 16, 20, device=device)
    weights = torch.empty(2, 3, device=device)
    return logits, target, weights, torch.empty(16, 20, device=device)


@pytest.mark.parametrize('masked', [False, True])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@losses
def test_losses_on_a_gpu(no_tables, loss, dtype, masked):
    """The forward pass, in which the Wasserstein loss computes its gradient too."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        logits, target, weights, mask = fake_batch(dtype=dtype)
        value = MODELS.build(loss)(logits, target, weights, *([mask] if masked else []))
    assert isinstance(value, FakeTensor) and value.requires_grad
    assert value.shape == () and str(value.device) == GPU


@pytest.mark.parametrize('options', WITHOUT_EXACT.values(), ids=WITHOUT_EXACT)
def test_solvers_on_a_gpu(no_tables, options):
    solver = WassersteinHeatmapLoss(**options)._solver
    with FakeTensorMode(allow_non_fake_inputs=True):
        p, q = (torch.empty(3, 16, 20, device=GPU, requires_grad=True) for _ in range(2))
        result = solver(p, q)
    for tensor in (result.value, result.potential):
        assert isinstance(tensor, FakeTensor) and str(tensor.device) == GPU
    assert result.value.requires_grad and result.potential.shape == p.shape


def test_exact_answers_go_to_where_the_maps_are(no_tables, monkeypatch):
    """The linear program runs on the CPU and needs values: an answer of it stands in."""
    answer = (1.0, torch.zeros(16, 20, dtype=torch.float64))
    monkeypatch.setattr(ExactSolver, 'solve_one', lambda self, difference: answer)
    monkeypatch.setattr(ExactSolver, 'check', lambda self, difference: None)
    with FakeTensorMode(allow_non_fake_inputs=True):
        logits, target, weights, _ = fake_batch()
        value = WassersteinHeatmapLoss(method='exact')(logits, target, weights)
    assert isinstance(value, FakeTensor) and str(value.device) == GPU


class NothingFromTheHost(TorchDispatchMode):
    """Refuses operators that bring numbers to a GPU or back, or whose result's size does so."""

    WAITING = ('_local_scalar_dense', 'item', 'nonzero', 'masked_select', 'equal', 'is_nonzero',
               '_linalg_eigh', 'linalg_eigh', 'lift_fresh', 'unique')

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = function.__name__.partition('.')[0]
        assert name not in self.WAITING, function
        for tensor in tree_leaves((args, kwargs)):
            if isinstance(tensor, torch.Tensor):
                assert tensor.device.type != 'cpu', f'{function} takes a tensor of the CPU'
            if isinstance(tensor, torch.device):
                assert tensor.type != 'cpu', f'{function} makes a tensor on the CPU'
        if name == 'index' or name.startswith('index_put'):
            assert all(index is None or index.dtype != torch.bool for index in args[1]), function
        return function(*args, **kwargs)


@losses
def test_no_number_travels_to_a_gpu_or_back(no_tables, loss):
    """In any call but the first, which builds tables."""
    loss = MODELS.build(loss)
    with FakeTensorMode(allow_non_fake_inputs=True):
        logits, target, weights, mask = fake_batch()
        loss(logits, target, weights)
        with NothingFromTheHost():
            loss(logits, target, weights)
            loss(logits, target, weights, mask)


@pytest.mark.parametrize('careless', [
    lambda x: x + x.new_tensor([1.0, 2.0]),
    lambda x: x * torch.tensor([1.0, 2.0], device=x.device), lambda x: x[x > 0],
    lambda x: x.new_zeros(2, 2).add(x).double().to('cpu'), lambda x: torch.linalg.eigh(x @ x.T),
])
def test_what_travels_would_be_seen(careless):
    with FakeTensorMode(allow_non_fake_inputs=True), pytest.raises(AssertionError):
        x = torch.empty(2, 2, device=GPU)
        with NothingFromTheHost():
            careless(x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@losses
def test_no_call_waits_for_the_gpu(loss):
    loss = MODELS.build(loss)
    logits = torch.randn(2, 3, 32, 32, device='cuda', requires_grad=True)
    target = gaussian((13.2, 15.7), 1.0, (32, 32), torch.float32).cuda().expand_as(logits)
    weights = torch.ones(2, 3, device='cuda')
    loss(logits, target, weights).backward()
    torch.cuda.synchronize()
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode('error')
    try:
        loss(logits, target, weights).backward()
    finally:
        torch.cuda.set_sync_debug_mode(before)
