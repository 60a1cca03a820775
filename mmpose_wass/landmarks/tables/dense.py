"""The dense schemes: WFLW's 98 points and LaPa's 106."""
from __future__ import annotations

from ..names import (
    BROWS_18,
    EYES_16,
    EYES_18,
    INNER_MOUTH_HALFWAY_8,
    JAW_33,
    NOSE_BASE,
    NOSE_BRIDGE,
    OUTER_MOUTH_12,
    PUPILS,
)
from ..scheme import LandmarkScheme, register_scheme
from .spans import span

register_scheme(
    LandmarkScheme(
        name='wflw',
        num_landmarks=98,
        outer_eye_corners=(60, 72),
        pupils=((96, ), (97, )),
        regions=dict(
            contour=span(0, 32),
            right_brow=span(33, 41),
            left_brow=span(42, 50),
            nose=span(51, 59),
            right_eye=span(60, 67) + (96, ),
            left_eye=span(68, 75) + (97, ),
            outer_mouth=span(76, 87),
            inner_mouth=span(88, 95)),
        metainfo='configs/_base_/datasets/wflw.py',
        source='Wu et al., look at boundary (WFLW 98 points)',
        landmark_names=(*JAW_33, *BROWS_18, *NOSE_BRIDGE, *NOSE_BASE, *EYES_16, *OUTER_MOUTH_12,
                        *INNER_MOUTH_HALFWAY_8, *PUPILS)))

register_scheme(
    LandmarkScheme(
        name='lapa',
        num_landmarks=106,
        outer_eye_corners=(66, 79),
        pupils=((104, ), (105, )),
        regions=dict(
            contour=span(0, 32),
            right_brow=span(33, 41),
            left_brow=span(42, 50),
            nose=span(51, 65),
            right_eye=span(66, 74) + (104, ),
            left_eye=span(75, 83) + (105, ),
            outer_mouth=span(84, 95),
            inner_mouth=span(96, 103)),
        metainfo='configs/_base_/datasets/lapa.py',
        source='Liu et al., a new dataset and boundary-attention semantic segmentation (LaPa)',
        landmark_names=(*JAW_33, *BROWS_18, *NOSE_BRIDGE, 'right_nose_side_upper',
                        'right_nose_side_lower', 'right_nose_wing', *NOSE_BASE, 'left_nose_wing',
                        'left_nose_side_lower', 'left_nose_side_upper', *EYES_18, *OUTER_MOUTH_12,
                        *INNER_MOUTH_HALFWAY_8, *PUPILS)))
