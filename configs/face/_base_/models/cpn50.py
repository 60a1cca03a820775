# Cascaded Pyramid Network on ResNet-50; RefineNet learns from the hardest landmarks.
model_part = dict(
    backbone=dict(
        type='ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    neck=dict(type='CPNNeck'),
    head=dict(type='CPNHead'),
    # Eight of COCO's seventeen joints did best in its paper.
    hard_landmarks=8 / 17)
