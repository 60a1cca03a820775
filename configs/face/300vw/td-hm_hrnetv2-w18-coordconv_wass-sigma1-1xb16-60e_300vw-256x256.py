# HRNetV2-W18 with CoordConv on 300VW: Wasserstein loss, sigma 1.
_base_ = [
    '../_base_/hrnet_w18_300w_paper.py', '../_base_/datasets/300vw.py', '../_base_/coord_conv.py',
    '../_base_/losses/wass.py', '../_base_/targets/sigma1.py'
]
from mmpose_wass.engine.config_parts import face_recipe  # noqa: E402  `_base_` comes first

globals().update(face_recipe(_base_))
