"""Robust facial landmark detection for MMPose: 2D Wasserstein loss, barycentre decoding, and an
evaluation that shows robustness.

Importing the package (or ``custom_imports=dict(imports=['mmpose_wass'])`` in a config)
registers everything into MMPose's registries.
"""

from .environment import check_environment

check_environment()

from . import codecs, datasets, evaluation, models, ot, visualization  # noqa: E402
from .engine.checkpoint import allow_mmengine_checkpoints  # noqa: E402
from .engine.cross_dataset import apply_cross_dataset  # noqa: E402
from .project import allow_config_scope  # noqa: E402
from .turning_on import attach_metrics, describe_difference, turn_on  # noqa: E402
from .version import __version__  # noqa: E402

# torch >= 2.6 refuses MMEngine's checkpoints otherwise; its safe loading stays on.
allow_mmengine_checkpoints()
allow_config_scope()


def __getattr__(name: str):
    # Inference is for users, not for training: it is not loaded before it is asked for.
    if name == 'FaceLandmarker':
        from .inference import FaceLandmarker
        return FaceLandmarker
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list:
    return sorted({*globals(), *__all__})


__all__ = [
    'FaceLandmarker', '__version__', 'apply_cross_dataset', 'attach_metrics', 'codecs', 'datasets',
    'describe_difference', 'evaluation', 'models', 'ot', 'turn_on', 'visualization'
]
