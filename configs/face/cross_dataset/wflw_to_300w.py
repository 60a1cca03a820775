# WFLW -> 300W: 68 common landmarks; common, challenging and full test set.
_base_ = ['../hrnet_w18_wflw_wass.py', '../_base_/datasets/300w.py']

from mmpose_wass.engine import cross_dataset_settings  # noqa: E402  `_base_` comes first

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(_base_, _base_.data_300w)
