# 300W -> WFLW, one of the paper's protocols: 68 common landmarks.
_base_ = ['../hrnet_w18_300w_wass.py', '../_base_/datasets/wflw.py']

from mmpose_wass.engine import cross_dataset_settings  # noqa: E402  `_base_` comes first

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(_base_, _base_.data_wflw)
