# Wasserstein and Jensen-Shannon: the distance to the target, and a sharp map.
loss_part = dict(
    loss=dict(
        type='WeightedSumHeatmapLoss',
        losses=dict(
            wasserstein=dict(type='WassersteinHeatmapLoss', sigma=None),
            js=dict(type='JSHeatmapLoss'))))
