"""Tell after a test what the perturbations could not be applied to."""
from __future__ import annotations

from collections import Counter
from typing import Any, Iterator, Optional

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmpose.registry import HOOKS

from .transforms.synthetic_motion_blur import SyntheticMotionBlur


def count_motion_sources(dataset: Any, blur: Optional[SyntheticMotionBlur] = None) -> Counter:
    """Count where the directions of motion of a data set's frames come from.

    No image is opened: the directions follow from the annotations.

    Args:
        dataset: Whose samples have ``prev_keypoints`` and ``next_keypoints``.
        blur: The transform; default: one with the protocol's landmark.

    Returns:
        Counter: Frames by source: ``both``, ``previous``, ``next``, ``missing``, ``still`` (see
        ``MotionDirection``).
    """
    blur = blur or SyntheticMotionBlur(level='medium')
    return Counter(blur.motion(dataset.get_data_info(index)).source
                   for index in range(len(dataset)))


def describe_motion_sources(counts: Counter) -> str:
    """The counts in a sentence.

    Example:
        >>> describe_motion_sources(Counter(both=5, next=1, missing=1))
        '7 frames: 5 with motion from t-1 to t+1, 1 with a one-sided difference, 1 without a
        direction (1 without neighbours, 0 that do not move)'
    """
    without = counts['missing'] + counts['still']
    return (f'{sum(counts.values())} frames: {counts["both"]} with motion from t-1 to t+1, '
            f'{counts["previous"] + counts["next"]} with a one-sided difference, {without} '
            f'without a direction ({counts["missing"]} without neighbours, {counts["still"]} that '
            'do not move)')


@HOOKS.register_module()
class PerturbationReportHook(Hook):
    """Report after validation and test how many frames motion blur had no direction for.

    Reads the annotations of data sets whose pipelines hold a ``SyntheticMotionBlur`` with
    ``direction='motion'``, in the main process, so that the counts are complete with any number of
    workers.

    Examples:
        In a config::

            custom_hooks = [dict(type='PerturbationReportHook')]
    """

    def after_val_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Report on the validation set."""
        self._report(runner, runner.val_dataloader.dataset)

    def after_test_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Report on the test set."""
        self._report(runner, runner.test_dataloader.dataset)

    @staticmethod
    def _report(runner, dataset) -> None:
        if not is_main_process():
            return
        for part in _parts(dataset):
            for step in part.pipeline.transforms:
                if isinstance(step, SyntheticMotionBlur) and step.direction == 'motion':
                    counts = count_motion_sources(part, step)
                    done = dict(skip='left sharp', random='blurred in a random direction',
                                error='an error')[step.missing]
                    runner.logger.info(f'SyntheticMotionBlur, {describe_motion_sources(counts)}; '
                                       f'those without are {done}')


def _parts(dataset: Any) -> Iterator[Any]:
    """The data sets with samples of their own that a data set consists of."""
    inner = list(getattr(dataset, 'datasets', ())) or (
        [dataset.dataset] if getattr(dataset, 'dataset', None) is not None else [])
    for part in inner:
        yield from _parts(part)
    if not inner and hasattr(getattr(dataset, 'pipeline', None), 'transforms'):
        yield dataset
