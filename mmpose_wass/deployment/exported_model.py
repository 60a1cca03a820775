"""Run an exported model, whatever its format."""
from __future__ import annotations

import io
import json
import os
import warnings
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple, Union

import numpy as np
import torch

from .export_module import INPUT_NAME, OUTPUT_NAMES
from .metadata import METADATA_FILE, from_strings
from .packages import require

#: Format by the ending of the file's name.
FORMATS = {'.onnx': 'onnx', '.pt': 'torchscript', '.pt2': 'torch_export'}
Predict = Callable[[np.ndarray], Tuple[np.ndarray, np.ndarray]]


class ExportedModel(NamedTuple):
    """A model that is loaded and ready.

    Attributes:
        predict: Images ``[B, 3, H, W]`` to landmarks ``[B, K, 2]`` in input pixels and confidences
            ``[B, K]``.
        metadata: What the model says of itself.
    """

    predict: Predict
    metadata: Dict[str, Any]


def format_of(path: str) -> str:
    """The format that a file name stands for.

    Raises:
        ValueError: If its ending is none of :data:`FORMATS`.

    Examples:
        >>> format_of('face68.onnx')
        'onnx'
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in FORMATS:
        raise ValueError(f'{path}: the name must end in .onnx (ONNX), .pt (TorchScript) or .pt2 '
                         '(torch.export)')
    return FORMATS[ending]


def load_exported(model: Union[str, os.PathLike, bytes], kind: Optional[str] = None,
                  threads: Optional[int] = None) -> ExportedModel:
    """Load an exported model onto the CPU.

    Args:
        model: File, or its content.
        kind: Format of the content, one of the values of :data:`FORMATS`.
        threads: Threads of onnxruntime; PyTorch's formats use ``torch.set_num_threads``.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If onnxruntime is missing.
        ValueError: If the file is damaged or no export of this package.
    """
    name = 'the model' if isinstance(model, bytes) else os.fspath(model)
    if not isinstance(model, bytes):
        kind = format_of(name)
        if not os.path.isfile(name):
            raise FileNotFoundError(f'{name}: no such file')
        with open(name, 'rb') as file:
            model = file.read()
    load = dict(onnx=_load_onnx, torchscript=_load_torchscript,
                torch_export=_load_exported_program)[kind]
    return load(model, name, threads)


def _load_onnx(content: bytes, name: str, threads: Optional[int]) -> ExportedModel:
    onnxruntime = require('onnxruntime', 'running an ONNX model')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; that it cannot fold half precision is none
    if threads is not None:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=['CPUExecutionProvider'])
    except Exception as error:  # onnxruntime's errors have no common class of their own
        raise ValueError(f'{name}: onnxruntime cannot load it ({_first_line(error)})') from error
    metadata = from_strings(session.get_modelmeta().custom_metadata_map, name)

    def predict(images: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        landmarks, confidences = session.run(list(OUTPUT_NAMES), {INPUT_NAME: images})
        return landmarks, confidences

    return ExportedModel(predict, metadata)


def _load_torchscript(content: bytes, name: str, threads: Optional[int]) -> ExportedModel:
    extra = {METADATA_FILE: ''}
    try:
        module = torch.jit.load(io.BytesIO(content), map_location='cpu', _extra_files=extra)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f'{name}: is damaged or no TorchScript ({_first_line(error)})') from error
    return ExportedModel(_torch_predict(module), _metadata_of(extra, name))


def _load_exported_program(content: bytes, name: str, threads: Optional[int]) -> ExportedModel:
    extra = {METADATA_FILE: ''}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the archive's own buffers are not writable
            program = torch.export.load(io.BytesIO(content), extra_files=extra)
    except Exception as error:  # of zipfile, pickle, json: whatever meets the damage first
        raise ValueError(f'{name}: is damaged or no torch.export archive '
                         f'({_first_line(error)})') from error
    return ExportedModel(_torch_predict(program.module()), _metadata_of(extra, name))


def _metadata_of(extra: Dict[str, Union[str, bytes]], name: str) -> Dict[str, Any]:
    metadata = json.loads(extra[METADATA_FILE] or '{}')
    return from_strings({key: json.dumps(value) for key, value in metadata.items()}, name)


def _torch_predict(module) -> Predict:

    def predict(images: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            landmarks, confidences = module(torch.from_numpy(np.ascontiguousarray(images)))
        return landmarks.numpy(), confidences.numpy()

    return predict


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
