"""Whole-body layouts that have 300W's 68 points as their face."""
from __future__ import annotations

from typing import Tuple

from ..scheme import LandmarkScheme, register_scheme
from .points_68 import W300


def _both(*names: str) -> Tuple[str, ...]:
    """Left and right point of each name, as COCO orders them."""
    return tuple(f'{side}_{name}' for name in names for side in ('left', 'right'))


_BODY = ('nose', *_both('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'))
_COCO_FEET = tuple(f'{side}_{name}' for side in ('left', 'right')
                   for name in ('big_toe', 'small_toe', 'heel'))
_HALPE_BODY = (*_BODY, 'head', 'neck', 'hip', *_both('big_toe', 'small_toe', 'heel'))
_HAND = ('hand_root', *(f'{finger}{joint}' for finger in ('thumb', 'forefinger', 'middle_finger',
                                                         'ring_finger', 'pinky_finger')
                        for joint in range(1, 5)))
_HANDS = tuple(f'{side}_{name}' for side in ('left', 'right') for name in _HAND)


def _embed(scheme: LandmarkScheme, name: str, before: Tuple[str, ...], after: Tuple[str, ...],
           metainfo: str, source: str) -> LandmarkScheme:
    """``scheme`` as the face of a larger scheme, between the points ``before`` and ``after``."""

    def shift(indices: Tuple[int, ...]) -> Tuple[int, ...]:
        return tuple(index + len(before) for index in indices)

    return LandmarkScheme(
        name=name,
        num_landmarks=len(before) + scheme.num_landmarks + len(after),
        outer_eye_corners=shift(scheme.outer_eye_corners),
        pupils=(shift(scheme.pupils[0]), shift(scheme.pupils[1])),
        regions={region: shift(indices) for region, indices in scheme.regions.items()},
        default_norm_mode=scheme.default_norm_mode,
        metainfo=metainfo,
        source=source,
        landmark_names=(*before, *scheme.landmark_names, *after),
        shape_table=scheme.shape_table)


#: First index of the face in each whole-body layout.
FACE_START = {'halpe': len(_HALPE_BODY), 'coco_wholebody': len(_BODY) + len(_COCO_FEET)}

register_scheme(
    _embed(W300, 'halpe', _HALPE_BODY, _HANDS, 'configs/_base_/datasets/halpe.py',
           'Fang et al., AlphaPose (Halpe full body, 136 points)'))
register_scheme(
    _embed(W300, 'coco_wholebody', (*_BODY, *_COCO_FEET), _HANDS,
           'configs/_base_/datasets/coco_wholebody.py',
           'Jin et al., whole-body human pose estimation in the wild (133 points)'))
