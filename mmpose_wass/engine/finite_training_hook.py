"""Stop a training run whose loss or weights are no numbers any more."""

from __future__ import annotations

import math
from typing import Any, List, Optional

import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS

_NAMED = 8  # images of a batch that a message names


@HOOKS.register_module()
class FiniteTrainingHook(Hook):
    """Stop at a loss that is NaN or infinite; never save weights that are.

    MMEngine trains on with ``loss: nan``, and its checkpoints replace the good ones. The mean W1
    that is logged as ``wasserstein_px`` is looked at too: it tells of maps that are no numbers
    whatever the loss makes of them.

    Args:
        patience (int): Steps in a row with such a loss that are borne under mixed precision with a
            loss scaler, which skips steps that overflow. Without one the first is the last.

    Raises:
        ValueError: If ``patience`` is not positive.
    """

    def __init__(self, patience: int = 10) -> None:
        if patience < 1:
            raise ValueError(f'patience must be positive, got {patience}')
        self.patience = patience
        self._in_a_row = 0

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None,
                         outputs: Optional[dict] = None) -> None:
        """Look at the loss.

        Raises:
            FloatingPointError: If it is not finite; names terms, images and remedies.
        """
        terms = {name: float(value.detach()) for name, value in (outputs or {}).items()
                 if ('loss' in name or name == 'wasserstein_px')
                 and torch.is_tensor(value) and value.numel() == 1}
        wrong = {name: value for name, value in terms.items() if not math.isfinite(value)}
        if not wrong:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        scaled = getattr(runner.optim_wrapper, 'loss_scaler', None) is not None
        if self._in_a_row < (self.patience if scaled else 1):
            return
        told = ', '.join(f'{name} = {value}' for name, value in wrong.items())
        times = f' in {self._in_a_row} steps in a row' if self._in_a_row > 1 else ''
        raise FloatingPointError(
            f'{told}{times}, at epoch {runner.epoch + 1}, iteration {runner.iter + 1}, images '
            f'{_images(data_batch)}. Lower the learning rate (optim_wrapper.optimizer.lr), clip '
            'gradients (optim_wrapper.clip_grad=dict(max_norm=1.0))'
            + (', or train without --amp' if scaled else '') +
            '. Checkpoints of earlier epochs are in '
            f'{runner.work_dir}')

    def before_save_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Look at the weights.

        Raises:
            FloatingPointError: If one is not finite; nothing is written then.
        """
        for name, value in checkpoint.get('state_dict', {}).items():
            if torch.is_tensor(value) and value.is_floating_point() \
                    and not bool(torch.isfinite(value).all()):
                raise FloatingPointError(
                    f'the weights {name} are not finite at epoch {runner.epoch + 1}, iteration '
                    f'{runner.iter}; they are not saved, and earlier checkpoints stay in '
                    f'{runner.work_dir}. Resume from one of them with a lower learning rate '
                    '(optim_wrapper.optimizer.lr) or clipped gradients '
                    '(optim_wrapper.clip_grad=dict(max_norm=1.0))')


def _images(data_batch: Any) -> str:
    samples = data_batch.get('data_samples', []) if isinstance(data_batch, dict) else []
    names: List[str] = [str(sample.metainfo['img_path']) for sample in samples
                        if 'img_path' in getattr(sample, 'metainfo', {})]
    more = f', … ({len(names)})' if len(names) > _NAMED else ''
    return ', '.join(names[:_NAMED]) + more if names else '(not named)'
