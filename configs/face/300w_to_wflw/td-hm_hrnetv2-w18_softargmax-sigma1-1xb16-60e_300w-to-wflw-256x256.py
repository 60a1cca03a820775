# HRNetV2-W18 on 300W: soft arg max, sigma 1; tested on WFLW.
_base_ = [
    '../300w/td-hm_hrnetv2-w18_softargmax-sigma1-1xb16-60e_300w-256x256.py',
    '../_base_/datasets/wflw.py'
]
from mmpose_wass.engine import cross_dataset_settings  # noqa: E402  `_base_` comes first

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(_base_, _base_.data_wflw)
