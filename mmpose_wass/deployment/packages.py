"""Packages that only exporting needs."""
from __future__ import annotations

import importlib
from types import ModuleType

#: What to install. setup.py has the same ranges.
RANGES = dict(onnx='onnx>=1.14,<2', onnxruntime='onnxruntime>=1.16,<2',
              onnxscript='onnxscript>=0.5,<1')


def require(name: str, purpose: str) -> ModuleType:
    """Import an optional package.

    Args:
        name: One of :data:`RANGES`.
        purpose: What needs it.

    Raises:
        ImportError: If it is missing or broken; says how to get it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f'{purpose} needs {name}, which does not import here ({error}). '
                          f'Install it with:\n    pip install "{RANGES[name]}"') from error
