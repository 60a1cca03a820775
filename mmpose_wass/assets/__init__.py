"""The model that comes with the package; ``docs/model_card.md`` says what it can and cannot do."""
from __future__ import annotations

from pathlib import Path
from typing import Tuple

_FOLDER = Path(__file__).parent


def default_model() -> Tuple[str, str]:
    """Config and checkpoint of the shipped model: 68 landmarks of 300W, 128x128 input.

    Returns:
        tuple[str, str]: Paths of both files.

    Raises:
        FileNotFoundError: If the installation lacks one.
    """
    files = _FOLDER / 'face68_compact.py', _FOLDER / 'face68_compact.pth'
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f'{file} is missing: this installation of mmpose_wass is not '
                                    'whole. Install it again')
    return str(files[0]), str(files[1])
