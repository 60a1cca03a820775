# Jensen-Shannon divergence of the softmaxed map and the target (Table 10).
loss_part = dict(loss=dict(type='JSHeatmapLoss'))
