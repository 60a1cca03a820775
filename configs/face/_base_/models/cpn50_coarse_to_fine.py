# CPN whose coarser levels learn from wider targets. The factors are those of the authors' code:
# Gaussian blurs of 15, 11, 9 and 7 pixels, for which OpenCV takes a sigma of 2.6, 2.0, 1.7 and 1.4.
_base_ = './cpn50.py'

model_part = dict(stage_sigmas=[2.6 / 1.4, 2.0 / 1.4, 1.7 / 1.4, 1.0, 1.0])
