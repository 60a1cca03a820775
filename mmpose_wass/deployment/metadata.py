"""What an exported model says of itself, so that its user needs no config."""
from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

import torch

from mmpose_wass.version import __version__

from .export_module import INPUT_NAME, OUTPUT_NAMES, LandmarkExportModule
from .source_model import SourceModel

#: Raised when a field changes its meaning.
METADATA_VERSION = 1
#: Name of the metadata's file inside TorchScript and ``torch.export`` archives.
METADATA_FILE = 'metadata.json'
TO_IMAGE = 'landmarks / input_size * crop_size + crop_centre - crop_size / 2'


def build_metadata(module: LandmarkExportModule, source: SourceModel,
                   opset: Optional[int] = None) -> Dict[str, Any]:
    """The metadata of a model.

    Args:
        module: What is exported.
        source: Where it comes from.
        opset: ONNX operator set, for an ONNX model.

    Returns:
        dict: Of what JSON knows:

        - ``metadata_version``, ``mmpose_wass``, ``torch``: versions;
        - ``scheme``, ``num_landmarks``, ``landmark_names``, ``flip_indices``;
        - ``input``: ``name``, ``shape`` (``[3, H, W]``), ``type``, ``channel_order``, ``range``;
        - ``outputs``: their names;
        - ``input_size``: ``[W, H]``;
        - ``normalization``: ``mean``, ``std`` and the ``channel_order`` they are in (applied in
          the graph);
        - ``crop``: ``padding`` and ``use_udp``, null where the config does not tell; ``to_image``,
          the formula from landmarks to image pixels;
        - ``codec``: the settings of ``BarycenterCodec`` (applied in the graph);
        - ``flip_test``, ``precision``, ``opset``;
        - ``config``, ``checkpoint``, ``checkpoint_sha256``.
    """
    codec, options, landmarks = module.codec, module.options, source.landmarks
    chosen = module.test_cfg.get('output_keypoint_indices', None)
    names, flip = landmarks.names, landmarks.flip_indices
    if chosen is not None:
        names = None if names is None else [names[index] for index in chosen]
        flip = None  # what mirrors a chosen landmark need not be chosen
    return dict(
        metadata_version=METADATA_VERSION,
        mmpose_wass=__version__,
        torch=str(torch.__version__),
        scheme=landmarks.scheme,
        num_landmarks=module.num_landmarks,
        landmark_names=None if names is None else list(names),
        flip_indices=None if flip is None else list(flip),
        input=dict(name=INPUT_NAME, shape=list(module.input_shape), type=options.input_type,
                   channel_order=options.channel_order, range=[0, 255]),
        outputs=list(OUTPUT_NAMES),
        input_size=[int(side) for side in codec.input_size],
        normalization=dict(mean=_decimals(module.mean), std=_decimals(module.std),
                           channel_order=module.network_channel_order),
        crop=dict(padding=None if source.crop is None else source.crop.padding,
                  use_udp=None if source.crop is None else source.crop.use_udp,
                  to_image=TO_IMAGE),
        codec=dict(type='BarycenterCodec', heatmap_size=[int(side) for side in codec.heatmap_size],
                   **{name: getattr(codec, name) for name in (
                       'sampling', 'normalization', 'coordinates', 'temperature', 'score_radius',
                       'sigma')}),
        flip_test=options.flip_test,
        precision=options.precision,
        opset=opset,
        config=source.config,
        checkpoint=source.checkpoint,
        checkpoint_sha256=source.checkpoint_sha256)


def _decimals(values: torch.Tensor) -> List[float]:
    """Numbers of float32 as they were meant: 123.675, not 123.67500305175781."""
    return [float(f'{value:.7g}') for value in values.flatten().tolist()]


def to_strings(metadata: Mapping[str, Any]) -> Dict[str, str]:
    """Metadata as ONNX keeps it: each field as JSON.

    Examples:
        >>> to_strings(dict(scheme='300w', input_size=[128, 128]))
        {'scheme': '"300w"', 'input_size': '[128, 128]'}
    """
    return {name: json.dumps(value, ensure_ascii=False) for name, value in metadata.items()}


def from_strings(strings: Mapping[str, str], name: str) -> Dict[str, Any]:
    """The reverse of :func:`to_strings`.

    Args:
        strings: Metadata of an ONNX model.
        name: What to call the model in an error.

    Raises:
        ValueError: If the model is none of this package's exports, or of a newer version.
    """
    if 'metadata_version' not in strings:
        raise ValueError(f'{name}: has no metadata of mmpose_wass; export it with tools/export.py')
    metadata = {key: json.loads(value) for key, value in strings.items()}
    if metadata['metadata_version'] > METADATA_VERSION:
        raise ValueError(
            f'{name}: its metadata is of version {metadata["metadata_version"]}, and this '
            f'mmpose_wass {__version__} knows {METADATA_VERSION}: update mmpose_wass')
    return metadata


def describe_metadata(metadata: Mapping[str, Any]) -> str:
    """The metadata in lines, for a terminal: long lists by their length, nothing unknown."""
    lines = []
    for name, value in metadata.items():
        if value is None or value == '':
            continue
        if isinstance(value, list) and len(value) > 4:
            value = f'{len(value)} entries: {value[0]} … {value[-1]}'
        elif isinstance(value, dict):
            value = ', '.join(f'{key} {entry}' for key, entry in value.items())
        lines.append(f'  {name:18} {value}')
    return '\n'.join(lines)
