"""Check of what the plugin stands on, with the command that mends it."""
from __future__ import annotations

import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple, Optional

from packaging.version import Version

MMCV_BUILD = ('pip uninstall -y mmcv mmcv-lite; MMCV_WITH_OPS=1 pip install --no-build-isolation '
              '--no-cache-dir "mmcv>=2.0.1,<2.2"   # builds its compiled ops, some minutes')
LOWEST_PYTHON = '3.10'


class Requirement(NamedTuple):
    """A package, the versions that work (``lowest`` <= v < ``limit``) and how to get it."""

    package: str
    lowest: str
    limit: Optional[str]
    remedy: str


REQUIREMENTS = (
    # mmcv < 2.2 does not compile against the headers of torch 2.14.
    Requirement('torch', '2.1', '2.14', 'pip install "torch>=2.1,<2.14" torchvision\n    '
                + MMCV_BUILD),
    Requirement('mmengine', '0.9', '1.0', 'pip install "mmengine>=0.9,<1"'),
    Requirement('mmcv', '2.0.1', '2.2', MMCV_BUILD),
    Requirement('mmdet', '3.0', '3.4', 'pip install "mmdet>=3.0,<3.4"'),
    Requirement('mmpose', '1.2', '2.0', 'pip install --no-build-isolation "mmpose>=1.2,<2"'),
)


def check_environment() -> None:
    """Raise an ``ImportError`` that names what is missing or too old, and the remedy.

    Raises:
        ImportError: With one line a problem.
    """
    problems = []
    if Version(platform.python_version()) < Version(LOWEST_PYTHON):
        problems.append(
            f'- Python {platform.python_version()} is too old (>= {LOWEST_PYTHON} is needed). Mend '
            'it with:\n    python3.11 -m venv venv   # and install all of docs/install.md there')
    for requirement in REQUIREMENTS:
        problem = _problem(requirement)
        if problem:
            problems.append(f'- {problem}. Mend it with:\n    {requirement.remedy}')
    if not problems:
        try:
            import_module('mmcv.ops')
        except ImportError as error:
            problems.append(f"- mmcv lacks its compiled ops ({error}), which MMPose's models need. "
                            f'Mend it with:\n    {MMCV_BUILD}')
    if problems:
        raise ImportError('mmpose_wass cannot run in this environment:\n' + '\n'.join(problems))


def _problem(requirement: Requirement) -> Optional[str]:
    try:
        found = version(requirement.package)
    except PackageNotFoundError:
        return f'{requirement.package} is not installed'
    if Version(found) < Version(requirement.lowest):
        return f'{requirement.package} {found} is too old (>= {requirement.lowest} is needed)'
    if requirement.limit and Version(found) >= Version(requirement.limit):
        return f'{requirement.package} {found} is too new (< {requirement.limit} is needed)'
    return None
