# Gaussian targets with a standard deviation of 1 heatmap pixels.
targets = dict(sigma=1.0)
