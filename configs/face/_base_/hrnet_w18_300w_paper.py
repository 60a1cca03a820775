# HRNet-W18 on 300W with the training recipe of the paper: MMPose's own model and data set, and
# what its baselines are trained with (HRNet-Facial-Landmark-Detection, whose figures they equal).
_base_ = 'mmpose::face_2d_keypoint/topdown_heatmap/300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256.py'

custom_imports = dict(imports=['mmpose_wass'], allow_failed_imports=False)

codec = dict(
    type='BarycenterCodec',
    input_size=(256, 256),
    heatmap_size=(64, 64),
    sigma=1.0,
    coordinates='half_pixel')

train_cfg = dict(max_epochs=60, val_interval=1)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = [dict(type='MultiStepLR', begin=0, end=60, milestones=[30, 50], gamma=0.1)]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best='face/NME', rule='less', max_keep_ckpts=2))

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
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))

model = dict(
    head=dict(decoder=dict(_delete_=True, **codec)),
    test_cfg=dict(flip_test=False, shift_heatmap=False))

val_evaluator = [
    dict(type='FaceLandmarkMetric'),
    dict(type='NME', norm_mode='keypoint_distance'),
]
test_evaluator = val_evaluator
