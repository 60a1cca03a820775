"""The 3D face: features in the frontal plane, the surface below them, camera and silhouette."""
from .camera import Camera
from .curves import catmull_rom, dense, monotone_cubic
from .features import FrontalFeatures
from .outline import JAW_END, JAW_START
from .shape import SIDE, FaceShape
from .silhouette import visible_edges

__all__ = [
    'JAW_END', 'JAW_START', 'SIDE', 'Camera', 'FaceShape', 'FrontalFeatures', 'catmull_rom',
    'dense', 'monotone_cubic', 'visible_edges'
]
