"""Pictures of results: cumulative error, training curve, faces with their landmarks, heatmaps."""
from .ced import plot_cumulative_error, plot_level
from .cross_layout import CrossLayoutVisualizer
from .curve import plot_training_curve
from .face_map import draw_face_map, face_outline
from .heatmaps import HeatmapVisualizationHook, draw_heatmap_sheet, draw_side_by_side
from .pose_visualizer import FacePoseVisualizer
from .sheet import choose_faces, draw_prediction_sheet, draw_result_sheet

__all__ = [
    'CrossLayoutVisualizer', 'FacePoseVisualizer', 'HeatmapVisualizationHook', 'choose_faces',
    'draw_face_map', 'draw_heatmap_sheet', 'draw_prediction_sheet', 'draw_result_sheet',
    'draw_side_by_side', 'face_outline', 'plot_cumulative_error', 'plot_level',
    'plot_training_curve'
]
