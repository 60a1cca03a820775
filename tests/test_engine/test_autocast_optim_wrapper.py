"""Autocast on a CPU: bfloat16 forward, float32 weights, and losses that stay exact."""
import pytest
import torch
from mmpose.registry import HOOKS, OPTIM_WRAPPERS

from mmpose_wass.engine.autocast_optim_wrapper import AutocastOptimWrapper
from mmpose_wass.models.losses import WassersteinHeatmapLoss


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8),
                               torch.nn.ReLU(), torch.nn.Conv2d(8, 2, 1))


def wrapper_of(model, **options):
    return OPTIM_WRAPPERS.build(dict(
        type='AutocastOptimWrapper', optimizer=torch.optim.SGD(model.parameters(), lr=.2),
        **options))


def data():
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(4, 3, 16, 16, generator=generator)
    target = torch.zeros(4, 2, 16, 16)
    for place in range(4):  # where a bright spot is
        row, column = 2 + 3 * place, 11 - 2 * place
        target[place, :, row:row + 3, column:column + 3] = 1 / 9
        images[place, :, row:row + 3, column:column + 3] += 3
    return images, target


def test_the_forward_pass_is_in_bfloat16_and_weights_stay_in_float32():
    model = network()
    wrapper = wrapper_of(model)
    images, target = data()
    with wrapper.optim_context(model):
        output = model(images)
        loss = WassersteinHeatmapLoss()(output, target)
    assert output.dtype == torch.bfloat16 and loss.dtype == torch.float32
    wrapper.update_params(loss)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    with torch.no_grad():
        assert model(images).dtype == torch.float32  # autocast ended with its context


def test_a_loss_inside_is_that_outside():
    """The distance is computed in float32 whatever autocast says."""
    model = network()
    images, target = data()
    loss = WassersteinHeatmapLoss(sigma=1.5)
    with wrapper_of(model).optim_context(model):
        output = model(images).detach()
        inside = loss(output, target)
    assert torch.equal(inside, loss(output, target))


def test_training_goes_down():
    model = network()
    wrapper = wrapper_of(model, clip_grad=dict(max_norm=5.))
    images, target = data()
    loss, values = WassersteinHeatmapLoss(sigma=1.5), []
    for _ in range(15):
        with wrapper.optim_context(model):
            value = loss(model(images), target)
        wrapper.update_params(value)
        values.append(value.item())
    assert values[-1] < .6 * values[0]


def test_gradients_are_accumulated_as_mmengine_does_it():
    model = network()
    wrapper = wrapper_of(model, accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    images, target = data()
    before = [weight.clone() for weight in model.parameters()]
    moved = []
    for _ in range(2):
        with wrapper.optim_context(model):
            value = WassersteinHeatmapLoss(sigma=1.5)(model(images), target)
        wrapper.update_params(value)
        moved.append(any(not torch.equal(old, new) for old, new in zip(
            before, model.parameters())))
    assert moved == [False, True]


def test_an_unknown_device_is_refused():
    model = network()
    with pytest.raises(ValueError, match="device_type must be 'cpu' or 'cuda', got 'tpu'"):
        wrapper_of(model, device_type='tpu')
    assert isinstance(wrapper_of(model), AutocastOptimWrapper)


def test_channels_last_moves_memory_and_no_value():
    model, images = network().eval(), data()[0]
    expected = model(images)
    runner = type('Runner', (), dict(model=model))
    HOOKS.build(dict(type='ChannelsLastHook')).before_run(runner)
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not model[0].weight.is_contiguous()
    torch.testing.assert_close(model(images), expected)
