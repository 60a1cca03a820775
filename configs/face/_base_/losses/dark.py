# MMPose's DARK: L2 with unbiased targets and decoding by the map's curvature.
loss_part = dict(
    loss=dict(type='KeypointMSELoss', use_target_weight=True),
    codec=dict(type='MSRAHeatmap', unbiased=True, blur_kernel_size=11),
    probability=False)
