"""A model of one landmark scheme on a data set of another: both go to their common landmarks."""
from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np

from mmpose_wass.landmarks import CommonLandmarks, get_common_landmarks, list_schemes

from .faces import FaceSet


class TwoSchemes:
    """What ``common_landmarks=`` of the metric asks for.

    Args:
        spec (str | Mapping): The model's scheme, or a dictionary of: ``model``, its scheme;
            ``data``, the data set's (default: the data set's ``dataset_name``); ``variant``, which
            of the pair's tables; ``subset``, names of the common landmarks to score, or a scheme
            (such as ``'paper17'``) that both are reduced to; ``scheme_file``, a file that describes
            a scheme of one's own.

    Raises:
        ValueError: If the entry has other words, or names no model.
    """

    def __init__(self, spec: Union[str, Mapping[str, Any]]) -> None:
        entries = dict(spec) if isinstance(spec, Mapping) else dict(model=spec)
        self.model: Optional[str] = entries.pop('model', None)
        self.data: Optional[str] = entries.pop('data', None)
        self.variant: Optional[str] = entries.pop('variant', None)
        self.subset: Union[None, str, Sequence[str]] = entries.pop('subset', None)
        self.scheme_file: Optional[str] = entries.pop('scheme_file', None)
        if entries or not isinstance(self.model, str):
            found = ', '.join(map(str, entries)) or f'model={self.model!r}'
            raise ValueError("common_landmarks is the model's scheme, such as '300w', or a "
                             'dictionary with model and optionally data, variant, subset and '
                             f'scheme_file; found {found}')

    def resolve(self, dataset_name: Optional[str]) -> CommonLandmarks:
        """The common landmarks with a data set.

        Args:
            dataset_name (str, optional): ``dataset_name`` of the data set's metainfo.

        Returns:
            CommonLandmarks: How the two schemes meet.

        Raises:
            KeyError: If a scheme, or a table for the two, is not known.
        """
        data = self.data or dataset_name
        if data is None:
            raise KeyError('common_landmarks: the data set has no dataset_name in its metainfo; '
                           f"give data='...', one of {', '.join(list_schemes())}")
        return get_common_landmarks(self.model, data, self.variant, self.subset)


def reduce_to_common(faces: FaceSet, common: CommonLandmarks) -> None:
    """Bring predictions and annotations of ``faces`` to the common landmarks, in place.

    A mean of several landmarks is labelled if all of them are, occluded if one of them is, and as
    certain as the least certain of them.

    Args:
        faces (FaceSet): Predictions [N, K_model, 2], annotations [N, K_data, …].
        common (CommonLandmarks): The C landmarks.
    """
    faces.predictions, _ = common.model_landmarks(faces.predictions)
    faces.targets, faces.valid = common.data_landmarks(faces.targets, faces.valid)
    if faces.occluded is not None:
        faces.occluded = np.stack([faces.occluded[:, list(group)].any(axis=1)
                                   for group in common.data_points], axis=1)
    if faces.scores is not None:
        faces.scores = np.stack([faces.scores[:, list(group)].min(axis=1)
                                 for group in common.model_points], axis=1)


def describe_common(common: CommonLandmarks) -> dict:
    """The common landmarks as JSON can hold them."""
    entries = ('model_scheme', 'data_scheme', 'variant', 'source', 'names', 'model_points',
               'data_points', 'named_equal', 'model_weights', 'data_weights')
    return {entry: getattr(common, entry) for entry in entries}
