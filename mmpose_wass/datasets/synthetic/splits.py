"""The data sets as data: files, splits, poses; and which face an image shows."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from .motion import sample_sequence
from .parameters import FaceParameters
from .sampling import ATTRIBUTES, sample_face_parameters


@dataclass(frozen=True)
class Split:
    """Images that are drawn together.

    Attributes:
        name: Folder of the images.
        counts: Which of the counts, ``train`` or ``test``, sets its size.
        yaw_range: Smallest and largest absolute yaw in degrees; None takes the caller's training
            range.
        profile_share: Share of faces from the end of that range up to 90 degrees.
        options: Further arguments of ``sample_face_parameters``.
        attribute: From the image's index to a WFLW attribute or None.
    """

    name: str
    counts: str
    yaw_range: Optional[Tuple[float, float]] = None
    profile_share: float = 0.0
    options: dict = field(default_factory=dict)
    attribute: Callable[[int], Optional[str]] = staticmethod(lambda index: None)


@dataclass(frozen=True)
class DatasetLayout:
    """Where a data set's files lie.

    Attributes:
        scheme: Landmark scheme.
        splits: What is drawn.
        annotations: From annotation file to the (split, keep) pairs it lists; ``keep`` takes an
            image record.
        image_folder: Folder that the records' file names are relative to.
    """

    scheme: str
    splits: Tuple[Split, ...]
    annotations: Dict[str, List[Tuple[str, Callable[[dict], bool]]]]
    image_folder: str = 'images'


FRONTAL = 30.0  # largest absolute yaw, in degrees, of AFLW's frontal test faces
SCENARIO_SPLITS = {'train': 'train', 'test_1': 'S1', 'test_2': 'S2', 'test_3': 'S3'}
_FACE_LANDMARKS = 'annotations/face_landmarks_'


def _all(record: dict) -> bool:
    return True


def _shows(attribute: str) -> Callable[[dict], bool]:
    return lambda record: record['attribute'] == attribute


def _wflw_attribute(index: int) -> Optional[str]:
    """Each of the six attributes in turn, then none."""
    return (*ATTRIBUTES, None)[index % (len(ATTRIBUTES) + 1)]


def _cofw_attribute(index: int) -> Optional[str]:
    """Two of five faces have something in front of them."""
    return 'occlusion' if index % 5 in (1, 3) else None


LAYOUTS: Dict[str, DatasetLayout] = {
    '300w': DatasetLayout(
        '300w',
        (
            Split('train', 'train', profile_share=0.1),
            Split('valid_common', 'test', (0, 45), options=dict(roll_range=18.0, pitch_range=15.0)),
            Split('valid_challenge', 'test', (45, 90)),
            Split('test', 'test', (0, 60), 0.1),
        ),
        {
            f'{_FACE_LANDMARKS}300w_train.json': [('train', _all)],
            f'{_FACE_LANDMARKS}300w_valid.json': [('valid_common', _all),
                                                  ('valid_challenge', _all)],
            f'{_FACE_LANDMARKS}300w_valid_common.json': [('valid_common', _all)],
            f'{_FACE_LANDMARKS}300w_valid_challenge.json': [('valid_challenge', _all)],
            f'{_FACE_LANDMARKS}300w_test.json': [('test', _all)],
        }),
    'wflw': DatasetLayout(
        'wflw',
        (
            Split('train', 'train', profile_share=0.1),
            Split('test', 'test', (0, 60), 0.1, attribute=_wflw_attribute),
        ),
        {
            f'{_FACE_LANDMARKS}wflw_train.json': [('train', _all)],
            f'{_FACE_LANDMARKS}wflw_test.json': [('test', _all)],
            **{f'{_FACE_LANDMARKS}wflw_test_{name}.json': [('test', _shows(name))]
               for name in ATTRIBUTES},
        }),
    'cofw': DatasetLayout(
        'cofw',
        (
            Split('train', 'train', profile_share=0.03, attribute=_cofw_attribute),
            Split('test', 'test', (0, 45), attribute=_cofw_attribute),
        ),
        {
            'annotations/cofw_train.json': [('train', _all)],
            'annotations/cofw_test.json': [('test', _all)],
        }),
    'aflw': DatasetLayout(
        'aflw',
        (
            Split('train', 'train', profile_share=0.15),
            Split('test', 'test', (0, 90)),
        ),
        {
            f'{_FACE_LANDMARKS}aflw_train.json': [('train', _all)],
            f'{_FACE_LANDMARKS}aflw_test.json': [('test', _all)],
            f'{_FACE_LANDMARKS}aflw_test_frontal.json': [
                ('test', lambda record: abs(record['yaw']) <= FRONTAL)],
        }),
    '300vw': DatasetLayout(
        '300vw',
        tuple(Split(name, 'train' if name == 'train' else 'test') for name in SCENARIO_SPLITS),
        {
            'anno_300vw.json': [(name, _all) for name in SCENARIO_SPLITS],
            'anno_300vw_train.json': [('train', _all)],
            'anno_300vw_test.json': [(f'test_{k}', _all) for k in (1, 2, 3)],
            **{f'anno_300vw_test_{k}.json': [(f'test_{k}', _all)] for k in (1, 2, 3)},
        },
        image_folder=''),
}


def _key(text: str) -> int:
    return int.from_bytes(text.encode(), 'big') % (2**63)


def face_of(dataset: str, split: Split, seed: int, index: int, yaw_range: Tuple[float, float],
            frames: int) -> Tuple[FaceParameters, Optional[str]]:
    """The face that an image shows; depends on the arguments only.

    Args:
        dataset: Name of the data set.
        split: The image's split.
        seed: Seed of the data set.
        index: The image's number in its split.
        yaw_range: Smallest and largest absolute yaw, in degrees, where the split has none.
        frames: Length of a 300VW sequence.

    Returns:
        tuple: The face, and the WFLW attribute it was drawn for or None.
    """
    number = index // frames if dataset == '300vw' else index
    rng = np.random.default_rng([seed, _key(dataset), _key(split.name), number])
    if dataset == '300vw':
        return sample_sequence(rng, frames, SCENARIO_SPLITS[split.name])[index % frames], None
    attribute = split.attribute(index)
    face = sample_face_parameters(
        rng,
        yaw_range=split.yaw_range or yaw_range,
        profile_share=split.profile_share,
        attribute=attribute,
        **split.options)
    return face, attribute


def file_name(dataset: str, split: Split, index: int, frames: int) -> str:
    """Path of an image relative to the layout's image folder."""
    if dataset == '300vw':
        return f'{sequence_name(split, index, frames)}/imgs/{index % frames + 1:06d}.jpg'
    return f'{split.name}/{index:06d}.jpg'


def sequence_name(split: Split, index: int, frames: int) -> str:
    """Name of the sequence that an image of a 300VW split belongs to."""
    return f'{SCENARIO_SPLITS[split.name].lower()}_{index // frames:03d}'
