"""The landmark schemes of MMPose's face data sets, as data.

Numbering: the metainfo that MMPose ships (``configs/_base_/datasets``) and the data sets' own
papers. The outer eye corners agree with the default pairs of MMPose's ``NME`` where it has one.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Dict, Tuple

from .scheme import LandmarkScheme, register_scheme


def _span(first: int, last: int) -> Tuple[int, ...]:
    """Indices ``first`` to ``last``, both included."""
    return tuple(range(first, last + 1))


W300 = register_scheme(
    LandmarkScheme(
        name='300w',
        num_landmarks=68,
        outer_eye_corners=(36, 45),
        # No pupils in this scheme: the mean of the six points around each eye stands for them.
        pupils=(_span(36, 41), _span(42, 47)),
        regions=dict(
            contour=_span(0, 16),
            right_brow=_span(17, 21),
            left_brow=_span(22, 26),
            nose=_span(27, 35),
            right_eye=_span(36, 41),
            left_eye=_span(42, 47),
            outer_mouth=_span(48, 59),
            inner_mouth=_span(60, 67)),
        metainfo='configs/_base_/datasets/300w.py',
        source='Sagonas et al., 300 faces in-the-wild challenge (Multi-PIE / iBUG 68 points)'))

# The same 68 points in other data sets. MMPose's metainfo of 300W-LP has no flip pairs, so these
# keep 300W's.
for _name, _source in (
    ('300vw', 'Shen et al., the first facial landmark tracking in-the-wild challenge'),
    ('300wlp', 'Zhu et al., face alignment across large poses'),
    ('coco_wholebody_face', 'Jin et al., whole-body human pose estimation in the wild')):
    register_scheme(replace(W300, name=_name, source=_source))

register_scheme(
    LandmarkScheme(
        name='wflw',
        num_landmarks=98,
        outer_eye_corners=(60, 72),
        pupils=((96, ), (97, )),
        regions=dict(
            contour=_span(0, 32),
            right_brow=_span(33, 41),
            left_brow=_span(42, 50),
            nose=_span(51, 59),
            right_eye=_span(60, 67) + (96, ),
            left_eye=_span(68, 75) + (97, ),
            outer_mouth=_span(76, 87),
            inner_mouth=_span(88, 95)),
        metainfo='configs/_base_/datasets/wflw.py',
        source='Wu et al., look at boundary (WFLW 98 points)'))

register_scheme(
    LandmarkScheme(
        name='cofw',
        num_landmarks=29,
        outer_eye_corners=(8, 9),
        pupils=((16, ), (17, )),
        regions=dict(
            right_brow=(0, 2, 4, 5),
            left_brow=(1, 3, 6, 7),
            right_eye=(8, 10, 12, 13, 16),
            left_eye=(9, 11, 14, 15, 17),
            nose=_span(18, 21),
            outer_mouth=(22, 23, 24, 27),
            inner_mouth=(25, 26),
            chin=(28, )),
        metainfo='configs/_base_/datasets/cofw.py',
        source='Burgos-Artizzu et al., robust face landmark estimation under occlusion'))

register_scheme(
    LandmarkScheme(
        name='aflw',
        num_landmarks=19,
        outer_eye_corners=(6, 11),
        pupils=((7, ), (10, )),
        regions=dict(
            right_brow=_span(0, 2),
            left_brow=_span(3, 5),
            right_eye=_span(6, 8),
            left_eye=_span(9, 11),
            nose=_span(12, 14),
            mouth=_span(15, 17),
            chin=(18, )),
        # Profile faces bring the eye corners together: the face box is what the field divides by.
        default_norm_mode='box_width',
        metainfo='configs/_base_/datasets/aflw.py',
        source='Köstinger et al., AFLW; the 19 points without ears of Zhu et al., CCL (CVPR 2016)'))

register_scheme(
    LandmarkScheme(
        name='lapa',
        num_landmarks=106,
        outer_eye_corners=(66, 79),
        pupils=((104, ), (105, )),
        regions=dict(
            contour=_span(0, 32),
            right_brow=_span(33, 41),
            left_brow=_span(42, 50),
            nose=_span(51, 65),
            right_eye=_span(66, 74) + (104, ),
            left_eye=_span(75, 83) + (105, ),
            outer_mouth=_span(84, 95),
            inner_mouth=_span(96, 103)),
        metainfo='configs/_base_/datasets/lapa.py',
        source='Liu et al., a new dataset and boundary-attention semantic segmentation (LaPa)'))


def _embed(scheme: LandmarkScheme, name: str, first: int, num_landmarks: int, metainfo: str,
           source: str) -> LandmarkScheme:
    """``scheme`` as the face of a larger scheme, in which its points start at index ``first``."""

    def shift(indices: Tuple[int, ...]) -> Tuple[int, ...]:
        return tuple(index + first for index in indices)

    regions: Dict[str, Tuple[int, ...]] = {
        region: shift(indices)
        for region, indices in scheme.regions.items()
    }
    return LandmarkScheme(
        name=name,
        num_landmarks=num_landmarks,
        outer_eye_corners=shift(scheme.outer_eye_corners),
        pupils=(shift(scheme.pupils[0]), shift(scheme.pupils[1])),
        regions=regions,
        default_norm_mode=scheme.default_norm_mode,
        metainfo=metainfo,
        source=source)


register_scheme(
    _embed(W300, 'halpe', 26, 136, 'configs/_base_/datasets/halpe.py',
           'Fang et al., AlphaPose (Halpe full body, 136 points)'))
register_scheme(
    _embed(W300, 'coco_wholebody', 23, 133, 'configs/_base_/datasets/coco_wholebody.py',
           'Jin et al., whole-body human pose estimation in the wild (133 points)'))
