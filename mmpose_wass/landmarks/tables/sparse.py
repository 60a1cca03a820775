"""The sparse schemes: COFW's 29 points, AFLW's 19 and 21, the paper's 17."""
from __future__ import annotations

from ..names import right_and
from ..scheme import LandmarkScheme, register_scheme
from .spans import span

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
            nose=span(18, 21),
            outer_mouth=(22, 23, 24, 27),
            inner_mouth=(25, 26),
            chin=(28, )),
        metainfo='configs/_base_/datasets/cofw.py',
        source='Burgos-Artizzu et al., robust face landmark estimation under occlusion',
        landmark_names=(
            *right_and(['brow_outer_end']), *right_and(['brow_inner_end']),
            *right_and(['brow_upper_middle', 'brow_lower_center'], backwards=False),
            *right_and(['eye_outer_corner']), *right_and(['eye_inner_corner']),
            *right_and(['upper_lid_middle', 'lower_lid_middle'], backwards=False),
            *right_and(['pupil']),
            *right_and(['nose_wing']), 'nose_tip', 'nose_base',
            *right_and(['mouth_corner']), 'upper_lip_top_middle', 'upper_lip_bottom_middle',
            'lower_lip_top_middle', 'lower_lip_bottom_middle', 'chin')))

_BROWS = right_and(['brow_outer_end', 'brow_center', 'brow_inner_end'])
_EYES = right_and(['eye_outer_corner', 'eye_center', 'eye_inner_corner'])
_WINGS = right_and(['nose_wing'], ['nose_tip'])
_MOUTH = right_and(['mouth_corner'], ['mouth_center'])

register_scheme(
    LandmarkScheme(
        name='aflw',
        num_landmarks=19,
        outer_eye_corners=(6, 11),
        pupils=((7, ), (10, )),
        regions=dict(
            right_brow=span(0, 2),
            left_brow=span(3, 5),
            right_eye=span(6, 8),
            left_eye=span(9, 11),
            nose=span(12, 14),
            mouth=span(15, 17),
            chin=(18, )),
        # Profile faces bring the eye corners together: the face box is what the field divides by.
        default_norm_mode='box_width',
        metainfo='configs/_base_/datasets/aflw.py',
        source='Köstinger et al., AFLW; the 19 points without ears of Zhu et al., CCL (CVPR 2016)',
        landmark_names=(*_BROWS, *_EYES, *_WINGS, *_MOUTH, 'chin')))

# AFLW calls the sides by the image's, so its "left ear" is the person's right one.
register_scheme(
    LandmarkScheme(
        name='aflw21',
        num_landmarks=21,
        outer_eye_corners=(6, 11),
        pupils=((7, ), (10, )),
        regions=dict(
            right_brow=span(0, 2),
            left_brow=span(3, 5),
            right_eye=span(6, 8),
            left_eye=span(9, 11),
            right_ear=(12, ),
            nose=span(13, 15),
            left_ear=(16, ),
            mouth=span(17, 19),
            chin=(20, )),
        default_norm_mode='box_width',
        source='Köstinger et al., annotated facial landmarks in the wild (2011), all 21 points',
        landmark_names=(*_BROWS, *_EYES, 'right_ear', *_WINGS, 'left_ear', *_MOUTH, 'chin'),
        flip_pairs=((0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9), (12, 16), (13, 15),
                    (17, 19))))

# The paper's Section 7.1: a subset of the 68 like AFLW's, without the eye centres. That a mean of
# two lips stands for AFLW's mouth centre is inferred; the paper does not list the points.
register_scheme(
    LandmarkScheme(
        name='paper17',
        num_landmarks=17,
        outer_eye_corners=(6, 9),
        # No pupils: the middle of an eye's corners stands for them.
        pupils=((6, 7), (8, 9)),
        regions=dict(
            right_brow=span(0, 2),
            left_brow=span(3, 5),
            right_eye=(6, 7),
            left_eye=(8, 9),
            nose=span(10, 12),
            mouth=span(13, 15),
            chin=(16, )),
        source='the paper, Section 7.1 and Table 11; which points is inferred from "similar to '
        'the AFLW annotation (except the eye centers)"',
        landmark_names=(
            *right_and(['brow_outer_end', 'brow_upper_middle', 'brow_inner_end']),
            *right_and(['eye_outer_corner', 'eye_inner_corner']),
            *right_and(['nose_base_outer'], ['nose_tip']), *_MOUTH, 'chin'),
        flip_pairs=((0, 5), (1, 4), (2, 3), (6, 9), (7, 8), (10, 12), (13, 15))))
