"""Text of the files that ``tools/landmarks.py`` writes for a scheme of one's own."""
from __future__ import annotations

import textwrap
from typing import Sequence, Tuple

import numpy as np

_TEMPLATE = '''\
"""Landmark scheme {name!r}, begun by `tools/landmarks.py new` from {origin}.

Complete it: look at the picture of `tools/landmarks.py show {name} --scheme-file FILE --out PNG`,
name points and regions, and say in `conversions` which points other schemes share. The names that
other schemes use are listed by `tools/landmarks.py show 300w`.
"""
scheme = dict(
    name={name!r},
    num_landmarks={count},
    # Right and left are the person's: the right eye is on the left in the image.
    outer_eye_corners={corners},
    # Whose means stand for the right and the left pupil.
    pupils=[[{corners[0]}], [{corners[1]}]],
    # Such as regions=dict(right_brow='0-7', nose='34-45'); all points belong to one until then.
    # landmark_names={{39: 'nose_base', 67: 'chin'}},
    source='',
    # Found in the mean shape below: points whose mirror images are each other's nearest. Points in
    # the middle of the face are in no pair.
    flip_pairs=[
{pairs}
    ],
    # Mean shape of the annotations in inter-ocular units, x to the right and y down.
    shape=[
{shape}
    ])

# Pairs (point here, point there); a list of points means their mean.
conversions = [
    # dict(to='300w', points=[(39, 33), (67, 8)], source=''),
]
'''


def _wrapped(values: Sequence, indent: int = 8) -> str:
    text = ', '.join(f'({first}, {second})' for first, second in values)
    # Pairs are not to be torn apart.
    joined = text.replace('), (', ')\0,\0(').replace(', ', ',\xa0').replace('\0,\0', ', ')
    lines = textwrap.wrap(joined, 92 - indent, break_long_words=False)
    return '\n'.join(' ' * indent + line.replace('\xa0', ' ') for line in lines)


def scheme_file_text(name: str, shape: np.ndarray, corners: Sequence[int],
                     pairs: Sequence[Tuple[int, int]], origin: str) -> str:
    """A scheme file that holds what annotations alone tell.

    Args:
        name: Name of the scheme.
        shape: [K, 2] mean shape, inter-ocular units.
        corners: Right and left outer eye corner.
        pairs: Flip pairs.
        origin: What the shape was made of.

    Returns:
        str: Python text that :func:`~mmpose_wass.landmarks.load_scheme_file` reads.
    """
    rounded = (np.round(shape, 3) + 0.0).tolist()
    return _TEMPLATE.format(name=name, origin=origin, count=len(shape), corners=list(corners),
                            pairs=_wrapped(pairs), shape=_wrapped(rounded))


def metainfo_text(metainfo: dict) -> str:
    """A metainfo file as MMPose reads it with ``metainfo=dict(from_file=...)``."""
    lines = ['dataset_info = dict(']
    for key, value in metainfo.items():
        if key == 'keypoint_info':
            lines.append('    keypoint_info={')
            lines += [f'        {index}: {entry!r},' for index, entry in value.items()]
            lines.append('    },')
        elif key == 'joint_weights' and set(value) == {1.0}:
            lines.append(f'    joint_weights=[1.0] * {len(value)},')
        else:
            lines.append(f'    {key}={value!r},')
    return '\n'.join([*lines, ')']) + '\n'
