# The L2 baseline at a size for two CPU cores: sigma 1, arg max decoding. The levels of the
# perturbation protocol were calibrated on this model (docs/perturbations.md).
_base_ = './_base_/compact_128x128.py'

codec = _base_.codec
codec.update(target='peak', sampling='argmax', normalization='sum', sigma=1.0)
train_pipeline = _base_.train_pipeline
train_pipeline[-2]['encoder'] = codec
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(
    head=dict(
        decoder=codec,
        loss=dict(_delete_=True, type='KeypointMSELoss', use_target_weight=True)))
