# Heatmap L2 on targets of peak 1, arg max decoding: the baseline, in MMPose's own head.
loss_part = dict(
    loss=dict(type='KeypointMSELoss', use_target_weight=True),
    codec=dict(target='peak', sampling='argmax', normalization='sum'),
    probability=False)
