# Perturbations as training augmentation. Inherit it beside a recipe and put both lists before
# TopdownAffine: they need the whole image; after RandomFlip marks of hidden landmarks stay right.
#
#   _base_ = ['./my_recipe.py', './_base_/augmentations/perturbations.py']
#   train_pipeline = [..., *_base_.image_perturbations, *_base_.box_perturbations,
#                     dict(type='TopdownAffine', ...), ...]
#
# `random=True` draws afresh in every epoch; without it a face would always look the same.
# Severities reach from nothing to a little beyond the protocol's large level.
image_perturbations = [
    dict(type='SyntheticOcclusion', severity=(0.05, 0.5), prob=0.3, random=True),
    # Still images have no motion: a random direction. Training looks further than testing does
    # (rotation 30, scale 1.25), hence the larger region.
    dict(
        type='SyntheticMotionBlur',
        severity=(0.01, 0.4),
        direction='random',
        region=2.2,
        prob=0.2,
        random=True),
]
# Beside RandomBBoxTransform, which resizes and turns, only the shift is new.
box_perturbations = [dict(type='BoxPerturbation', shift=(0.0, 0.1), prob=0.5, random=True)]
