"""Stop a training run before it exceeds a number of minutes."""
from __future__ import annotations

import time
from typing import Optional

import torch
from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class TimeBudgetHook(Hook):
    """End training after the last epoch that still fits into a time budget.

    The run ends as at its last epoch: a validation and a checkpoint are its last acts. What is
    left of the learning-rate schedule is not run, and the log says so.

    Args:
        minutes: The budget, from the start of training, validations included.

    Raises:
        ValueError: If the budget is not positive.
    """

    # After CheckpointHook and the schedulers, which act on the same epoch.
    priority = 'LOWEST'

    def __init__(self, minutes: float) -> None:
        if not minutes > 0:
            raise ValueError(f'minutes must be positive, got {minutes}')
        self.minutes = minutes
        self._start: Optional[float] = None
        self._first_epoch = 0

    def before_train(self, runner: Runner) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._first_epoch = runner.epoch

    def before_train_epoch(self, runner: Runner) -> None:
        """Make this epoch the last one if another would not fit."""
        epochs = runner.epoch - self._first_epoch
        if not epochs:
            return
        spent = (time.monotonic() - self._start) / 60
        # Clocks differ: the first process decides for all, or the others would wait for ever.
        over = torch.tensor(float(spent + 2 * spent / epochs > self.minutes))
        broadcast(over)
        if over and runner.epoch + 1 < runner.max_epochs:
            runner.logger.warning(
                f'TimeBudgetHook: {spent:.1f} of {self.minutes:g} minutes are spent, so epoch '
                f'{runner.epoch + 1} of {runner.max_epochs} is the last one')
            runner.train_loop._max_epochs = runner.epoch + 1
