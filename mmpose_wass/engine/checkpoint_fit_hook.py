"""Refuse a checkpoint that does not fit the model, of which MMEngine would load what fits."""

from __future__ import annotations

from typing import Any, List

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.registry import HOOKS

#: Weights that a checkpoint may lack: counters, not learnt.
COUNTERS = ('num_batches_tracked', )
#: Ends of the names of a head's last weights, whose first side is the number of landmarks.
_LAST_LAYERS = ('final_layer.weight', 'final_layer.bias')


class CheckpointMismatch(ValueError):
    """A checkpoint does not fit the model; the message says in what and what to do."""


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Compare a checkpoint with the model before MMEngine loads it.

    MMEngine warns of weights that are missing or of another shape and goes on with random ones in
    their place. In a test, or in a run that is resumed, that is never meant.

    Args:
        checkpoint (str): How messages call the file.
        config (str): How messages call the config.
    """

    # After EMAHook, which chooses between two sets of weights.
    priority = 'LOW'

    def __init__(self, checkpoint: str = 'the checkpoint', config: str = 'the config') -> None:
        self.checkpoint = checkpoint
        self.config = config

    def after_load_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Load the weights once, strictly.

        Args:
            runner: MMEngine's runner.
            checkpoint: The checkpoint as read from its file.

        Raises:
            CheckpointMismatch: If weights are missing or of another shape; names numbers of
                landmarks.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_weights(model, checkpoint.get('state_dict', checkpoint), self.checkpoint,
                      self.config)


def check_weights(model: Any, weights: dict, checkpoint: str, config: str) -> List[str]:
    """Check that weights fill a model, by loading them.

    Args:
        model: The model; it gets the weights. Its own conversions of old names and shapes apply.
        weights: From name to tensor.
        checkpoint: How messages call their file.
        config: How messages call the model's config.

    Returns:
        list[str]: Names in the checkpoint that the model does not have.

    Raises:
        CheckpointMismatch: If weights are missing or of another shape.
    """
    weights = {name[len('module.'):] if name.startswith('module.') else name: value
               for name, value in weights.items()}
    there = {name: tuple(value.shape) for name, value in weights.items() if hasattr(value, 'shape')}
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    counted = [name for name in wanted if not name.endswith(COUNTERS)]
    try:
        result = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # torch lists every weight of another shape
        for name in counted:
            if name.endswith(_LAST_LAYERS) and name in there and \
                    there[name][1:] == wanted[name][1:] and there[name] != wanted[name]:
                raise CheckpointMismatch(
                    f'checkpoint {checkpoint}: predicts {there[name][0]} landmarks, the model of '
                    f'{config} {wanted[name][0]} (model.head.out_channels; weights {name}). Give '
                    'the config that it was trained with; to fine-tune it for another number, use '
                    '--cfg-options load_from=… in place of --resume') from error
        wrong = [name for name in counted if name in there and there[name] != wanted[name]]
        first = f'{wrong[0]} is {list(there[wrong[0]])} in the file and ' \
                f'{list(wanted[wrong[0]])} in the model' if wrong else str(error).splitlines()[-1]
        raise CheckpointMismatch(
            f'checkpoint {checkpoint}: does not fit the model of {config}: {len(wrong)} of '
            f'{len(counted)} weights are of another shape; {first}. Give the config that it was '
            'trained with') from error
    missing = [name for name in result.missing_keys if not name.endswith(COUNTERS)]
    if missing:
        raise CheckpointMismatch(
            f'checkpoint {checkpoint}: does not fit the model of {config}: {len(missing)} of '
            f'{len(counted)} weights are missing, the first is {missing[0]}. Give the config that '
            'it was trained with')
    return list(result.unexpected_keys)
