# HRNetV2-W18 on WFLW: Wasserstein loss, sigma 3.
_base_ = [
    '../_base_/hrnet_w18_300w_paper.py', '../_base_/datasets/wflw.py', '../_base_/losses/wass.py',
    '../_base_/targets/sigma3.py'
]
from mmpose_wass.engine.config_parts import face_recipe  # noqa: E402  `_base_` comes first

globals().update(face_recipe(_base_))
