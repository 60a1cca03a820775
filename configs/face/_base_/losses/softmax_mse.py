# Squared difference of the softmaxed map and the target.
loss_part = dict(loss=dict(type='SoftmaxMSEHeatmapLoss'))
