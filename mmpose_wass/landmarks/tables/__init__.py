"""The landmark schemes of MMPose's face data sets and of the paper, as data.

Numbering: the metainfo that MMPose ships (``configs/_base_/datasets``) and the data sets' own
papers. The outer eye corners agree with the default pairs of MMPose's ``NME`` where it has one.
"""
from . import dense, points_68, sparse, whole_body  # noqa: F401  each registers its schemes
