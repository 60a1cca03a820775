"""Refuse a CoordConv checkpoint for a model without coordinates."""
from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.registry import HOOKS

from ..models.layers import check_coordinate_channels


@HOOKS.register_module()
class CoordConvCheckHook(Hook):
    """Compares a checkpoint with the model before MMEngine loads what fits and drops the rest.

    For ``custom_hooks`` of any config; the error says how to build the model that fits.
    """

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Check the weights that are about to be loaded.

        Args:
            runner: MMEngine's runner.
            checkpoint: The checkpoint as read from its file.

        Raises:
            ValueError: If the weights have coordinate channels and the model has not.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        check_coordinate_channels(model, checkpoint.get('state_dict', checkpoint))
