# Kullback-Leibler divergence: cross-entropy with the target.
loss_part = dict(loss=dict(type='KLHeatmapLoss'))
