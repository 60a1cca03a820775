# Gaussian targets with a standard deviation of 3 heatmap pixels.
targets = dict(sigma=3.0)
