"""What a landmark scheme is, and how one is looked up by name."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np


@dataclass(frozen=True)
class LandmarkScheme:
    """A landmark scheme as data: which index is what. Indices are 0-based.

    Sides are the person's own: ``right_eye`` lies in the left half of a frontal image.

    Attributes:
        name (str): The ``dataset_name`` that MMPose's metainfo gives data sets of this scheme.
        num_landmarks (int): Points of a whole annotation, K.
        outer_eye_corners (tuple[int, int]): Right and left outer eye corner: the ends of the
            inter-ocular distance.
        pupils (tuple[tuple[int, ...], tuple[int, ...]]): Right and left group of points whose mean
            is the pupil, or stands for it where the scheme has no pupil.
        regions (dict[str, tuple[int, ...]]): The points of each part of the face, disjoint. Points
            in no region (body and hands of a whole-body scheme) do not belong to the face.
        default_norm_mode (str): How the paper normalises errors on this scheme.
        metainfo (str): MMPose's metainfo file of the layout; the flip pairs come from there.
        source (str): Where the numbering comes from.
    """
    name: str
    num_landmarks: int
    outer_eye_corners: Tuple[int, int]
    pupils: Tuple[Tuple[int, ...], Tuple[int, ...]]
    regions: Mapping[str, Tuple[int, ...]] = field(hash=False)
    default_norm_mode: str = 'inter_ocular'
    metainfo: str = ''
    source: str = ''

    def __post_init__(self) -> None:
        """Refuse a table that names points which do not exist, or one point in two regions.

        Raises:
            ValueError: Naming the scheme and the entry.
        """
        members = [index for region in self.regions.values() for index in region]
        if len(set(members)) != len(members):
            twice = sorted({index for index in members if members.count(index) > 1})
            raise ValueError(f'scheme {self.name!r}: points {twice} are in two regions')
        entries = dict(
            outer_eye_corners=self.outer_eye_corners,
            pupils=self.pupils[0] + self.pupils[1],
            regions=members)
        for entry, indices in entries.items():
            wrong = [index for index in indices if not 0 <= index < self.num_landmarks]
            if wrong:
                raise ValueError(f'scheme {self.name!r}: {entry} names the points {wrong}, but '
                                 f'there are {self.num_landmarks} (0..{self.num_landmarks - 1})')

    @property
    def face_landmarks(self) -> Tuple[int, ...]:
        """Indices of the points of the face in ascending order: the union of all regions."""
        return tuple(sorted(index for region in self.regions.values() for index in region))

    def flip_indices(self) -> np.ndarray:
        """Index that each point has after a horizontal flip, from MMPose's metainfo: [K].

        Raises:
            ValueError: If the scheme names no metainfo file.

        Examples:
            >>> from mmpose_wass.landmarks import get_scheme
            >>> get_scheme('300w').flip_indices()[[36, 30]].tolist()
            [45, 30]
        """
        if not self.metainfo:
            raise ValueError(f'scheme {self.name!r} names no metainfo file to take flip pairs from')
        from mmpose.datasets.datasets.utils import parse_pose_metainfo
        return np.array(parse_pose_metainfo(dict(from_file=self.metainfo))['flip_indices'])


_SCHEMES: Dict[str, LandmarkScheme] = {}


def register_scheme(scheme: LandmarkScheme, force: bool = False) -> LandmarkScheme:
    """Make a scheme known by its name, for one's own data sets.

    Args:
        scheme (LandmarkScheme): The scheme; its name is the ``dataset_name`` of the data set's
            metainfo.
        force (bool): Replace a scheme of that name.

    Returns:
        LandmarkScheme: ``scheme``.

    Raises:
        ValueError: If the name is taken and ``force`` is false.
    """
    if scheme.name in _SCHEMES and not force:
        raise ValueError(f'a landmark scheme named {scheme.name!r} is registered already; choose '
                         'another name, or pass force=True to replace it')
    _SCHEMES[scheme.name] = scheme
    return scheme


def list_schemes() -> List[str]:
    """Names of the known schemes.

    Examples:
        >>> {'300w', 'wflw', 'cofw', 'aflw'} <= set(list_schemes())
        True
    """
    return sorted(_SCHEMES)


def find_scheme(name: Optional[str]) -> Optional[LandmarkScheme]:
    """The scheme of that name, or ``None``."""
    return _SCHEMES.get(name)


def get_scheme(name: str) -> LandmarkScheme:
    """The scheme of that name.

    Args:
        name (str): ``dataset_name`` of an MMPose data set, such as ``'300w'`` or ``'wflw'``.

    Returns:
        LandmarkScheme: The scheme.

    Raises:
        KeyError: If there is none of that name; the message lists those there are.

    Examples:
        >>> get_scheme('wflw').outer_eye_corners
        (60, 72)
    """
    scheme = find_scheme(name)
    if scheme is None:
        raise KeyError(f'no landmark scheme named {name!r}; known are {", ".join(list_schemes())}. '
                       'mmpose_wass.landmarks.register_scheme adds your own')
    return scheme
