"""Faces in images and films: boxes, landmarks, confidence and uncertainty.

:class:`FaceLandmarker` finds them, ``tools/demo.py`` is its command line.
"""
from . import network_detectors  # noqa: F401  registers them
from .detectors import FACE_DETECTORS, Boxes, BoxFit, FaceDetector, build_detector, list_detectors
from .face import LandmarkedFace
from .face_landmarker import FaceLandmarker
from .films import FilmReader, FilmWriter
from .given_boxes import GivenBoxes
from .images import ImageError, read_image
from .outputs import DrawingOptions, Outputs
from .overlay import draw_faces
from .records import read_records
from .run import InferenceRun, RunReport
from .sources import find_sources
from .tracking import FaceTracker
from .uncertainty import covariance_ellipse, heatmap_covariance, transform_covariance

__all__ = [
    'FACE_DETECTORS', 'BoxFit', 'Boxes', 'DrawingOptions', 'FaceDetector', 'FaceLandmarker',
    'FaceTracker', 'FilmReader', 'FilmWriter', 'GivenBoxes', 'ImageError', 'InferenceRun',
    'LandmarkedFace', 'Outputs', 'RunReport', 'build_detector', 'covariance_ellipse',
    'draw_faces', 'find_sources', 'heatmap_covariance', 'list_detectors', 'read_image',
    'read_records', 'transform_covariance'
]
