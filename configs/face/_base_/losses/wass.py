# The paper's 2D Wasserstein loss.
loss_part = dict(loss=dict(type='WassersteinHeatmapLoss', sigma=None))
