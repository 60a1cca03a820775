"""Tell a sample in whose landmark scheme the model answers."""
from __future__ import annotations

from typing import Optional

from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from mmpose_wass.landmarks import get_scheme, load_scheme_file


@TRANSFORMS.register_module()
class ModelLandmarkLayout(BaseTransform):
    """Have the flip test of a model of scheme A follow A, on a data set of scheme B.

    A flip test swaps the model's left and right outputs by the ``flip_indices`` that the sample
    carries, and a data set writes its own ones there: with another number of landmarks MMPose
    stops at an assertion, with the same number it averages the wrong landmarks.

    The last transform of a test pipeline, after packing. Before packing works too, but then it has
    to come after any ``RandomFlip``, which flips the *annotation*, and ``model_scheme`` stays in
    the sample only if the packing's ``meta_keys`` name it.

    Keys of the packed sample's meta information (or of the results, before packing):

    - ``flip_indices`` (list[int]): Of the model's scheme, replacing those of the data set.
    - ``model_scheme`` (str): Name of the model's scheme; the visualizer reads it.

    Args:
        scheme (str): The model's landmark scheme, such as ``'300w'``.
        scheme_file (str, optional): File that describes the scheme, where it is one's own.

    Raises:
        KeyError: If there is no such scheme.
        ValueError: If the scheme has no flip pairs.

    Examples:
        >>> layout = ModelLandmarkLayout('300w')
        >>> results = layout(dict(flip_indices=list(range(29))))
        >>> len(results['flip_indices']), results['flip_indices'][36]
        (68, 45)
    """

    def __init__(self, scheme: str, scheme_file: Optional[str] = None) -> None:
        if scheme_file is not None:
            load_scheme_file(scheme_file)
        self.scheme = scheme
        self.scheme_file = scheme_file
        self.flip_indices = [int(index) for index in get_scheme(scheme).flip_indices()]

    def transform(self, results: dict) -> dict:
        """Put the model's layout into a sample.

        Args:
            results (dict): Of a pipeline, packed or not.

        Returns:
            dict: ``results``.
        """
        # A list of its own for each sample: MMPose's KeypointConverter writes into what it finds.
        layout = dict(flip_indices=list(self.flip_indices), model_scheme=self.scheme)
        if 'data_samples' in results:
            results['data_samples'].set_metainfo(layout)
        else:
            results.update(layout)
        return results

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(scheme={self.scheme!r}, '
                f'scheme_file={self.scheme_file!r})')
