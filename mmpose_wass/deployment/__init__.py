"""Models that run without MMPose: ONNX, TorchScript and ``torch.export``.

:func:`export_model` writes one, with everything from the crop's pixels to landmarks in the graph,
and compares it with the model in PyTorch; :func:`load_exported` runs it. ``tools/export.py`` is the
command line.
"""
from .export import Export, ParityError, export_model
from .export_module import ExportOptions, LandmarkExportModule
from .exported_model import FORMATS, ExportedModel, load_exported
from .metadata import build_metadata
from .parity import Parity, check_images, measure_parity
from .source_model import SourceModel, load_source_model

__all__ = [
    'FORMATS', 'Export', 'ExportOptions', 'ExportedModel', 'LandmarkExportModule', 'Parity',
    'ParityError', 'SourceModel', 'build_metadata', 'check_images', 'export_model',
    'load_exported', 'load_source_model', 'measure_parity'
]
