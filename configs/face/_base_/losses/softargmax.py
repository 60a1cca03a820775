# Soft arg max: distance of the map's barycentre from the landmark (Table 10).
loss_part = dict(loss=dict(type='SoftArgmaxLoss'))
