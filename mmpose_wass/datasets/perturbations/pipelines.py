"""Put a perturbation into a pipeline's config, at the place where it belongs."""
from __future__ import annotations

import copy
from typing import List, Sequence

from .protocol import get_protocol

#: Transform that goes with a rotated box, see ``transforms/box_perturbation.py``.
ALIGN = 'AlignTargetsWithRotatedBox'
_CROPS = ('TopdownAffine', )
_LOADERS = ('LoadImage', 'LoadImageFromFile')


def perturbation_config(perturbation: str, severity: float, version: int = 1,
                        **options: object) -> dict:
    """Config of a perturbation at a severity, with the protocol's seed.

    Args:
        perturbation: ``'occlusion'``, ``'motion_blur'``, ``'box_shift'``, ``'box_scale'`` or
            ``'box_rotation'``.
        severity: Amount in the units of ``protocol_version_1.py``.
        version: Version of the protocol.
        **options: More arguments of the transform.

    Returns:
        dict: For MMPose's TRANSFORMS.

    Raises:
        KeyError: For an unknown perturbation.

    Example:
        >>> perturbation_config('box_shift', 0.1)
        {'type': 'BoxPerturbation', 'seed': 0, 'shift': 0.1}
    """
    protocol = get_protocol(version)
    known = [name for name, entry in protocol.items() if isinstance(entry, dict)]
    if perturbation not in known:
        raise KeyError(f'unknown perturbation {perturbation!r}; known: {", ".join(known)}')
    entry = protocol[perturbation]
    return {'type': entry['transform'], 'seed': protocol['seed'], entry['argument']: severity,
            **options}


def insert_perturbation(pipeline: Sequence[dict], transform: dict) -> List[dict]:
    """Add a perturbation to a pipeline, right before the face is cropped.

    There the image is still whole, and boxes, landmarks and flips have got their final form. A
    ``BoxPerturbation`` also gets what maps targets into the turned box's frame after the crop.

    Args:
        pipeline: Configs of the transforms; not changed.
        transform: Config of the perturbation.

    Returns:
        list[dict]: A new pipeline.

    Raises:
        ValueError: If the pipeline neither crops with ``TopdownAffine`` nor loads an image.

    Example:
        >>> stock = [dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
        ...          dict(type='TopdownAffine', input_size=(256, 256)), dict(type='PackPoseInputs')]
        >>> [step['type'] for step in insert_perturbation(stock, dict(type='SyntheticOcclusion'))]
        ['LoadImage', 'GetBBoxCenterScale', 'SyntheticOcclusion', 'TopdownAffine', 'PackPoseInputs']
    """
    steps = [copy.deepcopy(dict(step)) for step in pipeline]
    names = [_name(step) for step in steps]
    crops = [index for index, name in enumerate(names) if name in _CROPS]
    loaders = [index for index, name in enumerate(names) if name in _LOADERS]
    turns = _name(transform) == 'BoxPerturbation'
    if crops:
        place = crops[0]
    elif loaders and not turns:
        place = loaders[-1] + 1
    else:
        raise ValueError(f'the pipeline {names} has no step of type {" or ".join(_CROPS)}'
                         + ('' if turns else f' or {" or ".join(_LOADERS)}')
                         + f' to put {_name(transform)} before; insert it by hand')
    steps.insert(place, copy.deepcopy(dict(transform)))
    if turns:
        steps.insert(place + 2, dict(type=ALIGN))
    return steps


def _name(step: dict) -> str:
    kind = step['type']
    return kind.rsplit('.', 1)[-1] if isinstance(kind, str) else kind.__name__
