# Arg max with a quarter pixel towards the larger neighbour (the paper's GET_MAX).
sampling = dict(sampling='argmax')
