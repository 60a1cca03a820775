# HRNetV2-W18 on COFW: Wasserstein loss, sigma 1.5; tested on AFLW.
_base_ = [
    '../cofw/td-hm_hrnetv2-w18_wass-sigma1.5-1xb16-60e_cofw-256x256.py',
    '../_base_/datasets/aflw.py'
]
from mmpose_wass.engine import cross_dataset_settings  # noqa: E402  `_base_` comes first

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(_base_, _base_.data_aflw)
