"""Losses and heads, registered into MMPose's ``MODELS``."""

from .heads import *  # noqa: F403
from .losses import *  # noqa: F403
