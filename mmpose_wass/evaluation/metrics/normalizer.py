"""Which length a face's errors are divided by: from a metric's arguments to distances in pixels."""
from __future__ import annotations

from typing import Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from mmpose_wass.landmarks import LandmarkScheme, find_scheme, list_schemes

from ..functional import (
    box_diagonal,
    box_geometric_mean,
    box_size,
    box_width,
    inter_ocular_distance,
    inter_pupil_distance,
    landmark_boxes,
)

#: Modes that measure the ground truth box, and what they measure of it.
BOX_MODES = dict(
    box_width=box_width,
    box_size=box_size,
    box_diagonal=box_diagonal,
    box_geometric_mean=box_geometric_mean)

#: The same of the tight box around the labelled landmarks, for data without face boxes.
LANDMARK_BOX_MODES = {f'landmark_{mode}': function for mode, function in BOX_MODES.items()}

#: Every ``norm_mode``; the last two are those of MMPose's ``NME``.
NORM_MODES = ('inter_ocular', 'inter_pupil', *BOX_MODES, *LANDMARK_BOX_MODES, 'keypoint_distance',
              'use_norm_item')

#: A landmark by its index or by its name in the scheme.
Landmark = Union[int, str]


class FaceNormalizer:
    """Normalisation distances of faces, by the arguments of MMPose's ``NME`` and a few more modes.

    Args:
        norm_mode (str, optional): One of :data:`NORM_MODES`, or ``None`` for the paper's choice
            for the data set (see :class:`FaceLandmarkMetric`).
        norm_item (str, optional): With ``'use_norm_item'``: ``'bbox_size'`` (longer side of the
            ground truth box) or the name of a number that the pipeline packs.
        keypoint_indices (Sequence[int | str], optional): With ``'keypoint_distance'`` or
            ``'inter_ocular'``: the two landmarks to measure between, by index or by name.

    Raises:
        ValueError: For an unknown mode, or arguments that do not go together.
    """

    def __init__(self,
                 norm_mode: Optional[str] = None,
                 norm_item: Optional[str] = None,
                 keypoint_indices: Optional[Sequence[Landmark]] = None) -> None:
        if norm_mode is None and norm_item is not None:
            norm_mode = 'use_norm_item'
        if norm_mode is None and keypoint_indices is not None:
            norm_mode = 'keypoint_distance'
        if norm_mode is not None and norm_mode not in NORM_MODES:
            raise ValueError(f'norm_mode must be None or one of {", ".join(NORM_MODES)}, '
                             f'found {norm_mode!r}')
        if (norm_mode == 'use_norm_item') != (norm_item is not None):
            raise ValueError("norm_mode='use_norm_item' and norm_item='...' (such as 'bbox_size') "
                             f'go together, found norm_mode={norm_mode!r}, norm_item={norm_item!r}')
        if keypoint_indices is not None:
            if norm_mode not in ('keypoint_distance', 'inter_ocular'):
                raise ValueError("keypoint_indices go with norm_mode='keypoint_distance', "
                                 f'found norm_mode={norm_mode!r}')
            keypoint_indices = tuple(
                landmark if isinstance(landmark, str) else int(landmark)
                for landmark in keypoint_indices)
            if len(keypoint_indices) != 2:
                raise ValueError('keypoint_indices must be two landmark indices, '
                                 f'found {list(keypoint_indices)}')
        self.norm_mode = norm_mode
        self.norm_item = norm_item
        self.keypoint_indices = keypoint_indices

    @classmethod
    def from_spec(cls, spec: Union[str, Mapping]) -> Tuple[str, FaceNormalizer]:
        """A normaliser and a name for it, from an entry of ``extra_normalizations``.

        Args:
            spec (str | Mapping): A ``norm_mode``, or ``'bbox_size'`` as in MMPose's ``NME``, or a
                dictionary of this class's arguments and optionally ``name``.

        Raises:
            ValueError: For anything else.

        Examples:
            >>> [FaceNormalizer.from_spec(spec)[0] for spec in ('box_width', 'bbox_size')]
            ['box_width', 'bbox_size']
        """
        if isinstance(spec, str):
            arguments = dict(norm_item=spec) if spec == 'bbox_size' else dict(norm_mode=spec)
        else:
            arguments = dict(spec)
        name = arguments.pop('name', None)
        unknown = sorted(set(arguments) - {'norm_mode', 'norm_item', 'keypoint_indices'})
        if unknown:
            raise ValueError('an entry of extra_normalizations has norm_mode, norm_item, '
                             f'keypoint_indices and name, found {", ".join(unknown)}')
        normalizer = cls(**arguments)
        return name or normalizer.norm_item or normalizer.norm_mode or 'default', normalizer

    def resolve(self,
                dataset_name: Optional[str],
                names: Optional[Mapping[str, int]] = None) -> ResolvedNormalizer:
        """Settle what is measured on a data set.

        Args:
            dataset_name (str, optional): ``dataset_name`` of the data set's metainfo.
            names (Mapping[str, int], optional): ``keypoint_name2id`` of the data set's metainfo.

        Returns:
            ResolvedNormalizer: What measures the distances.

        Raises:
            ValueError: If the data set's landmark scheme is not known and the arguments do not say
                what to measure, or a landmark's name is not known.
        """
        mode, indices, pupils = self.norm_mode, self.keypoint_indices, None
        scheme = find_scheme(dataset_name)
        if mode is None:
            mode = self._need(scheme, dataset_name).default_norm_mode
        if mode in ('inter_ocular', 'keypoint_distance') and indices is None:
            indices = self._need(scheme, dataset_name).outer_eye_corners
        if mode == 'inter_pupil':
            pupils = self._need(scheme, dataset_name).pupils
        if indices is not None:
            known = dict(names or {})
            if scheme is not None:
                known.update((name, index) for index, name in enumerate(scheme.landmark_names))
            indices = tuple(_index(landmark, known, dataset_name) for landmark in indices)
        return ResolvedNormalizer(mode, self.norm_item, indices, pupils)

    @staticmethod
    def _need(scheme: Optional[LandmarkScheme], dataset_name: Optional[str]) -> LandmarkScheme:
        if scheme is None:
            raise ValueError(
                f'FaceLandmarkMetric does not know the landmark scheme of the data set '
                f'{dataset_name!r}, so it cannot choose a normalisation distance. Set '
                'keypoint_indices=[i, j] (the outer eye corners), or '
                "norm_mode='box_width' | 'box_size' | 'box_diagonal', or "
                "norm_mode='use_norm_item' with norm_item=..., or describe the scheme in a file "
                'for scheme_file=..., or with mmpose_wass.landmarks.register_scheme. Known are '
                f'{", ".join(list_schemes())}')
        return scheme


def _index(landmark: Landmark, known: Mapping[str, int], dataset_name: Optional[str]) -> int:
    if not isinstance(landmark, str):
        return landmark
    if landmark not in known:
        raise ValueError(f'keypoint_indices: the data set {dataset_name!r} has no landmark named '
                         f'{landmark!r}; it has {", ".join(known) or "no names at all"}')
    return known[landmark]


class ResolvedNormalizer:
    """Normalisation distances on one data set; made by :meth:`FaceNormalizer.resolve`.

    Attributes:
        mode (str): One of :data:`NORM_MODES`.
        needs_boxes (bool): Whether :meth:`distances` wants ``boxes``.
        packed_item (str | None): Name of the packed number that :meth:`distances` wants.
    """

    def __init__(self, mode: str, item: Optional[str], indices: Optional[Sequence[int]],
                 pupils: Optional[Sequence[Sequence[int]]]) -> None:
        self.mode = mode
        self.indices = indices
        self.pupils = pupils
        # MMPose's item of this name is not packed by anyone: its NME too measures the box.
        self.box_function = box_size if item == 'bbox_size' else BOX_MODES.get(mode)
        self.landmark_box_function = LANDMARK_BOX_MODES.get(mode)
        self.needs_boxes = self.box_function is not None
        self.packed_item = None if self.needs_boxes else item
        self._item = item

    @property
    def description(self) -> str:
        """What is measured, for logs and result files."""
        if self.pupils is not None:
            return f'{self.mode} ({list(self.pupils[0])} to {list(self.pupils[1])})'
        if self.indices is not None:
            return f'{self.mode} ({self.indices[0]} to {self.indices[1]})'
        return f'{self.mode} ({self._item})' if self._item else self.mode

    def distances(self,
                  targets: np.ndarray,
                  valid: np.ndarray,
                  boxes: Optional[np.ndarray] = None,
                  item: Optional[np.ndarray] = None) -> np.ndarray:
        """Normalisation distance of each face.

        Args:
            targets (np.ndarray): [N, K, 2], image pixels: the whole annotation.
            valid (np.ndarray): [N, K].
            boxes (np.ndarray, optional): [N, 4], ground truth boxes (left, top, right, bottom).
            item (np.ndarray, optional): [N], the packed number.

        Returns:
            np.ndarray: [N], image pixels; NaN where it cannot be measured.

        Raises:
            ValueError: If a landmark to measure does not exist.
        """
        if self.box_function is not None:
            return self.box_function(boxes)
        if self.landmark_box_function is not None:
            return self.landmark_box_function(landmark_boxes(targets, valid))
        if self.packed_item is not None:
            return np.asarray(item, dtype=np.float64)
        if self.pupils is not None:
            return inter_pupil_distance(targets, self.pupils, valid)
        return inter_ocular_distance(targets, self.indices, valid)
