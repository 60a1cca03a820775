# Gaussian targets with a standard deviation of 1.5 heatmap pixels.
targets = dict(sigma=1.5)
