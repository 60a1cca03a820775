# 300W -> a scheme of one's own: the 14 of IMM's 73 landmarks that 300W has too.
_base_ = ['../hrnet_w18_300w_wass.py', '../_base_/datasets/imm73.py']

from mmpose_wass.engine import cross_dataset_settings  # noqa: E402  `_base_` comes first

test_dataloader, test_evaluator, visualizer = cross_dataset_settings(_base_, _base_.data_imm73)
