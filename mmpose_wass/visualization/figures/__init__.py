"""Figures that explain the method: losses over a displacement, targets, errors to scale."""
from .error_scale import draw_error_scale, error_scale_figure
from .loss_landscape import LOSSES, displaced_losses, draw_loss_landscape, loss_landscape_figure
from .targets import draw_targets, target_map, targets_figure

__all__ = [
    'LOSSES', 'displaced_losses', 'draw_error_scale', 'draw_loss_landscape', 'draw_targets',
    'error_scale_figure', 'loss_landscape_figure', 'target_map', 'targets_figure'
]
