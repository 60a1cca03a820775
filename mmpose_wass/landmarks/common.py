"""How two landmark schemes meet: the landmarks that both have, as points or means of points."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Sequence, Tuple

import numpy as np

from .scheme import LandmarkScheme, get_scheme

Groups = Tuple[Tuple[int, ...], ...]
Weights = Optional[Tuple[Optional[Tuple[float, ...]], ...]]


@dataclass(frozen=True)
class CommonLandmarks:
    """The C landmarks at which a model's scheme and a data set's scheme are compared.

    Attributes:
        model_scheme (str): What the model predicts.
        data_scheme (str): What the data set is annotated with.
        names (tuple[str, ...]): Names of the C common landmarks.
        model_points (tuple[tuple[int, ...], ...]): C groups of indices of the model's points; the
            mean of a group is the landmark.
        data_points (tuple[tuple[int, ...], ...]): C groups of indices of the data set's points.
        named_equal (tuple[bool, ...]): True where both schemes mean the same anatomical point;
            False for an approximation.
        variant (str): Which of the pair's tables this is.
        source (str): Where the table comes from.
        model_weights (tuple | None): C tuples of weights, each of its group's length and summing
            to 1, or ``None`` for a plain mean; ``None`` if all are plain.
        data_weights (tuple | None): The same of the data set's side.

    Raises:
        ValueError: If the entries do not fit each other or a scheme.
        KeyError: If a scheme is not known.
    """
    model_scheme: str
    data_scheme: str
    names: Tuple[str, ...]
    model_points: Groups
    data_points: Groups
    named_equal: Tuple[bool, ...]
    variant: str
    source: str
    model_weights: Weights = None
    data_weights: Weights = None

    def __post_init__(self) -> None:
        where = f'common landmarks of {self.model_scheme} and {self.data_scheme}'
        count = len(self.names)
        if not count:
            raise ValueError(f'{where}: there are none')
        if len(set(self.names)) != count:
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise ValueError(f'{where}: the names {", ".join(twice)} occur twice')
        for entry in ('model_points', 'data_points', 'named_equal'):
            if len(getattr(self, entry)) != count:
                raise ValueError(f'{where}: {count} names, but {len(getattr(self, entry))} '
                                 f'{entry}')
        for side in ('model', 'data'):
            self._check_side(side, f'{where}: {side}_points')

    def _check_side(self, side: str, where: str) -> None:
        scheme = get_scheme(getattr(self, f'{side}_scheme'))
        groups, weights = getattr(self, f'{side}_points'), getattr(self, f'{side}_weights')
        if weights is not None and len(weights) != len(groups):
            raise ValueError(f'{where}: {len(groups)} groups, but {len(weights)} weights')
        for place, group in enumerate(groups):
            name = self.names[place]
            wrong = [index for index in group if not 0 <= index < scheme.num_landmarks]
            if wrong:
                raise ValueError(f'{where}: {name} takes the points {wrong}, but {scheme.name} has '
                                 f'{scheme.num_landmarks} (0..{scheme.num_landmarks - 1})')
            if not group or len(set(group)) != len(group):
                raise ValueError(f'{where}: {name} needs one or more different points, found '
                                 f'{list(group)}')
            weight = weights[place] if weights is not None else None
            if weight is not None and (len(weight) != len(group)
                                       or abs(sum(weight) - 1) > 1e-9):
                raise ValueError(f'{where}: the weights of {name} must be {len(group)} numbers '
                                 f'that sum to 1, found {list(weight)}')

    def __len__(self) -> int:
        """Number of common landmarks, C."""
        return len(self.names)

    def model_landmarks(self, points: np.ndarray, valid: Optional[np.ndarray] = None
                        ) -> Tuple[np.ndarray, np.ndarray]:
        """Take the common landmarks from the model's points.

        Args:
            points (np.ndarray): [..., K, 2] (or [..., K, D]) in the model's scheme.
            valid (np.ndarray, optional): [..., K]; all by default.

        Returns:
            tuple[np.ndarray, np.ndarray]: Points [..., C, 2] and valid [..., C] bool; a mean is
            valid only if all its points are.

        Raises:
            ValueError: If K is not the scheme's number of landmarks, or shapes disagree.

        Examples:
            >>> from mmpose_wass.landmarks import get_common_landmarks
            >>> common = get_common_landmarks('300w', 'cofw')
            >>> common.model_landmarks(np.zeros((5, 68, 2)))[0].shape
            (5, 29, 2)
        """
        return _gather(points, valid, self.model_points, self.model_weights,
                       get_scheme(self.model_scheme))

    def data_landmarks(self, points: np.ndarray, valid: Optional[np.ndarray] = None
                       ) -> Tuple[np.ndarray, np.ndarray]:
        """Take the common landmarks from the data set's points; see :meth:`model_landmarks`."""
        return _gather(points, valid, self.data_points, self.data_weights,
                       get_scheme(self.data_scheme))

    def flip_indices(self) -> np.ndarray:
        """Index that each common landmark has after a horizontal flip: [C].

        Raises:
            ValueError: If the mirror image of a common landmark is not one itself.

        Examples:
            >>> from mmpose_wass.landmarks import get_common_landmarks
            >>> get_common_landmarks('300w', 'aflw').flip_indices()[:6].tolist()
            [5, 4, 3, 2, 1, 0]
        """
        keys = list(zip(_keys(self.model_points, self.model_weights),
                        _keys(self.data_points, self.data_weights)))
        places = {key: place for place, key in enumerate(keys)}
        model_flip, data_flip = (get_scheme(name).flip_indices()
                                 for name in (self.model_scheme, self.data_scheme))
        flipped = list(zip(_keys(self.model_points, self.model_weights, model_flip),
                           _keys(self.data_points, self.data_weights, data_flip)))
        lost = [name for name, key in zip(self.names, flipped) if key not in places]
        if lost:
            raise ValueError(f'common landmarks of {self.model_scheme} and {self.data_scheme}: the '
                             f'mirror image of {", ".join(lost)} is not among them')
        return np.array([places[key] for key in flipped])

    def reversed(self) -> CommonLandmarks:
        """The same landmarks with the schemes in exchanged roles."""
        return replace(
            self,
            model_scheme=self.data_scheme,
            data_scheme=self.model_scheme,
            model_points=self.data_points,
            data_points=self.model_points,
            model_weights=self.data_weights,
            data_weights=self.model_weights)

    def take(self, names: Sequence[str]) -> CommonLandmarks:
        """Only the common landmarks of these names, in this order.

        Raises:
            KeyError: For a name that is not among them; the message lists those there are.

        Examples:
            >>> from mmpose_wass.landmarks import get_common_landmarks
            >>> get_common_landmarks('300w', 'aflw').take(['chin', 'nose_tip']).model_points
            ((8,), (30,))
        """
        place = {name: index for index, name in enumerate(self.names)}
        missing = [name for name in names if name not in place]
        if missing:
            raise KeyError(f'{", ".join(missing)}: not common to {self.model_scheme} and '
                           f'{self.data_scheme}; they share {", ".join(self.names)}')
        chosen = [place[name] for name in names]

        def pick(entry: str) -> Optional[tuple]:
            values = getattr(self, entry)
            return None if values is None else tuple(values[index] for index in chosen)

        entries = ('names', 'model_points', 'data_points', 'named_equal', 'model_weights',
                   'data_weights')
        return replace(self, **{entry: pick(entry) for entry in entries})


def _gather(points: np.ndarray, valid: Optional[np.ndarray], groups: Groups, weights: Weights,
            scheme: LandmarkScheme) -> Tuple[np.ndarray, np.ndarray]:
    points = np.asarray(points)
    if points.ndim < 2 or points.shape[-2] != scheme.num_landmarks:
        raise ValueError(f'points of the scheme {scheme.name} must be '
                         f'[..., {scheme.num_landmarks}, 2], found {list(points.shape)}')
    valid = np.ones(points.shape[:-1], bool) if valid is None else np.asarray(valid).astype(bool)
    if valid.shape != points.shape[:-1]:
        raise ValueError(f'valid must be {list(points.shape[:-1])}, found {list(valid.shape)}')
    found = np.empty((*points.shape[:-2], len(groups), points.shape[-1]),
                     np.result_type(points.dtype, np.float32))
    kept = np.empty(found.shape[:-1], bool)
    for place, group in enumerate(groups):
        members = points[..., list(group), :]
        weight = weights[place] if weights is not None else None
        if len(group) == 1:  # bit for bit
            found[..., place, :] = members[..., 0, :]
        else:
            found[..., place, :] = np.average(members, axis=-2, weights=weight)
        kept[..., place] = valid[..., list(group)].all(axis=-1)
    return found, kept


def _keys(groups: Groups, weights: Weights, flip: Optional[np.ndarray] = None) -> list:
    """What tells groups apart, whatever the order of their points; flipped with ``flip``."""
    keys = []
    for place, group in enumerate(groups):
        weight = weights[place] if weights is not None else None
        weight = weight or (1 / len(group), ) * len(group)
        turned = group if flip is None else [int(flip[index]) for index in group]
        keys.append(frozenset(zip(turned, (round(value, 9) for value in weight))))
    return keys
