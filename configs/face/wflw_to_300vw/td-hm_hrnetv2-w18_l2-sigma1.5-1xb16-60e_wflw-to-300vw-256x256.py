# HRNetV2-W18 on WFLW: heatmap L2, sigma 1.5; tested on 300VW.
_base_ = [
    '../wflw/td-hm_hrnetv2-w18_l2-sigma1.5-1xb16-60e_wflw-256x256.py',
    '../_base_/datasets/300vw.py'
]
from mmpose_wass.engine import cross_dataset_settings  # noqa: E402  `_base_` comes first

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(_base_, _base_.data_300vw)
