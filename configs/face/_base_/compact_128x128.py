# A compact model for two CPU cores: half-width ResNet-18, 128x128 -> 32x32, 68 landmarks of 300W.
_base_ = 'mmpose::_base_/default_runtime.py'

custom_imports = dict(imports=['mmpose_wass'], allow_failed_imports=False)

# MMPose's inferencer asks the config itself for these two.
dataset_type = 'Face300WDataset'
data_mode = 'topdown'

codec = dict(
    type='BarycenterCodec',
    input_size=(128, 128),
    heatmap_size=(32, 32),
    sigma=1.5,
    coordinates='half_pixel')

model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=32,
        base_channels=32,
        out_indices=(0, 1, 2, 3)),
    # All four resolutions, brought to the finest one and concatenated (as HRNetV2 does).
    neck=dict(type='FeatureMapProcessor', concat=True),
    head=dict(
        type='ProbabilityHeatmapHead',
        in_channels=480,
        out_channels=68,
        deconv_out_channels=None,
        conv_out_channels=(128, ),
        conv_kernel_sizes=(1, ),
        # From random weights the Wasserstein loss alone learns slowly; KL is the sharp term.
        loss=dict(
            type='WeightedSumHeatmapLoss',
            losses=dict(
                wasserstein=dict(type='WassersteinHeatmapLoss', sigma=codec['sigma']),
                kl=dict(type='KLHeatmapLoss'))),
        decoder=codec),
    test_cfg=dict(flip_test=False, flip_mode='heatmap', shift_heatmap=False))

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomFlip', direction='horizontal', prob=0.5),
    dict(
        type='RandomBBoxTransform',
        shift_prob=0,
        rotate_factor=30,
        rotate_prob=0.6,
        scale_factor=(0.75, 1.25)),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs')
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs')
]

data_root = 'data/300w/'
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='Face300WDataset',
        data_root=data_root,
        data_mode='topdown',
        ann_file='annotations/face_landmarks_300w_train.json',
        data_prefix=dict(img='images/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='Face300WDataset',
        data_root=data_root,
        data_mode='topdown',
        ann_file='annotations/face_landmarks_300w_valid_common.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=val_pipeline))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='FaceLandmarkMetric'),
    dict(type='NME', norm_mode='keypoint_distance'),
]
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='Adam', lr=1.5e-3))
train_cfg = dict(by_epoch=True, max_epochs=14, val_interval=7)
val_cfg = dict()
test_cfg = dict()
param_scheduler = [
    dict(type='LinearLR', begin=0, end=200, start_factor=0.01, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        end=14,
        eta_min=1e-5,
        by_epoch=True,
        convert_to_iter_based=True)
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best='face/NME', rule='less', max_keep_ckpts=2))
visualizer = dict(
    type='PoseLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer')
