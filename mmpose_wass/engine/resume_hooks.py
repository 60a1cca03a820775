"""A resumed run does what the uninterrupted one would have done."""

from __future__ import annotations

import random
from typing import Any, Dict, List, Optional

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop
from mmpose.registry import HOOKS

#: Where a checkpoint keeps the states of the random generators, one entry a process.
RANDOM_STATES = 'random_states'
# Not 'val…': what begins so is printed with every validation.
_VALIDATED = 'last_validated'


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Keep the states of the random number generators in checkpoints.

    MMEngine starts a resumed run from the seed again, so that its augmentation is that of the
    first epochs. With this hook epoch N + 1 draws the same numbers whether the run was cut after
    epoch N or not. It does so for numbers drawn in the training process (``num_workers=0``) and in
    workers that live for one epoch; workers that persist (``persistent_workers=True``) cannot be
    set back, and a line in the log says so.

    Training by iterations needs no states: MMEngine runs through the data again up to where it was.
    """

    def __init__(self) -> None:
        self._gathered: Optional[List[Dict[str, Any]]] = None
        self._resumed: Optional[List[Dict[str, Any]]] = None

    def after_train_epoch(self, runner: Any) -> None:
        """Collect the states of all processes, as only the first one saves."""
        self._gathered = all_gather_object(_states()) if get_world_size() > 1 else None

    def after_val_epoch(self, runner: Any, metrics: Optional[dict] = None) -> None:
        """Collect them again: validation may have drawn numbers."""
        self._gathered = all_gather_object(_states()) if get_world_size() > 1 else None

    def before_save_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Put the states in."""
        checkpoint[RANDOM_STATES] = self._gathered or [_states()]

    def after_load_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Take the states out."""
        self._resumed = checkpoint.get(RANDOM_STATES)

    def before_train(self, runner: Any) -> None:
        """Go on where the generators were."""
        if not runner.epoch or not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        states = self._resumed or []
        if len(states) != get_world_size():
            runner.logger.warning(
                'RandomStateHook: the checkpoint holds the random states of '
                f'{len(states) or "no"} processes and this run has {get_world_size()}, so random '
                'numbers start from the seed again. The run goes on, but not with the numbers of '
                'an uninterrupted one.')
            return
        _restore(states[get_rank()])
        if runner.train_loop.dataloader.persistent_workers:
            runner.logger.info(
                'RandomStateHook: persistent_workers=True, so the augmentation in the workers '
                'starts from the seed again. persistent_workers=False resumes it exactly.')


@HOOKS.register_module()
class PendingValidationHook(Hook):
    """Validate first where a run was cut after a checkpoint and before its validation's end.

    MMEngine goes on with the next epoch instead: that validation never takes place, its epoch
    cannot become the best one, and after the last epoch there is no final result at all.
    """

    # After CheckpointHook, which the validation needs.
    priority = 'LOWEST'

    def before_val_epoch(self, runner: Any) -> None:
        """Note the epoch; only checkpoints written after the validation hold the note."""
        runner.message_hub.update_info(_VALIDATED, _position(runner))

    def before_train(self, runner: Any) -> None:
        """Make up for a validation that a resumed run has not had."""
        if not _validation_due(runner):
            return
        if runner.message_hub.runtime_info.get(_VALIDATED, None) == _position(runner):
            return
        runner.logger.info(f'PendingValidationHook: the checkpoint of {_position(runner)} has not '
                           'been validated yet (the run was cut before)')
        runner.val_loop.run()


def _position(runner: Any) -> str:
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        return f'epoch {runner.epoch}'
    return f'iteration {runner.iter}'


def _validation_due(runner: Any) -> bool:
    """Whether MMEngine's loop would have validated where the resumed run stands."""
    loop = runner.train_loop
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    done = runner.epoch if by_epoch else runner.iter
    last = runner.max_epochs if by_epoch else runner.max_iters
    if not done or runner.val_loop is None or done < loop.val_begin:
        return False
    return done % loop.val_interval == 0 or done == last


def _states() -> Dict[str, Any]:
    name, keys, *rest = np.random.get_state()
    return dict(
        python=random.getstate(), numpy=[name, keys.tolist(), *rest], torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state() if torch.cuda.is_available() else None)


def _restore(states: Dict[str, Any]) -> None:
    version, numbers, gauss = states['python']
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = states['numpy']
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(states['torch'].cpu())
    if states['cuda'] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'].cpu())
