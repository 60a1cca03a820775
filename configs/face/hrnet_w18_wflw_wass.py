# The paper's method on WFLW: hrnet_w18_300w_wass.py with 98 landmarks and WFLW's data.
_base_ = ['./hrnet_w18_300w_wass.py', './_base_/datasets/wflw.py']

model = dict(head=dict(out_channels=98))

train_dataloader = dict(dataset=_base_.data_wflw.train)
val_dataloader = dict(dataset=_base_.data_wflw.val)
test_dataloader = val_dataloader
