"""Pictures of what a model sees: its heatmaps over the face, beside those of other models."""
from .face_strips import landmark_name, strips_figure, worst_landmark
from .face_view import FaceView, view_of_sample
from .hook import HeatmapVisualizationHook
from .overlay import overlay_heat, place_heat, relative_heat
from .sheet import HeatmapRow, draw_heatmap_sheet, heatmap_figure
from .side_by_side import draw_side_by_side, side_by_side_figure

__all__ = [
    'FaceView', 'HeatmapRow', 'HeatmapVisualizationHook', 'draw_heatmap_sheet',
    'draw_side_by_side', 'heatmap_figure', 'landmark_name', 'overlay_heat', 'place_heat',
    'relative_heat', 'side_by_side_figure', 'strips_figure', 'view_of_sample', 'worst_landmark'
]
