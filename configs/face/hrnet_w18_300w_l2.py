# The paper's baseline on 300W: heatmap L2 loss, sigma 1, arg max decoding; all else as in
# hrnet_w18_300w_wass.py.
_base_ = './_base_/hrnet_w18_300w_paper.py'

codec = _base_.codec
codec.update(target='peak', sampling='argmax', normalization='sum')
train_pipeline = _base_.train_pipeline
train_pipeline[-2]['encoder'] = codec
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(head=dict(decoder=codec))
