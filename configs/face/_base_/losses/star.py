# STAR: the error of the barycentre, forgiving along the map's ambiguous direction.
loss_part = dict(loss=dict(type='STARHeatmapLoss'))
