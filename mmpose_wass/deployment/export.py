"""From a trained model to a file that was compared with it."""
from __future__ import annotations

import os
from typing import Any, Dict, NamedTuple, Optional

from mmpose_wass.engine.results import atomic_write

from .export_module import DEFAULT_OPTIONS, ExportOptions, LandmarkExportModule
from .exported_model import format_of, load_exported
from .metadata import build_metadata
from .onnx_export import choose_opset, to_onnx
from .parity import Parity, allowed_beyond, check_images, default_tolerance, measure_parity
from .source_model import SourceModel
from .torch_export import to_exported_program, to_torchscript


class ParityError(ValueError):
    """An exported model does not say what the model says."""


class Export(NamedTuple):
    """A finished export.

    Attributes:
        path: The file.
        size: Its size in bytes.
        metadata: What it says of itself.
        parity: How it compares with PyTorch; None if that was not asked for.
    """

    path: str
    size: int
    metadata: Dict[str, Any]
    parity: Optional[Parity]


def export_model(source: SourceModel,
                 path: str,
                 options: ExportOptions = DEFAULT_OPTIONS,
                 opset: Optional[int] = None,
                 exporter: str = 'torchscript',
                 batch_size: Optional[int] = None,
                 tolerance: Optional[float] = None,
                 check: bool = True) -> Export:
    """Export a model, compare the export with it, and write it if both agree.

    Nothing is written under ``path`` before that, so a file that was there stays whole whatever
    goes wrong.

    Args:
        source: From :func:`~mmpose_wass.deployment.source_model.load_source_model`.
        path: File to write; the ending says the format: ``.onnx``, ``.pt`` (TorchScript) or
            ``.pt2`` (``torch.export``).
        options: What the model is to be like.
        opset: ONNX operator set.
        exporter: ONNX exporter: ``'torchscript'`` or ``'dynamo'``.
        batch_size: A fixed one; by default it is dynamic.
        tolerance: In input pixels, see :func:`~mmpose_wass.deployment.parity.default_tolerance`.
        check: Whether to compare, which needs onnxruntime for ONNX.

    Returns:
        The export.

    Raises:
        ImportError: If a package is missing.
        ParityError: If both disagree. The export lies beside ``path`` as ``….rejected.…``.
        RuntimeError: If PyTorch cannot export this model in this format.
        ValueError: If the model cannot be exported at all, or an option is not known.
    """
    kind = format_of(path)
    if batch_size is not None and batch_size < 1:
        raise ValueError(f'batch_size must be at least 1, got {batch_size}')
    opset = choose_opset(exporter, opset) if kind == 'onnx' else None
    flip_indices = source.landmarks.flip_indices
    module = LandmarkExportModule(source.model, options, flip_indices)
    metadata = build_metadata(module, source, opset)
    try:
        if kind == 'onnx':
            content = to_onnx(module, metadata, opset, exporter, batch_size)
        elif kind == 'torchscript':
            content = to_torchscript(module, metadata, batch_size)
        else:
            content = to_exported_program(module, metadata, batch_size)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # PyTorch's exporters raise what they like
        raise RuntimeError(_failure(kind, exporter, options, error)) from error
    parity = None
    if check:
        tolerance = default_tolerance(module) if tolerance is None else tolerance
        reference = LandmarkExportModule(
            source.model, options._replace(precision='fp32'), flip_indices)
        images = check_images(module, max(6, batch_size or 0))
        parity = measure_parity(reference, load_exported(content, kind).predict, images, tolerance,
                                batch_size or 0, allowed_beyond(module))
        if not parity.agrees:
            root, ending = os.path.splitext(path)
            rejected = f'{root}.rejected{ending}'
            _write(rejected, content)
            raise ParityError(f'{path} was not written: the export {parity.sentence()}. It is in '
                              f'{rejected}. --tolerance PX accepts a larger distance')
    _write(path, content)
    return Export(path, len(content), metadata, parity)


def _write(path: str, content: bytes) -> None:
    with atomic_write(path, 'wb') as file:
        file.write(content)


def _failure(kind: str, exporter: str, options: ExportOptions, error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    what = {'onnx': f'to ONNX (exporter {exporter!r})', 'torchscript': 'to TorchScript',
            'torch_export': 'with torch.export'}[kind]
    message = f'PyTorch cannot export this model {what}: {type(error).__name__}: ' + ' '.join(
        lines[:3])[:600]
    if options.precision == 'fp16' and 'Half' in message:
        message += ('. This PyTorch has no half precision on the CPU; newer ones have it')
    return message
