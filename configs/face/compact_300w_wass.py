# The compact model on real faces: Wasserstein + KL loss, barycentre decoding.
_base_ = './_base_/compact_128x128.py'
