"""Hidden landmarks: labelled although something covers them. Not the same as *not labelled*.

COCO's annotations, and COFW's in that format, give each landmark a flag: 0 not labelled, 1 labelled
but occluded, 2 labelled and visible. MMPose's data sets clip it to 0 and 1, which keeps what is
labelled and loses what is hidden. The raw annotation that MMPose carries along still has it.
"""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

#: Data sets whose flags tell hidden from visible landmarks. Others write 1 (or 2) for all that is
#: labelled, whether one sees it or not.
FLAGS_TELL_OCCLUSION = ('cofw', )

#: What ``flags`` of the transforms may be.
FLAG_MEANINGS = ('auto', 'coco', 'labelled')


def check_flag_meaning(flags: str) -> str:
    """Return ``flags``, or raise ``ValueError`` if it is none of :data:`FLAG_MEANINGS`."""
    if flags not in FLAG_MEANINGS:
        raise ValueError(f'flags must be one of {", ".join(FLAG_MEANINGS)}, found {flags!r}')
    return flags


def annotated_occlusion(annotations: Union[dict, List[dict]]) -> np.ndarray:
    """Hidden landmarks by the flags of raw annotations in COCO's format.

    Args:
        annotations (dict | list[dict]): One face, or n of them, each with ``keypoints``, a list of
            3 K numbers x, y, flag (0 not labelled, 1 occluded, 2 visible).

    Returns:
        np.ndarray: [n, K] bool; false where a landmark is visible or not labelled.

    Raises:
        ValueError: If a flag is none of the three.

    Examples:
        >>> annotated_occlusion(dict(keypoints=[5, 5, 1, 6, 6, 2, 0, 0, 0])).tolist()
        [[True, False, False]]
    """
    if isinstance(annotations, dict):
        annotations = [annotations]
    flags = np.array([face['keypoints'][2::3] for face in annotations], dtype=np.float64)
    if not np.isin(flags, (0, 1, 2)).all():
        found = sorted(set(np.ravel(flags).tolist()) - {0., 1., 2.})
        raise ValueError(f'flags of landmarks must be 0 (not labelled), 1 (occluded) or 2 '
                         f"(visible), found {found[:5]}; give flags='labelled' if they mean "
                         'something else')
    return flags == 1


def find_occlusion(results: Dict[str, Any], flags: str = 'auto') -> Optional[np.ndarray]:
    """What a sample's annotation says about hidden landmarks.

    Args:
        results (dict): Sample in a pipeline.
        flags (str): See :class:`LoadFaceVisibility`.

    Returns:
        np.ndarray | None: [n, K] bool in the order of the annotation; ``None`` if it says nothing.

    Raises:
        KeyError: If it should, but the data set does not pass raw annotations on.
    """
    tells = flags == 'coco' or (flags == 'auto'
                                and results.get('dataset_name') in FLAGS_TELL_OCCLUSION)
    if not tells:
        return None
    annotations = results.get('raw_ann_info')
    if not annotations:
        if flags == 'auto':
            return None  # detected boxes, an image without faces: there is nothing annotated
        raise KeyError("flags='coco' needs raw_ann_info in the sample, which the data set "
                       f'{results.get("dataset_name")!r} does not pass on; use a data set class '
                       "that does, as MMPose's BaseCocoStyleDataset, or flags='labelled'")
    return annotated_occlusion(annotations)


def set_occluded(results: Dict[str, Any], occluded: np.ndarray) -> None:
    """Put hidden landmarks in a sample, in the order that its landmarks have now.

    Args:
        results (dict): Sample in a pipeline.
        occluded (np.ndarray): [n, K] bool.

    Raises:
        ValueError: If the shape is not that of the sample's landmarks.
    """
    occluded = np.asarray(occluded, dtype=bool)
    wanted = np.shape(results['keypoints'])[:2]
    if occluded.shape != wanted:
        raise ValueError(
            f'occluded must have shape [n, K] = {list(wanted)} as the landmarks, found '
            f'{list(occluded.shape)}; a transform that changes landmarks (KeypointConverter) '
            'cannot stand before it')
    results['occluded'] = occluded
    results['occluded_flipped'] = _is_swapped(results)


def add_occluded(results: Dict[str, Any], occluded: np.ndarray) -> None:
    """Mark further landmarks of a sample as hidden, in the order that they have now.

    Args:
        results (dict): Sample in a pipeline.
        occluded (np.ndarray): [n, K] bool; what was marked before stays marked.

    Raises:
        ValueError: If the shape is not that of the sample's landmarks.
    """
    before = get_occluded(results)
    set_occluded(results, occluded)
    if before is not None:
        # Each was checked against the landmarks, the first one when it was set.
        results['occluded'] = results['occluded'] | before


def get_occluded(results: Dict[str, Any]) -> Optional[np.ndarray]:
    """Hidden landmarks of a sample in the order that its landmarks have now.

    MMPose's flip exchanges left and right landmarks and knows nothing of ``occluded``: this does
    the same, if the sample was flipped after :func:`set_occluded`.

    Args:
        results (dict): Sample in a pipeline.

    Returns:
        np.ndarray | None: [n, K] bool; ``None`` if nothing was put in.
    """
    occluded = results.get('occluded')
    # Where nothing says in which order they were written, it is the order of the landmarks.
    now = _is_swapped(results)
    if occluded is None or results.get('occluded_flipped', now) == now:
        return occluded
    return _swap_sides(occluded, results)


def _swap_sides(occluded: np.ndarray, results: Dict[str, Any]) -> np.ndarray:
    flip_indices = list(results['flip_indices'])
    if len(flip_indices) != occluded.shape[1]:
        raise ValueError(f'occluded tells of {occluded.shape[1]} landmarks, but there are '
                         f'{len(flip_indices)} flip_indices to flip them by; a transform that '
                         'changes the layout must not come between the flip and packing')
    return occluded[:, flip_indices]


def _is_swapped(results: Dict[str, Any]) -> bool:
    """Whether a flip has exchanged left and right landmarks; a diagonal one does not."""
    return bool(results.get('flip')) and results.get('flip_direction') != 'diagonal'


@TRANSFORMS.register_module()
class LoadFaceVisibility(BaseTransform):
    """Read which landmarks are hidden, for transforms between loading and packing that need it.

    ``PackFaceInputs`` reads it by itself; a pipeline that only packs does not need this.

    Required Keys: ``keypoints``; ``raw_ann_info`` where the data set tells what is hidden.

    Added Keys: ``occluded`` [n, K] bool (:func:`get_occluded` reads it after a flip).

    Args:
        flags (str): What the third number of each annotated landmark means. ``'coco'``: 0 not
            labelled, 1 occluded, 2 visible. ``'labelled'``: not 0 is labelled, no word on
            occlusion. ``'auto'`` (default): the former for COFW, else the latter.

    Examples:
        >>> import numpy as np
        >>> sample = dict(dataset_name='cofw', keypoints=np.zeros((1, 2, 2)),
        ...               raw_ann_info=dict(keypoints=[5, 5, 1, 6, 6, 2]))
        >>> LoadFaceVisibility()(sample)['occluded'].tolist()
        [[True, False]]
    """

    def __init__(self, flags: str = 'auto') -> None:
        self.flags = check_flag_meaning(flags)

    def transform(self, results: dict) -> dict:
        """Add ``occluded`` if the annotation tells.

        Raises:
            KeyError: If it should, but the data set does not pass raw annotations on.
            ValueError: If flags are none of COCO's, or landmarks were changed before.
        """
        load_occlusion(results, self.flags)
        return results

    def __repr__(self) -> str:
        """The transform as it was configured."""
        return f'{self.__class__.__name__}(flags={self.flags!r})'


def load_occlusion(results: Dict[str, Any], flags: str = 'auto') -> None:
    """Add what the annotation says about hidden landmarks to a sample, if it says anything.

    Raises:
        KeyError: See :func:`find_occlusion`.
        ValueError: See :func:`annotated_occlusion` and :func:`set_occluded`.
    """
    occluded = find_occlusion(results, flags)
    if occluded is not None:
        add_occluded(results, _swap_sides(occluded, results) if _is_swapped(results) else occluded)
