# The paper's method on COFW: hrnet_w18_300w_wass.py with 29 landmarks and COFW's data.
_base_ = ['./hrnet_w18_300w_wass.py', './_base_/datasets/cofw.py']

model = dict(head=dict(out_channels=29))

train_dataloader = dict(dataset=_base_.data_cofw.train)
val_dataloader = dict(dataset=_base_.data_cofw.val)
test_dataloader = val_dataloader
