# Gaussian targets with a standard deviation of 2 heatmap pixels.
targets = dict(sigma=2.0)
