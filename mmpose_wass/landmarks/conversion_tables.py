"""The shipped conversions, as data. Indices are 0-based; a tuple means the mean of its points."""
from __future__ import annotations

from .conversions import register_conversion
from .tables.points_68 import SAME_68
from .tables.spans import span
from .tables.whole_body import FACE_START

# --- The same points under another name ---------------------------------------------------------

_EQUAL_68 = [(index, index) for index in range(68)]
for _name in SAME_68:
    register_conversion('300w', _name, _EQUAL_68, 'identity',
                        'the same 68 points in the same order')
for _name, _start in FACE_START.items():
    register_conversion('300w', _name, [(index, index + _start) for index in range(68)],
                        'identity', f'the face of {_name} begins at its point {_start}')
register_conversion('aflw', 'aflw21', list(zip(range(19), (*span(0, 11), *span(13, 15),
                                                          *span(17, 20)))),
                    'identity', "AFLW's 21 points without the ears 12 and 16")

# --- 300W 68 and WFLW 98 ------------------------------------------------------------------------

#: WFLW's point for each of 300W's 68.
_WFLW_68 = [
    *range(0, 33, 2), *span(33, 37), *span(42, 46), *span(51, 59), 60, 61, 63, 64, 65, 67,
    68, 69, 71, 72, 73, 75, *span(76, 95)]
#: 300W's brows in the middle between the edges that WFLW marks.
_BROW_MEANS = {
    18: (34, 41), 19: (35, 40), 20: (36, 39), 21: (37, 38),
    22: (42, 50), 23: (43, 49), 24: (44, 48), 25: (45, 47)}
#: 300W's lid points at thirds, between those that WFLW has at quarters.
_EYELIDS = {
    point: {near: 2 / 3, far: 1 / 3}
    for point, near, far in ((37, 61, 62), (38, 63, 62), (40, 65, 66), (41, 67, 66),
                             (43, 69, 70), (44, 71, 70), (46, 73, 74), (47, 75, 74))}


def _wflw_with(changes: dict) -> list:
    return [(point, changes.get(point, _WFLW_68[point])) for point in range(68)]


register_conversion('300w', 'wflw', _wflw_with({}), 'points',
                    'the list of points that public code uses most; brows along the upper edge')
register_conversion('300w', 'wflw', _wflw_with(_BROW_MEANS), 'brow_means',
                    'public code; brows as the mean of upper and lower edge')
register_conversion('300w', 'wflw', _wflw_with(_EYELIDS), 'interpolated_eyelids',
                    'lids interpolated 2/3 to 1/3, from quarters of the lid to its thirds')
register_conversion('300w', 'wflw', _wflw_with({**_BROW_MEANS, **_EYELIDS}),
                    'brow_means_interpolated_eyelids', 'both of the former')

# --- COFW 29 ------------------------------------------------------------------------------------

_W300_OF_COFW = [
    17, 26, 21, 22, 19, (17, 21), 24, (22, 26),  # brows
    36, 45, 39, 42, (37, 38), (40, 41), (43, 44), (46, 47), span(36, 41), span(42, 47),  # eyes
    31, 35, 30, 33,  # nose
    (48, 60), (54, 64), span(50, 52), 62, 66, span(56, 58), span(7, 9)]  # mouth and chin
register_conversion('300w', 'cofw', list(zip(_W300_OF_COFW, range(29))), 'means',
                    'Ghiasi and Fowlkes, occlusion coherence (CVPR 2014)')

#: By COFW's points; its brows' ends and edges are those that WFLW marks.
_WFLW_OF_COFW = [
    33, 46, 37, 42, 35, 40, 44, 48,  # brows
    60, 72, 64, 68, 62, 66, 70, 74, 96, 97,  # eyes and pupils
    55, 59, 54, 57,  # nose
    76, 82, 79, 90, 94, 85, 16]  # mouth and chin
register_conversion('wflw', 'cofw', list(zip(_WFLW_OF_COFW, range(29))), 'points',
                    'the names of the points; mean shapes fit to 0.020 on average')
_BROW_ENDS = {2: (37, 38), 3: (42, 50)}
register_conversion('wflw', 'cofw', [(_BROW_ENDS.get(point, _WFLW_OF_COFW[point]), point)
                                     for point in range(29)], 'brow_means',
                    "COFW's inner brow ends as the mean of WFLW's two inner corners, which fits "
                    'mean shapes better there (0.027 instead of 0.059)')

# --- AFLW 19 ------------------------------------------------------------------------------------

_COFW_OF_AFLW = [
    0, (4, 5), 2, 3, (6, 7), 1,  # brows
    8, 16, 10, 11, 17, 9,  # eyes
    18, 20, 19,  # nose
    22, (25, 26), 23, 28]  # mouth and chin
register_conversion('cofw', 'aflw', list(zip(_COFW_OF_AFLW, range(19))), 'means',
                    'points 0, 2, 3, 5, 6, 8, 9, 11 to 15, 17, 18 of AFLW as in public code, the '
                    'other five by mean shapes')
_W300_OF_AFLW = [
    17, 19, 21, 22, 24, 26,  # brows
    36, (37, 38, 40, 41), 39, 42, (43, 44, 46, 47), 45,  # eyes
    31, 30, 35,  # nose
    48, (62, 66), 54, 8]  # mouth and chin
register_conversion('300w', 'aflw', list(zip(_W300_OF_AFLW, range(19))), 'means',
                    'inferred from the names of the points; checked by mean shapes')
_WFLW_OF_AFLW = [
    33, (35, 40), 37, 42, (44, 48), 46,  # brows
    60, 96, 64, 68, 97, 72,  # eyes and pupils
    55, 54, 59,  # nose
    76, (90, 94), 82, 16]  # mouth and chin
register_conversion('wflw', 'aflw', list(zip(_WFLW_OF_AFLW, range(19))), 'means',
                    'inferred from the names of the points; checked by mean shapes')

# --- The paper's 17 -----------------------------------------------------------------------------

register_conversion('300w', 'paper17',
                    [(_W300_OF_AFLW[point], place) for place, point in enumerate(
                        (*span(0, 6), 8, 9, *span(11, 18)))], 'means',
                    'the paper, Section 7.1: a subset of the 68 like AFLW without the eye centres; '
                    'the choice of points is inferred')
register_conversion('aflw', 'paper17',
                    [(point, place) for place, point in enumerate(
                        (*span(0, 6), 8, 9, *span(11, 18)))], 'points',
                    'the paper, Section 7.1: AFLW without the eye centres')

# --- LaPa 106 -----------------------------------------------------------------------------------

#: LaPa's point for each of WFLW's 98; LaPa has more points on the nose and a second eye centre.
_LAPA_OF_WFLW = [*span(0, 54), *span(58, 62), *span(66, 73), *span(75, 82), *span(84, 103), 104,
                 105]
register_conversion('wflw', 'lapa', list(zip(range(98), _LAPA_OF_WFLW)), 'points',
                    "MMPose's configs rtmpose/face6 (mapping_wflw)")
#: 300W's lids have no point of their own in LaPa: the mean of two is the middle of a lid.
_W300_OF_LAPA = {
    68: (37, 38), 72: (40, 41), 77: (43, 44), 81: (46, 47), 66: 36, 70: 39, 75: 42, 79: 45,
    **{2 * point: point for point in range(17)},
    **{33 + point: 17 + point for point in range(5)},
    **{42 + point: 22 + point for point in range(5)},
    **{51 + point: 27 + point for point in range(4)},
    **{58 + point: 31 + point for point in range(5)},
    **{84 + point: 48 + point for point in range(20)}}
register_conversion('300w', 'lapa', [(_W300_OF_LAPA[point], point)
                                     for point in sorted(_W300_OF_LAPA)], 'means',
                    "MMPose's configs rtmpose/face6 (kpt_68_to_106)")
#: MMPose's own table of this pair (rtmpose/face6, mapping_cofw) is wrong for the eight eye points.
_LAPA_OF_COFW = [_LAPA_OF_WFLW[point] for point in _WFLW_OF_COFW]
_LAPA_OF_COFW[18:20] = 57, 63  # LaPa marks the wings of the nose, as COFW does
register_conversion('cofw', 'lapa', list(enumerate(_LAPA_OF_COFW)), 'points',
                    'the names of the points; checked by mean shapes')
