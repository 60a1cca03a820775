"""Pictures of results: cumulative error, training curve, and faces with their landmarks."""
from .ced import plot_cumulative_error
from .curve import plot_training_curve
from .sheet import choose_faces, draw_prediction_sheet, draw_result_sheet

__all__ = [
    'choose_faces', 'draw_prediction_sheet', 'draw_result_sheet', 'plot_cumulative_error',
    'plot_training_curve'
]
