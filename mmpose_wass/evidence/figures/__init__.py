"""Pictures of the evidence, drawn from records or from nothing but the losses."""
from .calibration import draw_calibration
from .cumulative import draw_cumulative_errors
from .gradient_descent import descend, draw_gradient_descent
from .gradient_maps import GRADIENTS, draw_gradient_over_map, logit_gradients
from .levels import draw_level_curves
from .page_pictures import draw_page_pictures
from .samples import draw_sample_sheet, render_samples
from .systems import DrawnSystem
from .tradeoff import draw_tradeoff
from .training import draw_training_curves

__all__ = [
    'GRADIENTS', 'DrawnSystem', 'descend', 'draw_calibration', 'draw_cumulative_errors',
    'draw_gradient_descent', 'draw_gradient_over_map', 'draw_level_curves', 'draw_page_pictures',
    'draw_sample_sheet', 'draw_tradeoff', 'draw_training_curves', 'logit_gradients',
    'render_samples'
]
