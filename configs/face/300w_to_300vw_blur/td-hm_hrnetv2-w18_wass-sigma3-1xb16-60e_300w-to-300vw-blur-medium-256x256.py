# HRNetV2-W18 on 300W: Wasserstein loss, sigma 3; on 300VW-S3, medium motion blur.
_base_ = '../300w_to_300vw/td-hm_hrnetv2-w18_wass-sigma3-1xb16-60e_300w-to-300vw-256x256.py'
from mmpose_wass.engine.config_parts import only_test_set, perturbed_test  # noqa: E402

test_dataloader, test_evaluator = only_test_set(_base_, 'scenario_3')
test_dataloader = perturbed_test(_base_, 'motion_blur', 'medium', test_dataloader)
