"""Compare evaluations: runs on the same faces, differences with intervals, and a report."""
from .alignment import AlignedRuns, align_results
from .differences import compare_systems
from .records import (
    DEFAULT_MEASURES,
    Comparison,
    Difference,
    LandmarkDifference,
    MeasureValue,
    Settings,
)
from .systems import System

__all__ = [
    'AlignedRuns', 'Comparison', 'DEFAULT_MEASURES', 'Difference', 'LandmarkDifference',
    'MeasureValue', 'Settings', 'System', 'align_results', 'compare_systems'
]
