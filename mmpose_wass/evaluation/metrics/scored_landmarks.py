"""Which landmarks are scored, and what they are called."""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Optional

import numpy as np

from mmpose_wass.landmarks import CommonLandmarks, LandmarkScheme, get_scheme


@dataclass(frozen=True)
class ScoredLandmarks:
    """The landmarks that an evaluation scores: columns of its errors.

    Attributes:
        indices (np.ndarray): [K], index in the data set's scheme; -1 for a mean of several.
        names (list[str]): [K].
        regions (list[str]): [K], region of the face; empty for none.
    """
    indices: np.ndarray
    names: List[str]
    regions: List[str]

    @classmethod
    def of_scheme(cls, scheme: Optional[LandmarkScheme], num_landmarks: int,
                  names: Optional[Mapping[int, str]]) -> ScoredLandmarks:
        """All landmarks of an annotation; of a whole-body scheme those of the face.

        Args:
            scheme (LandmarkScheme, optional): The data set's scheme, if it is known.
            num_landmarks (int): Landmarks of the annotation.
            names (Mapping[int, str], optional): ``keypoint_id2name`` of the data set's metainfo.
        """
        if scheme is not None and scheme.num_landmarks == num_landmarks:
            indices = np.array(scheme.face_landmarks)
            return cls(indices, [scheme.landmark_names[index] for index in indices],
                       [scheme.landmark_regions[index] for index in indices])
        indices = np.arange(num_landmarks)
        names = names or {}
        return cls(indices, [str(names.get(int(index), int(index))) for index in indices],
                   [''] * num_landmarks)

    @classmethod
    def of_common(cls, common: CommonLandmarks) -> ScoredLandmarks:
        """The common landmarks of two schemes.

        The region is the data set's, where its points lie in one; else the model's.
        """
        sides = ((get_scheme(common.data_scheme).landmark_regions, common.data_points),
                 (get_scheme(common.model_scheme).landmark_regions, common.model_points))

        def region(place: int) -> str:
            for regions, groups in sides:
                found = {regions[index] for index in groups[place]}
                if len(found) == 1 and found != {''}:
                    return found.pop()
            return ''

        indices = [group[0] if len(group) == 1 else -1 for group in common.data_points]
        return cls(np.array(indices), list(common.names),
                   [region(place) for place in range(len(indices))])
