"""What a landmark scheme is, and how one is looked up by name."""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np

from .mean_shape import normalize_shape, shipped_shape

Pairs = Tuple[Tuple[int, int], ...]


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
        metainfo (str): MMPose's metainfo file of the layout; the flip pairs come from there unless
            ``flip_pairs`` has them.
        source (str): Where the numbering comes from.
        landmark_names (tuple[str, ...]): K unique names; ``landmark_0`` … where none are given. A
            name that two schemes share means the same anatomical point.
        flip_pairs (tuple[tuple[int, int], ...] | None): Points that change places when the image
            is mirrored, each pair once. ``None``: from ``metainfo``, or else from names that begin
            with ``right_`` and ``left_``.
        shape (tuple[tuple[float, float], ...] | None): K points (x to the right, y down) of a
            frontal face in any unit, for a scheme of one's own.
        shape_table (str): Entry of the shipped mean shapes for the points of the face, where
            ``shape`` is ``None``; the scheme's own name by default.

    Raises:
        ValueError: Naming the scheme and the entry, for points that do not exist, a point in two
            regions or two flip pairs, names that are not unique, or a wrong number of them.
    """
    name: str
    num_landmarks: int
    outer_eye_corners: Tuple[int, int]
    pupils: Tuple[Tuple[int, ...], Tuple[int, ...]]
    regions: Mapping[str, Tuple[int, ...]] = field(hash=False)
    default_norm_mode: str = 'inter_ocular'
    metainfo: str = ''
    source: str = ''
    landmark_names: Tuple[str, ...] = ()
    flip_pairs: Optional[Pairs] = None
    shape: Optional[Tuple[Tuple[float, float], ...]] = None
    shape_table: str = ''

    def __post_init__(self) -> None:
        if not self.landmark_names:
            names = tuple(f'landmark_{index}' for index in range(self.num_landmarks))
            object.__setattr__(self, 'landmark_names', names)
        self._check_points()
        self._check_names()
        self._check_flip_pairs()
        if self.shape is not None:
            found = np.shape(self.shape)
            if found != (self.num_landmarks, 2):
                raise ValueError(f'scheme {self.name!r}: shape must be [{self.num_landmarks}, 2], '
                                 f'found {list(found)}')

    def _check_points(self) -> None:
        """Refuse a table that names points which do not exist, or one point in two regions."""
        members = [index for region in self.regions.values() for index in region]
        if len(set(members)) != len(members):
            twice = sorted({index for index in members if members.count(index) > 1})
            raise ValueError(f'scheme {self.name!r}: points {twice} are in two regions')
        entries = dict(
            outer_eye_corners=self.outer_eye_corners,
            pupils=self.pupils[0] + self.pupils[1],
            regions=members,
            flip_pairs=[index for pair in self.flip_pairs or () for index in pair])
        for entry, indices in entries.items():
            wrong = [index for index in indices if not 0 <= index < self.num_landmarks]
            if wrong:
                raise ValueError(f'scheme {self.name!r}: {entry} names the points {wrong}, but '
                                 f'there are {self.num_landmarks} (0..{self.num_landmarks - 1})')

    def _check_names(self) -> None:
        names = self.landmark_names
        if len(names) != self.num_landmarks:
            raise ValueError(f'scheme {self.name!r}: landmark_names must be {self.num_landmarks} '
                             f'names, found {len(names)}')
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f'scheme {self.name!r}: landmark_names has {", ".join(twice)} twice')

    def _check_flip_pairs(self) -> None:
        members = [index for pair in self.flip_pairs or () for index in pair]
        if any(len(pair) != 2 for pair in self.flip_pairs or ()):
            raise ValueError(f'scheme {self.name!r}: flip_pairs must be pairs of two indices')
        if len(set(members)) != len(members):
            twice = sorted({index for index in members if members.count(index) > 1})
            raise ValueError(f'scheme {self.name!r}: points {twice} are in two flip_pairs')

    @property
    def face_landmarks(self) -> Tuple[int, ...]:
        """Indices of the points of the face in ascending order: the union of all regions."""
        return tuple(sorted(index for region in self.regions.values() for index in region))

    @property
    def landmark_regions(self) -> Tuple[str, ...]:
        """Region of each of the K points; ``''`` for a point in none.

        Examples:
            >>> from mmpose_wass.landmarks import get_scheme
            >>> get_scheme('300w').landmark_regions[30]
            'nose'
        """
        found = {index: name for name, region in self.regions.items() for index in region}
        return tuple(found.get(index, '') for index in range(self.num_landmarks))

    @property
    def mean_shape(self) -> np.ndarray:
        """Mean face to draw on and to measure with.

        Returns:
            np.ndarray: [K, 2], x to the right and y down, in inter-ocular units, the origin in the
            middle of the outer eye corners, which lie on one height. Points that belong to no
            region (body, hands) are NaN.

        Raises:
            ValueError: If the scheme brings no shape and none is shipped.

        Examples:
            >>> from mmpose_wass.landmarks import get_scheme
            >>> get_scheme('300w').mean_shape[[36, 45]].tolist()
            [[-0.5, 0.0], [0.5, 0.0]]
        """
        if self.shape is not None:
            points = np.array(self.shape, dtype=float)
        else:
            face = shipped_shape(self.shape_table or self.name)
            if face is None or len(face) != len(self.face_landmarks):
                raise ValueError(
                    f'scheme {self.name!r} has no mean shape. Give it shape=[[x, y], …], for '
                    'example of `tools/landmarks.py new NAME --annotations FILE.json`, or name '
                    'with shape_table a shipped scheme of the same points')
            points = np.full((self.num_landmarks, 2), np.nan)
            points[list(self.face_landmarks)] = face
        return normalize_shape(points, self.outer_eye_corners)

    def flip_indices(self) -> np.ndarray:
        """Index that each point has after a horizontal flip: [K].

        Raises:
            ValueError: If the scheme has neither flip pairs, nor a metainfo file to take them
                from, nor names that tell right from left.

        Examples:
            >>> from mmpose_wass.landmarks import get_scheme
            >>> get_scheme('300w').flip_indices()[[36, 30]].tolist()
            [45, 30]
        """
        if self.flip_pairs is None and self.metainfo:
            return np.array(_flip_indices_of(self.metainfo))
        flipped = np.arange(self.num_landmarks)
        for first, second in self.flip_pairs if self.flip_pairs is not None else self._by_names():
            flipped[[first, second]] = second, first
        return flipped

    def _by_names(self) -> List[Tuple[int, int]]:
        place = {name: index for index, name in enumerate(self.landmark_names)}
        pairs = [(index, place.get('left_' + name[len('right_'):]))
                 for name, index in place.items() if name.startswith('right_')]
        left = sum(name.startswith('left_') for name in place)
        if not pairs or left != len(pairs) or any(second is None for _, second in pairs):
            raise ValueError(
                f'scheme {self.name!r} names no metainfo file to take flip pairs from, its '
                'landmark_names do not tell right_… from left_…, and it has no flip_pairs. Give '
                "it flip_pairs=[[i, j], …]; a scheme file may also say flip_pairs='from_shape'")
        return pairs


@cache
def _flip_indices_of(metainfo: str) -> Tuple[int, ...]:
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    return tuple(parse_pose_metainfo(dict(from_file=metainfo))['flip_indices'])


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


def forget_scheme(name: str) -> None:
    """Take a scheme out of the known ones; :func:`unregister_scheme` takes its conversions too."""
    _SCHEMES.pop(name, None)


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
