"""Pictures of results: cumulative error, training curve, and faces with their landmarks."""
from .ced import plot_cumulative_error, plot_level
from .cross_layout import CrossLayoutVisualizer
from .curve import plot_training_curve
from .face_map import draw_face_map, face_outline
from .sheet import choose_faces, draw_prediction_sheet, draw_result_sheet

__all__ = [
    'CrossLayoutVisualizer', 'choose_faces', 'draw_face_map', 'draw_prediction_sheet',
    'draw_result_sheet', 'face_outline', 'plot_cumulative_error', 'plot_level',
    'plot_training_curve'
]
