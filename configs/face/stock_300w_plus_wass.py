# The smallest change that turns the loss on: a stock MMPose config, its stock head and its stock
# targets, with the Wasserstein loss and barycentre decoding. `tools/train.py CONFIG --wass`
# changes more of it for the better (sub-pixel targets, flip test on probabilities, metrics).
_base_ = 'mmpose::face_2d_keypoint/topdown_heatmap/300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256.py'

custom_imports = dict(imports=['mmpose_wass'], allow_failed_imports=False)

model = dict(
    head=dict(
        loss=dict(_delete_=True, type='WassersteinHeatmapLoss'),
        decoder=dict(
            _delete_=True,
            type='BarycenterCodec',
            input_size=(256, 256),
            heatmap_size=(64, 64),
            sigma=1.5,
            coordinates='mmpose')),  # where the stock targets are drawn
    test_cfg=dict(flip_test=False),  # with these coordinates it would bias the barycentre
    train_cfg=dict(compute_acc=False))  # a PCK that means nothing for logits

# The metrics are a change of their own: drop these lines to keep NME alone.
val_evaluator = [dict(type='FaceLandmarkMetric'), dict(type='NME', norm_mode='keypoint_distance')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='face/NME'))
