# HRNetV2-W18 on 300W: KL divergence, sigma 1.
_base_ = [
    '../_base_/hrnet_w18_300w_paper.py', '../_base_/datasets/300w.py', '../_base_/losses/kl.py',
    '../_base_/targets/sigma1.py'
]
from mmpose_wass.engine.config_parts import face_recipe  # noqa: E402  `_base_` comes first

globals().update(face_recipe(_base_))
