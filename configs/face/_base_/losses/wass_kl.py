# Wasserstein and Kullback-Leibler: for training from random weights, where W alone starts slowly.
loss_part = dict(
    loss=dict(
        type='WeightedSumHeatmapLoss',
        losses=dict(
            wasserstein=dict(type='WassersteinHeatmapLoss', sigma=None),
            kl=dict(type='KLHeatmapLoss'))))
