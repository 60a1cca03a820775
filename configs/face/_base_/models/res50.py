# SimpleBaselines: ResNet-50 and three deconvolutions, as in MMPose's td-hm_res50 recipes.
model_part = dict(
    backbone=dict(
        type='ResNet',
        depth=50,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    head=dict(type='HeatmapHead', in_channels=2048))
