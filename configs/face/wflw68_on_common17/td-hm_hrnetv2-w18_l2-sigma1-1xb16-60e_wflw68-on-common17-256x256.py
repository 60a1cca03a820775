# HRNetV2-W18 on WFLW's 68: heatmap L2, sigma 1; tested on the common 17.
_base_ = '../wflw68/td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_wflw68-256x256.py'
from mmpose_wass.engine import cross_dataset_settings  # noqa: E402  `_base_` comes first

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(
    _base_, _base_.data_wflw, common_landmarks=dict(subset='paper17'))
