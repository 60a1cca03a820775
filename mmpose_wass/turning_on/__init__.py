"""Turn the method on in any MMPose top-down heatmap config."""

from .difference import describe_difference
from .metrics import attach_metrics
from .rewrite import turn_on

__all__ = ['attach_metrics', 'describe_difference', 'turn_on']
