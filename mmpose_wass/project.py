"""Where this project's configs and tools lie: beside the package in a repository, or in its
``.mim`` folder, where OpenMMLab's packages keep theirs, in an installed wheel."""
from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
#: Whether this is a repository (or an unpacked source distribution), with documents and results.
IN_REPOSITORY = (_PACKAGE.parent / 'configs' / 'face').is_dir()
#: Holds ``configs`` and ``tools``.
ROOT = _PACKAGE.parent if IN_REPOSITORY else _PACKAGE / '.mim'
CONFIG_ROOT = ROOT / 'configs' / 'face'
#: Holds ``results`` and ``docs``. A wheel has none: they are then below the working directory.
OUTPUT_ROOT = ROOT if IN_REPOSITORY else Path()


def allow_config_scope() -> None:
    """Let configs say ``_base_ = ['mmpose_wass::face/hrnet_w18_300w_wass.py']``.

    MMEngine knows OpenMMLab's own packages only. Needs this package to be imported before the
    config is read, as ``tools/train.py`` and ``tools/test.py`` do.
    """
    from mmengine.config.utils import MODULE2PACKAGE

    # A module and not the distribution: of an editable one MMEngine would look into site-packages,
    # of a module it takes the folder.
    MODULE2PACKAGE.setdefault('mmpose_wass', __name__)
