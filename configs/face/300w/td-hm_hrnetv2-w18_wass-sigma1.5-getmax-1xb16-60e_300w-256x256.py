# HRNetV2-W18 on 300W: Wasserstein loss, sigma 1.5, GET_MAX.
_base_ = [
    '../_base_/hrnet_w18_300w_paper.py', '../_base_/datasets/300w.py', '../_base_/losses/wass.py',
    '../_base_/targets/sigma1.5.py', '../_base_/sampling/get_max.py'
]
from mmpose_wass.engine.config_parts import face_recipe  # noqa: E402  `_base_` comes first

globals().update(face_recipe(_base_))
