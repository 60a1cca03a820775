# hrnet_w18_300w_wass.py, trained with synthetic occlusion, motion blur and shifted boxes.
_base_ = ['./hrnet_w18_300w_wass.py', './_base_/augmentations/perturbations.py']

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomFlip', direction='horizontal', prob=0.5),
    *_base_.image_perturbations,
    dict(
        type='RandomBBoxTransform',
        shift_prob=0,
        rotate_factor=30,
        rotate_prob=0.6,
        scale_factor=(0.75, 1.25)),
    *_base_.box_perturbations,
    dict(type='TopdownAffine', input_size=_base_.codec['input_size']),
    dict(type='GenerateTarget', encoder=_base_.codec),
    dict(type='PackPoseInputs')
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
