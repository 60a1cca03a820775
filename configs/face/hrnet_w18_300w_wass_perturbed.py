# hrnet_w18_300w_wass.py, trained with synthetic occlusion, motion blur and shifted boxes.
_base_ = ['./hrnet_w18_300w_wass.py', './_base_/augmentations/perturbations.py']

train_pipeline = _base_.train_pipeline
# Before TopdownAffine, the third from the end.
train_pipeline[-3:-3] = [*_base_.image_perturbations, *_base_.box_perturbations]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
