"""ONNX."""
from __future__ import annotations

import io
import warnings
from typing import Any, Mapping, Optional

import torch

from .export_module import INPUT_NAME, OUTPUT_NAMES, LandmarkExportModule
from .metadata import to_strings
from .packages import require

#: PyTorch's two exporters: by tracing, which needs ``onnx`` alone, and by ``torch.export``, which
#: needs ``onnxscript`` too and takes several times as long.
EXPORTERS = ('torchscript', 'dynamo')
#: Lowest, default and highest operator set of each exporter. 17 is what onnxruntime reads from
#: 1.12 on.
OPSETS = dict(torchscript=(13, 17, 20), dynamo=(18, 18, 23))
DESCRIPTION = ('Facial landmarks: crops of faces to landmarks in input pixels and their '
               'confidences. The metadata says how to crop and how to map back.')


def choose_opset(exporter: str, opset: Optional[int] = None) -> int:
    """The operator set to export for.

    Raises:
        ValueError: If the exporter is not known or cannot make it.

    Examples:
        >>> choose_opset('torchscript')
        17
    """
    if exporter not in OPSETS:
        raise ValueError(f'exporter must be one of {EXPORTERS}, got {exporter!r}')
    lowest, default, highest = OPSETS[exporter]
    opset = default if opset is None else opset
    if not lowest <= opset <= highest:
        raise ValueError(f'opset {opset}: the {exporter} exporter makes {lowest} to {highest}')
    return opset


def has_dynamo() -> bool:
    """Whether this PyTorch lets one choose between the exporters: 2.5 and later."""
    return 'dynamo' in torch.onnx.export.__code__.co_varnames


def to_onnx(module: LandmarkExportModule, metadata: Mapping[str, Any], opset: int,
            exporter: str = 'torchscript', batch_size: Optional[int] = None) -> bytes:
    """Export to ONNX.

    Args:
        module: The model.
        metadata: From :func:`~mmpose_wass.deployment.metadata.build_metadata`.
        opset: Operator set, from :func:`choose_opset`.
        exporter: One of :data:`EXPORTERS`.
        batch_size: A fixed one; by default it is dynamic.

    Returns:
        The file's content, checked by ``onnx.checker``.

    Raises:
        ImportError: If ``onnx`` (or ``onnxscript``) is missing; says how to get it.
        RuntimeError: If this PyTorch has no such exporter.
    """
    onnx = require('onnx', 'exporting to ONNX')
    if exporter == 'dynamo':
        if not has_dynamo():
            raise RuntimeError(f"exporter 'dynamo' needs torch 2.5 or later, this is "
                               f"{torch.__version__}; exporter 'torchscript' works with it")
        require('onnxscript', "exporter 'dynamo'")
    with warnings.catch_warnings(), torch.no_grad():
        # Of the tracer (Python branches on sizes, which are fixed here) and of deprecations.
        warnings.simplefilter('ignore')
        make = _traced if exporter == 'torchscript' else _captured
        model = make(onnx, module, opset, batch_size)
    _name_shapes(model, module.num_landmarks, batch_size)
    # The exporters leave the traces of the machine that ran them: source files with their paths.
    for message in (*model.graph.node, *model.graph.value_info, model.graph):
        message.ClearField('doc_string')
        if 'metadata_props' in message.DESCRIPTOR.fields_by_name:
            message.ClearField('metadata_props')
    model.doc_string = DESCRIPTION
    model.graph.name = 'face_landmarks'
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, to_strings(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _traced(onnx, module: LandmarkExportModule, opset: int, batch_size: Optional[int]):
    names = (INPUT_NAME, *OUTPUT_NAMES)
    options = {}
    if batch_size is None:
        options['dynamic_axes'] = {name: {0: 'batch'} for name in names}
    if has_dynamo():
        options['dynamo'] = False
    buffer = io.BytesIO()
    torch.onnx.export(
        module, (module.example(batch_size or 2), ), buffer, input_names=[INPUT_NAME],
        output_names=list(OUTPUT_NAMES), opset_version=opset, **options)
    return onnx.load_from_string(buffer.getvalue())


def _captured(onnx, module: LandmarkExportModule, opset: int, batch_size: Optional[int]):
    shapes = None
    if batch_size is None:
        shapes = {INPUT_NAME: {0: torch.export.Dim('batch')}}
    program = torch.onnx.export(
        module, (module.example(batch_size or 2), ), input_names=[INPUT_NAME],
        output_names=list(OUTPUT_NAMES), opset_version=opset, dynamo=True, dynamic_shapes=shapes,
        verbose=False)
    return program.model_proto


def _name_shapes(model, num_landmarks: int, batch_size: Optional[int]) -> None:
    """Write the outputs' sizes, of which exporters sometimes lose track."""
    for output, tail in zip(model.graph.output, ((num_landmarks, 2), (num_landmarks, ))):
        shape = output.type.tensor_type.shape
        del shape.dim[:]
        first = shape.dim.add()
        if batch_size is None:
            first.dim_param = 'batch'
        else:
            first.dim_value = batch_size
        for size in tail:
            shape.dim.add().dim_value = size
