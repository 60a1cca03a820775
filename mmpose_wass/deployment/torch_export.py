"""PyTorch's own formats: TorchScript and ``torch.export``."""
from __future__ import annotations

import io
import json
import warnings
from typing import Any, Mapping, Optional

import torch

from .export_module import INPUT_NAME, LandmarkExportModule
from .metadata import METADATA_FILE


def to_torchscript(module: LandmarkExportModule, metadata: Mapping[str, Any],
                   batch_size: Optional[int] = None) -> bytes:
    """Trace and freeze a model; ``torch.jit.load`` reads it without MMPose, and so does C++.

    Args:
        module: The model.
        metadata: From :func:`~mmpose_wass.deployment.metadata.build_metadata`.
        batch_size: Of the example that is traced; any other works too.

    Returns:
        The file's content.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')  # see to_onnx
        # The check would run the model again; the export is compared with the model anyway.
        traced = torch.jit.trace(module, module.example(batch_size or 2), check_trace=False)
        torch.jit.save(torch.jit.freeze(traced), buffer,
                       _extra_files={METADATA_FILE: json.dumps(metadata)})
    return buffer.getvalue()


def to_exported_program(module: LandmarkExportModule, metadata: Mapping[str, Any],
                        batch_size: Optional[int] = None) -> bytes:
    """Export with ``torch.export``, for ``torch.export.load`` and AOTInductor.

    Args:
        module: The model.
        metadata: From :func:`~mmpose_wass.deployment.metadata.build_metadata`.
        batch_size: A fixed one; by default it is dynamic.

    Returns:
        The file's content.

    Raises:
        NotImplementedError: Before torch 2.2, which cannot be told of dynamic shapes.
    """
    if not hasattr(torch.export, 'Dim'):
        raise NotImplementedError(f'it needs torch 2.2 or later, this is {torch.__version__}; '
                                  'ONNX and TorchScript do without')
    shapes = None if batch_size else {INPUT_NAME: {0: torch.export.Dim('batch')}}
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        program = torch.export.export(
            module, (module.example(batch_size or 2), ), dynamic_shapes=shapes)
        torch.export.save(program, buffer, extra_files={METADATA_FILE: json.dumps(metadata)})
    return buffer.getvalue()
