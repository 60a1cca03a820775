# The paper's method on 300W: 2D Wasserstein loss, sigma 3, barycentre decoding.
_base_ = './_base_/hrnet_w18_300w_paper.py'

codec = _base_.codec
codec.update(sigma=3.0)
train_pipeline = _base_.train_pipeline
train_pipeline[-2]['encoder'] = codec
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(
    head=dict(
        type='ProbabilityHeatmapHead',
        loss=dict(_delete_=True, type='WassersteinHeatmapLoss', sigma=codec['sigma']),
        decoder=codec))
