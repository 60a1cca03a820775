# HRNetV2-W18 on 300W: heatmap L2, sigma 1; on 300VW, large motion blur.
_base_ = '../300w_to_300vw/td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-to-300vw-256x256.py'
from mmpose_wass.engine.config_parts import perturbed_test  # noqa: E402  `_base_` comes first

test_dataloader = perturbed_test(_base_, 'motion_blur', 'large')
