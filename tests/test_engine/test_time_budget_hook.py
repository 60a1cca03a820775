from types import SimpleNamespace
from unittest import mock

import pytest

from mmpose_wass.engine.time_budget_hook import TimeBudgetHook


def epochs_run(minutes, minutes_an_epoch, planned):
    """How many epochs a run has whose epochs last that long."""
    clock = SimpleNamespace(now=100.0)
    loop = SimpleNamespace(_max_epochs=planned)
    runner = SimpleNamespace(epoch=0, train_loop=loop, logger=mock.Mock())
    hook = TimeBudgetHook(minutes)
    with mock.patch('mmpose_wass.engine.time_budget_hook.time.monotonic', lambda: clock.now):
        runner.max_epochs = loop._max_epochs
        hook.before_train(runner)
        while runner.epoch < loop._max_epochs:
            runner.max_epochs = loop._max_epochs
            hook.before_train_epoch(runner)
            clock.now += 60 * minutes_an_epoch
            runner.epoch += 1
    return runner.epoch, (clock.now - 100) / 60


def test_a_run_that_fits_is_left_alone():
    assert epochs_run(10, .5, 12) == (12, 6.0)


@pytest.mark.parametrize('minutes_an_epoch', [.9, 1.0, 2.3, 4.0])
def test_the_last_epoch_ends_within_the_budget(minutes_an_epoch):
    epochs, minutes = epochs_run(10, minutes_an_epoch, 100)
    assert minutes <= 10 < minutes + minutes_an_epoch


def test_a_budget_must_be_positive():
    with pytest.raises(ValueError, match='minutes'):
        TimeBudgetHook(0)
