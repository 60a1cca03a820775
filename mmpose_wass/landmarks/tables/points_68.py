"""300W's 68 points and the data sets that use them."""
from __future__ import annotations

from dataclasses import replace

from ..names import BROWS_10, EYES_12, INNER_MOUTH_8, JAW_17, NOSE_BASE, NOSE_BRIDGE, OUTER_MOUTH_12
from ..scheme import LandmarkScheme, register_scheme
from .spans import span

W300 = register_scheme(
    LandmarkScheme(
        name='300w',
        num_landmarks=68,
        outer_eye_corners=(36, 45),
        # No pupils in this scheme: the mean of the six points around each eye stands for them.
        pupils=(span(36, 41), span(42, 47)),
        regions=dict(
            contour=span(0, 16),
            right_brow=span(17, 21),
            left_brow=span(22, 26),
            nose=span(27, 35),
            right_eye=span(36, 41),
            left_eye=span(42, 47),
            outer_mouth=span(48, 59),
            inner_mouth=span(60, 67)),
        metainfo='configs/_base_/datasets/300w.py',
        source='Sagonas et al., 300 faces in-the-wild challenge (Multi-PIE / iBUG 68 points)',
        landmark_names=(*JAW_17, *BROWS_10, *NOSE_BRIDGE, *NOSE_BASE, *EYES_12, *OUTER_MOUTH_12,
                        *INNER_MOUTH_8),
        shape_table='300w'))

#: The same 68 points in other data sets. MMPose's metainfo of 300W-LP has no flip pairs, so all
#: keep 300W's.
SAME_68 = {
    '300vw': 'Shen et al., the first facial landmark tracking in-the-wild challenge',
    '300wlp': 'Zhu et al., face alignment across large poses',
    'coco_wholebody_face': 'Jin et al., whole-body human pose estimation in the wild',
}
for _name, _source in SAME_68.items():
    register_scheme(replace(W300, name=_name, source=_source))
