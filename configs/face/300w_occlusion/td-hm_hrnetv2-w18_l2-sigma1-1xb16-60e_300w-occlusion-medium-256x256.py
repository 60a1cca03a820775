# HRNetV2-W18 on 300W: heatmap L2, sigma 1; tested with medium occlusions.
_base_ = '../300w/td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-256x256.py'
from mmpose_wass.engine.config_parts import perturbed_test  # noqa: E402  `_base_` comes first

test_dataloader = perturbed_test(_base_, 'occlusion', 'medium')
