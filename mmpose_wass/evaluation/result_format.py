"""What lies in the result files of an evaluation: one table for those who write and who read them.

An evaluation with ``outfile_prefix='run/val'`` leaves three files:

- ``run/val.metrics.json``: measures, counts, thresholds, tables per region and per landmark, the
  split by occlusion, and what was measured on what;
- ``run/val.errors.npz``: the arrays of :data:`FIELDS`, readable with ``np.load(path)`` (no
  pickles);
- ``run/val.landmarks.csv``: a row for each landmark.

The JSON is written last, so that a prefix that has one has all three; it carries a checksum of the
errors, so that files of two evaluations are not taken for one.
"""
from __future__ import annotations

import zlib
from typing import Dict, NamedTuple, Tuple

import numpy as np

#: Endings of the files' names, after the prefix.
METRICS_ENDING, ERRORS_ENDING, LANDMARKS_ENDING = '.metrics.json', '.errors.npz', '.landmarks.csv'

#: Thresholds, as fractions, at which the distributions are stored: what plots need.
CED_THRESHOLDS = np.linspace(0.0, 0.3, 601)


class Field(NamedTuple):
    """One array of the npz file.

    Attributes:
        shape (tuple): Sizes; letters are N faces, K landmarks, T thresholds, or any (``'*'``).
        kind (str): NumPy's kinds that are accepted, such as ``'f'`` or ``'iu'``.
        required (bool): Whether a file without it is refused; files of earlier versions lack some.
        meaning (str): What it holds.
    """
    shape: Tuple
    kind: str
    required: bool
    meaning: str


#: The arrays of ``<prefix>.errors.npz``. One row per face, sorted by image and annotation.
FIELDS: Dict[str, Field] = dict(
    errors=Field(('N', 'K'), 'f', True,
                 'fractions of the normalisation distance; NaN not scored, inf failed'),
    distances=Field(('N', ), 'f', True, 'normalisation distances, image pixels'),
    image_paths=Field(('N', ), 'U', True, 'path of the image'),
    image_ids=Field(('N', ), 'U', False, 'id of the image; numbers are padded with zeros'),
    annotation_ids=Field(('N', ), 'U', True, 'id of the annotation; numbers are padded with zeros'),
    landmarks=Field(('K', ), 'iu', True,
                    'index in the data set\'s scheme; -1: a mean of several landmarks'),
    landmark_names=Field(('K', ), 'U', True, 'name of each landmark'),
    regions=Field(('K', ), 'U', False, 'part of the face of each landmark; empty: none'),
    predictions=Field(('N', 'K', 2), 'f', True, 'image pixels'),
    targets=Field(('N', 'K', 2), 'f', True, 'image pixels'),
    valid=Field(('N', 'K'), 'b', True, 'labelled landmarks'),
    occluded=Field(('N', 'K'), 'b', False,
                   'labelled as hidden; false throughout where the data do not say'),
    scores=Field(('N', 'K'), 'f', False, 'confidence of the prediction; NaN: none'),
    boxes=Field(('N', 4), 'f', False, 'left, top, right, bottom in image pixels; NaN: not known'),
    ced_thresholds=Field(('T', ), 'f', False, 'fractions of the normalisation distance'),
    ced_images=Field(('T', ), 'f', False, 'share of faces with a mean error up to each threshold'),
    ced_landmarks=Field(('T', ), 'f', False, 'the same per landmark, averaged over landmarks'),
    failure_thresholds_image=Field(('*', ), 'f', False, 'thresholds of FR_I'),
    failure_thresholds_landmark=Field(('*', ), 'f', False, 'thresholds of FR_L'),
    auc_thresholds=Field(('*', ), 'f', False, 'thresholds of AUC'))


def errors_checksum(errors: np.ndarray) -> str:
    """CRC-32 of the errors' bytes, as eight hexadecimal digits.

    Examples:
        >>> errors_checksum(np.zeros((1, 1)))
        '6522df69'
    """
    errors = np.ascontiguousarray(errors, dtype='<f8')
    return f'{zlib.crc32(errors.data):08x}' if errors.size else f'{0:08x}'
