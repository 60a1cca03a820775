"""Makes the file of shipped mean shapes, or one of one's own: see ``tools/landmarks.py``."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Sequence, Tuple, Union

import numpy as np

from .annotations import read_annotated_faces
from .conversions import get_common_landmarks
from .geometry import fit_per_axis
from .mean_shape import mean_shape_of_faces, symmetric_shape
from .scheme import LandmarkScheme, get_scheme

_DECIMALS = 4  # of the inter-ocular distance


def annotated_shape(paths: Sequence[Union[str, Path]],
                    scheme: LandmarkScheme) -> Tuple[np.ndarray, str]:
    """Procrustes mean of annotation files of a scheme, made symmetric.

    Args:
        paths: COCO-style annotation files.
        scheme: Their scheme.

    Returns:
        tuple[np.ndarray, str]: [K, 2] in inter-ocular units, and how it was made.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file does not fit the scheme.
    """
    files = [read_annotated_faces(path) for path in paths]
    for file in files:
        if file.points.shape[1] != scheme.num_landmarks:
            raise ValueError(f'{file.path}: {scheme.name} has {scheme.num_landmarks} landmarks, '
                             f'the file {file.points.shape[1]}')
    points = np.concatenate([file.points for file in files])
    valid = np.concatenate([file.valid for file in files])
    enough = valid.sum(axis=1) >= 2
    shape = mean_shape_of_faces(points[enough], valid[enough], scheme.outer_eye_corners,
                                scheme.flip_indices())
    made = f'Procrustes mean of {int(enough.sum())} annotated faces, made symmetric'
    if not enough.all():
        made += f' ({int((~enough).sum())} with fewer than two landmarks left out)'
    return shape, made


def published_shape(path: Union[str, Path], scheme: LandmarkScheme) -> Tuple[np.ndarray, str]:
    """A published mean face in fractions of the face box, with the aspect of 300W's mean shape.

    The box of each face was made square by its normalisation, so the mean's own aspect is lost; the
    landmarks that the scheme shares with 300W bring it back.

    Args:
        path: Text of ``x y x y …``.
        scheme: Its scheme.

    Returns:
        tuple[np.ndarray, str]: [K, 2] in inter-ocular units, symmetric, and how it was made.

    Raises:
        ValueError: If the file holds other numbers than 2 K.
        KeyError: If no conversion joins the scheme and 300W.
    """
    path = Path(path)
    try:
        values = np.array(path.read_text(encoding='utf-8').split(), dtype=float)
    except ValueError as error:
        raise ValueError(f'{path}: a mean face is "x y x y …", {error}') from error
    if len(values) != 2 * scheme.num_landmarks:
        raise ValueError(f'{path}: {scheme.name} has {scheme.num_landmarks} landmarks, so '
                         f'{2 * scheme.num_landmarks} numbers are needed, found {len(values)}')
    points = values.reshape(-1, 2)
    common = get_common_landmarks(scheme.name, '300w')
    scale, _ = fit_per_axis(common.model_landmarks(points)[0],
                            common.data_landmarks(get_scheme('300w').mean_shape)[0])
    shape = symmetric_shape(points * scale, scheme.flip_indices(), scheme.outer_eye_corners)
    return shape, "aspect set by 300W's mean shape, made symmetric"


def derived_shape(scheme: LandmarkScheme, other: str,
                  stand_ins: Sequence[str] = ()) -> Tuple[np.ndarray, str]:
    """A scheme's shape from another scheme's, through the conversion between the two.

    Args:
        scheme: The scheme whose shape is wanted.
        other: Name of the scheme whose mean shape is taken.
        stand_ins: ``'12=300w:0'``: point 12, which the other scheme does not have, is drawn where
            300W has its point 0. A drawing needs a place for every point; it is not measured.

    Returns:
        tuple[np.ndarray, str]: [K, 2] in inter-ocular units, symmetric, and how it was made.

    Raises:
        ValueError: If a point gets no place, or a stand-in is not written so.
        KeyError: If no conversion joins two schemes.
    """
    common = get_common_landmarks(other, scheme.name)
    shape = np.full((scheme.num_landmarks, 2), np.nan)
    for place, points in zip(common.model_landmarks(get_scheme(other).mean_shape)[0],
                             common.data_points):
        if len(points) == 1:
            shape[points[0]] = place
    for text in stand_ins:
        try:
            point, origin = text.split('=')
            third, index = origin.rsplit(':', 1)
            point, index = int(point), int(index)
        except ValueError:
            raise ValueError(f'stand-in {text!r}: write POINT=SCHEME:POINT, such as 12=300w:0'
                             ) from None
        bridge = get_common_landmarks(third, other)
        scale, shift = fit_per_axis(bridge.model_landmarks(get_scheme(third).mean_shape)[0],
                                    bridge.data_landmarks(get_scheme(other).mean_shape)[0])
        shape[point] = get_scheme(third).mean_shape[index] * scale + shift
    missing = np.flatnonzero(np.isnan(shape).any(axis=1)).tolist()
    if missing:
        raise ValueError(f'{other} has nothing for the points {missing} of {scheme.name}; give '
                         'them stand-ins, such as 12=300w:0')
    made = f"from {other}'s mean shape"
    if stand_ins:
        made += f'; for drawing only, not measured: {", ".join(stand_ins)}'
    return symmetric_shape(shape, scheme.flip_indices(), scheme.outer_eye_corners), made


def write_shape(path: Union[str, Path], name: str, points: np.ndarray, source: str) -> None:
    """Put a shape into a JSON file of shapes; its other entries stay.

    Args:
        path: The file; made if it is not there.
        name: Entry to write.
        points: [K, 2], inter-ocular units.
        source: Where it comes from.
    """
    path = Path(path)
    entries = json.loads(path.read_text(encoding='utf-8')) if path.is_file() else {}
    rounded = (np.round(points, _DECIMALS) + 0.0).tolist()
    entries[name] = dict(source=source, points=rounded)
    shapes = [f' {json.dumps(key)}: {{\n'
              f'  "source": {json.dumps(entry["source"], ensure_ascii=False)},\n'
              f'  "points": {json.dumps(entry["points"])}}}'
              for key, entry in sorted(entries.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{\n' + ',\n'.join(shapes) + '\n}\n', encoding='utf-8')
