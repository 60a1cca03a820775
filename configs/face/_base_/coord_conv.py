# CoordConv in place of every convolution, as the paper's "CC".
coord_conv = dict()
