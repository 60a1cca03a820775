# MMPose's adaptive wing loss, on the targets and the head of L2.
loss_part = dict(
    loss=dict(type='AdaptiveWingLoss', use_target_weight=True),
    codec=dict(target='peak', sampling='argmax', normalization='sum'),
    probability=False)
