# Made by `python tools/evidence.py ship js_augmented_long_rate8`, seed 0.
auto_scale_lr = dict(base_batch_size=16)
backend_args = dict(backend='local')
codec = dict(
    coordinates='half_pixel',
    heatmap_size=(
        32,
        32,
    ),
    input_size=(
        128,
        128,
    ),
    sigma=1.0,
    type='BarycenterCodec')
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='ChannelsLastHook'),
]
custom_imports = dict(
    allow_failed_imports=False, imports=[
        'mmpose_wass',
    ])
data_mode = 'topdown'
dataset_type = 'Face300WDataset'
default_hooks = dict(
    badcase=dict(
        _scope_='mmpose',
        badcase_thr=5,
        enable=False,
        metric_type='loss',
        out_dir='badcase',
        type='BadCaseAnalysisHook'),
    checkpoint=dict(
        _scope_='mmpose',
        interval=1,
        max_keep_ckpts=1,
        rule=None,
        save_best=None,
        type='CheckpointHook'),
    logger=dict(_scope_='mmpose', interval=50, type='LoggerHook'),
    param_scheduler=dict(_scope_='mmpose', type='ParamSchedulerHook'),
    sampler_seed=dict(_scope_='mmpose', type='DistSamplerSeedHook'),
    timer=dict(_scope_='mmpose', type='IterTimerHook'),
    visualization=dict(
        _scope_='mmpose', enable=False, type='PoseVisualizationHook'))
default_scope = 'mmpose'
env_cfg = dict(
    cudnn_benchmark=False,
    dist_cfg=dict(backend='nccl'),
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
log_level = 'INFO'
log_processor = dict(
    _scope_='mmpose',
    by_epoch=True,
    num_digits=6,
    type='LogProcessor',
    window_size=50)
model = dict(
    backbone=dict(
        base_channels=28,
        depth=18,
        out_indices=(
            0,
            1,
            2,
            3,
        ),
        stem_channels=28,
        type='ResNet'),
    data_preprocessor=dict(
        bgr_to_rgb=True,
        mean=[
            123.675,
            116.28,
            103.53,
        ],
        std=[
            58.395,
            57.12,
            57.375,
        ],
        type='PoseDataPreprocessor'),
    head=dict(
        conv_kernel_sizes=(1, ),
        conv_out_channels=(128, ),
        decoder=dict(
            coordinates='half_pixel',
            heatmap_size=(
                32,
                32,
            ),
            input_size=(
                128,
                128,
            ),
            sigma=1.0,
            type='BarycenterCodec'),
        deconv_out_channels=None,
        in_channels=420,
        loss=dict(type='JSHeatmapLoss'),
        out_channels=68,
        type='ProbabilityHeatmapHead'),
    neck=dict(concat=True, type='FeatureMapProcessor'),
    test_cfg=dict(flip_mode='heatmap', flip_test=False, shift_heatmap=False),
    train_cfg=dict(compute_acc=False, log_wasserstein=False),
    type='TopdownPoseEstimator')
optim_wrapper = dict(
    optimizer=dict(lr=0.008, type='Adam'), type='AutocastOptimWrapper')
param_scheduler = [
    dict(begin=0, by_epoch=False, end=100, start_factor=0.01, type='LinearLR'),
    dict(
        begin=0,
        by_epoch=True,
        convert_to_iter_based=True,
        end=24,
        eta_min=1e-05,
        type='CosineAnnealingLR'),
]
randomness = dict(seed=0)
test_cfg = dict()
test_dataloader = dict(
    batch_size=64,
    dataset=dict(
        ann_file='annotations/face_landmarks_300w_valid.json',
        data_mode='topdown',
        data_prefix=dict(img='images/'),
        data_root='data/300w/',
        pipeline=[
            dict(type='LoadImage'),
            dict(padding=1.25, type='GetBBoxCenterScale'),
            dict(input_size=(
                128,
                128,
            ), type='TopdownAffine'),
            dict(type='PackPoseInputs'),
        ],
        test_mode=True,
        type='Face300WDataset'),
    drop_last=False,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(round_up=False, shuffle=False, type='DefaultSampler'))
test_evaluator = [
    dict(type='FaceLandmarkMetric'),
    dict(norm_mode='keypoint_distance', type='NME'),
]
train_cfg = dict(by_epoch=True, max_epochs=24, val_interval=2)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        ann_file='annotations/face_landmarks_300w_train.json',
        data_mode='topdown',
        data_prefix=dict(img='images/'),
        data_root='data/300w/',
        pipeline=[
            dict(type='LoadImage'),
            dict(padding=1.25, type='GetBBoxCenterScale'),
            dict(direction='horizontal', prob=0.5, type='RandomFlip'),
            dict(
                rotate_factor=30,
                rotate_prob=0.6,
                scale_factor=(
                    0.75,
                    1.25,
                ),
                shift_prob=0,
                type='RandomBBoxTransform'),
            dict(
                prob=0.3,
                random=True,
                severity=(
                    0.05,
                    0.5,
                ),
                type='SyntheticOcclusion'),
            dict(
                direction='random',
                prob=0.2,
                random=True,
                region=2.2,
                severity=(
                    0.01,
                    0.4,
                ),
                type='SyntheticMotionBlur'),
            dict(
                prob=0.5,
                random=True,
                shift=(
                    0.0,
                    0.1,
                ),
                type='BoxPerturbation'),
            dict(input_size=(
                128,
                128,
            ), type='TopdownAffine'),
            dict(
                encoder=dict(
                    coordinates='half_pixel',
                    heatmap_size=(
                        32,
                        32,
                    ),
                    input_size=(
                        128,
                        128,
                    ),
                    sigma=1.0,
                    type='BarycenterCodec'),
                type='GenerateTarget'),
            dict(type='PackPoseInputs'),
        ],
        type='Face300WDataset'),
    num_workers=0,
    persistent_workers=False,
    sampler=dict(shuffle=True, type='DefaultSampler'))
train_pipeline = [
    dict(type='LoadImage'),
    dict(padding=1.25, type='GetBBoxCenterScale'),
    dict(direction='horizontal', prob=0.5, type='RandomFlip'),
    dict(
        rotate_factor=30,
        rotate_prob=0.6,
        scale_factor=(
            0.75,
            1.25,
        ),
        shift_prob=0,
        type='RandomBBoxTransform'),
    dict(
        prob=0.3,
        random=True,
        severity=(
            0.05,
            0.5,
        ),
        type='SyntheticOcclusion'),
    dict(
        direction='random',
        prob=0.2,
        random=True,
        region=2.2,
        severity=(
            0.01,
            0.4,
        ),
        type='SyntheticMotionBlur'),
    dict(prob=0.5, random=True, shift=(
        0.0,
        0.1,
    ), type='BoxPerturbation'),
    dict(input_size=(
        128,
        128,
    ), type='TopdownAffine'),
    dict(
        encoder=dict(
            coordinates='half_pixel',
            heatmap_size=(
                32,
                32,
            ),
            input_size=(
                128,
                128,
            ),
            sigma=1.5,
            type='BarycenterCodec'),
        type='GenerateTarget'),
    dict(type='PackPoseInputs'),
]
val_cfg = dict()
val_dataloader = dict(
    batch_size=64,
    dataset=dict(
        ann_file='annotations/face_landmarks_300w_valid.json',
        data_mode='topdown',
        data_prefix=dict(img='images/'),
        data_root='data/300w/',
        pipeline=[
            dict(type='LoadImage'),
            dict(padding=1.25, type='GetBBoxCenterScale'),
            dict(input_size=(
                128,
                128,
            ), type='TopdownAffine'),
            dict(type='PackPoseInputs'),
        ],
        test_mode=True,
        type='Face300WDataset'),
    drop_last=False,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(round_up=False, shuffle=False, type='DefaultSampler'))
val_evaluator = [
    dict(type='FaceLandmarkMetric'),
    dict(norm_mode='keypoint_distance', type='NME'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(padding=1.25, type='GetBBoxCenterScale'),
    dict(input_size=(
        128,
        128,
    ), type='TopdownAffine'),
    dict(type='PackPoseInputs'),
]
vis_backends = [
    dict(_scope_='mmpose', type='LocalVisBackend'),
]
visualizer = dict(
    _scope_='mmpose',
    name='visualizer',
    type='PoseLocalVisualizer',
    vis_backends=[
        dict(type='LocalVisBackend'),
    ])
