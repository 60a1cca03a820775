# CPN-ResNet-50 on 300W: heatmap L2, sigma 1, wider targets for coarser levels.
_base_ = [
    '../_base_/hrnet_w18_300w_paper.py', '../_base_/datasets/300w.py',
    '../_base_/models/cpn50_coarse_to_fine.py', '../_base_/losses/l2.py',
    '../_base_/targets/sigma1.py'
]
from mmpose_wass.engine.config_parts import face_recipe  # noqa: E402  `_base_` comes first

globals().update(face_recipe(_base_))
