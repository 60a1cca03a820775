"""Landmark names: built from the parts of the face that schemes share.

A name means the same anatomical point in every scheme. So the jaw's in-between points of a denser
scheme are called after the two neighbours that a coarser one has (``right_jaw_3_to_4``), and points
that only look alike (a nostril's base and the nose's wing) have names of their own. Sides are the
person's own: ``right`` is on the left in a frontal image.
"""
from __future__ import annotations

from typing import List, Sequence, Tuple

Names = Tuple[str, ...]


def mirrored(name: str) -> str:
    """Name of the point on the other side; a point in the middle keeps its name.

    Examples:
        >>> mirrored('left_jaw_3'), mirrored('chin')
        ('right_jaw_3', 'chin')
    """
    for side, other in (('right_', 'left_'), ('left_', 'right_')):
        if name.startswith(side):
            return other + name[len(side):]
    return name


def right_and(names: Sequence[str], middle: Sequence[str] = (), backwards: bool = True) -> Names:
    """``names`` of the right side, the points in the middle, then those of the left side.

    Args:
        names (Sequence[str]): Names without ``right_``.
        middle (Sequence[str]): Whole names.
        backwards (bool): The left side in reverse order, as along a line across the face.

    Examples:
        >>> right_and(['jaw_1', 'jaw_2'], ['chin'])
        ('right_jaw_1', 'right_jaw_2', 'chin', 'left_jaw_2', 'left_jaw_1')
    """
    left = list(names)[::-1] if backwards else names
    return (*(f'right_{name}' for name in names), *middle, *(f'left_{name}' for name in left))


#: The 17 points of 300W along the jaw, from the right ear to the left one.
JAW_17 = right_and([f'jaw_{index}' for index in range(1, 9)], ['chin'])


def _dense_jaw() -> Names:
    names: List[str] = []
    for index in range(1, 9):
        names += [f'jaw_{index}', f'jaw_{index}_to_{index + 1}' if index < 8 else 'jaw_8_to_chin']
    return right_and(names, ['chin'])


#: The 33 of WFLW and LaPa: 300W's 17 and a point between each two.
JAW_33 = _dense_jaw()

_BROW = ('brow_outer_end', 'brow_upper_outer', 'brow_upper_middle', 'brow_upper_inner',
         'brow_inner_end')
_LOWER_BROW = ('brow_lower_inner_end', 'brow_lower_inner', 'brow_lower_middle',
               'brow_lower_outer')
#: Five along the upper edge of each brow, from right to left.
BROWS_10 = right_and(_BROW)
#: Nine around each brow: the upper edge from right to left, then the lower edge back.
BROWS_18 = (*(f'right_{name}' for name in (*_BROW, *_LOWER_BROW)),
            *(f'left_{name}' for name in _BROW[::-1]),
            *(f'left_{name}' for name in ('brow_lower_outer', 'brow_lower_middle',
                                          'brow_lower_inner', 'brow_lower_inner_end')))

NOSE_BRIDGE = ('nose_bridge_1', 'nose_bridge_2', 'nose_bridge_3', 'nose_tip')
#: Below the nostrils, from right to left.
NOSE_BASE = right_and(['nose_base_outer', 'nose_base_inner'], ['nose_base'])


def _eyes(upper: Sequence[str], lower: Sequence[str], centers: Sequence[str] = ()) -> Names:
    """Both eyes clockwise in the image: from the leftmost corner over the upper lid and back."""
    right = ['eye_outer_corner', *(f'upper_lid_{name}' for name in upper), 'eye_inner_corner',
             *(f'lower_lid_{name}' for name in lower)]
    left = ['eye_inner_corner', *(f'upper_lid_{name}' for name in upper[::-1]),
            'eye_outer_corner', *(f'lower_lid_{name}' for name in lower[::-1])]
    return (*(f'right_{name}' for name in (*right, *centers)),
            *(f'left_{name}' for name in (*left, *centers)))


#: 300W's lids are marked at a third and two thirds of their length …
EYES_12 = _eyes(('outer_third', 'inner_third'), ('inner_third', 'outer_third'))
#: … and those of WFLW and LaPa at a quarter, half and three quarters.
_QUARTERS = (('outer_quarter', 'middle', 'inner_quarter'),
             ('inner_quarter', 'middle', 'outer_quarter'))
EYES_16 = _eyes(*_QUARTERS)
EYES_18 = _eyes(*_QUARTERS, centers=('eye_center', ))

PUPILS = right_and(['pupil'])


def _lip(name: str, steps: Sequence[str]) -> Names:
    return right_and([f'{name}_{step}' for step in steps], [f'{name}_middle'])


def _inner_mouth(step: str) -> Names:
    return ('right_inner_mouth_corner', *_lip('upper_lip_bottom', (step, )),
            'left_inner_mouth_corner', *_lip('lower_lip_top', (step, ))[::-1])


#: Clockwise in the image from the right corner of the mouth.
OUTER_MOUTH_12 = ('right_mouth_corner', *_lip('upper_lip_top', ('outer', 'inner')),
                  'left_mouth_corner', *_lip('lower_lip_bottom', ('outer', 'inner'))[::-1])
#: 300W's points beside the middle lie a third of the way to the corner, …
INNER_MOUTH_8 = _inner_mouth('inner')
#: … those of WFLW and LaPa halfway.
INNER_MOUTH_HALFWAY_8 = _inner_mouth('halfway')
